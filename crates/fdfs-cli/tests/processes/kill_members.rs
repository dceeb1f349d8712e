//! `kill -9` of trackers, and of the source of a new member: statuses and sync times are right afterwards.

use std::path::Path;
use std::time::{Duration, Instant};

use fdfs_proto::cmd::storage::UploadHead;
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{Command, Wire};
use fdfs_testkit::storm::request::{Outcome, ask};
use fdfs_testkit::{Cluster, DaemonCluster, wait_for};

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_fdfs"))
}

/// Every server complains of the others while they are away.
const LOST: &str = "tried again until it works";

fn synced(cluster: &DaemonCluster, storage: usize) -> Option<i64> {
    cluster.view.record(&cluster.layout.storages[storage]).map(|record| record.stat.last_synced_timestamp)
}

#[test]
fn after_kill_9_of_all_trackers_everything_is_as_it_was() {
    let builder = Cluster::builder().trackers(2).group("group1", 2).storage_key("heart_beat_interval", 30);
    let mut cluster = DaemonCluster::start(program(), builder.lay_out());
    cluster.expect_problem(LOST);
    let id = cluster.view.upload(b"before").unwrap();
    // Whoever did not take the file reports when it came in.
    let copy = wait_for("a report of the copy", || (0..2).find(|&storage| synced(&cluster, storage) > Some(0)));
    let before = synced(&cluster, copy).unwrap();
    for round in 0..2 {
        (0..2).for_each(|tracker| cluster.kill_tracker(tracker));
        let killed = Instant::now();
        (0..2).for_each(|tracker| cluster.start_tracker(tracker));
        let later = wait_for("an upload to work again", || cluster.view.upload(b"after").ok());
        println!("round {round}: uploads work {:?} after the kill", killed.elapsed());
        assert!(killed.elapsed() < Duration::from_secs(20), "far less than a beat");
        cluster.wait_until_active();
        assert_eq!(cluster.view.download(&id).unwrap(), b"before");
        // A tracker that its storage has not come back to yet sends the client to the other one, as the reference does.
        let read = wait_for("the new file to be served", || cluster.view.download(&later).ok());
        assert_eq!(read, b"after");
        wait_for("the sync time to be known again", || (synced(&cluster, copy) >= Some(before)).then_some(()));
    }
}

#[test]
fn w47_kill_9_of_the_source_and_of_the_new_member_in_the_middle_of_the_copy() {
    let builder = Cluster::builder().group("group1", 2).storage_key("sync_bandwidth_limit", "400KB");
    let mut cluster = DaemonCluster::new(program(), builder.lay_out());
    cluster.expect_problem(LOST);
    cluster.expect_problem("was killed");
    cluster.start_tracker(0);
    cluster.start_storage(0);
    cluster.view.wait_until_active(&cluster.layout.storages[0]);
    let content = |n: u32| n.to_le_bytes().into_iter().cycle().take(20_000).collect::<Vec<u8>>();
    let ids: Vec<_> = (0..60).map(|n| cluster.view.upload(&content(n)).unwrap()).collect();
    cluster.start_storage(1);
    for victim in [0, 1] {
        cluster.view.wait_for_status(&cluster.layout.storages[1], StorageStatus::Syncing);
        cluster.kill_storage(victim);
        cluster.start_storage(victim);
    }
    cluster.wait_until_active();
    cluster.kill_storage(0);
    cluster.view.wait_for_status(&cluster.layout.storages[0], StorageStatus::Offline);
    for (n, id) in (0..).zip(&ids) {
        // Only the new member is left to serve it.
        assert!(cluster.view.download(id).is_ok_and(|bytes| bytes == content(n)), "{id}");
    }
}

/// A power cut takes the end of a log that is not flushed (`durability = none`), while the marks of the peers stay.
#[test]
fn what_is_written_after_the_log_lost_its_end_is_sent() {
    let mut cluster = DaemonCluster::start(program(), Cluster::builder().group("group1", 2).lay_out());
    cluster.expect_problem(LOST);
    cluster.expect_problem("the records in between are lost");
    let upload = |cluster: &DaemonCluster| {
        let head = UploadHead { store_path: None, file_size: 4, ext: "bin".parse().unwrap() }.to_bytes();
        let outcome = ask(cluster.layout.storages[0].addr, Command::UploadFile, &head, b"data");
        let Outcome::Done(id) = outcome else { panic!("{outcome:?}") };
        fdfs_client::FileId::from_bytes(&id).unwrap()
    };
    let is_copied = |cluster: &DaemonCluster, id: fdfs_client::FileId| {
        let copy = cluster.layout.storages[1].store_paths[0].join("data").join(&id.name.as_str()[4..]);
        wait_for("the copy", || copy.exists().then_some(()));
    };
    let before = upload(&cluster);
    is_copied(&cluster, before);
    cluster.kill_storage(0);
    let sync = cluster.layout.storages[0].base_path.join("data/sync");
    let entries = std::fs::read_dir(sync).unwrap().map(|entry| entry.unwrap().path());
    let mark = entries.into_iter().find(|path| path.extension().is_some_and(|ext| ext == "mark")).unwrap();
    let text = std::fs::read_to_string(&mark).unwrap();
    let line = text.lines().find(|line| line.starts_with("binlog_offset")).unwrap();
    std::fs::write(&mark, text.replace(line, "binlog_offset=100000")).unwrap();
    cluster.start_storage(0);
    let after = upload(&cluster);
    is_copied(&cluster, after);
}
