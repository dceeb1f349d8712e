//! State files of the reference V6.16.1: each reads, and is written again to the same bytes; no cut of one panics.
//! A failure names the file.

#![allow(clippy::disallowed_methods, reason = "the rows of these tests are files")]
use std::collections::BTreeMap;
use std::path::Path;

use fdfs_proto::disk::StateFile;
use fdfs_proto::disk::binlog_index::{BinlogFile, BinlogIndex};
use fdfs_proto::disk::binlog_record::{BinlogRecord, MalformedLink, Op, Origin, RecordError, binlog_lines};
use fdfs_proto::disk::changelog::{StorageChange, changelog_lines};
use fdfs_proto::disk::data_init_flag::DataInitFlag;
use fdfs_proto::disk::recovery::{RecoveryFlag, RecoveryMark};
use fdfs_proto::disk::storage_stat::StorageStatFile;
use fdfs_proto::disk::store_path_mark::{StorePathMark, StorePathMarkFile};
use fdfs_proto::disk::sync_mark::{MarkName, SyncMark};
use fdfs_proto::disk::sync_timestamps::SyncTimestamps;
use fdfs_proto::disk::tracker_groups::TrackerGroups;
use fdfs_proto::disk::tracker_servers::TrackerServers;
use fdfs_proto::disk::tracker_status::TrackerStatus;
use fdfs_proto::disk::trunk_mark::TrunkMark;
use fdfs_proto::disk::trunk_record::trunk_lines;
use fdfs_proto::disk::trunk_snapshot::TrunkSnapshot;

/// All files, by their path below the golden directory.
fn files() -> BTreeMap<String, Vec<u8>> {
    fn walk(dir: &Path, root: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/disk");
    let mut found = BTreeMap::new();
    walk(&root, &root, &mut found);
    found
}

/// The last two parts of a path.
fn folder_and_name(path: &str) -> (&str, &str) {
    let (rest, name) = path.rsplit_once('/').unwrap_or(("", path));
    (rest.rsplit_once('/').map_or(rest, |(_, folder)| folder), name)
}

/// A state file reads and is written again to the same bytes; cut anywhere it reads or is refused.
fn same_bytes<T: StateFile>(path: &str, bytes: &[u8]) {
    let file = T::decode(bytes).unwrap_or_else(|error| panic!("{path}: {error}"));
    let written = file.to_bytes();
    assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(bytes), "{path}");
    for len in 0..bytes.len() {
        let _ = T::decode(&bytes[..len]);
    }
}

/// Every line of a binlog reads and is written again to the same bytes; gives how many were malformed link records.
fn same_records(path: &str, bytes: &[u8]) -> usize {
    let (mut end, mut malformed) = (0, 0);
    for line in binlog_lines(bytes) {
        let place = format!("{path}, byte {}: {:?}", line.start, String::from_utf8_lossy(line.text));
        match &line.record {
            Ok(record) => {
                let mut written = Vec::new();
                record.encode(&mut written).unwrap();
                assert_eq!(written.strip_suffix(b"\n"), Some(line.text), "{place}");
            }
            Err(RecordError::MalformedLink(_)) => malformed += 1,
            Err(error) => panic!("{place}: {error}"),
        }
        assert_eq!(line.start, end, "{place}");
        end = line.end();
        for len in 0..line.text.len() {
            let _ = BinlogRecord::parse(&line.text[..len]);
        }
    }
    assert_eq!(end, bytes.len(), "{path}: every byte belongs to a line");
    malformed
}

fn same_trunk_records(path: &str, bytes: &[u8]) {
    let mut written = Vec::new();
    for line in trunk_lines(bytes) {
        line.record.unwrap_or_else(|error| panic!("{path}: {error}")).encode(&mut written);
    }
    assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(bytes), "{path}");
}

fn same_changelog(path: &str, bytes: &[u8]) {
    let mut written = Vec::new();
    for line in changelog_lines(bytes) {
        line.entry.unwrap_or_else(|error| panic!("{path}: {error}")).encode(&mut written);
    }
    assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(bytes), "{path}");
}

