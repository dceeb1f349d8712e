//! Why a tracker does not start, and why it refuses a request.

use std::io;

use fdfs_conf::ConfError;
use fdfs_core::tracker::leader::Refusal;
use fdfs_core::tracker::{ClusterError, HostPort, IdTableError};
use fdfs_daemon::BindError;
use fdfs_http::start::HttpStartError;
use fdfs_proto::{Status, WireError};
use fdfs_store::StoreError;

/// Why a tracker does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// storage_ids.conf cannot be used.
    #[error(transparent)]
    Ids(#[from] ConfError),
    /// storage_ids.conf contradicts itself, once its host names are addresses.
    #[error("{file}: {source}")]
    IdTable {
        /// The file.
        file: String,
        /// Why.
        source: IdTableError,
    },
    /// The folder of the state files cannot be used.
    #[error(transparent)]
    State(#[from] StoreError),
    /// The port could not be opened.
    #[error(transparent)]
    Listen(#[from] BindError),
    /// HTTP cannot be served.
    #[error(transparent)]
    Http(#[from] HttpStartError),
    /// The operating system gives no threads or no runtime.
    #[error("start threads: {0}")]
    Threads(#[source] io::Error),
}

impl StartError {
    /// The exit code: an errno, as the reference gives.
    #[must_use]
    pub fn errno(&self) -> u8 {
        match self {
            Self::Ids(error) => error.status().0,
            Self::IdTable { source: IdTableError::Empty, .. } => Status::ENOENT.0,
            Self::IdTable { source: IdTableError::BadId { .. }, .. } => Status::EINVAL.0,
            Self::IdTable { .. } => Status::EEXIST.0,
            Self::State(error) => error.status().0,
            Self::Listen(error) => error.errno(),
            Self::Http(error) => error.errno(),
            Self::Threads(error) => Status::from_io(error).0,
        }
    }
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// No command, or none that a tracker serves.
    #[error("command {number} is not for trackers")]
    UnknownCommand { number: u8 },
    /// The body is not what the command asks for.
    #[error("body: {0}")]
    Body(#[from] WireError),
    /// As above, for the one command with a status of its own.
    #[error("body: {error}")]
    BodyWithStatus { error: WireError, status: Status },
    /// The cluster refuses.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The changelog is asked for in one way on joined connections and in another way on others.
    #[error("the body must name a storage exactly when the connection has not joined")]
    ChangelogForm,
    /// The answer does not fit `max_buff_size`.
    #[error("the answer has {len} bytes, max_buff_size allows {max}")]
    AnswerTooLong { len: usize, max: usize, status: Status },
    /// What must be durable before the answer could not be written.
    #[error("not saved: {0}")]
    NotSaved(Status),
    /// A tracker that no storage ever named.
    #[error("{0} is no known tracker")]
    UnknownTracker(HostPort),
    /// The tracker joined on this connection before.
    #[error("this connection has joined the leader already")]
    FollowerTwice,
    /// A ping on a connection that did not join the leader.
    #[error("a ping without a join")]
    NotFollower,
    /// This tracker does not support the leader named (66, 67), or does not lead (68).
    #[error("not done about the leader: {0:?}")]
    Leader(Refusal),
    /// Another tracker is copying the system files.
    #[error("another tracker is copying the system files")]
    SysFilesLent,
    /// A piece of a system file behind its end.
    #[error("offset {offset}: the file has {len} bytes")]
    SysFileOffset { offset: u64, len: u64 },
    /// No storage could become the trunk server.
    #[error("no storage can become the trunk server now")]
    NoTrunkServer,
}

impl RequestError {
    /// The status byte of the answer. The connection stays open whatever it is.
    pub(crate) const fn status(&self) -> Status {
        match self {
            Self::UnknownCommand { .. }
            | Self::Body(_)
            | Self::ChangelogForm
            | Self::NotFollower
            | Self::Leader(Refusal::Taken | Refusal::NotAnnounced)
            | Self::SysFileOffset { .. } => Status::EINVAL,
            Self::BodyWithStatus { status, .. } | Self::AnswerTooLong { status, .. } | Self::NotSaved(status) => {
                *status
            }
            Self::Cluster(error) => error.status(),
            Self::UnknownTracker(_) | Self::Leader(Refusal::Unknown) | Self::NoTrunkServer => Status::ENOENT,
            Self::Leader(Refusal::NotLeader) => Status::EOPNOTSUPP,
            Self::FollowerTwice => Status::EEXIST,
            Self::SysFilesLent | Self::Leader(Refusal::TooYoung) => Status::EBUSY,
        }
    }
}
