//! What clients change at one storage reaches the others of its group.

use std::path::PathBuf;

use crate::support::{id, stored, wait_until_sent};
use fdfs_client::{FileId, MetaMode, Metadata};
use fdfs_proto::file_id::LogicName;
use fdfs_proto::shared::StorageStatus;
use fdfs_testkit::raw::packet;
use fdfs_testkit::{Cluster, wait_for};

fn place(cluster: &Cluster, index: usize, name: &str) -> PathBuf {
    let name: LogicName = name.parse().unwrap();
    let path = &cluster.storages[index].plan.store_paths[usize::from(name.store_path_index())];
    path.join("data").join(name.true_name())
}

fn has(cluster: &Cluster, index: usize, name: &str, content: &[u8]) -> bool {
    std::fs::read(place(cluster, index, name)).is_ok_and(|bytes| bytes == content)
}

fn wait_for_content(cluster: &Cluster, index: usize, name: &str, content: &[u8]) {
    wait_for(&format!("{name} on storage {index}"), || has(cluster, index, name, content).then_some(()));
}

#[test]
fn uploads_metadata_and_deletes_reach_all_storages() {
    for ids in [false, true] {
        let builder = Cluster::builder().group("group1", 3).storage_key("heart_beat_interval", 1);
        let cluster = if ids { builder.storage_ids(&[]).start() } else { builder.start() };
        let large: Vec<u8> = (0..500_000u32).map(|n| (n >> 3) as u8).collect();
        let mut kept = Vec::new();
        let mut gone = Vec::new();
        for storage in 0..3 {
            kept.push((stored(&cluster, storage, b"small"), b"small".to_vec()));
            kept.push((stored(&cluster, storage, &large), large.clone()));
            gone.push((storage, stored(&cluster, storage, b"gone")));
        }
        for storage in 0..3 {
            kept.iter().for_each(|(name, content)| wait_for_content(&cluster, storage, name, content));
            gone.iter().for_each(|(_, name)| wait_for_content(&cluster, storage, name, b"gone"));
        }
        for (storage, name) in &gone {
            assert_eq!(
                cluster.to_storage(*storage).send(&packet(12, &id("group1", name.as_bytes()))).reply().ok(),
                b""
            );
        }
        let file: FileId = format!("group1/{}", kept[0].0).parse().unwrap();
        let metadata = Metadata::default().with("a", "1");
        cluster.block_on(cluster.client().set_metadata(&file, &metadata, MetaMode::Overwrite)).unwrap();
        for storage in 0..3 {
            wait_for_content(&cluster, storage, &format!("{}-m", kept[0].0), b"a\x021");
            for (_, name) in &gone {
                let path = place(&cluster, storage, name);
                wait_for(&format!("{name} to go from storage {storage}"), || (!path.exists()).then_some(()));
            }
        }
    }
}

#[test]
fn what_was_not_sent_before_a_restart_is_sent_after_it() {
    let mut cluster = Cluster::builder().group("group1", 2).storage_key("heart_beat_interval", 1).start();
    cluster.expect_problem("tried again until it works");
    let before = stored(&cluster, 0, b"before");
    wait_until_sent(&cluster, 0, 1);
    cluster.storages[1].stop();
    let names: Vec<_> = (0..40).map(|n: u32| (stored(&cluster, 0, &n.to_le_bytes()), n.to_le_bytes())).collect();
    cluster.storages[0].restart();
    cluster.storages[1].start();
    assert!(has(&cluster, 1, &before, b"before"));
    names.iter().for_each(|(name, content)| wait_for_content(&cluster, 1, name, content));
    wait_until_sent(&cluster, 0, 1);
    // Each once: the mark was written at the stop.
    let log = std::fs::read_to_string(cluster.storages[1].plan.base_path.join("data/sync/binlog.000")).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains(" c ")).count(), 41);
}

#[test]
fn a_new_member_has_every_file_when_it_becomes_active() {
    let mut cluster = Cluster::builder().group("group1", 2).storage_key("heart_beat_interval", 1).build();
    cluster.trackers.iter_mut().for_each(fdfs_testkit::node::TrackerNode::start);
    cluster.storages[0].start();
    cluster.wait_for_status(&cluster.storages[0], StorageStatus::Active);
    let names: Vec<_> = (0..300).map(|n: u32| (stored(&cluster, 0, &n.to_le_bytes()), n.to_le_bytes())).collect();
    cluster.storages[1].start();
    cluster.wait_for_status(&cluster.storages[1], StorageStatus::Active);
    for (name, content) in &names {
        assert!(has(&cluster, 1, name, content), "{name} is missing on the new member");
    }
    let later = stored(&cluster, 1, b"later");
    wait_for_content(&cluster, 0, &later, b"later");
}

#[test]
fn a_replica_has_a_file_long_before_any_timer_would_fire() {
    // The reference looks into its log each 100 ms, and writes it each second.
    let cluster = Cluster::builder().group("group1", 2).storage_key("sync_wait_msec", 10_000).start();
    let first = stored(&cluster, 0, b"first");
    wait_for_content(&cluster, 1, &first, b"first");
    let mut took: Vec<_> = (0..41u32)
        .map(|n| {
            let name = stored(&cluster, 0, &n.to_le_bytes());
            let path = place(&cluster, 1, &name);
            let begun = std::time::Instant::now();
            let deadline = begun + fdfs_testkit::wait::PATIENCE;
            while !path.exists() && std::time::Instant::now() < deadline {
                std::thread::yield_now();
            }
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    let median = took[took.len() / 2];
    println!("from the acknowledgement to the replica: half of the files within {median:?}");
    assert!(median < std::time::Duration::from_millis(100), "{median:?}");
}
