//! Lines that a peer can cause at will are not all written.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// Lets one event through in an interval, and counts the others.
#[derive(Debug)]
pub struct RateLimit {
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    count: u64,
}

impl RateLimit {
    /// A limit of one event in `interval`.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self { interval, state: Mutex::default() }
    }

    /// Notes an event. `Some` lets it through, with the number of events since the last one that was let through,
    /// itself included.
    pub fn take(&self) -> Option<u64> {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.count += 1;
        if state.last.is_some_and(|last| now.duration_since(last) < self.interval) {
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_in_an_interval_passes_and_tells_of_the_others() {
        let limit = RateLimit::new(Duration::from_secs(10));
        assert_eq!(limit.take(), Some(1));
        assert_eq!(limit.take(), None);
        assert_eq!(limit.take(), None);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(limit.take(), Some(3));
    }
}
