//! Commands in which a tracker takes part: queries, lists, administration, reports of storages, elections.
//!
//! | who asks | commands | files |
//! |----------|----------|-------|
//! | client   | 101 - 107 | [`query_store`], [`query_fetch`] |
//! | client   | 90 - 98, 108 | [`list_groups`], [`list_storages`], [`tracker_cluster_stat`], [`storage_cluster_stat`], [`volume_stat`], [`leader`], [`delete_storage`], [`delete_group`], [`set_trunk_server`] |
//! | storage, at its start | 60, 69, 70, 71, 75, 109 | [`my_ip`], [`storage_ids`], [`server_lookup`], [`parameters`], [`group_name`] |
//! | storage, joined | 59, 72 - 74, 79, 81, 83 - 85, 87 - 89 | [`join`], [`beat`], [`disk_usage`], [`sync_report`], [`beat_answer`], [`change_status`], [`trunk_reports`], [`replica_change`], [`sync_source`] |
//! | storage, not joined | 76 - 78, 86 | [`report_status`], [`changelog`], [`report_ip_changed`], [`sync_source`] |
//! | tracker  | 58, 61 - 68 | [`join_leader`], [`sys_files`], [`tracker_status`], [`ping_leader`], [`next_leader`] |
//!
//! `QUIT` (82) and `ACTIVE_TEST` (111) have empty bodies, `()`: 82 has no answer at all, the receiver reads an
//! announced body and closes; 111 has an empty answer, and one with a body is refused with `EINVAL`.
//! An answer that no file here names is empty: `()`.
//!
//! A body that cannot be read is answered with `EINVAL` and the connection stays open, with one exception, which
//! [`group_name`] describes. Where a command has a status that comes first (not joined, not the leader, storage ids
//! off), the tracker asks for that before it reads the body.
//!
//! Differs from C: a group name, storage id or address with characters that none can have is `EINVAL`; C looks it up
//! and answers `ENOENT`.

#[macro_use]
mod empty;
mod record;

#[cfg(test)]
mod check;

pub mod beat;
pub mod beat_answer;
pub mod change_status;
pub mod changelog;
pub mod delete_group;
pub mod delete_storage;
pub mod disk_usage;
pub mod group_name;
pub mod host_port;
pub mod join;
pub mod join_leader;
pub mod leader;
pub mod list_groups;
pub mod list_storages;
pub mod my_ip;
pub mod next_leader;
pub mod parameter_values;
pub mod parameters;
pub mod ping_leader;
pub mod query_fetch;
pub mod query_store;
pub mod replica_change;
pub mod report_ip_changed;
pub mod report_status;
pub mod server_lookup;
pub mod set_trunk_server;
pub mod short_code;
pub mod storage_addr;
pub mod storage_cluster_stat;
pub mod storage_ids;
pub mod storage_record;
pub mod sync_report;
pub mod sync_source;
pub mod sys_files;
pub mod tracker_cluster_stat;
pub mod tracker_line;
pub mod tracker_status;
pub mod trunk_reports;
pub mod volume_stat;

pub use beat::Beat;
pub use beat_answer::BeatAnswer;
pub use change_status::ChangeStatus;
pub use changelog::{Changelog, ChangelogLine, ChangelogRequest};
pub use delete_group::DeleteGroup;
pub use delete_storage::DeleteStorage;
pub use disk_usage::{DiskUsage, PathSpace};
pub use group_name::{GroupNameAnswer, GroupNameRequest};
pub use host_port::{HostAddrs, HostPort};
pub use join::{Join, JoinAnswer};
pub use join_leader::JoinLeader;
pub use leader::{Leader, LeaderRequest};
pub use list_groups::{GroupList, GroupRecord, ListAllGroups, ListOneGroup};
pub use list_storages::{ListStorages, StorageList};
pub use my_ip::{MyIp, MyIpRequest};
pub use next_leader::{CommitNextLeader, NotifyNextLeader, ReselectLeader};
pub use parameter_values::{IdType, ReservedSpace, StorePathRule, TimeOfDay};
pub use parameters::{Parameters, ParametersRequest};
pub use ping_leader::{GroupTrunkServer, PingAnswer, PingLeader};
pub use query_fetch::{FetchRequest, FetchTarget, FetchTargets};
pub use query_store::{QueryStoreAnyRequest, QueryStoreRequest, StoreTarget, StoreTargets};
pub use replica_change::ReplicaChange;
pub use report_ip_changed::ReportIpChanged;
pub use report_status::ReportStatus;
pub use server_lookup::{ServerId, ServerIdRequest, ServerStatusRequest};
pub use set_trunk_server::{SetTrunkServer, TrunkServerChosen};
pub use storage_addr::StorageAddr;
pub use storage_cluster_stat::{StatusMatch, StorageClusterRow, StorageClusterStat, StorageClusterStatRequest};
pub use storage_ids::{StorageIdLine, StorageIds, StorageIdsRequest};
pub use storage_record::StorageRecord;
pub use sync_report::{SyncReport, SyncedUpTo};
pub use sync_source::{SyncDestQuery, SyncDestRequest, SyncNotify, SyncSource, SyncSourceAnswer, SyncSourceRequest};
pub use sys_files::{SysFile, SysFilePiece, SysFileRequest, SysFilesEnd, SysFilesStart};
pub use tracker_cluster_stat::{TrackerClusterRow, TrackerClusterStat, TrackerClusterStatRequest};
pub use tracker_line::TrackerLine;
pub use tracker_status::{TrackerStatus, TrackerStatusRequest};
pub use trunk_reports::{ReportTrunkFileId, ReportTrunkFree, TrunkFileId, TrunkFileIdRequest};
pub use volume_stat::{VolumeRow, VolumeStat, VolumeStatRequest};
