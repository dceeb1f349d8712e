//! No file of the recorded directories goes unexamined: each is of a kind that we know, and what we would write of what we
//! read are the same bytes. The state files alone are looked at more closely in fdfs-proto (`disk_golden.rs`).

use std::collections::BTreeMap;

use fdfs_proto::cmd::storage::Metadata;
use fdfs_proto::disk::StateFile;
use fdfs_proto::disk::binlog_index::BinlogIndex;
use fdfs_proto::disk::binlog_record::{RecordError, binlog_lines};
use fdfs_proto::disk::changelog::changelog_lines;
use fdfs_proto::disk::data_init_flag::DataInitFlag;
use fdfs_proto::disk::recovery::{RecoveryFlag, RecoveryMark};
use fdfs_proto::disk::storage_stat::StorageStatFile;
use fdfs_proto::disk::store_path_mark::StorePathMarkFile;
use fdfs_proto::disk::sync_mark::SyncMark;
use fdfs_proto::disk::sync_timestamps::SyncTimestamps;
use fdfs_proto::disk::tracker_groups::TrackerGroups;
use fdfs_proto::disk::tracker_servers::TrackerServers;
use fdfs_proto::disk::tracker_status::TrackerStatus;
use fdfs_proto::disk::trunk_mark::TrunkMark;
use fdfs_proto::disk::trunk_record::trunk_lines;
use fdfs_proto::disk::trunk_snapshot::TrunkSnapshot;
use fdfs_proto::file_id::{BlockType, Kind, LogicName, TrunkHeader};
use fdfs_proto::{FileName, Reader, Wire};
use fdfs_testkit::golden_disk::{GoldenDisk, list};

const SETS: [&str; 6] = ["plain", "trunk", "ids", "links", "changelog", "recovery"];

/// How many files of each kind were examined.
type Seen = BTreeMap<&'static str, usize>;

fn written_again<T: StateFile>(bytes: &[u8]) -> Vec<u8> {
    T::decode(bytes).unwrap_or_else(|e| panic!("{e}: {}", bytes.escape_ascii())).to_bytes()
}

fn records(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in binlog_lines(bytes) {
        match &line.record {
            Ok(record) => record.encode(&mut out).unwrap(),
            // What the reference spoils (docs/differences.md).
            Err(RecordError::MalformedLink(_)) => out.extend_from_slice(&[line.text, b"\n"].concat()),
            Err(error) => panic!("{error}"),
        }
    }
    out
}

fn trunk_records(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    trunk_lines(bytes).for_each(|line| line.record.unwrap().encode(&mut out));
    out
}

fn changelog(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    changelog_lines(bytes).for_each(|line| line.entry.unwrap().encode(&mut out));
    out
}

/// What kind of file it is, and what we would write of it. `path` begins behind the server's name.
fn state_file(path: &str, bytes: &[u8]) -> Option<(&'static str, Vec<u8>)> {
    let (dir, name) = path.rsplit_once('/')?;
    Some(match (dir, name) {
        ("base/data", ".data_init_flag") => ("init flag", written_again::<DataInitFlag>(bytes)),
        ("base/data", "storage_stat.dat") => ("statistics", written_again::<StorageStatFile>(bytes)),
        ("base/data", "storage_trunk.dat") => ("trunk snapshot", written_again::<TrunkSnapshot>(bytes)),
        ("base/data", "storage_groups_new.dat") => ("groups", written_again::<TrackerGroups>(bytes)),
        ("base/data", "storage_servers_new.dat") => ("storages", written_again::<TrackerServers>(bytes)),
        ("base/data", "storage_sync_timestamp.dat") => ("sync times", written_again::<SyncTimestamps>(bytes)),
        ("base/data", "storage_changelog.dat") => ("changelog", changelog(bytes)),
        ("base/data", ".tracker_status") => ("tracker status", written_again::<TrackerStatus>(bytes)),
        ("base/data/sync", "binlog_index.dat") => ("binlog index", written_again::<BinlogIndex>(bytes)),
        ("base/data/sync", name) if name.contains(".mark") => ("mark", written_again::<SyncMark>(bytes)),
        ("base/data/sync", name) if name.starts_with("binlog.") => ("binlog", records(bytes)),
        ("base/data/trunk", name) if name.contains(".mark") => ("trunk mark", written_again::<TrunkMark>(bytes)),
        ("base/data/trunk", name) if name.starts_with("binlog") => ("trunk binlog", trunk_records(bytes)),
        (_, ".fastdfs_vars") => ("store path mark", written_again::<StorePathMarkFile>(bytes)),
        (_, ".recovery.flag") => ("recovery flag", written_again::<RecoveryFlag>(bytes)),
        (_, name) if name.starts_with(".recovery.mark.") => ("recovery mark", written_again::<RecoveryMark>(bytes)),
        (_, name) if name.starts_with(".binlog.recovery.") => ("recovery list", records(bytes)),
        _ => return None,
    })
}

