//! Draining storages and store paths, adding store paths and groups while the cluster serves.

use fdfs_client::{FileId, UploadOptions};
use fdfs_proto::ours::{Drain, SelfReport};
use fdfs_proto::shared::RwMode;
use fdfs_proto::{Command, Status, Wire};
use fdfs_testkit::{Cluster, wait_for};

fn drain(cluster: &Cluster, index: usize, store_path: Option<u8>, drained: bool) -> Option<u8> {
    let body = Drain { store_path, drained }.to_bytes();
    cluster.to_storage(index).ask(Command::Drain.number(), &body).status()
}

fn report(cluster: &Cluster, index: usize) -> SelfReport {
    let body = cluster.to_storage(index).ask(Command::SelfReport.number(), &[]).ok();
    SelfReport::decode(&body).unwrap()
}

fn upload(cluster: &Cluster) -> FileId {
    cluster.block_on(cluster.client().upload(b"content", &UploadOptions::new())).unwrap()
}

/// Where the tracker sends uploads, in six questions.
fn upload_places(cluster: &Cluster) -> Vec<(String, u8)> {
    let place = || {
        let told = cluster.block_on(cluster.client().query_store(None)).unwrap();
        (told.server.ip.to_string(), told.store_path_index)
    };
    let mut places: Vec<_> = (0..6).map(|_| place()).collect();
    places.sort();
    places.dedup();
    places
}

fn wait_for_places(cluster: &Cluster, expected: &[(usize, u8)]) {
    let ip = |index: usize| cluster.storages[index].addr().ip().to_string();
    let expected: Vec<_> = expected.iter().map(|&(index, path)| (ip(index), path)).collect();
    wait_for(&format!("uploads to go to {expected:?}"), || (upload_places(cluster) == expected).then_some(()));
}

#[test]
fn a_drained_storage_takes_no_uploads_is_read_from_and_stays_so_after_restarts() {
    let mut cluster = Cluster::builder().group("group1", 2).start();
    let before = upload(&cluster);
    assert_eq!(drain(&cluster, 0, None, true), Some(0));
    wait_for_places(&cluster, &[(1, 0)]);
    assert_eq!(cluster.record(&cluster.storages[0]).unwrap().rw_mode, RwMode::Read);
    assert_eq!(report(&cluster, 0).get("drained"), Some("yes"));
    let file = upload(&cluster);
    wait_for("the drained storage to have the file", || {
        cluster.to_storage(0).ask(Command::QueryFileInfo.number(), &file.to_bytes()).status().filter(|&s| s == 0)
    });
    for id in [before, file] {
        assert_eq!(cluster.block_on(cluster.client().download(&id)).unwrap(), b"content");
    }

    cluster.storages[0].restart();
    cluster.wait_until_active();
    wait_for_places(&cluster, &[(1, 0)]);
    cluster.restart_all();
    wait_for_places(&cluster, &[(1, 0)]);
    assert_eq!(drain(&cluster, 0, None, false), Some(0));
    wait_for_places(&cluster, &[(0, 0), (1, 0)]);
    assert_eq!(cluster.record(&cluster.storages[0]).unwrap().rw_mode, RwMode::Both);
}

#[test]
fn a_drained_store_path_takes_no_uploads_whoever_asks() {
    let mut cluster = Cluster::builder().group("group1", 1).store_paths(2).start();
    wait_for_places(&cluster, &[(0, 0), (0, 1)]);
    let old = upload(&cluster);
    assert_eq!(drain(&cluster, 0, Some(0), true), Some(0));
    // At once, also for those who were sent there a moment ago, or leave the choice to the storage.
    let storage = cluster.storages[0].addr();
    for path in [None, Some(0), Some(1)] {
        let options = UploadOptions::new().storage(storage);
        let options = path.map_or(options.clone(), |path| options.store_path_index(path));
        let id = cluster.block_on(cluster.client().upload(b"x", &options)).unwrap();
        assert!(id.name.as_str().starts_with("M01/"), "{path:?}: {id}");
    }
    wait_for_places(&cluster, &[(0, 1)]);
    assert_eq!(report(&cluster, 0).get("store_path0"), Some("drained"));
    cluster.restart_all();
    wait_for_places(&cluster, &[(0, 1)]);
    assert_eq!(cluster.block_on(cluster.client().download(&old)).unwrap(), b"content");
    cluster.block_on(cluster.client().delete(&old)).unwrap();
    assert_eq!(drain(&cluster, 0, Some(7), true), Some(Status::EINVAL.0), "no such store path");
    assert_eq!(drain(&cluster, 0, Some(0), false), Some(0));
    wait_for_places(&cluster, &[(0, 0), (0, 1)]);
}

#[test]
fn w22_store_paths_are_added_storage_by_storage_while_the_group_serves() {
    let mut cluster = Cluster::builder().group("group1", 2).start();
    cluster.expect_problem("store paths, its group");
    for index in 0..2 {
        let path = cluster.scratch().join(format!("more{index}"));
        std::fs::create_dir_all(&path).unwrap();
        cluster.storages[index].set("store_path_count", 2);
        cluster.storages[index].set("store_path1", path.display());
        cluster.storages[index].restart();
        cluster.wait_until_active();
        let paths: Vec<u8> = upload_places(&cluster).iter().map(|(_, path)| *path).collect();
        if index == 0 {
            assert!(paths.iter().all(|&path| path == 0), "the others do not have it yet: {paths:?}");
        }
        upload(&cluster);
    }
    wait_for_places(&cluster, &[(0, 0), (0, 1), (1, 0), (1, 1)]);
}

#[test]
fn groups_of_different_sizes_come_while_the_cluster_serves() {
    let mut cluster = Cluster::builder().group("group1", 1).group("group2", 2).build();
    cluster.trackers[0].start();
    cluster.storages[0].start();
    wait_for("the first group", || cluster.block_on(cluster.client().query_store(None)).ok());
    upload(&cluster);
    for index in 1..3 {
        cluster.storages[index].start();
        wait_for("the next storage", || cluster.record(&cluster.storages[index]).filter(|record| record.free_mb > 0));
    }
    cluster.wait_until_active();
    wait_for_places(&cluster, &[(0, 0), (1, 0), (2, 0)]);
}
