//! Why a recovery does not go on.

use fdfs_net::NetError;
use fdfs_proto::{Status, StorageId, WireError};
use fdfs_store::StoreError;

use crate::commit::CommitError;
use crate::error::RequestError;
use crate::link::LinkError;

/// Why a recovery does not go on just now.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// A disk refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was restored could not be made durable.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// As [`RecoveryError::Store`], by way of the write path.
    #[error(transparent)]
    Write(#[from] RequestError),
    /// The trackers do not answer.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A peer cannot be reached, or broke off.
    #[error(transparent)]
    Net(#[from] NetError),
    /// A peer refuses.
    #[error("storage {peer} answered {status} to {asked}")]
    Refused {
        /// The peer.
        peer: StorageId,
        /// What it was asked for.
        asked: String,
        /// Its answer.
        status: Status,
    },
    /// A list of files was broken off.
    #[error("the list of files of storage {peer} was broken off: {source}")]
    BrokenList {
        /// The peer.
        peer: StorageId,
        /// How that shows.
        source: WireError,
    },
    /// A line of a list is longer than any can be.
    #[error("the list of files of storage {peer} has a line of more than {max} bytes")]
    EndlessLine {
        /// The peer.
        peer: StorageId,
        /// The longest, in bytes.
        max: usize,
    },
}
