//! How storages come into a group, leave it and come back, and what each hears of the others.

use std::time::{Duration, Instant};

use crate::support::{id, stored};
use fdfs_client::{StorageId, UploadOptions};
use fdfs_proto::file_id::LogicName;
use fdfs_proto::shared::StorageStatus;
use fdfs_storage::link::questions::{report_status, sync_source_of};
use fdfs_testkit::links::{Link, Node};
use fdfs_testkit::raw::packet;
use fdfs_testkit::{Cluster, wait_for};

/// A storage that is stopped in the middle of something leaves others without an answer.
const LOST: &str = "tried again until it works";

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
        // A tracker that was not asked for the source is told it a moment later.
        wait_for("the only source there was", || {
            let answer = cluster.block_on(sync_source_of(storage, peer)).ok()?;
            answer.source.filter(|source| source.id == storage.identity.storage_id())
        });
        cluster.block_on(report_status(storage, peer, StorageStatus::Syncing)).unwrap();
        let unknown = "127.9.9.9".parse().unwrap();
        assert!(cluster.block_on(sync_source_of(storage, unknown)).is_err());
    }
    cluster.trackers[1].stop();
    let storage = cluster.storages[0].inside();
    let peer = cluster.storages[1].inside().identity.storage_id();
    assert!(cluster.block_on(report_status(storage, peer, StorageStatus::Offline)).is_err());
}

fn has(cluster: &Cluster, index: usize, name: &str, content: &[u8]) -> bool {
    let name: LogicName = name.parse().unwrap();
    let path = &cluster.storages[index].plan.store_paths[usize::from(name.store_path_index())];
    std::fs::read(path.join("data").join(name.true_name())).is_ok_and(|bytes| bytes == content)
}

fn wait_for_file(cluster: &Cluster, index: usize, name: &str, content: &[u8]) {
    wait_for(&format!("{name} on storage {index}"), || has(cluster, index, name, content).then_some(()));
}

/// Uploads files of `len` bytes, each with another content.
fn stored_many(cluster: &Cluster, index: usize, count: u32, len: usize) -> Vec<(String, Vec<u8>)> {
    let content = |n: u32| n.to_le_bytes().into_iter().cycle().take(len).collect::<Vec<u8>>();
    (0..count).map(|n| (stored(cluster, index, &content(n)), content(n))).collect()
}

fn assert_has_all(cluster: &Cluster, index: usize, files: &[(String, Vec<u8>)]) {
    for (name, content) in files {
        assert!(has(cluster, index, name, content), "{name} is missing on storage {index}");
    }
}

/// Starts the tracker and the first storages, each when the one before is ACTIVE.
fn start_first(cluster: &mut Cluster, count: usize) {
    cluster.trackers[0].start();
    for index in 0..count {
        cluster.storages[index].start();
        cluster.wait_for_status(&cluster.storages[index], StorageStatus::Active);
    }
}

fn status_of(cluster: &Cluster, index: usize) -> Option<StorageStatus> {
    cluster.record(&cluster.storages[index]).map(|record| record.status)
}

fn storage_id(cluster: &Cluster, index: usize) -> StorageId {
    cluster.storages[index].addr().ip().to_string().parse().unwrap()
}

#[test]
fn a_new_storage_has_its_first_file_long_before_the_first_beat() {
    // Intervals as they are without any configuration.
    let mut cluster = Cluster::builder()
        .group("group1", 2)
        .storage_key("heart_beat_interval", 30)
        .storage_key("stat_report_interval", 300)
        .build();
    start_first(&mut cluster, 1);
    let first = stored(&cluster, 0, b"was there before");
    let started = Instant::now();
    cluster.storages[1].start();
    wait_for_file(&cluster, 1, &first, b"was there before");
    let file_after = started.elapsed();
    cluster.wait_for_status(&cluster.storages[1], StorageStatus::Active);
    let active_after = started.elapsed();
    println!("first file after {file_after:?}, ACTIVE after {active_after:?}");
    assert!(
        active_after < Duration::from_secs(15),
        "the first file after {file_after:?}, ACTIVE after {active_after:?}"
    );
}

#[test]
fn a_member_that_was_away_is_seen_at_once_and_gets_what_it_missed() {
    let mut cluster = Cluster::builder().group("group1", 2).storage_key("heart_beat_interval", 30).start();
    cluster.expect_problem(LOST);
    for round in 0..2 {
        cluster.storages[1].stop();
        wait_for_peers(&cluster, 0, &[(1, StorageStatus::Offline)]);
        let files = stored_many(&cluster, 0, 20, 100 + round);
        cluster.storages[1].start();
        wait_for_peers(&cluster, 0, &[(1, StorageStatus::Active)]);
        files.iter().for_each(|(name, content)| wait_for_file(&cluster, 1, name, content));
    }
}

