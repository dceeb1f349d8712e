//! Whole clusters that the reference V6.16.1 left behind go on with servers of ours, trackers and storages: every file reads
//! right from each storage, nothing is copied again, uploads and records continue where they stood, and what we write back
//! has the form of what we found.

use std::collections::BTreeMap;
use std::fs;

use fdfs_proto::disk::StateFile;
use fdfs_proto::disk::storage_stat::StorageStatFile;
use fdfs_proto::disk::sync_mark::SyncMark;
use fdfs_proto::disk::tracker_servers::{StoredStorage, TrackerServers};
use fdfs_proto::disk::trunk_mark::TrunkMark;
use fdfs_proto::disk::trunk_record::{TrunkOp, trunk_lines};
use fdfs_proto::shared::StorageStatus::Offline;
use fdfs_testkit::golden_cluster::GoldenCluster;
use fdfs_testkit::golden_disk::{GoldenDisk, list};
use fdfs_testkit::layout::LayoutBuilder;
use fdfs_testkit::{RawReply, StorageNode, TrackerNode, wait_for};
use serde_json::Value;

use crate::support::{ENOENT, download, is_stored_in, upload};

pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// The trackers know what they were told before, and nobody is connected.
fn trackers_know_their_storages(golden: &mut GoldenCluster) {
    golden.cluster.trackers.iter_mut().for_each(TrackerNode::start);
    if !golden.recorded_state("t1").contains_key("storage_servers_new.dat") {
        return;
    }
    let cluster = &golden.cluster;
    for storage in &cluster.storages {
        let record = cluster.record(storage).unwrap_or_else(|| panic!("{} is unknown", storage.addr()));
        assert_eq!(record.status, Offline, "{}", storage.addr());
        assert_eq!(record.version.as_str(), "6.16.1", "{}", storage.addr());
        assert!(record.join_time_secs > 1_795_165_000, "{}", storage.addr());
        let id = storage.plan.id.map_or_else(|| storage.addr().ip().to_string(), |id| id.to_string());
        assert_eq!(record.id.as_str(), id);
    }
}

pub(crate) fn every_file_reads(golden: &GoldenCluster) {
    let cluster = &golden.cluster;
    for (node, group, _) in golden.set.storages() {
        let storage = golden.storage_of(&node);
        for file in golden.files().iter().filter(|file| is_on(&node, file)) {
            let id = file["id"].as_str().unwrap();
            let name = id.strip_prefix(&format!("{group}/")).unwrap();
            let reply = cluster.to_storage(storage).send(&download(0, 0, &group, name.as_bytes())).reply();
            let RawReply::Whole { status: 0, body } = reply else { panic!("{node}: {id}: {reply:?}") };
            assert_is(file, &body);
            let found = cluster.block_on(cluster.client().download(&id.parse().unwrap())).unwrap();
            assert_is(file, &found);
        }
        for id in list(golden.set.manifest(), "deleted_ids") {
            let id = golden.place.text(id.as_str().unwrap());
            let Some(name) = id.strip_prefix(&format!("{group}/")) else { continue };
            let reply = cluster.to_storage(storage).send(&download(0, 0, &group, name.as_bytes())).reply();
            assert_eq!(reply.status(), Some(ENOENT), "{node}: {id}");
        }
    }
}

fn is_on(node: &str, file: &Value) -> bool {
    let copies = list(file, "copies").iter().any(|copy| copy["node"] == node);
    copies || list(file, "present_on").iter().any(|name| name == node)
}

fn assert_is(file: &Value, content: &[u8]) {
    assert_eq!(content.len() as u64, file["size"].as_u64().unwrap(), "{file}");
    assert_eq!(format!("{:08x}", crc32fast::hash(content)), file["crc32"].as_str().unwrap(), "{file}");
}

/// Uploads to each storage of `group1`, and waits until the others have it and all records are dealt with. The new names.
pub(crate) fn new_files_everywhere(golden: &GoldenCluster, content: &[u8]) -> Vec<String> {
    let cluster = &golden.cluster;
    let members: Vec<_> = (0..cluster.storages.len()).filter(|&i| cluster.storages[i].plan.group == "group1").collect();
    let mut names = Vec::new();
    for &storage in &members {
        let body = cluster.to_storage(storage).send(&upload(content)).reply().ok();
        let name = String::from_utf8(body[16..].to_vec()).unwrap();
        assert!(
            !golden.files().iter().any(|file| file["id"].as_str().unwrap().ends_with(&name)),
            "{name} is given twice"
        );
        for &other in &members {
            wait_for(&format!("{name} on storage {other}"), || {
                is_stored_in(cluster, other, "group1", &name, content).then_some(())
            });
        }
        names.push(name);
    }
    for &member in &members {
        wait_for(&format!("the peers of storage {member} to confirm all records"), || {
            let storage = &cluster.storages[member];
            let log = fs::read_to_string(storage.plan.base_path.join("data/sync/binlog.000")).unwrap();
            let are_there = names.iter().all(|name| log.contains(name.as_str()));
            let peers = storage.inside().sync_status();
            let is_done = peers.iter().all(|peer| peer.bytes_behind == 0 && peer.in_flight == 0);
            (are_there && is_done && !peers.is_empty()).then_some(())
        });
    }
    names
}

