//! The bodies of all commands.

use std::fmt::Debug;

use fdfs_proto::cmd::{storage, tracker};
use fdfs_proto::file_id::{FileId, TrunkHeader};
use fdfs_proto::limits::IPV6_LEN;
use fdfs_proto::shared::{AddrSize, StorageBrief, StorageStat};
use fdfs_proto::{Wire, WireError, ours};

use super::Target;

/// Rows of all bodies that are a [`Wire`], one for each type.
macro_rules! wire_bodies {
    ($($module:ident::{ $($name:ident),* $(,)? })*) => { &[$($((stringify!($name), body::<$module::$name>),)*)*] };
}

/// Modules for [`wire_bodies`] of what lies outside of the two command modules.
mod shared {
    pub(super) use super::{FileId, StorageBrief, StorageStat, TrunkHeader};
}

/// Every body, request or answer, that is a [`Wire`].
pub const WIRE_BODIES: &[Target] = wire_bodies! {
    ours::{
        Drain, DropGroup, GroupView, Route, SelfReportRequest, StorageTerms, SyncHello, SyncHelloAnswer, SyncReached,
        SyncStatusRequest, TrunkBatch, TrunkBatchAnswer, TrunkLogRequest, WatchGroup,
    }
    shared::{ FileId, StorageBrief, StorageStat, TrunkHeader }
    storage::{
        AppendHead, CreateLink, DownloadFile, FetchOnePathBinlog, ModifyHead, RegenerateAppender, ReportServerId,
        SetMetadataHead, SyncDeleteFile, SyncFileHead, SyncTruncateFile, SyncTwoNames, SyncWriteHead, TruncateFile,
        TrunkAllocSpace, TrunkBinlogSize, TrunkBlock, TrunkInfo, UploadHead, UploadSlaveHead,
    }
    tracker::{
        Beat, BeatAnswer, ChangeStatus, Changelog, ChangelogRequest, CommitNextLeader, DeleteGroup, DeleteStorage,
        DiskUsage, FetchRequest, GroupList, GroupNameAnswer, GroupNameRequest, GroupRecord, GroupTrunkServer, Join,
        JoinAnswer, JoinLeader, Leader, LeaderRequest, ListAllGroups, ListOneGroup, ListStorages, MyIp, MyIpRequest,
        NotifyNextLeader, Parameters, ParametersRequest, PathSpace, PingAnswer, PingLeader, QueryStoreAnyRequest,
        QueryStoreRequest, ReplicaChange, ReportIpChanged, ReportStatus, ReportTrunkFileId, ReportTrunkFree,
        ReselectLeader, ServerId, ServerIdRequest, ServerStatusRequest, SetTrunkServer, StorageClusterRow,
        StorageClusterStat, StorageClusterStatRequest, StorageIds, StorageIdsRequest, SyncDestQuery, SyncDestRequest,
        SyncNotify, SyncReport, SyncSource, SyncSourceAnswer, SyncSourceRequest, SyncedUpTo, SysFilePiece,
        SysFileRequest, SysFilesEnd, SysFilesStart, TrackerClusterRow, TrackerClusterStat, TrackerClusterStatRequest,
        TrackerStatus, TrackerStatusRequest, TrunkFileId, TrunkFileIdRequest, TrunkServerChosen, VolumeRow, VolumeStat,
        VolumeStatRequest,
    }
};

