//! How storages come into a group, leave it and come back, and what each hears of the others.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

use fdfs_proto::shared::StorageStatus;
use fdfs_storage::link::questions::{report_status, sync_source_of};
use fdfs_testkit::{Cluster, wait_for};

/// The peers of a storage as it sees them: `address status`.
fn peers(cluster: &Cluster, index: usize) -> Vec<String> {
    let list = cluster.storages[index].inside().peers.watch().borrow().clone();
    list.iter().map(|peer| format!("{} {}", peer.addr, peer.status)).collect()
}

fn wait_for_peers(cluster: &Cluster, index: usize, expected: &[(usize, StorageStatus)]) {
    let line = |(of, status): &(usize, StorageStatus)| format!("{} {status}", cluster.storages[*of].addr());
    let expected: Vec<String> = expected.iter().map(line).collect();
    wait_for(&format!("storage {index} to see {expected:?}"), || (peers(cluster, index) == expected).then_some(()));
}

#[test]
fn storages_know_their_peers_by_address_and_by_id() {
    for builder in [Cluster::builder(), Cluster::builder().storage_ids(&[])] {
        let mut cluster = builder.group("group1", 2).group("group2", 1).start();
        wait_for_peers(&cluster, 0, &[(1, StorageStatus::Active)]);
        wait_for_peers(&cluster, 1, &[(0, StorageStatus::Active)]);
        assert_eq!(peers(&cluster, 2), Vec::<String>::new());
        cluster.storages[1].stop();
        wait_for_peers(&cluster, 0, &[(1, StorageStatus::Offline)]);
        cluster.storages[1].start();
        wait_for_peers(&cluster, 0, &[(1, StorageStatus::Active)]);
    }
}

#[test]
fn senders_ask_and_tell_whatever_trackers_there_are() {
    let mut cluster = Cluster::builder().trackers(2).group("group1", 2).start();
    cluster.expect_lost_trackers();
    wait_for_peers(&cluster, 0, &[(1, StorageStatus::Active)]);
    for stopped in [None, Some(0_usize)] {
        if let Some(stopped) = stopped {
            cluster.trackers[stopped].stop();
        }
        let storage = cluster.storages[0].inside();
        let peer = cluster.storages[1].inside().identity.storage_id();
        let answer = cluster.block_on(sync_source_of(storage, peer)).unwrap();
        if stopped.is_none() {
            let source = answer.source.map(|source| source.id);
            assert_eq!(source, Some(storage.identity.storage_id()), "the only one there was");
        }
        cluster.block_on(report_status(storage, peer, StorageStatus::Syncing)).unwrap();
        let unknown = "127.9.9.9".parse().unwrap();
        assert!(cluster.block_on(sync_source_of(storage, unknown)).is_err());
    }
    cluster.trackers[1].stop();
    let storage = cluster.storages[0].inside();
    let peer = cluster.storages[1].inside().identity.storage_id();
    assert!(cluster.block_on(report_status(storage, peer, StorageStatus::Offline)).is_err());
}