/// The log is the recorded one, and behind it come the records of the new files: its own and those of the others.
pub(crate) fn log_continues(golden: &GoldenCluster, node: &str, new_names: &[String]) {
    let (before, after) = (golden.recorded_state(node), golden.state(node));
    let log = &after["sync/binlog.000"];
    let old = &before["sync/binlog.000"];
    assert!(log.starts_with(old), "{node}: what was recorded stays");
    let new = String::from_utf8(log[old.len()..].to_vec()).unwrap();
    let mut records: Vec<_> = new.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    records.sort();
    let own = golden.storage_of(node);
    let letter = |i: usize| if i == own { 'C' } else { 'c' };
    let mut wanted: Vec<_> = new_names.iter().enumerate().map(|(i, name)| format!("{} {name}", letter(i))).collect();
    wanted.sort();
    assert_eq!(records, wanted, "{node}: nothing was copied again");
    assert_eq!(after["sync/binlog_index.dat"], before["sync/binlog_index.dat"], "{node}");
}

/// The marks went on from where they stood: each new record once.
fn marks_continue(golden: &GoldenCluster, node: &str, new_count: u64) {
    let (before, after) = (golden.recorded_state(node), golden.state(node));
    let log_len = after["sync/binlog.000"].len() as u64;
    let mut marks = 0;
    for (name, bytes) in before.iter().filter(|(name, _)| name.starts_with("sync/") && name.ends_with(".mark")) {
        let (old, new) = (SyncMark::decode(bytes).unwrap(), SyncMark::decode(&after[name]).unwrap());
        let wanted = SyncMark {
            binlog_offset: log_len,
            scan_row_count: new.scan_row_count,
            sync_row_count: old.sync_row_count + 1,
            ..old
        };
        assert_eq!(new, wanted, "{node}: {name}");
        assert!(new.scan_row_count >= old.scan_row_count + new_count, "{node}: {name}");
        marks += 1;
    }
    assert!(marks > 0, "{node} has a peer");
}

/// What the reference writes at a time of its own.
const OF_TRUNK_FILES: [&str; 1] = ["storage_trunk.dat"];

/// No file but those that were there and those of our own, and each has the keys and lines that it had.
fn state_has_its_form(golden: &GoldenCluster, node: &str) {
    let (before, after) = (golden.recorded_state(node), golden.state(node));
    for name in after.keys() {
        let last = name.rsplit_once('/').map_or(name.as_str(), |(_, last)| last);
        let is_known = before.contains_key(name) || OF_TRUNK_FILES.contains(&name.as_str());
        assert!(is_known || last.starts_with(".fdfs_"), "{node}: {name} is new");
    }
    for (name, bytes) in &before {
        let Some(now) = after.get(name) else { panic!("{node}: {name} is gone") };
        let is_log = name.ends_with("binlog") || name.contains("binlog.0") || name.ends_with("storage_trunk.dat");
        if !is_log {
            assert_eq!(keys(now), keys(bytes), "{node}: {name}");
        }
    }
}

/// What stands before `=` in each line; whole lines where there is none.
fn keys(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let key = |line: &str| line.split_once('=').map_or_else(|| columns(line), |(key, _)| key.to_owned());
    text.lines().map(key).collect()
}

/// Of a line of numbers, which of them are there.
fn columns(line: &str) -> String {
    if line.starts_with("group") {
        return line
            .split(',')
            .take(2)
            .chain([line.split(',').count().to_string().as_str()])
            .collect::<Vec<_>>()
            .join(",");
    }
    line.to_owned()
}

/// Files that nothing has changed in, but for the number of trunk files.
fn unchanged(golden: &GoldenCluster, node: &str, names: &[&str]) {
    let (before, after) = (golden.recorded_state(node), golden.state(node));
    for name in names {
        let lines = |files: &Files| {
            let text = String::from_utf8(files[*name].clone()).unwrap();
            text.lines().map(str::to_owned).filter(|line| !line.contains("current_trunk_file_id=")).collect::<Vec<_>>()
        };
        assert_eq!(lines(&after), lines(&before), "{node}: {name}");
    }
}

/// What a tracker writes of its storages differs in what has happened since.
fn storages_keep_their_past(golden: &GoldenCluster, node: &str) {
    let of = |files: &Files| TrackerServers::decode(&files["storage_servers_new.dat"]).unwrap().storages;
    let (before, after) = (of(&golden.recorded_state(node)), of(&golden.state(node)));
    assert_eq!(before.len(), after.len(), "{node}");
    for (old, new) in before.iter().zip(after) {
        let uploads = old.stat.upload_count.success..=old.stat.upload_count.success + 1;
        assert!(uploads.contains(&new.stat.upload_count.success), "{node}: {}", old.ip_addr);
        let wanted = StoredStorage {
            status: new.status,
            version: new.version,
            total_mb: new.total_mb,
            free_mb: new.free_mb,
            stat: new.stat,
            ..old.clone()
        };
        assert_eq!(new, wanted, "{node}");
    }
}