#[test]
fn w47_a_source_that_stops_in_the_middle_goes_on_when_it_is_back() {
    let mut cluster = Cluster::builder().group("group1", 2).storage_key("sync_bandwidth_limit", "400KB").build();
    cluster.expect_problem(LOST);
    start_first(&mut cluster, 1);
    let files = stored_many(&cluster, 0, 60, 20_000);
    cluster.storages[1].start();
    cluster.wait_for_status(&cluster.storages[1], StorageStatus::Syncing);
    cluster.storages[0].stop();
    assert!(files.iter().any(|(name, content)| !has(&cluster, 1, name, content)), "it was not in the middle");
    cluster.storages[0].start();
    cluster.wait_for_status(&cluster.storages[0], StorageStatus::Active);
    assert_eq!(status_of(&cluster, 1), Some(StorageStatus::Syncing), "it waits for its source");
    cluster.wait_for_status(&cluster.storages[1], StorageStatus::Active);
    assert_has_all(&cluster, 1, &files);
}

#[test]
fn w47_a_source_that_stays_away_is_replaced() {
    let mut cluster = Cluster::builder()
        .group("group1", 3)
        .storage_key("sync_bandwidth_limit", "400KB")
        .storage_key("full_sync_source_timeout", 1)
        .build();
    cluster.expect_problem(LOST);
    cluster.expect_problem("has been away for too long");
    start_first(&mut cluster, 2);
    let files = stored_many(&cluster, 0, 40, 10_000);
    files.iter().for_each(|(name, content)| wait_for_file(&cluster, 1, name, content));
    cluster.storages[2].start();
    cluster.wait_for_status(&cluster.storages[2], StorageStatus::Syncing);
    let source = |cluster: &Cluster| cluster.record(&cluster.storages[2]).and_then(|record| record.source_id);
    assert_eq!(source(&cluster), Some(storage_id(&cluster, 0)));
    cluster.storages[0].stop();
    wait_for("another source", || (source(&cluster) == Some(storage_id(&cluster, 1))).then_some(()));
    cluster.wait_for_status(&cluster.storages[2], StorageStatus::Active);
    assert_has_all(&cluster, 2, &files);
}

#[test]
fn w47_a_source_that_is_deleted_is_replaced() {
    let mut cluster = Cluster::builder().group("group1", 3).storage_key("sync_bandwidth_limit", "400KB").build();
    cluster.expect_problem(LOST);
    cluster.expect_problem("another is asked for");
    start_first(&mut cluster, 2);
    let files = stored_many(&cluster, 0, 40, 10_000);
    files.iter().for_each(|(name, content)| wait_for_file(&cluster, 1, name, content));
    cluster.storages[2].start();
    cluster.wait_for_status(&cluster.storages[2], StorageStatus::Syncing);
    cluster.storages[0].stop();
    cluster.wait_for_status(&cluster.storages[0], StorageStatus::Offline);
    let [tracker] = cluster.client().trackers().try_into().unwrap();
    let deleted = cluster.block_on(tracker.delete_storage("group1".parse().unwrap(), storage_id(&cluster, 0)));
    deleted.unwrap();
    cluster.wait_for_status(&cluster.storages[2], StorageStatus::Active);
    assert_has_all(&cluster, 2, &files);
}

/// As the reference does: trackers do not know it any more.
#[test]
fn a_source_that_is_deleted_when_its_work_is_done_is_forgotten() {
    let mut cluster = Cluster::builder().group("group1", 2).start();
    cluster.expect_problem(LOST);
    let flag = cluster.storages[1].plan.base_path.join("data/.data_init_flag");
    let source = || {
        let text = std::fs::read_to_string(&flag).unwrap();
        text.lines().find_map(|line| line.strip_prefix("sync_src_server=")).unwrap().to_owned()
    };
    assert_eq!(source(), storage_id(&cluster, 0).to_string());
    cluster.storages[0].stop();
    cluster.wait_for_status(&cluster.storages[0], StorageStatus::Offline);
    let [tracker] = cluster.client().trackers().try_into().unwrap();
    let deleted = cluster.block_on(tracker.delete_storage("group1".parse().unwrap(), storage_id(&cluster, 0)));
    deleted.unwrap();
    wait_for("the source to be forgotten", || source().is_empty().then_some(()));
    cluster.storages[1].restart();
    cluster.wait_for_status(&cluster.storages[1], StorageStatus::Active);
}

