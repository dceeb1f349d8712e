//! Why a file gets no space in a trunk file. None of it is a reason to fail an upload: the file goes on its own then.

use std::net::SocketAddr;
use std::sync::Arc;

use fdfs_net::NetError;
use fdfs_proto::Status;
use fdfs_store::StoreError;

/// Why a file gets no space in a trunk file.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TrunkError {
    /// The cluster has no trunk files, or the file is none that goes into one.
    #[error("trunk files are not used")]
    Off,
    /// The leader of the trackers has named no trunk server.
    #[error("no trunk server is known")]
    NoServer,
    /// This storage is not the trunk server, or not yet ready to be it.
    #[error("this storage does not give out space in trunk files now")]
    NotReady,
    /// Too many requests wait for the trunk server.
    #[error("{waiting} requests wait for the trunk server already")]
    Busy {
        /// How many.
        waiting: usize,
    },
    /// The block is not on hold: it was confirmed before, or the hold ended.
    #[error("the block is not on hold")]
    NotHeld,
    /// The block is free already.
    #[error("the block is free already")]
    AlreadyFree,
    /// The request asks for what no trunk file can have.
    #[error("bad request for trunk space: {what}")]
    Invalid {
        /// What is wrong with it.
        what: &'static str,
    },
    /// No trunk file can be made.
    #[error("no room for another trunk file on store path {store_path_index}")]
    NoSpace {
        /// Index of the store path.
        store_path_index: u8,
    },
    /// The trunk server refused.
    #[error("trunk server {server} answered {status}")]
    Refused {
        /// Where it is.
        server: SocketAddr,
        /// Its answer.
        status: Status,
    },
    /// The trunk server did not answer; what it did is not known.
    #[error("trunk server: {0}")]
    Net(Arc<NetError>),
    /// The trunk server cannot be reached; it was not asked.
    #[error("trunk server {0} cannot be reached")]
    Unreachable(SocketAddr),
    /// The trunk server's answer cannot be read.
    #[error("trunk server {0} answered nonsense")]
    Nonsense(SocketAddr),
    /// The disk of the trunk server refused.
    #[error(transparent)]
    Disk(Arc<StoreError>),
    /// What was written could not be made durable.
    #[error(transparent)]
    Flush(#[from] crate::flusher::FlushError),
}

impl From<StoreError> for TrunkError {
    fn from(error: StoreError) -> Self {
        Self::Disk(Arc::new(error))
    }
}

impl From<NetError> for TrunkError {
    fn from(error: NetError) -> Self {
        Self::Net(Arc::new(error))
    }
}

impl TrunkError {
    /// The status byte of an answer, as the reference gives it.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Off | Self::NotReady | Self::Invalid { .. } => Status::EINVAL,
            Self::NoServer | Self::Busy { .. } => Status::EAGAIN,
            Self::NotHeld => Status::ENOENT,
            Self::AlreadyFree => Status::EEXIST,
            Self::NoSpace { .. } => Status::ENOSPC,
            Self::Refused { status, .. } => *status,
            Self::Net(e) => e.status(),
            Self::Unreachable(_) => Status::ECONNREFUSED,
            Self::Nonsense(_) => Status::EINVAL,
            Self::Disk(e) => e.status(),
            Self::Flush(_) => Status::EIO,
        }
    }
}
