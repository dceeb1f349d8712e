//! What tools are shown of groups (90, 91) and storages (92).

use fdfs_proto::shared::{RwMode, StorageStat, StorageStatus};
use fdfs_proto::{GroupName, IpText, StorageId, VersionText};

use super::cluster::Cluster;
use super::error::ClusterError;
use super::group::Group;
use super::settings::Settings;
use super::storage::Storage;

/// One group (90, 91). Source: wire specification, 2.1.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupInfo {
    /// Its name.
    pub name: GroupName,
    /// Space of the member that has the least free, in megabytes.
    pub total_mb: u64,
    /// Free space of that member, in megabytes.
    pub free_mb: u64,
    /// The reserve of that member, in megabytes.
    pub reserved_mb: u64,
    /// Free space inside trunk files, in megabytes.
    pub trunk_free_mb: u64,
    /// Storages, deleted ones included.
    pub storage_count: usize,
    /// The port of its storages, -1 for different ones.
    pub storage_port: i64,
    /// Storages that may be read from now.
    pub readable_count: usize,
    /// Storages that may be written to now.
    pub writable_count: usize,
    /// Whose turn it is among the writable ones.
    pub current_write_server: usize,
    /// Store paths of each storage.
    pub path_count: usize,
    /// Sub directories on each level.
    pub subdir_count: usize,
    /// The newest trunk file, -1 with trunk files off.
    pub current_trunk_file_id: i64,
}

/// One storage (92). Source: wire specification, 2.1.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageInfo {
    /// Its status.
    pub status: StorageStatus,
    /// What it may be used for.
    pub rw: RwMode,
    /// Its id.
    pub id: StorageId,
    /// Its address for the asker.
    pub ip: IpText,
    /// Who copied the old files to it, or empty.
    pub sync_source: StorageId,
    /// Its version.
    pub version: VersionText,
    /// Its first start ever, unix seconds.
    pub join_time: i64,
    /// The start of its process, unix seconds; 0 when it is not connected.
    pub up_time: i64,
    /// Its space, in megabytes.
    pub total_mb: u64,
    /// Its free space, in megabytes.
    pub free_mb: u64,
    /// Its reserve, in megabytes.
    pub reserved_mb: u64,
    /// Its upload priority.
    pub upload_priority: i64,
    /// Its store paths.
    pub path_count: usize,
    /// Its sub directories on each level.
    pub subdir_count: usize,
    /// The path that the next upload tries first.
    pub current_write_path: usize,
    /// Its port.
    pub port: u16,
    /// Its counters.
    pub stat: StorageStat,
    /// Whether it is the trunk server of its group.
    pub is_trunk_server: bool,
}

impl Group {
    fn info(&self, settings: &Settings) -> GroupInfo {
        GroupInfo {
            name: self.name,
            total_mb: self.total_mb,
            free_mb: self.free_mb,
            reserved_mb: settings.reserved.mb_of(self.total_mb),
            trunk_free_mb: self.trunk_free_mb,
            storage_count: self.storages.len(),
            storage_port: self.port.number(),
            readable_count: self.readable.len(),
            writable_count: self.writable.len(),
            current_write_server: self.write_cursor,
            path_count: self.path_count,
            subdir_count: self.subdir_count,
            current_trunk_file_id: if settings.use_trunk_file { i64::from(self.current_trunk_file_id) } else { -1 },
        }
    }

    fn storage_info(&self, storage: &Storage, settings: &Settings, asker: &IpText) -> StorageInfo {
        let (ip, port) = storage.reached_by(asker, settings.answer_width.for_asker(asker));
        StorageInfo {
            status: storage.status,
            rw: storage.rw(),
            id: storage.id,
            ip,
            sync_source: storage.sync_source.unwrap_or(StorageId::EMPTY),
            version: storage.version,
            join_time: storage.join_time,
            up_time: storage.up_time,
            total_mb: storage.total_mb,
            free_mb: storage.free_mb,
            reserved_mb: settings.reserved.mb_of(storage.total_mb),
            upload_priority: storage.upload_priority,
            path_count: storage.path_count,
            subdir_count: storage.subdir_count,
            current_write_path: storage.current_write_path,
            port,
            stat: storage.stat,
            is_trunk_server: self.trunk_server == Some(storage.id),
        }
    }
}

impl Cluster {
    /// All groups, sorted by name (91).
    #[must_use]
    pub fn list_groups(&self) -> Vec<GroupInfo> {
        self.groups.iter().map(|group| group.info(&self.settings)).collect()
    }

    /// One group (90).
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`].
    pub fn list_group(&self, group: &GroupName) -> Result<GroupInfo, ClusterError> {
        Ok(self.groups[self.require_group(group)?].info(&self.settings))
    }

    /// The storages of a group sorted by id, deleted ones included, or one of them (92).
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`], [`ClusterError::NoStorage`].
    pub fn list_storages(
        &self,
        group: &GroupName,
        id: Option<&StorageId>,
        asker: &IpText,
    ) -> Result<Vec<StorageInfo>, ClusterError> {
        let group = &self.groups[self.require_group(group)?];
        let info = |storage: &Storage| group.storage_info(storage, &self.settings, asker);
        match id {
            None => Ok(group.sorted().map(info).collect()),
            Some(id) => Ok(vec![info(&group.storages[group.require(id)?])]),
        }
    }
}

#[cfg(test)]
mod tests {

    use crate::tracker::tests_support::{a_and_b, id, ip, name};

    #[test]
    fn groups_and_storages_are_listed_in_order() {
        let cluster = a_and_b(true);
        let groups = cluster.list_groups();
        assert_eq!(groups.iter().map(|group| group.name.to_string()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((groups[0].free_mb, groups[0].reserved_mb, groups[0].current_trunk_file_id), (4000, 1000, 0));
        let storages = cluster.list_storages(&name("a"), None, &ip("10.0.0.50")).unwrap();
        let shown: Vec<_> = storages.iter().map(|s| (s.id.to_string(), s.is_trunk_server)).collect();
        assert_eq!(shown, [("10.0.0.1".to_owned(), true), ("10.0.0.2".to_owned(), false)]);
        let one = cluster.list_storages(&name("a"), Some(&id("10.0.0.2")), &ip("10.0.0.50")).unwrap();
        assert_eq!(one, storages[1..]);
        assert!(cluster.list_storages(&name("a"), Some(&id("10.0.0.9")), &ip("10.0.0.50")).is_err());
        assert!(cluster.list_group(&name("x")).is_err());
    }
}
