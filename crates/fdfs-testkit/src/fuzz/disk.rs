//! Files that a storage or a tracker keeps on its disk.

use std::fmt::Debug;

use fdfs_proto::disk::binlog_index::BinlogIndex;
use fdfs_proto::disk::binlog_record::{BinlogRecord, binlog_lines};
use fdfs_proto::disk::changelog::{ChangelogEntry, changelog_lines};
use fdfs_proto::disk::data_init_flag::DataInitFlag;
use fdfs_proto::disk::recovery::{self, RecoveryFlag, RecoveryMark};
use fdfs_proto::disk::storage_stat::StorageStatFile;
use fdfs_proto::disk::store_path_mark::{StorePathMark, StorePathMarkFile};
use fdfs_proto::disk::sync_mark::SyncMark;
use fdfs_proto::disk::sync_timestamps::SyncTimestamps;
use fdfs_proto::disk::tracker_groups::TrackerGroups;
use fdfs_proto::disk::tracker_old;
use fdfs_proto::disk::tracker_servers::TrackerServers;
use fdfs_proto::disk::tracker_status::TrackerStatus;
use fdfs_proto::disk::trunk_mark::TrunkMark;
use fdfs_proto::disk::trunk_record::{TrunkRecord, trunk_lines};
use fdfs_proto::disk::trunk_snapshot::TrunkSnapshot;
use fdfs_proto::disk::{DiskError, StateFile};
use fdfs_storage::params::Learnt;
use fdfs_storage::trunk::term::TrunkTerm;

use super::{Target, select};

/// Files that are read as a whole, and their forms of old versions.
pub const STATE_FILES: &[Target] = &[
    ("BinlogIndex", file::<BinlogIndex>),
    ("DataInitFlag", file::<DataInitFlag>),
    ("Learnt", file::<Learnt>),
    ("RecoveryFlag", file::<RecoveryFlag>),
    ("RecoveryMark", file::<RecoveryMark>),
    ("StorageStatFile", file::<StorageStatFile>),
    ("StorePathMarkFile", file::<StorePathMarkFile>),
    ("SyncMark", file::<SyncMark>),
    ("SyncTimestamps", file::<SyncTimestamps>),
    ("TrackerGroups", file::<TrackerGroups>),
    ("TrackerServers", file::<TrackerServers>),
    ("TrackerStatus", file::<TrackerStatus>),
    ("TrunkMark", file::<TrunkMark>),
    ("TrunkSnapshot", file::<TrunkSnapshot>),
    ("TrunkTerm", file::<TrunkTerm>),
    ("BinlogIndex of old versions", |b| reads(b, BinlogIndex::decode_old)),
    ("RecoveryMark of old versions", |b| reads(b, recovery::decode_old)),
    ("TrackerGroups of old versions", |b| reads(b, tracker_old::decode_groups)),
    ("TrackerServers of old versions", |b| reads(b, tracker_old::decode_servers)),
];

/// The first byte chooses the file, the rest is read as it.
pub(super) fn selected(bytes: &[u8]) {
    select(STATE_FILES, bytes);
}

/// A line of a replication log, and the same bytes as a whole piece of one.
pub(super) fn binlog_line(bytes: &[u8]) {
    if let Ok(record) = BinlogRecord::parse(bytes) {
        let mut out = Vec::new();
        if record.encode(&mut out).is_ok() {
            let line = out.strip_suffix(b"\n").unwrap_or(&out);
            assert_eq!(BinlogRecord::parse(line).as_ref(), Ok(&record), "written and read again");
        }
    }
    let ends: Vec<usize> = binlog_lines(bytes).map(|line| line.end()).collect();
    whole_lines(bytes, &ends);
}

/// A line of a trunk binlog, and the same bytes as a whole piece of one.
pub(super) fn trunk_line(bytes: &[u8]) {
    if let Ok(record) = TrunkRecord::parse(bytes) {
        let mut out = Vec::new();
        record.encode(&mut out);
        let line = out.strip_suffix(b"\n").unwrap_or(&out);
        assert_eq!(TrunkRecord::parse(line).as_ref(), Ok(&record), "written and read again");
    }
    let ends: Vec<usize> = trunk_lines(bytes).map(|line| line.start + line.text.len() + 1).collect();
    whole_lines(bytes, &ends);
}

/// A line of a tracker's changelog, and the same bytes as a whole piece of one.
pub(super) fn changelog_line(bytes: &[u8]) {
    if let Ok(entry) = ChangelogEntry::parse(bytes) {
        let mut out = Vec::new();
        entry.encode(&mut out);
        let line = out.strip_suffix(b"\n").unwrap_or(&out);
        assert_eq!(ChangelogEntry::parse(line).as_ref(), Ok(&entry), "written and read again");
    }
    let ends: Vec<usize> = changelog_lines(bytes).map(|line| line.end()).collect();
    whole_lines(bytes, &ends);
}

/// The text of a store path's mark.
pub(super) fn store_path_mark(bytes: &[u8]) {
    if let Ok(mark) = StorePathMark::new(bytes) {
        assert_eq!(mark.as_str().as_bytes(), bytes, "a mark is kept as it was given");
        let _ = mark.fields();
    }
}

/// Lines follow each other without a gap, and the last one ends at the last newline.
fn whole_lines(bytes: &[u8], ends: &[usize]) {
    let newlines = bytes.iter().enumerate().filter(|&(_, &b)| b == b'\n').map(|(at, _)| at + 1);
    assert!(newlines.eq(ends.iter().copied()), "a line for each newline");
}

fn file<T: StateFile + PartialEq + Debug>(bytes: &[u8]) {
    if let Ok(value) = T::decode(bytes) {
        let written = value.to_bytes();
        let again = T::decode(&written);
        assert!(again.as_ref().is_ok_and(|again| *again == value), "{}: {value:?}, then {again:?}", T::FILE);
    }
}

fn reads<T>(bytes: &[u8], decode: fn(&[u8]) -> Result<T, DiskError>) {
    if let Err(error) = decode(bytes) {
        assert!(!error.to_string().is_empty(), "an error says something");
    }
}
