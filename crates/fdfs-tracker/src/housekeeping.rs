//! What happens each second.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::tracker::Tracker;

const TICK: Duration = Duration::from_secs(1);
/// `.tracker_status` is written at multiples of this, counted by the wall clock, as the reference does.
const STATUS_INTERVAL_SECS: i64 = 300;

/// Ticks until the tracker stops.
pub(crate) async fn run(tracker: Arc<Tracker>) {
    let mut ticks = tokio::time::interval(TICK);
    // After a pause one tick is enough: the core measures time itself.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let slot = |tracker: &Tracker| tracker.now().unix_secs.div_euclid(STATUS_INTERVAL_SECS);
    let mut last_slot = slot(&tracker);
    loop {
        tokio::select! {
            () = tracker.shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        tracker.tick();
        if slot(&tracker) != last_slot {
            last_slot = slot(&tracker);
            tracker.saver.note_status();
        }
    }
}
