//! Servers that come back, or stay away, in any order.

use std::collections::BTreeMap;
use std::fs;

use fdfs_client::{GroupName, UploadOptions};
use fdfs_proto::shared::StorageStatus;
use fdfs_storage::{StartError, StartOptions, StartStage};
use fdfs_testkit::{Cluster, wait_for};

use crate::support::{is_stored, stored};

#[test]
fn w27_a_storage_starts_again_while_its_tracker_is_away() {
    let mut cluster = Cluster::builder().group("group1", 1).store_paths(2).start();
    cluster.expect_lost_trackers();
    cluster.expect_problem("no tracker answers; starting with what was learnt");
    let name = stored(&cluster, 0, b"served without a tracker");
    cluster.trackers[0].stop();
    for _ in 0..2 {
        cluster.storages[0].restart();
        assert!(is_stored(&cluster, 0, &name, b"served without a tracker"));
    }
    let late = stored(&cluster, 0, b"stored without a tracker");
    cluster.trackers[0].start();
    cluster.wait_until_active();
    let id = format!("group1/{late}").parse().unwrap();
    assert_eq!(cluster.block_on(cluster.client().download(&id)).unwrap(), b"stored without a tracker");
}

#[test]
fn w27_the_very_first_start_needs_one_of_several_trackers() {
    let mut cluster = Cluster::builder().trackers(2).group("group1", 1).build();
    cluster.expect_lost_trackers();
    cluster.trackers[1].start();
    cluster.storages[0].start();
    let name = stored(&cluster, 0, b"one tracker is enough");
    cluster.trackers[0].start();
    cluster.wait_until_active();
    assert!(is_stored(&cluster, 0, &name, b"one tracker is enough"));
}

#[test]
fn the_very_first_start_without_any_tracker_waits_and_can_be_ended() {
    let mut cluster = Cluster::builder().group("group1", 1).build();
    cluster.expect_lost_trackers();
    let options = StartOptions::default();
    let cancel = options.cancel.clone();
    let (stages, told) = std::sync::mpsc::channel();
    let on_stage = move |stage: StartStage| stages.send(stage).unwrap();
    let options = StartOptions { on_stage: Some(Box::new(on_stage)), ..options };
    let storage = &mut cluster.storages[0];
    std::thread::scope(|scope| {
        let start = scope.spawn(|| storage.try_start(&options));
        assert_eq!(told.recv().unwrap(), StartStage::WaitingForTracker);
        cancel.cancel();
        assert!(matches!(start.join().unwrap(), Err(StartError::Stopped)));
    });
    // And with a tracker it goes on from there.
    cluster.trackers[0].start();
    cluster.storages[0].start();
    cluster.wait_until_active();
}

#[test]
fn w43_storages_come_back_by_themselves_when_their_tracker_was_restarted() {
    let mut cluster = Cluster::builder().group("group1", 2).start();
    cluster.expect_lost_trackers();
    for _ in 0..2 {
        cluster.trackers[0].restart();
        let options = UploadOptions::new();
        let id = wait_for("an upload to work again", || {
            cluster.block_on(cluster.client().upload(b"after the restart", &options)).ok()
        });
        assert_eq!(cluster.block_on(cluster.client().download(&id)).unwrap(), b"after the restart");
        cluster.wait_until_active();
    }
}

#[test]
fn a_tracker_that_lost_everything_learns_it_from_its_storages() {
    let mut cluster = Cluster::builder().group("group1", 2).group("group2", 1).start();
    cluster.expect_lost_trackers();
    let name = stored(&cluster, 0, b"older than the tracker's memory");
    cluster.trackers[0].stop();
    fs::remove_dir_all(&cluster.trackers[0].plan.base_path).unwrap();
    fs::create_dir(&cluster.trackers[0].plan.base_path).unwrap();
    cluster.trackers[0].start();
    cluster.wait_until_active();
    let id = format!("group1/{name}").parse().unwrap();
    assert_eq!(cluster.block_on(cluster.client().download(&id)).unwrap(), b"older than the tracker's memory");
}

