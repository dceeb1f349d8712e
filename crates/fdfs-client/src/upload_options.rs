//! Where an upload goes and what goes with it.

use std::net::SocketAddr;

use fdfs_proto::{ExtName, GroupName};

use crate::{Metadata, Progress};

/// Where an upload goes and what goes with it. By default the tracker chooses all.
///
/// ```
/// use fdfs_client::{Metadata, UploadOptions};
///
/// let options = UploadOptions::new()
///     .group("group1".parse()?)
///     .ext("tar.gz".parse()?)
///     .metadata(Metadata::new().with("made by", "backup"));
/// # Ok::<(), fdfs_client::WireError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct UploadOptions {
    pub(crate) group: Option<GroupName>,
    pub(crate) storage: Option<SocketAddr>,
    pub(crate) store_path_index: Option<u8>,
    pub(crate) ext: Option<ExtName>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) appender: bool,
    pub(crate) progress: Progress,
}

impl UploadOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The group; else the tracker chooses one.
    #[must_use]
    pub const fn group(mut self, group: GroupName) -> Self {
        self.group = Some(group);
        self
    }

    /// The storage; no tracker is asked then, and no other storage is tried.
    #[must_use]
    pub const fn storage(mut self, storage: SocketAddr) -> Self {
        self.storage = Some(storage);
        self
    }

    /// The store path, counted from 0; else the tracker chooses one, or the storage where no tracker is asked.
    #[must_use]
    pub const fn store_path_index(mut self, index: u8) -> Self {
        self.store_path_index = Some(index);
        self
    }

    /// The extension of the file's name, without the dot. A file's own extension is taken if none is given here.
    #[must_use]
    pub const fn ext(mut self, ext: ExtName) -> Self {
        self.ext = Some(ext);
        self
    }

    /// Metadata to set after the upload. If that fails, the file is deleted again.
    #[must_use]
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Makes an appender file (23): one that can grow and change ([`Client::append`](crate::Client::append)).
    #[must_use]
    pub const fn appender(mut self, appender: bool) -> Self {
        self.appender = appender;
        self
    }

    /// Who is told how many bytes are sent.
    #[must_use]
    pub fn progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }
}
