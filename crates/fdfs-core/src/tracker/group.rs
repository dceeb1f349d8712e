//! One group: its members in join order, and the views that queries need.

use fdfs_proto::limits::STORAGES_PER_GROUP;
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{GroupName, StorageId};

use super::effect::{Cause, Effect, Event, changed, save_members};
use super::error::ClusterError;
use super::settings::{Settings, StoreServer};
use super::status;
use super::storage::Storage;

/// The port of a group's storages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupPort {
    /// Nobody has joined yet.
    #[default]
    Unset,
    /// The same for all.
    One(u16),
    /// Different ports, which only ids in file names allow.
    Mixed,
}

impl GroupPort {
    /// The number on the wire and in files: 0 unset, -1 mixed.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Unset => 0,
            Self::One(port) => port as i64,
            Self::Mixed => -1,
        }
    }

    /// The port of a number; what fits no port counts as unset.
    #[must_use]
    pub fn from_number(number: i64) -> Self {
        match u16::try_from(number) {
            Ok(port) if port > 0 => Self::One(port),
            _ if number == -1 => Self::Mixed,
            _ => Self::Unset,
        }
    }
}

/// One group. Storages are named by their index in join order inside this module family; nobody else sees indexes.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub(crate) name: GroupName,
    pub(crate) port: GroupPort,
    pub(crate) path_count: usize,
    pub(crate) subdir_count: usize,
    pub(crate) storages: Vec<Storage>,
    /// Indexes of all storages, sorted by the text of their ids.
    by_id: Vec<usize>,
    /// Indexes of those that may be read from now, in the same order.
    pub(crate) readable: Vec<usize>,
    /// Indexes of those that may be written to now, in the same order.
    pub(crate) writable: Vec<usize>,
    /// The writable storage that `store_server` 1 and 2 choose.
    pub(crate) preferred: Option<usize>,
    pub(crate) write_cursor: usize,
    pub(crate) read_cursor: usize,
    pub(crate) total_mb: u64,
    pub(crate) free_mb: u64,
    pub(crate) trunk_free_mb: u64,
    pub(crate) trunk_server: Option<StorageId>,
    pub(crate) last_trunk_server: Option<StorageId>,
    pub(crate) current_trunk_file_id: u32,
    /// Grows with every change of a member that its peers must hear of.
    pub(crate) chg_count: u64,
    /// Grows with every change of the trunk server.
    pub(crate) trunk_chg_count: u64,
}

