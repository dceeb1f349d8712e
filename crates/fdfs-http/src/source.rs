//! Where the bytes of an answer come from.

use std::sync::Arc;

use fdfs_net::Permits;
use fdfs_store::StoredFile;

use crate::site::RemoteFile;

/// A file of a store path.
#[derive(Debug)]
pub struct DiskFile {
    /// The open file.
    pub file: StoredFile,
    /// Who may read it: a disk that hangs must not take all workers.
    pub permits: Permits,
}

/// Where the bytes of a file come from.
#[derive(Debug)]
pub enum Source {
    /// A store path of this host.
    Disk(Box<DiskFile>),
    /// Memory.
    Memory(Arc<[u8]>),
    /// Another storage, over its own protocol.
    Remote(Box<RemoteFile>),
}

impl Source {
    /// Whether nobody has said yet that the file is there: its id says how long it is.
    #[must_use]
    pub const fn is_promised(&self) -> bool {
        matches!(self, Self::Remote(file) if file.is_promised())
    }
}

/// A file that was found.
#[derive(Debug)]
pub struct Found {
    /// Its bytes.
    pub source: Source,
    /// How many.
    pub len_bytes: u64,
    /// When it changed last, unix seconds; of a file that never changes nobody looks at it.
    pub modified_unix_secs: i64,
}