#[test]
fn every_file_reads_and_is_written_again_to_the_same_bytes() {
    let mut checked = 0;
    for (path, bytes) in &files() {
        match folder_and_name(path) {
            (_, ".data_init_flag") => same_bytes::<DataInitFlag>(path, bytes),
            (_, ".fastdfs_vars") => same_bytes::<StorePathMarkFile>(path, bytes),
            (_, "storage_stat.dat") => same_bytes::<StorageStatFile>(path, bytes),
            (_, "storage_trunk.dat") => same_bytes::<TrunkSnapshot>(path, bytes),
            (_, "binlog_index.dat") => same_bytes::<BinlogIndex>(path, bytes),
            (_, "storage_groups_new.dat") => same_bytes::<TrackerGroups>(path, bytes),
            (_, "storage_servers_new.dat") => same_bytes::<TrackerServers>(path, bytes),
            (_, "storage_sync_timestamp.dat") => same_bytes::<SyncTimestamps>(path, bytes),
            (_, ".tracker_status") => same_bytes::<TrackerStatus>(path, bytes),
            (_, ".recovery.flag") => same_bytes::<RecoveryFlag>(path, bytes),
            (_, name) if name.starts_with(".recovery.mark.") => same_bytes::<RecoveryMark>(path, bytes),
            (_, name) if name.starts_with(".binlog.recovery.") => assert_eq!(same_records(path, bytes), 0, "{path}"),
            ("sync", name) if name.contains(".mark") => same_bytes::<SyncMark>(path, bytes),
            ("trunk", name) if name.contains(".mark") => same_bytes::<TrunkMark>(path, bytes),
            ("sync", name) if name.starts_with("binlog.") => {
                assert_eq!(BinlogFile::from_name(name), Some(BinlogFile::Plain(0)));
                let _ = same_records(path, bytes);
            }
            ("trunk", name) if name.starts_with("binlog") => same_trunk_records(path, bytes),
            (_, "storage_changelog.dat") => same_changelog(path, bytes),
            // Logs for people have their own test; the README is ours.
            ("logs", _) | ("", "README.md") => continue,
            other => panic!("{path}: no codec for {other:?}"),
        }
        checked += 1;
    }
    assert_eq!(checked, 113, "files of all kinds together");
}

#[test]
fn w11_malformed_link_records_are_the_known_ones_and_no_others() {
    let mut found = BTreeMap::new();
    for (path, bytes) in files().iter().filter(|(path, _)| folder_and_name(path) == ("sync", "binlog.000")) {
        for line in binlog_lines(bytes) {
            if let Err(RecordError::MalformedLink(link)) = line.record {
                found.entry(path.clone()).or_insert_with(Vec::new).push(link);
            }
        }
    }
    let target = Box::new("M00/00/00/Ck4CC2sAEpyAAUL4AAACvFZkYi8564.jpg".parse().unwrap());
    let no_names = |timestamp| MalformedLink::NoNames { timestamp, origin: Origin::Replica };
    let no_link_name = MalformedLink::NoLinkName { timestamp: 1_795_166_876, origin: Origin::Source, target };
    let of = |node: &str, set: &str| found.get(&format!("{set}/{node}/base/data/sync/binlog.000")).cloned();
    assert_eq!(of("s1", "links"), Some(vec![no_link_name]));
    assert_eq!(of("s2", "links"), Some(vec![no_names(1_795_166_874), no_names(1_795_166_877)]));
    // The set of the deleted storage was made from the same storages later.
    assert!(found.keys().all(|path| path.starts_with("links/") || path.starts_with("changelog/")), "{found:?}");
}

#[test]
fn a_cut_never_makes_a_record_of_an_unfinished_line() {
    for (path, bytes) in files().iter().filter(|(path, _)| folder_and_name(path) == ("sync", "binlog.000")) {
        for len in 0..bytes.len() {
            let whole = bytes[..len].iter().filter(|&&b| b == b'\n').count();
            assert_eq!(binlog_lines(&bytes[..len]).count(), whole, "{path} cut at {len}");
        }
    }
}