fn goes_on(set: &str, new_content: &[u8], settings: impl FnOnce(LayoutBuilder) -> LayoutBuilder) -> GoldenCluster {
    go_on(GoldenCluster::lay_out(set, settings), new_content)
}

/// A set goes on. The cluster is stopped again, and given back for a closer look.
fn go_on(mut golden: GoldenCluster, new_content: &[u8]) -> GoldenCluster {
    trackers_know_their_storages(&mut golden);
    golden.cluster.storages.iter_mut().for_each(StorageNode::start);
    golden.cluster.wait_until_active();
    every_file_reads(&golden);
    let names = new_files_everywhere(&golden, new_content);
    every_file_reads(&golden);
    golden.cluster.stop_all();
    for node in golden.nodes() {
        state_has_its_form(&golden, &node);
        if node.starts_with('t') {
            unchanged(&golden, &node, &["storage_groups_new.dat", "storage_changelog.dat"]);
            storages_keep_their_past(&golden, &node);
            continue;
        }
        unchanged(&golden, &node, &[".data_init_flag"]);
        if golden.cluster.storages[golden.storage_of(&node)].plan.group == "group1" {
            log_continues(&golden, &node, &names);
            marks_continue(&golden, &node, names.len() as u64);
        }
    }
    golden
}

#[test]
fn a_plain_cluster_goes_on() {
    let golden = goes_on("plain", b"new", |builder| builder);
    for node in ["s1", "s2"] {
        let stat = |files: &Files| StorageStatFile::decode(&files["storage_stat.dat"]).unwrap();
        let (before, after) = (stat(&golden.recorded_state(node)), stat(&golden.state(node)));
        assert_eq!(after.stat.upload_count.success, before.stat.upload_count.success + 1, "{node}");
        assert_eq!(
            after.stat.sync_in_bytes.success,
            before.stat.sync_in_bytes.success + 3,
            "{node}: only the new file"
        );
        assert_eq!((after.cursor.high, after.cursor.low), (before.cursor.high, before.cursor.low), "{node}");
        assert!(after.cursor.file_count > before.cursor.file_count, "{node}: directories are filled on");
    }
}

#[test]
fn a_cluster_with_storage_ids_and_two_trackers_goes_on() {
    let golden = GoldenCluster::lay_out("ids", |builder| builder);
    // As in the recording, the trackers tell it its group.
    let conf = &golden.cluster.storages[0].plan.conf_path;
    let text = fs::read_to_string(conf).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("group_name"));
    fs::write(conf, lines.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    go_on(golden, b"new");
}

#[test]
fn a_cluster_with_trunk_files_goes_on() {
    let golden = goes_on("trunk", b"new", trunk);
    let (before, s1, s2) = (golden.recorded_state("s1"), golden.state("s1"), golden.state("s2"));
    let (old, new) = (&before["trunk/binlog"], &s1["trunk/binlog"]);
    assert!(new.starts_with(old) && new.len() > old.len(), "the log of free space goes on");
    assert_eq!(s2["trunk/binlog"], *new);
    let lines: Vec<_> = trunk_lines(new).map(|line| line.record.unwrap()).collect();
    let taken = lines.iter().filter(|line| line.timestamp > 1_795_166_297 && line.op == TrunkOp::Take).count();
    assert!(taken >= 2, "the new files lie in slots");
    let marks = s1.iter().filter(|(name, _)| name.starts_with("trunk/") && name.ends_with(".mark"));
    let offsets: Vec<_> = marks.map(|(_, bytes)| TrunkMark::decode(bytes).unwrap().binlog_offset).collect();
    assert_eq!(offsets, [new.len() as u64]);
}

#[test]
fn links_go_on() {
    let golden = GoldenCluster::lay_out("links", trunk);
    lend_a_tracker(&golden);
    // The reference writes them on every replica of a link.
    golden.cluster.expect_problem("link record without names");
    go_on(golden, b"new");
}

/// The tracker of the links was not recorded; that of the trunk files had the same storages, with fewer store paths.
fn lend_a_tracker(golden: &GoldenCluster) {
    golden.lay(&GoldenDisk::read("trunk"), "t1");
    let data = golden.folders("t1").0.join("data");
    for name in ["storage_groups_new.dat", "storage_servers_new.dat"] {
        let text = fs::read_to_string(data.join(name)).unwrap();
        let text = text.replace("store_path_count=1", "store_path_count=2");
        fs::write(data.join(name), text.replace("subdir_count_per_path=256", "subdir_count_per_path=4")).unwrap();
    }
}

/// The trunk files of the recording.
pub(crate) fn trunk(builder: LayoutBuilder) -> LayoutBuilder {
    [
        ("use_trunk_file", "true"),
        ("slot_min_size", "256"),
        ("slot_max_size", "256KB"),
        ("trunk_alloc_alignment_size", "256"),
        ("trunk_file_size", "4MB"),
        ("trunk_compress_binlog_interval", "0"),
        ("check_active_interval", "2"),
    ]
    .into_iter()
    .fold(builder, |builder, (key, value)| builder.tracker_key(key, value))
}