impl Group {
    /// A group without members.
    pub(crate) fn new(name: GroupName) -> Self {
        Self {
            name,
            port: GroupPort::Unset,
            path_count: 0,
            subdir_count: 0,
            storages: Vec::new(),
            by_id: Vec::new(),
            readable: Vec::new(),
            writable: Vec::new(),
            preferred: None,
            write_cursor: 0,
            read_cursor: 0,
            total_mb: 0,
            free_mb: 0,
            trunk_free_mb: 0,
            trunk_server: None,
            last_trunk_server: None,
            current_trunk_file_id: 0,
            chg_count: 0,
            trunk_chg_count: 0,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &GroupName {
        &self.name
    }

    /// The port of its storages.
    #[must_use]
    pub const fn port(&self) -> GroupPort {
        self.port
    }

    /// Store paths of each storage.
    #[must_use]
    pub const fn path_count(&self) -> usize {
        self.path_count
    }

    /// Its storages in join order, deleted ones included.
    #[must_use]
    pub fn storages(&self) -> &[Storage] {
        &self.storages
    }

    /// Its storages sorted by the text of their ids.
    pub fn sorted(&self) -> impl Iterator<Item = &Storage> {
        self.by_id.iter().filter_map(|&index| self.storages.get(index))
    }

    /// Those that may be read from now, sorted by id.
    pub fn readable(&self) -> impl Iterator<Item = &Storage> {
        self.readable.iter().filter_map(|&index| self.storages.get(index))
    }

    /// Those that may be written to now, sorted by id.
    pub fn writable(&self) -> impl Iterator<Item = &Storage> {
        self.writable.iter().filter_map(|&index| self.storages.get(index))
    }

    /// Indexes of those that are drained and could be written to otherwise, sorted by id.
    pub(crate) fn drained(&self) -> impl Iterator<Item = usize> {
        let is_drained = |index: &usize| self.storages[*index].is_changeable() && self.storages[*index].drained;
        self.by_id.iter().copied().filter(is_drained)
    }

    /// A member.
    #[must_use]
    pub fn storage(&self, id: &StorageId) -> Option<&Storage> {
        self.find(id).and_then(|index| self.storages.get(index))
    }

    /// Its trunk server.
    #[must_use]
    pub const fn trunk_server(&self) -> Option<&StorageId> {
        self.trunk_server.as_ref()
    }

    /// Free megabytes of the member that has the least.
    #[must_use]
    pub const fn free_mb(&self) -> u64 {
        self.free_mb
    }

    /// How often its members changed; what beats compare.
    #[must_use]
    pub const fn chg_count(&self) -> u64 {
        self.chg_count
    }

    pub(crate) fn find(&self, id: &StorageId) -> Option<usize> {
        let found = self.by_id.binary_search_by(|&index| self.storages[index].id.cmp(id)).ok()?;
        self.by_id.get(found).copied()
    }

    pub(crate) fn require(&self, id: &StorageId) -> Result<usize, ClusterError> {
        self.find(id).ok_or(ClusterError::NoStorage { group: self.name, id: *id })
    }

    /// Whether another member would be one too many. Deleted ones make room.
    ///
    /// Differs from C: there they count until the tracker is started again.
    pub(crate) fn is_full(&self) -> bool {
        let is_member = |storage: &&Storage| status::is_stored(storage.status);
        self.storages.iter().filter(is_member).count() >= STORAGES_PER_GROUP
    }

    /// Forgets the deleted members that were there first, so that lists with one more are not too long for anybody.
    /// Peers keep what they know of them, as they do when a tracker is started again. Indexes of members change.
    fn make_room(&mut self) {
        while self.storages.len() >= STORAGES_PER_GROUP {
            let Some(index) = self.storages.iter().position(|storage| !status::is_stored(storage.status)) else {
                return;
            };
            self.storages.remove(index);
        }
    }

    /// Adds a member; its index.
    pub(crate) fn add(&mut self, storage: Storage, settings: &Settings) -> usize {
        self.make_room();
        self.storages.push(storage);
        self.chg_count += 1;
        self.rebuild(settings);
        self.storages.len() - 1
    }

    /// Moves a member to a status and keeps everything in step that depends on it.
    pub(crate) fn set_status(
        &mut self,
        index: usize,
        to: StorageStatus,
        cause: Cause,
        settings: &Settings,
        effects: &mut Vec<Effect>,
    ) {
        let storage = &mut self.storages[index];
        let from = std::mem::replace(&mut storage.status, to);
        if from == to {
            return;
        }
        if to == StorageStatus::Offline {
            // A storage that comes back is told everything again.
            (storage.told_chg_count, storage.told_trunk_chg_count) = (0, 0);
        }
        effects.push(Effect::Log(Event::StatusChanged { group: self.name, id: storage.id, from, to, cause }));
        if status::is_stored(from) != status::is_stored(to) {
            // Differs from C: the reference saves a deletion only with the next save, so a crash brings the
            // deleted storage back (behaviour, W-29).
            save_members(effects);
        }
        changed(effects, self.name);
        self.chg_count += 1;
        self.rebuild(settings);
    }

    /// Derives the sorted views, the preferred storage and the free space from the members.
    pub(crate) fn rebuild(&mut self, settings: &Settings) {
        let storages = &self.storages;
        self.by_id.clear();
        self.by_id.extend(0..storages.len());
        self.by_id.sort_by(|&a, &b| storages[a].id.cmp(&storages[b].id));
        self.readable.clear();
        self.readable.extend(self.by_id.iter().filter(|&&index| storages[index].is_readable()));
        self.writable.clear();
        self.writable.extend(self.by_id.iter().filter(|&&index| storages[index].is_writable()));
        self.preferred = match settings.effective_store_server() {
            StoreServer::RoundRobin | StoreServer::FirstById => self.writable.first().copied(),
            // `min_by_key` keeps the first of equals.
            StoreServer::LowestPriority => {
                self.writable.iter().copied().min_by_key(|&index| storages[index].upload_priority)
            }
        };
        if self.write_cursor >= self.writable.len() {
            self.write_cursor = 0;
        }
        if self.read_cursor >= self.readable.len() {
            self.read_cursor = 0;
        }
        self.update_space();
    }

    /// The group can take what its fullest writable member can take, because every member gets every file.
    ///
    /// A member that reports no free space at all takes no uploads itself (its paths are read-only or failed), which
    /// must not close the group as long as another member has room.
    pub(crate) fn update_space(&mut self) {
        let reported = || self.writable().filter(|storage| !storage.paths.is_empty());
        let fullest = reported()
            .filter(|storage| storage.free_mb > 0)
            .min_by_key(|storage| storage.free_mb)
            .or_else(|| reported().next());
        if let Some(storage) = fullest {
            (self.total_mb, self.free_mb) = (storage.total_mb, storage.free_mb);
        }
    }
}
