//! What happens each second.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::tracker::Tracker;

const TICK: Duration = Duration::from_secs(1);
/// A tick that is later than this did not come late by chance: this process did not run.
const LATE: Duration = Duration::from_millis(500);
/// From here on the operator is told.
const TOLD_PAUSE: Duration = Duration::from_secs(5);
/// `.tracker_status` is written at multiples of this, counted by the wall clock, as the reference does.
const STATUS_INTERVAL_SECS: i64 = 300;

/// Ticks until the tracker stops.
pub(crate) async fn run(tracker: Arc<Tracker>) {
    let mut ticks = tokio::time::interval(TICK);
    // After a pause one tick is enough: the core measures time itself.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let slot = |tracker: &Tracker| tracker.now().unix_secs.div_euclid(STATUS_INTERVAL_SECS);
    let mut last_slot = slot(&tracker);
    let mut last_ms = tracker.now().mono_ms;
    loop {
        tokio::select! {
            () = tracker.shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now_ms = tracker.now().mono_ms;
        if let Some(pause) = pause_between(last_ms, now_ms) {
            if pause >= TOLD_PAUSE {
                let secs = pause.as_secs();
                tracing::info!("this process did not run for {secs} s: nobody who was not heard meanwhile counts as silent");
            }
            tracker.was_paused(pause);
        }
        last_ms = now_ms;
        tracker.tick();
        if slot(&tracker) != last_slot {
            last_slot = slot(&tracker);
            tracker.saver.note_status();
        }
    }
}

/// For how long this process did not run between two ticks, if it did not.
fn pause_between(last_ms: u64, now_ms: u64) -> Option<Duration> {
    let late = Duration::from_millis(now_ms.saturating_sub(last_ms)).checked_sub(TICK)?;
    (late > LATE).then_some(late)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ticks_that_are_much_too_late_tell_of_a_pause() {
        assert_eq!(pause_between(5000, 5000), None);
        assert_eq!(pause_between(5000, 6000), None);
        assert_eq!(pause_between(5000, 6500), None);
        assert_eq!(pause_between(5000, 6501), Some(Duration::from_millis(501)));
        assert_eq!(pause_between(5000, 126_000), Some(Duration::from_secs(120)));
    }
}
