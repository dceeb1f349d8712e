//! Beats (83), disk reports (84) and the answer that they share with sync reports (89).

use fdfs_proto::limits::STORE_PATHS;
use fdfs_proto::shared::{StorageBrief, StorageStat, StorageStatus};

use super::cluster::{Cluster, ConnId};
use super::effect::{Cause, Effect, Outcome, save};
use super::error::ClusterError;
use super::settings::{Settings, StorePath};
use super::status::{self, StatusEvent};
use super::storage::{PathSpace, Storage};
use super::time::Now;

/// The servers file is saved after this many beats with statistics, the sync times after as many reports.
pub(crate) const SAVE_EVERY_COUNT: u32 = 1000;

/// News for a storage; what is `None` has no news. Only the leader ever tells any.
///
/// On the wire: one byte of flags (1, 2, 4), then the records. Source: wire specification, 2.3.2.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BeatAnswer {
    /// The leader tracker (flag 1).
    pub leader: Option<StorageBrief>,
    /// The trunk server of the group, all zero for none (flag 2).
    pub trunk_server: Option<StorageBrief>,
    /// All storages of the group, deleted ones included, sorted by id (flag 4).
    pub storages: Option<Vec<StorageBrief>>,
}

impl Cluster {
    /// A beat arrived, perhaps with statistics.
    ///
    /// # Errors
    /// [`ClusterError::NotJoined`]: the storage must join again.
    pub fn beat(
        &mut self,
        now: Now,
        conn: ConnId,
        stat: Option<&StorageStat>,
    ) -> Result<Outcome<BeatAnswer>, ClusterError> {
        let (group, index) = self.require_joined(conn)?;
        let mut effects = Vec::new();
        let storage = &mut self.groups[group].storages[index];
        storage.last_beat_mono_ms = now.mono_ms;
        if let Some(stat) = stat {
            // The last two fields are this tracker's own knowledge.
            let last_synced_timestamp = storage.stat.last_synced_timestamp;
            storage.stat = StorageStat { last_synced_timestamp, ..*stat };
            self.unsaved_stat_count += 1;
            if self.unsaved_stat_count >= SAVE_EVERY_COUNT {
                self.unsaved_stat_count = 0;
                save(&mut effects, Effect::SaveServers);
            }
        }
        self.groups[group].storages[index].stat.last_heart_beat_time = now.unix_secs;
        self.activate(now, conn, group, index, &mut effects);
        self.expire_terms(now, group, index, &mut effects);
        Ok(Outcome::new(self.news(conn, group, index), effects))
    }

    /// A disk report arrived: one entry per store path.
    ///
    /// # Errors
    /// [`ClusterError::NotJoined`]; [`ClusterError::BadPathReport`] for fewer paths than the group has, or for more
    /// when the storage did not announce that many.
    pub fn disk_usage(
        &mut self,
        now: Now,
        conn: ConnId,
        paths: &[PathSpace],
    ) -> Result<Outcome<BeatAnswer>, ClusterError> {
        let (group_index, index) = self.require_joined(conn)?;
        let group = &mut self.groups[group_index];
        let storage = &mut group.storages[index];
        // Differs from C: a storage that was restarted with more paths than its group reports all of them, and the
        // first ones are used. The reference refuses the report, and the storage flaps until the last member has
        // as many paths (behaviour, W-22).
        let announced = paths.len() == storage.path_count && paths.len() >= group.path_count;
        if (paths.len() != group.path_count && !announced) || paths.len() > STORE_PATHS {
            let (reported, expected) = (paths.len(), group.path_count);
            return Err(ClusterError::BadPathReport { reported, expected });
        }
        storage.paths.clear();
        storage.paths.extend_from_slice(paths);
        storage.note_space(group.path_count, &self.settings);
        let mut effects = Vec::new();
        self.activate(now, conn, group_index, index, &mut effects);
        self.groups[group_index].update_space();
        self.rebalance();
        Ok(Outcome::new(self.news(conn, group_index, index), effects))
    }

    /// Whoever reports is alive.
    fn activate(&mut self, now: Now, conn: ConnId, group: usize, index: usize, effects: &mut Vec<Effect>) {
        let group = &mut self.groups[group];
        let storage = &mut group.storages[index];
        // The newest connection may have closed while this older one still works.
        storage.connection.get_or_insert(conn);
        let from = storage.status;
        let to = status::after(from, StatusEvent::Beat);
        if from == to {
            return;
        }
        if to == StorageStatus::Active {
            storage.last_beat_mono_ms = now.mono_ms;
        }
        group.set_status(index, to, Cause::Beat, &self.settings, effects);
        if self.settings.use_trunk_file && group.trunk_server.is_none() && self.trackers.is_leader() {
            effects.push(Effect::ChooseTrunkServer { group: group.name });
        }
    }

    /// What the storage has not been told yet. Source: behaviour, 3.7.
    pub(crate) fn news(&mut self, conn: ConnId, group: usize, index: usize) -> BeatAnswer {
        let leader = self.leader_brief();
        let Some(joined) = self.joined.get_mut(&conn).filter(|_| self.trackers.is_leader()) else {
            return BeatAnswer::default();
        };
        let group = &mut self.groups[group];
        let mut news = BeatAnswer::default();
        if joined.told_leader_chg_count != self.trackers.leader_chg_count() {
            joined.told_leader_chg_count = self.trackers.leader_chg_count();
            news.leader = Some(leader);
        }
        if group.storages[index].told_trunk_chg_count != group.trunk_chg_count {
            group.storages[index].told_trunk_chg_count = group.trunk_chg_count;
            let trunk_server = group.trunk_server.and_then(|id| group.storage(&id));
            news.trunk_server =
                Some(trunk_server.map_or(StorageBrief::NONE, |storage| storage.brief_for(&joined.peer_ip, &joined.id)));
        }
        if group.storages[index].told_chg_count != group.chg_count {
            group.storages[index].told_chg_count = group.chg_count;
            news.storages =
                Some(group.sorted().map(|storage| storage.brief_for(&joined.peer_ip, &joined.id)).collect());
        }
        news
    }
}

impl Storage {
    /// Sums of the paths that the group uses, and the path that most space is on.
    fn note_space(&mut self, group_path_count: usize, settings: &Settings) {
        let used = &self.paths[..self.paths.len().min(group_path_count)];
        self.total_mb = used.iter().fold(0, |sum, path| path.total_mb.saturating_add(sum));
        self.free_mb = used.iter().fold(0, |sum, path| path.free_mb.saturating_add(sum));
        if settings.store_path == StorePath::MostFree {
            let mut best = if self.current_write_path < used.len() { self.current_write_path } else { 0 };
            for (index, path) in used.iter().enumerate() {
                if path.free_mb > used[best].free_mb {
                    best = index;
                }
            }
            self.current_write_path = best;
        }
    }
}
