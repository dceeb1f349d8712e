//! Where the files of a lost store path can be had.

use fdfs_net::CallOptions;
use fdfs_proto::cmd::tracker::{ListStorages, StorageList};
use fdfs_proto::shared::StorageStatus;

use super::error::RecoveryError;
use crate::link::ask::ask;
use crate::link::{LinkError, TrackerDialer};
use crate::peers::Peer;
use crate::storage::Storage;

/// What the group is for a storage that lost a store path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// It has no other storage.
    Alone,
    /// It takes this storage for a new one, which gets all files by replication.
    NoMember,
    /// It has others, and this storage has this status.
    Member(StorageStatus),
}

/// Asks the trackers, the first that answers.
pub(super) async fn group(storage: &Storage) -> Result<Group, RecoveryError> {
    let dialer = TrackerDialer::of(&storage.conf);
    let request = ListStorages { group: storage.group, id: None };
    let mut last = LinkError::NoTracker;
    for (_, tracker) in &storage.trackers.all() {
        let asked = async {
            let mut caller = dialer.connect(tracker).await?;
            ask(&mut caller, &request, StorageList::decode).await
        };
        match asked.await {
            Ok(list) => return Ok(judge(storage, &list)),
            Err(e) => last = e,
        }
    }
    Err(last.into())
}

fn judge(storage: &Storage, list: &StorageList) -> Group {
    let own_id = storage.identity.storage_id();
    let is_living = |status| !matches!(status, StorageStatus::Deleted | StorageStatus::IpChanged);
    let mut others = list.storages.iter().filter(|other| other.id != own_id && is_living(other.status));
    let own = list.storages.iter().find(|other| other.id == own_id).map(|own| own.status);
    match own {
        _ if others.next().is_none() => Group::Alone,
        None | Some(StorageStatus::Init | StorageStatus::Deleted | StorageStatus::IpChanged) => Group::NoMember,
        Some(status) => Group::Member(status),
    }
}

/// All peers that can be asked for files now, waiting for the first. The list begins elsewhere for each `turn`.
pub(super) async fn active_peers(storage: &Storage, turn: usize) -> Vec<Peer> {
    let mut watch = storage.peers.watch();
    let is_active = |peer: &&Peer| peer.status == StorageStatus::Active;
    loop {
        let mut peers: Vec<Peer> = watch.borrow_and_update().iter().filter(is_active).copied().collect();
        if !peers.is_empty() {
            let start = turn % peers.len();
            peers.rotate_left(start);
            return peers;
        }
        if watch.changed().await.is_err() {
            // The list lives as long as the storage.
            std::future::pending::<()>().await;
        }
    }
}

/// How peers are called.
pub(super) fn call_options(storage: &Storage) -> CallOptions {
    TrackerDialer::of(&storage.conf).options()
}
