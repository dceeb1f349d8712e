//! What can go wrong between this storage and a tracker.

use std::net::SocketAddr;

use fdfs_net::NetError;
use fdfs_net::resolve::ResolveError;
use fdfs_proto::{Status, WireError};
use fdfs_store::StoreError;

/// What can go wrong between this storage and a tracker.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The tracker's name has no address.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The tracker has no address at all.
    #[error("tracker {tracker} has no address")]
    NoAddress {
        /// The tracker as configured.
        tracker: String,
    },
    /// No tracker is configured.
    #[error("no tracker to ask")]
    NoTracker,
    /// The connection failed.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The tracker refused a request.
    #[error("tracker {tracker} answered {command} with {status}{}", hint(command, *status))]
    Refused {
        /// The tracker.
        tracker: SocketAddr,
        /// The command's name.
        command: &'static str,
        /// Its answer.
        status: Status,
    },
    /// The tracker's answer cannot be read.
    #[error("tracker {tracker} answered {command} with nonsense: {source}")]
    Nonsense {
        /// The tracker.
        tracker: SocketAddr,
        /// The command's name.
        command: &'static str,
        /// What is wrong with it.
        source: WireError,
    },
    /// What was learnt could not be kept on disk.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LinkError {
    /// Whether the tracker refused with this status.
    #[must_use]
    pub fn is_refusal(&self, wanted: Status) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == wanted)
    }

    /// Whether it is nothing to worry about: the tracker will answer otherwise once the others are up, or this storage has
    /// joined anew.
    #[must_use]
    pub fn is_later(&self) -> bool {
        matches!(self, Self::Refused { command: "STORAGE_JOIN", status: Status::EAGAIN, .. })
            || self.is_refusal(Status::EACCES)
    }
}

/// What an operator can do about a refusal.
fn hint(command: &str, status: Status) -> &'static str {
    match (command, status) {
        ("STORAGE_REPORT_IP_CHANGED", Status::EBUSY) => "; it takes the old address for alive",
        ("STORAGE_JOIN", Status::EAGAIN) => "; it waits for the other trackers to come up",
        ("STORAGE_JOIN", Status::EFAULT) => "; it does not know this storage, which says that it is not new",
        ("STORAGE_JOIN", Status::ENOENT) => "; is this storage in its storage_ids.conf, with this address and port?",
        ("STORAGE_JOIN", Status::EINVAL) => {
            "; port, store_path_count and subdir_count_per_path must be those of the other storages of the group"
        }
        _ => "",
    }
}
