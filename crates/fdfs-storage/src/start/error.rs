//! Why a storage does not start: what, where, and what to do about it.

use std::io;
use std::path::PathBuf;

use fdfs_daemon::BindError;
use fdfs_http::start::HttpStartError;
use fdfs_log::LogError;
use fdfs_proto::Status;
use fdfs_store::StoreError;

use super::mounts::EmptyBecause;

/// Why a storage does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A store path's folder does not exist.
    #[error("store_path{index} = {}: no such directory; is the disk mounted?", path.display())]
    NoStorePath {
        /// Its index.
        index: u8,
        /// The folder.
        path: PathBuf,
    },
    /// A store path that held files is empty.
    #[error(
        "store_path{index} = {}: it is empty, but this storage has kept files there, and {because}; is the disk mounted? \
         If the disk was replaced, say so with an empty file {}/data/.recovery.flag: the path is then refilled from the \
         other storages, as far as they have its files",
        path.display(), path.display()
    )]
    EmptyStorePath {
        /// Its index.
        index: u8,
        /// The folder.
        path: PathBuf,
        /// Why it is not refilled.
        because: EmptyBecause,
    },
    /// A store path of this very storage, and no state that knows of it.
    #[error(
        "store_path{index} = {} bears the mark of this storage, and base_path has no state that knows of it: mount the disk of \
         base_path, or restore its data from a copy; if it is lost for good, remove {}/data/.fastdfs_vars and join as a new \
         storage: what was not sent to the others yet is then on this disk alone",
        path.display(), path.display()
    )]
    StateIsGone {
        /// Its index.
        index: u8,
        /// The folder.
        path: PathBuf,
    },
    /// A disk refused, or holds what it should not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The port could not be opened.
    #[error(transparent)]
    Listen(#[from] BindError),
    /// HTTP cannot be served.
    #[error(transparent)]
    Http(#[from] HttpStartError),
    /// The operating system gives no threads or no runtime.
    #[error("start threads: {0}")]
    Threads(#[source] io::Error),
    /// A log file could not be opened.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The configuration cannot work.
    #[error("configuration: {what}")]
    Conf {
        /// What is wrong and what would be right.
        what: String,
    },
    /// The trackers know of this storage what cannot be.
    #[error("tracker {tracker}: {what}")]
    Tracker {
        /// Which tracker said so.
        tracker: String,
        /// What it said, and what to do.
        what: String,
    },
    /// It was told to stop before it had started.
    #[error("stopped before the start was complete")]
    Stopped,
}

impl StartError {
    /// The exit code: an errno, as the reference gives.
    #[must_use]
    pub fn errno(&self) -> u8 {
        match self {
            Self::NoStorePath { .. } => Status::ENOENT.0,
            Self::EmptyStorePath { .. } | Self::StateIsGone { .. } | Self::Conf { .. } | Self::Tracker { .. } => {
                Status::EINVAL.0
            }
            Self::Store(e) => e.status().0,
            Self::Listen(e) => e.errno(),
            Self::Http(e) => e.errno(),
            Self::Threads(e) => Status::from_io(e).0,
            Self::Log(LogError::Directory { source, .. } | LogError::Open { source, .. }) => Status::from_io(source).0,
            Self::Stopped => Status::ECANCELED.0,
        }
    }
}
