//! Up to when a storage has the changes of each other one. Source: behaviour, 3.14.

use std::collections::BTreeMap;

use fdfs_proto::StorageId;
use fdfs_proto::shared::StorageStatus;

use super::beat::{BeatAnswer, SAVE_EVERY_COUNT};
use super::cluster::{Cluster, ConnId};
use super::effect::{Effect, Outcome, save};
use super::error::ClusterError;
use super::settings::StoreServer;
use super::status;
use super::time::Now;

/// Sync times are saved so long after a report that changed one.
const SAVE_AFTER_MS: u64 = 5_000;

/// One row of what a storage has: everything of a source up to a time of that source's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct UpTo {
    unix_secs: i64,
    /// When this tracker heard it.
    heard_mono_ms: u64,
}

/// Up to when a storage has the changes of each other one.
///
/// Equal when the times are: when they were heard says nothing of the storage.
#[derive(Debug, Clone, Default)]
pub(crate) struct SyncTimes {
    of: BTreeMap<StorageId, UpTo>,
}

impl PartialEq for SyncTimes {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl SyncTimes {
    /// Nothing is known of any source.
    pub(crate) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Of each source.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (StorageId, i64)> {
        self.of.iter().map(|(id, up_to)| (*id, up_to.unix_secs))
    }

    /// Of one source.
    pub(crate) fn get(&self, source: &StorageId) -> Option<i64> {
        self.of.get(source).map(|up_to| up_to.unix_secs)
    }

    /// The storage, or a state file, says so now; whether that is news. A time that goes back is taken: the clock of
    /// the source may have.
    pub(crate) fn set(&mut self, now: Now, source: StorageId, unix_secs: i64) -> bool {
        let is_news = self.get(&source) != Some(unix_secs);
        if is_news {
            self.of.insert(source, UpTo { unix_secs, heard_mono_ms: now.mono_ms });
        }
        is_news
    }

    /// The storage has at least this.
    pub(crate) fn raise(&mut self, now: Now, source: StorageId, unix_secs: i64) {
        if unix_secs > 0 && self.get(&source).is_none_or(|known| known < unix_secs) {
            self.set(now, source, unix_secs);
        }
    }

    /// A source is gone.
    pub(crate) fn remove(&mut self, source: &StorageId) {
        self.of.remove(source);
    }

    /// A source goes by another id.
    pub(crate) fn rename(&mut self, old: &StorageId, new: StorageId) {
        if let Some(up_to) = self.of.remove(old) {
            self.of.insert(new, up_to);
        }
    }

    /// Whether a file that `source` made at `created` has come in; `None` when nothing was ever heard of that source.
    ///
    /// It has when something newer came in. The newest file of a source, and others of the same second, are taken to be
    /// here when `copy_secs` have passed since that second was reached, by this tracker's own clock: those of the source
    /// and of this tracker may differ by any amount (behaviour, W-05).
    pub(crate) fn has(&self, now: Now, source: &StorageId, created: i64, copy_secs: i64) -> Option<bool> {
        let up_to = self.of.get(source)?;
        let copy_ms = u64::try_from(copy_secs).unwrap_or(0).saturating_mul(1000);
        let is_settled = now.since_ms(up_to.heard_mono_ms) > copy_ms;
        Some(up_to.unix_secs > created || (up_to.unix_secs.saturating_add(1) >= created && is_settled))
    }
}

impl Cluster {
    /// A storage tells up to when everything of each peer has arrived (89).
    ///
    /// Times of 0, of itself and of unknown sources are left out. `last_synced`, which tools show, comes from sources
    /// that are ACTIVE now, as in the reference.
    /// Differs from C: times of sources that are not ACTIVE are kept as well, so that files of a storage that is gone are
    /// not judged by the progress of others (behaviour, W-05).
    ///
    /// # Errors
    /// [`ClusterError::NotJoined`].
    pub fn sync_report(
        &mut self,
        now: Now,
        conn: ConnId,
        times: &[(StorageId, u32)],
    ) -> Result<Outcome<BeatAnswer>, ClusterError> {
        let (group_index, index) = self.require_joined(conn)?;
        let group = &mut self.groups[group_index];
        let (mut least, mut greatest, mut is_news) = (i64::MAX, 0, false);
        for &(source, time) in times.iter().filter(|(_, time)| *time > 0) {
            let time = i64::from(time);
            let Some(found) = group.find(&source).filter(|&found| found != index) else { continue };
            let status = group.storages[found].status;
            if status::is_stored(status) {
                is_news |= group.storages[index].synced_from.set(now, source, time);
            }
            if status == StorageStatus::Active {
                (least, greatest) = (least.min(time), greatest.max(time));
            }
        }
        if greatest > 0 {
            let last_synced = &mut group.storages[index].stat.last_synced_timestamp;
            *last_synced = match self.settings.effective_store_server() {
                StoreServer::RoundRobin => least,
                StoreServer::FirstById | StoreServer::LowestPriority => greatest.max(*last_synced),
            };
        }
        if is_news {
            self.sync_times_unsaved_mono_ms.get_or_insert(now.mono_ms);
        }
        let mut effects = Vec::new();
        self.unsaved_sync_count += 1;
        if self.unsaved_sync_count >= SAVE_EVERY_COUNT {
            self.unsaved_sync_count = 0;
            save(&mut effects, Effect::SaveTimestamps);
        }
        Ok(Outcome::new(self.news(conn, group_index, index), effects))
    }

