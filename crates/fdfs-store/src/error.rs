//! What can go wrong with a store, and which status byte a client gets for it.

use std::io;
use std::path::{Path, PathBuf};

use fdfs_proto::Status;

use crate::slot::SlotError;

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused a call.
    #[error("{action} {}: {source}", path.display())]
    Disk {
        /// What was being done, as a verb.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file of that name exists already.
    #[error("{} exists already", path.display())]
    Exists {
        /// The name that is taken.
        path: PathBuf,
    },
    /// The name is that of a directory, a device or a pipe.
    #[error("{} is not a regular file", path.display())]
    NotRegular {
        /// What is not a regular file.
        path: PathBuf,
    },
    /// A slot of a trunk file cannot be used.
    #[error("{} at {offset}: {error}", path.display())]
    Slot {
        /// The trunk file.
        path: PathBuf,
        /// Where the slot begins, in bytes.
        offset: u32,
        /// Why.
        error: SlotError,
    },
    /// A state file cannot be what it should be.
    #[error("{}: {what}", path.display())]
    Corrupt {
        /// The state file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A store path carries the mark of another server, or of another of our paths.
    #[error(
        "store path {} belongs to {owner}: its mark differs from the one this storage wrote; \
         mount the right disk, or remove {}/data/.fastdfs_vars if the disk was moved here on purpose",
        path.display(), path.display()
    )]
    ForeignMark {
        /// The store path.
        path: PathBuf,
        /// Whose mark it is, as far as it can be read.
        owner: String,
    },
}

impl StoreError {
    /// The status byte for a client.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Disk { source, .. } => Status::from_io(source),
            Self::Exists { .. } => Status::EEXIST,
            Self::Slot { error, .. } => error.status(),
            Self::NotRegular { .. } => Status::EISDIR,
            Self::Corrupt { .. } => Status::EIO,
            Self::ForeignMark { .. } => Status::EINVAL,
        }
    }

    /// Whether the file simply is not there: expected, not worth a line in the log at every level.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Disk { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Adds what was being done, and with which file, to an I/O error.
pub(crate) trait At<T> {
    /// `root` and `name` are joined only when there is an error.
    fn at(self, action: &'static str, root: &Path, name: &str) -> Result<T, StoreError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, root: &Path, name: &str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Disk {
            action,
            path: if name.is_empty() { root.to_owned() } else { root.join(name) },
            source,
        })
    }
}
