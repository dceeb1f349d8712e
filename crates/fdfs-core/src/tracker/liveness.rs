//! Closed connections and silent storages.

use super::cluster::{Cluster, ConnId};
use super::effect::{Cause, Effect};
use super::status::{self, StatusEvent};
use super::time::Now;

impl Cluster {
    /// A connection closed, whether or not a storage had joined on it.
    // Differs from C: only the newest connection of a storage speaks for it (behaviour, W-33).
    #[must_use = "the effects must be carried out"]
    pub fn disconnect(&mut self, conn: ConnId) -> Vec<Effect> {
        let mut effects = Vec::new();
        let place = self.place_of(conn);
        self.joined.remove(&conn);
        let Some((group, index)) = place else {
            return effects;
        };
        let group = &mut self.groups[group];
        let storage = &mut group.storages[index];
        if storage.connection != Some(conn) {
            return effects;
        }
        storage.connection = None;
        storage.is_gone = true;
        storage.up_time = 0;
        // Whoever comes back is told everything again, in any status.
        (storage.told_chg_count, storage.told_trunk_chg_count) = (0, 0);
        let to = status::after(storage.status, StatusEvent::Disconnect);
        group.set_status(index, to, Cause::Disconnect, &self.settings, &mut effects);
        effects
    }

    /// This process did not run for `pause_ms` until now: the machine was suspended, or moved, or had no time for it. What
    /// storages said meanwhile was not heard, so that their silence proves nothing; it counts from later on.
    // Differs from C: there all storages are OFFLINE when a tracker comes back from a pause of check_active_interval, until
    // each has sent its next beat.
    pub fn was_paused(&mut self, now: Now, pause_ms: u64) {
        for storage in self.groups.iter_mut().flat_map(|group| &mut group.storages) {
            storage.last_beat_mono_ms = storage.last_beat_mono_ms.saturating_add(pause_ms).min(now.mono_ms);
        }
    }

    /// Time passed. To be called each second or so; how often does not change what is decided.
    ///
    /// ACTIVE storages that were silent for longer than `check_active_interval` go OFFLINE, and the leader looks after
    /// trunk servers.
    // Differs from C: the reference looks only once per interval, so that a dead storage stays ACTIVE for up to two
    // (behaviour, W-10), and measures with the wall clock (W-44).
    #[must_use = "the effects must be carried out"]
    pub fn tick(&mut self, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        let interval_ms = self.settings.check_active_interval_ms();
        for group in &mut self.groups {
            for index in 0..group.storages.len() {
                let storage = &group.storages[index];
                let to = status::after(storage.status, StatusEvent::Silence);
                if to != storage.status && now.since_ms(storage.last_beat_mono_ms) > interval_ms {
                    group.set_status(index, to, Cause::Silence, &self.settings, &mut effects);
                }
            }
        }
        self.save_sync_times(now, &mut effects);
        self.supervise_trunk_servers(now, &mut effects);
        effects
    }
}