/// Answers whose length tells the width of their addresses, and texts.
pub const OTHER_BODIES: &[Target] = &[
    ("FileInfo", file_info),
    ("StoreTarget", |b| sized(b, tracker::StoreTarget::decode, |v, size, out| v.encode(size, out))),
    ("StoreTargets", |b| sized(b, tracker::StoreTargets::decode, |v, size, out| v.encode(size, out))),
    ("FetchTarget", |b| sized(b, tracker::FetchTarget::decode, |v, size, out| v.encode(size, out))),
    ("FetchTargets", |b| sized(b, tracker::FetchTargets::decode, |v, size, out| v.encode(size, out))),
    ("StorageList", |b| sized(b, tracker::StorageList::decode, |v, size, out| v.encode(size, out))),
    ("TrunkSyncBinlog", |b| drop(storage::TrunkSyncBinlog::from_bytes(b))),
    ("SelfReport", |b| drop(ours::SelfReport::decode(b))),
    ("SyncStatus", |b| drop(ours::SyncStatus::decode(b))),
    ("HostPort", |b| shown(b, tracker::HostPort::parse)),
    ("HostAddrs", |b| shown(b, tracker::HostAddrs::parse)),
    ("TrackerLine", |b| shown(b, tracker::TrackerLine::parse)),
    ("ChangelogLine", |b| shown(b, tracker::ChangelogLine::parse)),
    ("StorageIdLine", |b| shown(b, tracker::StorageIdLine::parse)),
];

/// The first byte chooses the body, the rest is read as it.
pub(super) fn selected(bytes: &[u8]) {
    if let Some((&first, rest)) = bytes.split_first() {
        let row = usize::from(first) % (WIRE_BODIES.len() + OTHER_BODIES.len());
        let (_, target) = WIRE_BODIES.iter().chain(OTHER_BODIES).nth(row).unwrap_or(&WIRE_BODIES[0]);
        target(rest);
    }
}

/// Metadata texts, as they are sent and as they lie in files.
pub(super) fn metadata(bytes: &[u8]) {
    use storage::{MetaMode, Metadata, MetadataChange};
    let packed = Metadata::parse(bytes).pack();
    assert_eq!(Metadata::parse(&packed).pack(), packed, "packed metadata stay as they are");
    let (old, new) = bytes.split_at(bytes.len() / 2);
    for mode in [MetaMode::Overwrite, MetaMode::Merge] {
        if let MetadataChange::Store(text) = MetadataChange::of(mode, Some(old), new) {
            assert_eq!(Metadata::parse(&text).pack(), text, "what is stored is packed");
        }
    }
}

/// What reads must be written as something that reads the same.
fn body<T: Wire + PartialEq + Debug>(bytes: &[u8]) {
    if let Ok(value) = T::from_bytes(bytes) {
        assert_eq!(T::from_bytes(&value.to_bytes()).as_ref(), Ok(&value), "written and read again");
    }
}

/// The same for an answer that is written in either width. An address that only the wide form holds is left empty in
/// the narrow one, which must read all the same.
fn sized<T: PartialEq + Debug>(
    bytes: &[u8],
    decode: fn(&[u8]) -> Result<T, WireError>,
    encode: fn(&T, AddrSize, &mut Vec<u8>),
) {
    if let Ok(value) = decode(bytes) {
        let (mut wide, mut narrow) = (Vec::new(), Vec::new());
        encode(&value, AddrSize::V6, &mut wide);
        assert_eq!(decode(&wide).as_ref(), Ok(&value), "written wide and read again");
        encode(&value, AddrSize::V4, &mut narrow);
        assert!(decode(&narrow).is_ok(), "written narrow and read again");
    }
}

/// The same, where an address that fills even the wide field is left empty.
fn file_info(bytes: &[u8]) {
    let fills = storage::FileInfo::from_bytes(bytes).is_ok_and(|info| info.source.as_bytes().len() >= IPV6_LEN);
    if !fills {
        let encode = |value: &storage::FileInfo, size, out: &mut Vec<u8>| value.encode(out, size);
        sized(bytes, storage::FileInfo::from_bytes, encode);
    }
}

/// The same for a text.
fn shown<T: PartialEq + Debug + ToString>(bytes: &[u8], parse: fn(&[u8]) -> Result<T, WireError>) {
    if let Ok(value) = parse(bytes) {
        assert_eq!(parse(value.to_string().as_bytes()).as_ref(), Ok(&value), "written and read again");
    }
}
