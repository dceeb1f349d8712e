//! What tools are shown: groups (90, 91), storages (92) and the cluster's state (96, 97, 98).

use fdfs_proto::shared::{ConnectionCounts, RwMode, StorageStat, StorageStatus};
use fdfs_proto::{GroupName, IpText, StorageId, VersionText};

use super::addr::HostPort;
use super::cluster::Cluster;
use super::error::ClusterError;
use super::group::Group;
use super::settings::Settings;
use super::storage::Storage;
use super::time::Now;
use super::trackers::OwnState;

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

/// Which trackers to show (96); `None` does not compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrackerFilter {
    /// Only those that are (or are not) active.
    pub is_active: Option<bool>,
    /// Only the leader, or only the others.
    pub is_leader: Option<bool>,
}

/// One tracker (96).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackerState {
    /// Its address.
    pub host: HostPort,
    /// Whether it leads.
    pub is_leader: bool,
    /// Whether it leads or was heard within the last seconds.
    pub is_active: bool,
    /// Its connections.
    pub connections: ConnectionCounts,
    /// Its version.
    pub version: VersionText,
    /// The start of its process, unix seconds.
    pub up_time: i64,
    /// When the leader last heard it, unix seconds.
    pub last_heart_beat_time: i64,
}

/// Which storages to show (97); `None` does not compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageFilter {
    /// Only trunk servers, or only the others; without trunk files nothing is compared.
    pub is_trunk_server: Option<bool>,
    /// Only those whose status number equals this one (`true`) or differs from it (`false`).
    pub status: Option<(bool, u8)>,
}

/// One storage (97).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageState {
    /// Its id.
    pub id: StorageId,
    /// Its address for the asker.
    pub host: HostPort,
    /// Whether it is the trunk server of its group.
    pub is_trunk_server: bool,
    /// Its status.
    pub status: StorageStatus,
    /// Its connections.
    pub connections: ConnectionCounts,
    /// Its version.
    pub version: VersionText,
    /// The start of its process, unix seconds.
    pub up_time: i64,
    /// Its last beat, unix seconds.
    pub last_heart_beat_time: i64,
}

/// Which groups to show (98); `None` does not compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VolumeFilter {
    /// Only those where plain files fit (or do not).
    pub is_disk_available: Option<bool>,
    /// Only those where files fit into trunks (or do not); without trunk files nothing is compared.
    pub is_trunk_available: Option<bool>,
    /// Only those where either fits (or none does).
    pub is_space_available: Option<bool>,
}

/// The space of one group (98).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumeState {
    /// The group.
    pub group: GroupName,
    /// Its space, in megabytes.
    pub total_mb: u64,
    /// Its free space, in megabytes.
    pub free_mb: u64,
    /// Its reserve, in megabytes.
    pub reserved_mb: u64,
    /// What is free above the reserve, in megabytes.
    pub available_mb: u64,
    /// Free space inside trunk files, in megabytes.
    pub trunk_free_mb: u64,
    /// Whether plain files fit.
    pub is_disk_available: bool,
    /// Whether files fit into trunks.
    pub is_trunk_available: bool,
}

fn matches(wanted: Option<bool>, value: bool) -> bool {
    wanted.is_none_or(|wanted| wanted == value)
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
        StorageInfo {
            status: storage.status,
            rw: storage.rw,
            id: storage.id,
            ip: *storage.addrs.for_asker(asker),
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
            port: storage.port,
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

    /// The trackers of the cluster (96); `own` tells what only the shell knows of this one.
    ///
    /// # Errors
    /// [`ClusterError::NotLeader`].
    pub fn tracker_states(
        &self,
        now: Now,
        own: &OwnState,
        filter: &TrackerFilter,
    ) -> Result<Vec<TrackerState>, ClusterError> {
        if !self.trackers.is_leader() {
            return Err(ClusterError::NotLeader);
        }
        let state = |tracker: &super::trackers::Tracker| {
            let port = tracker.addr.port;
            let host = HostPort { ip: *tracker.addr.addrs.first(), port };
            if tracker.addr.addrs.iter().any(|ip| self.trackers.is_me(ip, port)) {
                return TrackerState {
                    host: self.trackers.leader().copied().unwrap_or(host),
                    is_leader: true,
                    is_active: true,
                    connections: own.connections,
                    version: own.version,
                    up_time: own.up_time,
                    last_heart_beat_time: 0,
                };
            }
            TrackerState {
                host,
                is_leader: false,
                is_active: tracker.is_active(now),
                connections: tracker.connections,
                version: tracker.version,
                up_time: tracker.up_time,
                last_heart_beat_time: tracker.last_ping.map_or(0, |ping| ping.unix_secs),
            }
        };
        let wanted = |state: &TrackerState| {
            matches(filter.is_active, state.is_active) && matches(filter.is_leader, state.is_leader)
        };
        Ok(self.trackers.list.iter().map(state).filter(wanted).collect())
    }

    /// The storages of all groups, by group name and id (97).
    #[must_use]
    pub fn storage_states(&self, filter: &StorageFilter, asker: &IpText) -> Vec<StorageState> {
        let trunk = filter.is_trunk_server.filter(|_| self.settings.use_trunk_file);
        let wanted = |state: &StorageState| {
            let status = filter.status.is_none_or(|(equal, number)| (state.status.number() == number) == equal);
            status && matches(trunk, state.is_trunk_server)
        };
        let state = |(group, storage): (&Group, &Storage)| StorageState {
            id: storage.id,
            host: HostPort { ip: *storage.addrs.for_asker(asker), port: storage.port },
            is_trunk_server: group.trunk_server == Some(storage.id),
            status: storage.status,
            connections: storage.stat.connections,
            version: storage.version,
            up_time: storage.up_time,
            last_heart_beat_time: storage.stat.last_heart_beat_time,
        };
        self.all_storages().map(state).filter(wanted).collect()
    }

    /// The space of all groups, by name (98).
    #[must_use]
    pub fn volume_states(&self, filter: &VolumeFilter) -> Vec<VolumeState> {
        let trunk = filter.is_trunk_available.filter(|_| self.settings.use_trunk_file);
        let state = |group: &Group| {
            let reserved_mb = self.settings.reserved.mb_of(group.total_mb);
            VolumeState {
                group: group.name,
                total_mb: group.total_mb,
                free_mb: group.free_mb,
                reserved_mb,
                available_mb: group.free_mb.saturating_sub(reserved_mb),
                trunk_free_mb: group.trunk_free_mb,
                is_disk_available: group.has_space(&self.settings),
                is_trunk_available: group.has_trunk_space(&self.settings),
            }
        };
        let wanted = |state: &VolumeState| {
            let space = state.is_disk_available || state.is_trunk_available;
            matches(filter.is_disk_available, state.is_disk_available)
                && matches(trunk, state.is_trunk_available)
                && matches(filter.is_space_available, space)
        };
        self.groups.iter().map(state).filter(wanted).collect()
    }
}
