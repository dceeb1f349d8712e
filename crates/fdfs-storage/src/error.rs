//! Why a request is refused, and the one map to the status byte.

use fdfs_core::placement::PlacementError;
use fdfs_net::NetError;
use fdfs_proto::file_id::{LogicName, NameError};
use fdfs_proto::{GroupName, Status, WireError};
use fdfs_store::StoreError;
use fdfs_store::slot::is_trunk_file_name;

use crate::commit::CommitError;
use crate::trunk::TrunkError;

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The body is not what the command needs.
    #[error("malformed request: {0}")]
    Wire(#[from] WireError),
    /// The file name is none that this storage can have.
    #[error("bad file name: {0}")]
    Name(#[from] NameError),
    /// The group is not ours.
    #[error("group {asked:?}: this storage is in group {own:?}")]
    OtherGroup {
        /// The group in the request.
        asked: GroupName,
        /// Ours.
        own: GroupName,
    },
    /// No such command, or none that a storage serves.
    #[error("command {number} is not served by a storage")]
    UnknownCommand {
        /// The command byte.
        number: u8,
    },
    /// A body that is not a file's content is longer than the buffer.
    #[error("command {number}: a body of {len} bytes, at most {max}")]
    BodyTooLong {
        /// The command byte.
        number: u8,
        /// What was announced, in bytes.
        len: u64,
        /// `buff_size`, in bytes.
        max: usize,
    },
    /// The offset lies behind the end of the file.
    #[error("offset {offset}: the file has {len} bytes")]
    OffsetBehindEnd {
        /// The offset.
        offset: u64,
        /// Bytes of the file.
        len: u64,
    },
    /// The file cannot be changed in place: its name says so, or it is no regular file.
    #[error("{name} is no appender file")]
    NotAppender {
        /// The file.
        name: String,
    },
    /// Two files that must be on one store path are not.
    #[error("the master is on store path {index}, the source of the link on {own}")]
    OtherStorePath {
        /// The master's.
        index: u8,
        /// The source's.
        own: u8,
    },
    /// The store path does not exist.
    #[error("store path {index}: this storage has {count}")]
    NoStorePath {
        /// The index in the request.
        index: u8,
        /// How many there are.
        count: usize,
    },
    /// The store path takes no more writes.
    #[error("store path {index} takes no writes: {why}")]
    PathBroken {
        /// Its index.
        index: u8,
        /// What happened.
        why: String,
    },
    /// The store path is being recovered.
    #[error("store path {index} is being recovered")]
    BeingRecovered {
        /// Its index.
        index: u8,
    },
    /// Ten names in a row were taken, which cannot be chance.
    #[error("no free file name found")]
    NoFreeName,
    /// The file has no metadata.
    #[error("{name} has no metadata")]
    NoMetadata {
        /// The file.
        name: String,
    },
    /// A file that came in is not what its name tells.
    #[error("{name}: what came in is not what the name tells")]
    NotAsNamed {
        /// The file.
        name: String,
    },
    /// A whole trunk file can be read, but only its slots are changed.
    #[error("{name} is a trunk file, which is not deleted or replaced as a whole")]
    WholeTrunkFile {
        /// Its name.
        name: String,
    },
    /// Links lead to each other.
    #[error("{name}: too many links")]
    TooManyLinks {
        /// The link where following them ended.
        name: String,
    },
    /// No store path can take the file.
    #[error(transparent)]
    Placement(#[from] PlacementError),
    /// The disk refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The change could not be committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// Space in trunk files is not given out or taken back.
    #[error(transparent)]
    Trunk(#[from] TrunkError),
    /// The connection failed; nobody is left to be answered.
    #[error(transparent)]
    Net(#[from] NetError),
}

impl RequestError {
    /// The status byte of the answer.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Wire(e) => e.status(),
            Self::Name(e) => e.status(),
            Self::OtherGroup { .. }
            | Self::UnknownCommand { .. }
            | Self::BodyTooLong { .. }
            | Self::OffsetBehindEnd { .. }
            | Self::NotAppender { .. }
            | Self::OtherStorePath { .. }
            | Self::NoStorePath { .. } => Status::EINVAL,
            Self::Placement(e) => e.status(),
            Self::PathBroken { .. } => Status::EIO,
            Self::NoFreeName => Status::EEXIST,
            Self::BeingRecovered { .. } => Status::EAGAIN,
            Self::NoMetadata { .. } => Status::ENOENT,
            Self::NotAsNamed { .. } => Status::EIO,
            Self::WholeTrunkFile { .. } => Status::EPERM,
            Self::TooManyLinks { .. } => Status::ELOOP,
            Self::Store(e) => e.status(),
            Self::Commit(e) => e.status(),
            Self::Trunk(e) => e.status(),
            Self::Net(e) => e.status(),
        }
    }

    /// Whether it is the server's trouble rather than the client's mistake: worth an ERROR line.
    #[must_use]
    pub fn is_server_fault(&self) -> bool {
        match self {
            Self::Store(e) => {
                !e.is_not_found() && !matches!(e, StoreError::NotRegular { .. } | StoreError::Exists { .. })
            }
            Self::Trunk(e) => matches!(e, TrunkError::Disk(_) | TrunkError::Flush(_)),
            // A name that is too long for its record is the client's.
            Self::Commit(e) => !matches!(e, CommitError::Record(_)),
            Self::PathBroken { .. } | Self::NoFreeName => true,
            _ => false,
        }
    }
}

/// The name of a whole trunk file is good for reading only.
///
/// Differs from C: the reference removes the trunk file, with all files in it.
///
/// # Errors
/// [`RequestError::WholeTrunkFile`].
pub fn refuse_trunk_file(name: &LogicName) -> Result<(), RequestError> {
    if is_trunk_file_name(name) { Err(RequestError::WholeTrunkFile { name: name.to_string() }) } else { Ok(()) }
}
