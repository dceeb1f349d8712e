//! The rows of the state files, as they are written. Text and atomic writing are others' business.

use fdfs_proto::shared::{StorageStat, StorageStatus};
use fdfs_proto::{GroupName, IpText, StorageId, VersionText};

use super::cluster::Cluster;
use super::group::Group;
use super::status;
use super::storage::Storage;

/// One section of `storage_groups_new.dat`. Source: disk formats, B.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// The group.
    pub group: GroupName,
    /// Its port, 0 unset, -1 for different ports.
    pub storage_port: i64,
    /// Store paths of each storage.
    pub path_count: usize,
    /// Sub directories on each level.
    pub subdir_count: usize,
    /// The newest trunk file.
    pub current_trunk_file_id: u32,
    /// The trunk server, or empty.
    pub trunk_server: StorageId,
    /// The last trunk server, or empty.
    pub last_trunk_server: StorageId,
}

/// One section of `storage_servers_new.dat`. Source: disk formats, B.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRow {
    /// Its id; written only with storage ids on, and `None` when the file has none.
    pub id: Option<StorageId>,
    /// Its group.
    pub group: GroupName,
    /// Its first address.
    pub ip: IpText,
    /// Its status.
    pub status: StorageStatus,
    /// Its version.
    pub version: VersionText,
    /// Its first start ever, unix seconds.
    pub join_time: i64,
    /// Its port; 0 takes the group's.
    pub storage_port: u16,
    /// Who copies the old files to it, or empty.
    pub sync_source: StorageId,
    /// Up to which time, unix seconds.
    pub sync_until: i64,
    /// Its space, in megabytes.
    pub total_mb: u64,
    /// Its free space, in megabytes.
    pub free_mb: u64,
    /// How many bytes of the changelog it has read.
    pub changelog_offset: u64,
    /// Its store paths.
    pub path_count: usize,
    /// Its sub directories on each level.
    pub subdir_count: usize,
    /// Its upload priority.
    pub upload_priority: i64,
    /// Its counters and last times.
    pub stat: StorageStat,
}

/// One line of `storage_sync_timestamp.dat`. Source: disk formats, B.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampRow {
    /// The group.
    pub group: GroupName,
    /// The source.
    pub source: StorageId,
    /// For each stored storage of the group, in the order of the servers file: up to when everything of the source
    /// has arrived there, unix seconds.
    pub times: Vec<i64>,
}

impl Group {
    /// The members that are stored, in join order.
    fn stored(&self) -> impl Iterator<Item = &Storage> {
        self.storages.iter().filter(|storage| status::is_stored(storage.status))
    }
}

impl Cluster {
    /// What to write to `storage_groups_new.dat`.
    #[must_use]
    pub fn group_rows(&self) -> Vec<GroupRow> {
        let row = |group: &Group| GroupRow {
            group: group.name,
            storage_port: group.port.number(),
            path_count: group.path_count,
            subdir_count: group.subdir_count,
            current_trunk_file_id: group.current_trunk_file_id,
            trunk_server: group.trunk_server.unwrap_or(StorageId::EMPTY),
            last_trunk_server: group.last_trunk_server.unwrap_or(StorageId::EMPTY),
        };
        self.groups.iter().map(row).collect()
    }

    /// What to write to `storage_servers_new.dat`: groups by name, storages in join order, without DELETED and
    /// IP_CHANGED ones.
    #[must_use]
    pub fn server_rows(&self) -> Vec<ServerRow> {
        let row = |group: &Group, storage: &Storage| ServerRow {
            id: self.settings.ids.is_some().then_some(storage.id),
            group: group.name,
            ip: *storage.addrs.first(),
            status: storage.status,
            version: storage.version,
            join_time: storage.join_time,
            storage_port: storage.port,
            sync_source: storage.sync_source.unwrap_or(StorageId::EMPTY),
            sync_until: storage.sync_until,
            total_mb: storage.total_mb,
            free_mb: storage.free_mb,
            changelog_offset: storage.changelog_offset,
            path_count: storage.path_count,
            subdir_count: storage.subdir_count,
            upload_priority: storage.upload_priority,
            stat: storage.stat,
        };
        let rows = self.groups.iter().flat_map(|group| group.stored().map(move |storage| row(group, storage)));
        rows.collect()
    }

    /// What to write to `storage_sync_timestamp.dat`; rows and columns are those of [`Cluster::server_rows`].
    #[must_use]
    pub fn timestamp_rows(&self) -> Vec<TimestampRow> {
        let times = |group: &Group, source: &Storage| {
            group.stored().map(|dest| dest.synced_from.get(&source.id).unwrap_or(0)).collect()
        };
        let mut rows = Vec::new();
        for group in &self.groups {
            rows.extend(group.stored().map(|source| TimestampRow {
                group: group.name,
                source: source.id,
                times: times(group, source),
            }));
        }
        rows
    }
}