#[test]
fn a_mark_points_to_the_beginning_of_a_line_or_the_end() {
    let files = files();
    let mut marks = 0;
    for (path, bytes) in &files {
        let (folder, name) = folder_and_name(path);
        if MarkName::from_file_name(name).is_none() || folder != "sync" {
            continue;
        }
        let mark = SyncMark::decode(bytes).unwrap();
        let binlog = &files[&path.replace(name, "binlog.000")];
        let offset = usize::try_from(mark.binlog_offset).unwrap();
        let fits = offset == 0 || binlog.get(offset - 1) == Some(&b'\n');
        assert!(fits, "{path}: offset {offset}");
        marks += 1;
    }
    assert_eq!(marks, 9);
}

#[test]
fn values_are_those_of_the_files() {
    let files = files();
    let flag = DataInitFlag::decode(&files["plain/s2/base/data/.data_init_flag"]).unwrap();
    assert_eq!((flag.storage_join_time, flag.sync_old_done), (1_795_165_914, true));
    assert_eq!((flag.sync_src_server.as_str(), flag.last_ip_addr.as_str()), ("10.78.2.11", "10.78.2.12"));
    let mark = StorePathMarkFile::decode(&files["plain/s2/p1/data/.fastdfs_vars"]).unwrap().mark.unwrap();
    assert_eq!(flag.store_path_marks.get(&1), Some(&mark));
    let fields = mark.fields().unwrap();
    assert_eq!(StorePathMark::generate(&fields), mark, "a mark made from the same facts is the same");

    let stat = StorageStatFile::decode(&files["plain/s2/base/data/storage_stat.dat"]).unwrap();
    assert_eq!((stat.stat.sync_in_bytes.total, stat.stat.sync_in_bytes.success), (279_933, 277_835));
    assert_eq!((stat.stat.last_sync_update, stat.cursor.file_count), (1_795_165_987, 5));

    let servers = TrackerServers::decode(&files["ids/t1/base/data/storage_servers_new.dat"]).unwrap();
    assert_eq!(servers.storages.len(), 3);
    assert_eq!(servers.storages[1].sync_src_server.as_str(), "100001");
    let groups = TrackerGroups::decode(&files["trunk/t1/base/data/storage_groups_new.dat"]).unwrap();
    assert_eq!((groups.groups[0].current_trunk_file_id, groups.groups[0].trunk_server.as_str()), (2, "10.78.2.11"));

    let line = changelog_lines(&files["changelog/t1/base/data/storage_changelog.dat"]).next().unwrap();
    assert_eq!(line.entry.unwrap().change, StorageChange::Deleted);
    let snapshot = TrunkSnapshot::decode(&files["trunk/s1/base/data/storage_trunk.dat"]).unwrap();
    assert_eq!((snapshot.binlog_offset, snapshot.blocks.len()), (4972, 6));
    assert_eq!(snapshot.blocks[5].block.size, 3_670_016);
}

#[test]
fn e10_the_matrix_of_a_deleted_storage_is_read_without_it() {
    let files = files();
    let servers = TrackerServers::decode(&files["changelog/t1/base/data/storage_servers_new.dat"]).unwrap();
    let matrix = SyncTimestamps::decode(&files["changelog/t1/base/data/storage_sync_timestamp.dat"]).unwrap();
    assert_eq!((servers.storages.len(), matrix.rows.len()), (1, 2), "the reference dies of this");
    let known = |group: &_, id: &fdfs_proto::StorageId| {
        servers.storages.iter().any(|s| s.group_name == *group && s.ip_addr.as_str() == id.as_str())
    };
    let (cells, dropped) = matrix.resolve(known);
    assert_eq!((cells.len(), dropped.len()), (0, 1));
}

#[test]
fn all_kinds_of_records_are_among_the_lines() {
    let mut letters = std::collections::BTreeSet::new();
    for (_, bytes) in files().iter().filter(|(path, _)| folder_and_name(path) == ("sync", "binlog.000")) {
        for record in binlog_lines(bytes).filter_map(|line| line.record.ok()) {
            letters.insert(char::from(record.letter()));
            if let Op::Link { source } = record.op {
                assert!(source.is_some());
            }
        }
    }
    assert_eq!(letters.into_iter().collect::<String>(), "ACDLMRTUacdmrtu");
}
