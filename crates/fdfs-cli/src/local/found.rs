//! A file that was found in a store path.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use fdfs_client::{FileId, Kind};

/// A file that was found in a store path.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: FileId,
    pub(super) path: PathBuf,
    pub(super) what: What,
    pub(super) size_bytes: u64,
    /// Unix seconds.
    pub(super) changed: i64,
    /// When its name was made, unix seconds.
    pub(super) named: i64,
    /// Where its slot begins in the trunk file `path`, in bytes; `None`: it is a file of its own.
    pub(super) slot_offset: Option<u32>,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum What {
    /// A file that never changes
    Regular,
    /// A file that can grow and change
    Appender,
    /// A file beside its master
    Slave,
    /// A second name for another file
    Link,
}

impl What {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Appender => "appender",
            Self::Slave => "slave",
            Self::Link => "link",
        }
    }
}

impl Found {
    /// `None`: metadata, a trunk file, an unfinished upload or something foreign; or it is gone already.
    pub(super) fn of(id: &str, path: PathBuf) -> Option<Self> {
        // No file can be called so: the name is that of its master's metadata.
        if id.ends_with("-m") {
            return None;
        }
        let id: FileId = id.parse().ok()?;
        let name = id.logic_name().ok()?;
        let named = i64::from(name.fields()?.created);
        let facts = path.symlink_metadata().ok()?;
        let what = match name.kind() {
            _ if facts.is_symlink() => What::Link,
            _ if !facts.is_file() => return None,
            Kind::Regular => What::Regular,
            Kind::Appender => What::Appender,
            // The name of a place in a trunk file, but a file of its own: a slave with a short prefix.
            Kind::Slave | Kind::Trunk => What::Slave,
        };
        Some(Self { id, path, what, size_bytes: facts.len(), changed: facts.mtime(), named, slot_offset: None })
    }
}