#[test]
fn a_storage_that_stops_is_offline_at_once_and_active_again_after_its_start() {
    let mut cluster = Cluster::builder().group("group1", 2).start();
    cluster.storages[1].stop();
    cluster.wait_for_status(&cluster.storages[1], StorageStatus::Offline);
    // Uploads go to the other one, without a failure.
    for _ in 0..6 {
        cluster.block_on(cluster.client().upload(b"elsewhere", &UploadOptions::new())).unwrap();
    }
    cluster.storages[1].start();
    cluster.wait_until_active();
}

#[test]
fn w22_a_store_path_is_added_to_one_storage_after_the_other() {
    let mut cluster = Cluster::builder().group("group1", 2).start();
    for index in 0..2 {
        let path = cluster.scratch().join(format!("more{index}"));
        fs::create_dir(&path).unwrap();
        cluster.storages[index].set("store_path_count", 2);
        cluster.storages[index].set("store_path1", path.display());
        cluster.storages[index].restart();
        cluster.wait_until_active();
        // It does not flap: its connection is the same for some beats.
        let joins = || cluster.storages[index].log.lines().iter().filter(|line| line.text.contains("join")).count();
        let (before, beats) = (joins(), cluster.record(&cluster.storages[index]).unwrap().stat.last_heart_beat_time);
        wait_for("two more beats", || {
            let record = cluster.record(&cluster.storages[index])?;
            assert_eq!(record.status, StorageStatus::Active);
            (record.stat.last_heart_beat_time >= beats + 2).then_some(())
        });
        assert_eq!(joins(), before, "it joined again:\n{:#?}", cluster.storages[index].log.lines());
    }
    // Both have it, so the group uses it.
    let group: GroupName = "group1".parse().unwrap();
    let count = || cluster.block_on(cluster.client().group(group)).unwrap().store_path_count;
    wait_for("the group to have two store paths", || (count() == 2).then_some(()));
    let mut used = BTreeMap::new();
    for _ in 0..20 {
        let id = cluster.block_on(cluster.client().upload(b"both", &UploadOptions::new())).unwrap();
        *used.entry(id.name.as_str()[..3].to_owned()).or_insert(0) += 1;
    }
    assert_eq!(used.len(), 2, "{used:?}");
    cluster.expect_problem("store path");
}

#[test]
fn w35_a_read_only_store_path_serves_and_takes_nothing() {
    let mut cluster = Cluster::builder().group("group1", 1).store_paths(2).start();
    let name = stored(&cluster, 0, b"on path 0");
    cluster.storages[0].set("store_path0_readonly", true);
    cluster.storages[0].restart();
    cluster.wait_until_active();
    let upload = || cluster.block_on(cluster.client().upload(b"somewhere", &UploadOptions::new()));
    wait_for("the tracker to know", || upload().is_ok().then_some(()));
    for _ in 0..20 {
        let id = upload().unwrap();
        assert!(id.name.as_str().starts_with("M01/"), "{id}");
    }
    assert!(is_stored(&cluster, 0, &name, b"on path 0"));
    let reply = cluster.to_storage(0).send(&crate::support::upload(b"past the tracker")).reply();
    if reply.status() == Some(0) {
        let name = reply.ok();
        assert!(name[16..].starts_with(b"M01/"), "it went to another path: {}", name.escape_ascii());
    }
}

#[test]
fn w35_a_storage_whose_paths_are_all_read_only_gets_no_upload() {
    let mut cluster = Cluster::builder().group("group1", 2).start();
    let name = stored(&cluster, 0, b"still read");
    cluster.storages[0].set("store_path0_readonly", true);
    cluster.storages[0].restart();
    cluster.wait_until_active();
    wait_for("the tracker to know", || {
        let record = cluster.record(&cluster.storages[0])?;
        (record.free_mb == 0).then_some(())
    });
    for _ in 0..10 {
        let id = cluster.block_on(cluster.client().upload(b"to the other one", &UploadOptions::new())).unwrap();
        let server = cluster.block_on(cluster.client().query_update(&id)).unwrap().server;
        assert_eq!(server.ip.as_str(), cluster.storages[1].addr().ip().to_string());
    }
    assert!(is_stored(&cluster, 0, &name, b"still read"));
}
