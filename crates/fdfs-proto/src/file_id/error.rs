//! Why a text is no file name.

use crate::{Status, WireError};

/// Why a text is no file id or logic file name, or why no name can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The characters or the length are wrong.
    #[error(transparent)]
    Text(#[from] WireError),
    /// A file id without a group in front.
    #[error("{text:?} has no group: a file id is GROUP/Mxx/HH/HH/NAME")]
    NoGroup {
        /// The text.
        text: String,
    },
    /// The logic name is too short to name a file.
    #[error("a file name of {len} bytes, at least {min}")]
    TooShort {
        /// Its length in bytes.
        len: usize,
        /// The least length in bytes.
        min: usize,
    },
    /// It begins with `M`, but not with `Mxx/`.
    #[error("{name}: no store path, Mxx/ in hex")]
    BadStorePath {
        /// The name.
        name: String,
    },
    /// The store path is not one of the storage's.
    #[error("store path {index}: this storage has {count}")]
    NoStorePath {
        /// The index in the name.
        index: u8,
        /// How many store paths there are.
        count: usize,
    },
    /// The sub directories are not `HH/HH/` in upper-case hex.
    #[error("{name}: no sub directories, HH/HH/ in upper-case hex")]
    BadSubdirs {
        /// The name.
        name: String,
    },
    /// A further `/`, or a last part that names a directory.
    #[error("{name}: its last part is no plain file name")]
    NotPlain {
        /// The name.
        name: String,
    },
    /// A slave name without prefix.
    #[error("a slave file needs a prefix")]
    NoPrefix,
    /// Prefix `-m` without extension: this is how metadata files are named.
    #[error("prefix -m without an extension is the name of the master's metadata")]
    MetadataName,
}

impl NameError {
    /// The status byte for a peer that sent such a name: always `EINVAL`.
    #[must_use]
    pub const fn status(&self) -> Status {
        Status::EINVAL
    }
}