/// `p1/data/00/00/NAME` is `M01/00/00/NAME`.
fn logic_name(path: &str) -> LogicName {
    let (store_path, true_name) = path[1..].split_once("/data/").unwrap();
    let name: FileName = format!("M{:02X}/{true_name}", store_path.parse::<u8>().unwrap()).parse().unwrap();
    LogicName::parse(&name).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A file of a user: its name is one of ours, and promises what is in it where it can.
fn user_file(path: &str, bytes: &[u8]) -> &'static str {
    let name = logic_name(path);
    assert_eq!(name.as_str().rsplit_once('/').unwrap().1, path.rsplit_once('/').unwrap().1);
    let fields = name.fields().unwrap_or_else(|| panic!("{path} has no fields"));
    match name.kind() {
        Kind::Regular if name.as_str().len() == 44 => {
            assert_eq!(fields.size_word.size(), bytes.len() as u64, "{path}");
            assert_eq!(fields.crc32, crc32fast::hash(bytes), "{path}");
            "regular file"
        }
        // The reference takes slaves with short names for regular files.
        Kind::Regular | Kind::Slave => "slave file",
        Kind::Appender => "appender file",
        Kind::Trunk => panic!("{path} lies on its own"),
    }
}

/// A trunk file: the headers of its files are those that their names tell, and nothing is where no file is.
fn trunk_file(set: &GoldenDisk, path: &str, mut bytes: Vec<u8>) {
    let manifest = set.manifest();
    let store_path = path[1..].split_once('/').unwrap().0.parse::<u8>().unwrap();
    let number: u32 = path.rsplit_once('/').unwrap().1.parse().unwrap();
    let mut files = 0;
    for file in list(manifest, "files").iter().chain(list(manifest, "link_files")) {
        let id: fdfs_proto::file_id::FileId = file["id"].as_str().unwrap().parse().unwrap();
        let name = id.logic_name().unwrap();
        let Some(part) = name.trunk_part().filter(|part| part.id == number && name.kind() == Kind::Trunk) else {
            continue;
        };
        if name.store_path_index() != store_path {
            continue;
        }
        let (from, to) = (part.offset as usize, (part.offset + part.alloc_size) as usize);
        let header = TrunkHeader::decode(&mut Reader::new(&bytes[from..])).unwrap();
        assert!(header.is_of(&name), "{path}: {name:?}");
        assert_eq!(header.to_bytes(), &bytes[from..from + TrunkHeader::LEN], "{path}: {name:?}");
        let content = &bytes[from + TrunkHeader::LEN..][..header.file_size as usize];
        if header.block_type == BlockType::Link {
            let target = format!("group1/{}", std::str::from_utf8(content).unwrap());
            assert_eq!(file["target_id"], *target, "{path}");
        } else {
            assert_eq!(crc32fast::hash(content), header.crc32, "{path}: {name:?}");
        }
        bytes[from..to].fill(0);
        files += 1;
    }
    assert!(files > 0, "{path} has files");
    // What the list of the recording leaves out is in the log of its storage.
    for name in names_in_logs(set) {
        let Some(part) = name.trunk_part().filter(|part| part.id == number) else { continue };
        let (from, to) = (part.offset as usize, (part.offset + part.alloc_size) as usize);
        let header = TrunkHeader::decode(&mut Reader::new(&bytes[from..]));
        if name.store_path_index() == store_path && header.is_ok_and(|header| header.is_of(&name)) {
            bytes[from..to].fill(0);
        }
    }
    assert_eq!(bytes.iter().position(|&byte| byte != 0), None, "{path}: where no file is there are zeros");
}

fn names_in_logs(set: &GoldenDisk) -> Vec<LogicName> {
    let logs = set.entries().iter().filter(|entry| entry["path"].as_str().unwrap().ends_with("/sync/binlog.000"));
    let names = logs.flat_map(|log| {
        let bytes = set.bytes_of(log);
        binlog_lines(&bytes).filter_map(|line| LogicName::parse(&line.record.ok()?.name).ok()).collect::<Vec<_>>()
    });
    names.filter(|name| name.kind() == Kind::Trunk).collect()
}

fn examine(set_name: &str, seen: &mut Seen) {
    let set = GoldenDisk::read(set_name);
    for entry in set.entries() {
        let whole = entry["path"].as_str().unwrap();
        let (_, path) = whole.split_once('/').unwrap();
        let place = format!("{set_name}: {whole}");
        if entry["type"] == "symlink" {
            let _ = logic_name(path);
            assert!(entry["target"].as_str().unwrap().contains("/data/"), "{place}");
            *seen.entry("symbolic link").or_default() += 1;
            continue;
        }
        assert_eq!(entry["type"], "file", "{place}");
        if path.starts_with("base/logs/") {
            // Written for people, never read; fdfs-proto has tests for them.
            continue;
        }
        let bytes = set.bytes_of(entry);
        let kind = if let Some((kind, again)) = state_file(path, &bytes) {
            assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&bytes), "{place}");
            kind
        } else {
            let name = path.rsplit_once('/').unwrap().1;
            assert!(path.starts_with('p'), "{place}: no codec");
            if name.ends_with("-m") {
                let _ = logic_name(path.strip_suffix("-m").unwrap());
                assert_eq!(Metadata::parse(&bytes).pack(), bytes, "{place}");
                "metadata"
            } else if name.bytes().all(|byte| byte.is_ascii_digit()) {
                trunk_file(&set, path, bytes);
                "trunk file"
            } else {
                user_file(path, &bytes)
            }
        };
        *seen.entry(kind).or_default() += 1;
    }
}

#[test]
fn every_recorded_file_is_of_a_kind_that_is_known_and_written_again_to_the_same_bytes() {
    let mut seen = Seen::new();
    SETS.iter().for_each(|set| examine(set, &mut seen));
    let total: usize = seen.values().sum();
    let entries: usize = SETS.iter().map(|set| GoldenDisk::read(set).entries().len()).sum();
    assert_eq!((seen.len(), total), (23, entries - 10), "{seen:?}; the rest are logs");
}