#[test]
fn a_deleted_member_that_comes_back_is_filled_again() {
    let mut cluster = Cluster::builder().group("group1", 2).start();
    cluster.expect_problem(LOST);
    let before = stored_many(&cluster, 0, 10, 100);
    before.iter().for_each(|(name, content)| wait_for_file(&cluster, 1, name, content));
    cluster.storages[1].stop();
    cluster.wait_for_status(&cluster.storages[1], StorageStatus::Offline);
    let [tracker] = cluster.client().trackers().try_into().unwrap();
    let deleted = cluster.block_on(tracker.delete_storage("group1".parse().unwrap(), storage_id(&cluster, 1)));
    deleted.unwrap();
    wait_for_peers(&cluster, 0, &[(1, StorageStatus::Deleted)]);
    let after = stored_many(&cluster, 0, 10, 200);
    let gone = &before[0].0;
    let removed = cluster.to_storage(0).send(&packet(12, &id("group1", gone.as_bytes()))).reply();
    assert_eq!(removed.status(), Some(0));
    cluster.storages[1].start();
    cluster.wait_for_status(&cluster.storages[1], StorageStatus::Active);
    assert_has_all(&cluster, 1, &before[1..]);
    assert_has_all(&cluster, 1, &after);
    wait_for("the deleted file to go", || (!has(&cluster, 1, gone, &before[0].1)).then_some(()));
}

#[test]
fn w46_without_its_only_writable_member_a_group_takes_nothing_and_nobody_in() {
    let mut cluster = Cluster::builder().group("group1", 2).build();
    cluster.expect_problem(LOST);
    start_first(&mut cluster, 1);
    let files = stored_many(&cluster, 0, 5, 100);
    cluster.storages[0].stop();
    cluster.storages[1].start();
    cluster.wait_for_status(&cluster.storages[1], StorageStatus::Init);
    let refused = cluster.block_on(cluster.client().upload(b"nowhere to go", &UploadOptions::new()));
    assert!(refused.is_err());
    assert_eq!(status_of(&cluster, 1), Some(StorageStatus::Init));
    cluster.storages[0].start();
    cluster.wait_for_status(&cluster.storages[1], StorageStatus::Active);
    assert_has_all(&cluster, 1, &files);
}

#[test]
fn w46_files_are_read_while_nobody_takes_any() {
    let builder = Cluster::builder().group("group1", 2).storage_ids(&[]);
    let mut cluster = builder.start();
    cluster.expect_problem(LOST);
    cluster.expect_lost_trackers();
    let files = stored_many(&cluster, 0, 5, 100);
    files.iter().for_each(|(name, content)| wait_for_file(&cluster, 1, name, content));
    // The one that is left only reads, from the next start of its tracker on.
    let ids = cluster.scratch().join("storage_ids.conf");
    let text = std::fs::read_to_string(&ids).unwrap();
    let lines = text
        .lines()
        .map(|line| if line.starts_with("100002") { format!("{line} rw=read\n") } else { format!("{line}\n") });
    std::fs::write(&ids, lines.collect::<String>()).unwrap();
    cluster.trackers[0].restart();
    cluster.wait_until_active();
    cluster.storages[0].stop();
    cluster.wait_for_status(&cluster.storages[0], StorageStatus::Offline);
    let refused = cluster.block_on(cluster.client().upload(b"nowhere to go", &UploadOptions::new()));
    assert!(refused.is_err());
    for (name, content) in &files {
        let id = format!("group1/{name}").parse().unwrap();
        wait_for("the file to be read", || {
            cluster.block_on(cluster.client().download(&id)).ok().filter(|bytes| bytes == content)
        });
    }
}

#[test]
fn w48_what_reaches_the_source_after_the_copy_reaches_the_new_member_too() {
    const PLACES: [Node; 3] = [Node::Storage(0), Node::Storage(1), Node::Storage(2)];
    let mut cluster = Cluster::builder().group("group1", 3).proxies().build();
    // What was under way when the link was cut may break several connections.
    [LOST, "other files go on"].iter().for_each(|problem| cluster.expect_problem(problem));
    start_first(&mut cluster, 2);
    let before = stored_many(&cluster, 1, 5, 100);
    before.iter().for_each(|(name, content)| wait_for_file(&cluster, 0, name, content));
    cluster.links().set_both(PLACES[0], PLACES[1], Link::Cut);
    // Made before the new member comes, and not at its source when that has copied everything.
    let hidden = stored_many(&cluster, 1, 5, 200);
    cluster.storages[2].start();
    cluster.wait_for_status(&cluster.storages[2], StorageStatus::Active);
    wait_for("the source to be told", || {
        let source = cluster.record(&cluster.storages[2])?.source_id;
        source.filter(|source| *source == storage_id(&cluster, 0))
    });
    assert!(!has(&cluster, 0, &hidden[0].0, &hidden[0].1), "the source has it already");
    hidden.iter().for_each(|(name, content)| wait_for_file(&cluster, 2, name, content));
    cluster.links().heal();
    hidden.iter().for_each(|(name, content)| wait_for_file(&cluster, 0, name, content));
    assert_has_all(&cluster, 2, &before);
}
