//! What happens each second, and the pauses in which nothing happened.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::tracker::Tracker;

/// How often the time is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// The core is told of the time this often.
const TICK: Duration = Duration::from_secs(1);
/// A look that is later than this did not come late by chance: this process did not run.
const LATE: Duration = Duration::from_millis(100);
/// From here on the operator is told.
const TOLD_PAUSE: Duration = Duration::from_secs(5);
/// `.tracker_status` is written at multiples of this, counted by the wall clock, as the reference does.
const STATUS_INTERVAL_SECS: i64 = 300;

/// Ticks until the tracker stops.
pub(crate) async fn run(tracker: Arc<Tracker>) {
    let mut looks = tokio::time::interval(LOOK);
    // After a pause one look is enough: the core measures time itself.
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let slot = |tracker: &Tracker| tracker.now().unix_secs.div_euclid(STATUS_INTERVAL_SECS);
    let mut last_slot = slot(&tracker);
    let mut last_look = now(&tracker);
    let mut last_tick = last_look;
    loop {
        tokio::select! {
            () = tracker.shutdown.cancelled() => return,
            _ = looks.tick() => {}
        }
        let look = now(&tracker);
        // Before a tick counts the time as somebody's silence.
        if let Some(pause) = pause_between(last_look, look) {
            if pause >= TOLD_PAUSE {
                let secs = pause.as_secs();
                tracing::info!(
                    "this process did not run for {secs} s: nobody counts as silent who was not heard meanwhile"
                );
            }
            tracker.was_paused(pause);
        }
        last_look = look;
        if look.saturating_sub(last_tick) < TICK {
            continue;
        }
        last_tick = look;
        tracker.tick();
        if slot(&tracker) != last_slot {
            last_slot = slot(&tracker);
            tracker.saver.note_status();
        }
    }
}

fn now(tracker: &Tracker) -> Duration {
    Duration::from_millis(tracker.now().mono_ms)
}

/// For how long this process did not run between two looks, if it did not.
fn pause_between(last_look: Duration, look: Duration) -> Option<Duration> {
    let late = look.checked_sub(last_look)?.checked_sub(LOOK)?;
    (late > LATE).then_some(late)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_looks_that_are_much_too_late_tell_of_a_pause() {
        let pause = |from, to| pause_between(Duration::from_millis(from), Duration::from_millis(to));
        assert_eq!(pause(5000, 5000), None);
        assert_eq!(pause(5000, 4000), None);
        assert_eq!(pause(5000, 5100), None);
        assert_eq!(pause(5000, 5200), None);
        assert_eq!(pause(5000, 5201), Some(Duration::from_millis(101)));
        assert_eq!(pause(5000, 126_000), Some(Duration::from_millis(120_900)));
    }
}
