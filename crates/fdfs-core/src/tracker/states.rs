//! What tools are shown of the whole cluster: trackers (96), storages (97) and space (98).

use fdfs_proto::shared::{AddrSize, ConnectionCounts, StorageStatus};
use fdfs_proto::{GroupName, IpText, StorageId, VersionText};

use super::addr::HostPort;
use super::cluster::Cluster;
use super::error::ClusterError;
use super::group::Group;
use super::storage::Storage;
use super::time::Now;
use super::trackers::{OwnState, Tracker};

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

impl Cluster {
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
        let state = |tracker: &Tracker| {
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
            host: host_for(storage, asker),
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

/// Where `asker` reaches a storage; addresses of these answers are always wide.
fn host_for(storage: &Storage, asker: &IpText) -> HostPort {
    let (ip, port) = storage.reached_by(asker, AddrSize::V6);
    HostPort { ip, port }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::tests_support::{a_and_b, ip, now};

    #[test]
    fn storages_are_filtered_by_role_and_status() {
        let ids = |use_trunk_file, is_trunk_server, status| {
            let filter = StorageFilter { is_trunk_server, status };
            let states = a_and_b(use_trunk_file).storage_states(&filter, &ip("10.0.0.50"));
            states.iter().map(|state| state.id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(ids(true, None, None), ["10.0.0.1", "10.0.0.2", "10.0.0.9"]);
        assert_eq!(ids(true, Some(true), None), ["10.0.0.1"]);
        assert_eq!(ids(true, Some(false), Some((true, 7))), ["10.0.0.2"]);
        assert_eq!(ids(false, Some(false), None).len(), 3, "without trunk files nothing is compared");
        assert_eq!(ids(true, None, Some((false, 7))), ["10.0.0.9"]);
    }

    #[test]
    fn volumes_are_filtered_by_space() {
        let names = |is_disk_available, is_trunk_available, is_space_available| {
            let filter = VolumeFilter { is_disk_available, is_trunk_available, is_space_available };
            let states = a_and_b(false).volume_states(&filter);
            states.iter().map(|state| (state.group.to_string(), state.available_mb)).collect::<Vec<_>>()
        };
        let (a, b) = (("a".to_owned(), 3000), ("b".to_owned(), 0));
        let (only_a, only_b, both) = ([a.clone()], [b.clone()], [a, b]);
        assert_eq!(names(None, None, None), both);
        assert_eq!(names(Some(true), None, None), only_a);
        assert_eq!(names(Some(false), None, None), only_b);
        assert_eq!(names(None, Some(true), None), both, "without trunk files nothing is compared");
        assert_eq!(names(None, None, Some(false)), only_b);
    }

    #[test]
    fn only_the_leader_lists_trackers() {
        let mut cluster = a_and_b(false);
        let own = OwnState { up_time: 5, ..OwnState::default() };
        let everything = TrackerFilter::default();
        assert_eq!(cluster.tracker_states(now(9), &own, &everything), Err(ClusterError::NotLeader));
        cluster.set_leader(cluster.trackers().alone());
        let states = cluster.tracker_states(now(9), &own, &everything).unwrap();
        assert_eq!((states.len(), states[0].is_leader, states[0].up_time), (1, true, 5));
        assert_eq!(states[0].host.to_string(), "10.0.0.100:22122");
        let inactive = TrackerFilter { is_active: Some(false), ..everything };
        assert_eq!(cluster.tracker_states(now(9), &own, &inactive), Ok(vec![]));
    }
}
