//! How files come in: this crate opens none itself.

use std::collections::BTreeMap;

use fdfs_proto::Status;

/// Why a loader did not deliver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct LoadError {
    /// The errno; `ENOENT` for a file that is not there.
    pub status: Status,
    /// What happened, for people.
    pub what: String,
}

impl LoadError {
    /// The error for an I/O error.
    #[must_use]
    pub fn from_io(error: &std::io::Error) -> Self {
        Self { status: Status::from_io(error), what: error.to_string() }
    }

    /// The error for a file that is not there.
    #[must_use]
    pub fn not_found() -> Self {
        Self { status: Status::ENOENT, what: Status::ENOENT.text().to_owned() }
    }

    /// The error of a loader that knows files only and was asked for a URL.
    #[must_use]
    pub fn no_urls() -> Self {
        Self { status: Status::EOPNOTSUPP, what: "this program loads files, not URLs".to_owned() }
    }
}

/// Delivers the bytes of configuration files.
///
/// A location is a path as it was given or put together from `#include`, or a URL (`http://...`), which a loader may
/// refuse. `file://` has been taken off already. Closures of the same shape are loaders.
pub trait Loader {
    /// The whole content of `location`. A loader should refuse what is larger than [`crate::ini::FILE_BYTES_MAX`].
    ///
    /// # Errors
    /// What the operating system said.
    fn load(&self, location: &str) -> Result<Vec<u8>, LoadError>;
}

impl<F: Fn(&str) -> Result<Vec<u8>, LoadError>> Loader for F {
    fn load(&self, location: &str) -> Result<Vec<u8>, LoadError> {
        self(location)
    }
}

/// A loader whose files are held in memory: for tests, and for clusters that need no files.
#[derive(Debug, Clone, Default)]
pub struct MapLoader {
    files: BTreeMap<String, Vec<u8>>,
}

impl MapLoader {
    /// A loader with one file.
    #[must_use]
    pub fn one(path: &str, content: impl Into<Vec<u8>>) -> Self {
        Self::default().with(path, content)
    }

    /// The same with one more file.
    #[must_use]
    pub fn with(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), content.into());
        self
    }
}

impl Loader for MapLoader {
    fn load(&self, location: &str) -> Result<Vec<u8>, LoadError> {
        self.files.get(location).cloned().ok_or_else(LoadError::not_found)
    }
}