    /// Saves sync times that were reported a while ago.
    ///
    /// Differs from C: the reference waits for the thousandth report, so that a crash forgets what storages do not
    /// report again.
    pub(crate) fn save_sync_times(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if self.sync_times_unsaved_mono_ms.is_some_and(|since| now.since_ms(since) >= SAVE_AFTER_MS) {
            self.sync_times_unsaved_mono_ms = None;
            save(effects, Effect::SaveTimestamps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> StorageId {
        text.parse().unwrap()
    }

    /// Wall clock and the other one, in seconds.
    fn at(unix_secs: i64, mono_secs: u64) -> Now {
        Now { unix_secs, mono_ms: mono_secs * 1000 }
    }

    #[test]
    fn w05_clocks_that_differ_or_step_do_not_matter() {
        let mut times = SyncTimes::default();
        assert_eq!(times.has(at(0, 0), &id("a"), 5, 300), None);
        times.set(at(9_999_999, 10), id("a"), 1000);
        for (created, mono_secs, expected) in [
            (999, 10, true),
            (1000, 310, false),
            (1000, 311, true),
            (1001, 311, true),
            (1002, 311, false),
            (1002, 900_000, false),
        ] {
            for unix_secs in [-5, 0, 1_000, 9_999_999_999] {
                let has = times.has(at(unix_secs, mono_secs), &id("a"), created, 300);
                assert_eq!(has, Some(expected), "created {created}, {mono_secs} s, wall clock {unix_secs}");
            }
        }
        // Saying the same again does not begin the wait anew.
        times.set(at(0, 300), id("a"), 1000);
        assert_eq!(times.has(at(0, 311), &id("a"), 1000, 300), Some(true));
    }

    #[test]
    fn sync_times_are_saved_soon_after_they_changed() {
        use crate::tracker::Settings;
        use crate::tracker::tests_support::{active, cluster_of, now};
        let mut cluster = cluster_of(Settings::default(), &[("g", &[active("10.0.0.1", 5), active("10.0.0.2", 5)])]);
        let report = |cluster: &mut Cluster, secs, time| {
            let _ = cluster.sync_report(now(secs), ConnId(1), &[(id("10.0.0.2"), time)]).unwrap();
        };
        report(&mut cluster, 10, 7);
        report(&mut cluster, 13, 8);
        assert_eq!(cluster.tick(now(14)), []);
        assert_eq!(cluster.tick(now(15)), [Effect::SaveTimestamps]);
        report(&mut cluster, 16, 8);
        assert_eq!(cluster.tick(now(99)), [], "the same again is no news");
    }

    #[test]
    fn times_go_back_when_they_are_reported_and_not_otherwise() {
        let mut times = SyncTimes::default();
        times.raise(at(0, 0), id("a"), 0);
        assert!(times.is_empty());
        times.raise(at(0, 0), id("a"), 7);
        times.raise(at(0, 0), id("a"), 6);
        assert_eq!(times.get(&id("a")), Some(7));
        assert!(times.set(at(0, 0), id("a"), 6) && !times.set(at(0, 0), id("a"), 6));
        times.rename(&id("a"), id("b"));
        assert_eq!(times.iter().collect::<Vec<_>>(), [(id("b"), 6)]);
        times.remove(&id("b"));
        assert!(times.is_empty());
    }
}
