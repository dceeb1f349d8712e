//! The whole state of a tracker.

use std::collections::BTreeMap;

use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{GroupName, IpText, StorageId};

use super::changelog::Changelog;
use super::error::ClusterError;
use super::group::Group;
use super::settings::Settings;
use super::storage::Storage;
use super::trackers::Trackers;

/// A connection, numbered by the shell; a number is never used twice in the life of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// Who joined on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) group: GroupName,
    pub(crate) id: StorageId,
    pub(crate) peer_ip: IpText,
    /// The leader change that was last told on this connection.
    pub(crate) told_leader_chg_count: u64,
}

/// The whole state of a tracker. Source: behaviour, 3.2.
#[derive(Debug, Clone)]
pub struct Cluster {
    pub(crate) settings: Settings,
    /// Sorted by name.
    pub(crate) groups: Vec<Group>,
    /// Joined connections; the shell's `max_connections` bounds them.
    pub(crate) joined: BTreeMap<ConnId, Joined>,
    pub(crate) trackers: Trackers,
    pub(crate) changelog: Changelog,
    /// Index of the group that the next upload starts to look at.
    pub(crate) write_group_cursor: usize,
    /// Beats with statistics and sync reports since the last save that they caused.
    pub(crate) unsaved_stat_count: u32,
    pub(crate) unsaved_sync_count: u32,
    /// When the first sync time changed that is not saved yet.
    pub(crate) sync_times_unsaved_mono_ms: Option<u64>,
    /// Grows with every change of a trunk server in any group; what pings of followers compare.
    pub(crate) trunk_chg_count: u64,
}

impl Cluster {
    /// A tracker that knows nobody; `own_port` is the port that it listens on.
    #[must_use]
    pub fn new(settings: Settings, own_port: u16) -> Self {
        Self {
            settings,
            groups: Vec::new(),
            joined: BTreeMap::new(),
            trackers: Trackers::new(own_port),
            changelog: Changelog::default(),
            write_group_cursor: 0,
            unsaved_stat_count: 0,
            unsaved_sync_count: 0,
            sync_times_unsaved_mono_ms: None,
            trunk_chg_count: 0,
        }
    }

    /// What it was configured with.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its groups, sorted by name.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// A group.
    #[must_use]
    pub fn group(&self, name: &GroupName) -> Option<&Group> {
        self.find_group(name).and_then(|index| self.groups.get(index))
    }

    /// The trackers that it has heard of, itself included.
    #[must_use]
    pub const fn trackers(&self) -> &Trackers {
        &self.trackers
    }

    /// The changelog.
    #[must_use]
    pub const fn changelog(&self) -> &Changelog {
        &self.changelog
    }

    /// How often a trunk server of any group changed.
    #[must_use]
    pub const fn trunk_chg_count(&self) -> u64 {
        self.trunk_chg_count
    }

    /// The group and storage that joined on a connection.
    #[must_use]
    pub fn joined_as(&self, conn: ConnId) -> Option<(GroupName, StorageId)> {
        self.joined.get(&conn).map(|joined| (joined.group, joined.id))
    }

    pub(crate) fn find_group(&self, name: &GroupName) -> Option<usize> {
        self.groups.binary_search_by(|group| group.name.cmp(name)).ok()
    }

    pub(crate) fn require_group(&self, name: &GroupName) -> Result<usize, ClusterError> {
        self.find_group(name).ok_or(ClusterError::NoGroup { group: *name })
    }

    /// Indexes of the group and the storage that joined on a connection.
    ///
    /// Differs from C: a storage that was deleted since has to join again, whatever it sends.
    pub(crate) fn require_joined(&self, conn: ConnId) -> Result<(usize, usize), ClusterError> {
        let (group, storage) = self.place_of(conn).ok_or(ClusterError::NotJoined)?;
        match self.groups[group].storages[storage].status {
            StorageStatus::Deleted => Err(ClusterError::NotJoined),
            _ => Ok((group, storage)),
        }
    }

    /// As [`Cluster::require_joined`], whatever became of the storage.
    pub(crate) fn place_of(&self, conn: ConnId) -> Option<(usize, usize)> {
        let joined = self.joined.get(&conn)?;
        let group = self.find_group(&joined.group)?;
        Some((group, self.groups[group].find(&joined.id)?))
    }

    /// Runs over every storage of every group.
    pub(crate) fn all_storages(&self) -> impl Iterator<Item = (&Group, &Storage)> {
        self.groups.iter().flat_map(|group| group.sorted().map(move |storage| (group, storage)))
    }
}
