//! What one worker counted, and all of them together.

use std::time::Duration;

use super::failure::Cause;
use super::histogram::Histogram;

/// Operations of one kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Latencies of those that succeeded.
    pub(crate) latencies: Histogram,
    /// Bytes of content that they moved.
    pub(crate) bytes: u64,
    /// How many failed, by cause, in the order in which the causes came.
    pub(crate) failures: Vec<(Cause, u64)>,
}

impl Tally {
    /// Counts a success.
    pub(crate) fn succeeded(&mut self, bytes: u64, latency: Duration) {
        self.latencies.record(latency);
        self.bytes += bytes;
    }

    /// Counts failures.
    pub(crate) fn failed(&mut self, cause: Cause, count: u64) {
        match self.failures.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, counted)) => *counted += count,
            None => self.failures.push((cause, count)),
        }
    }

    /// Adds what another one counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.latencies.merge(&other.latencies);
        self.bytes += other.bytes;
        for &(cause, count) in &other.failures {
            self.failed(cause, count);
        }
    }

    /// Operations that succeeded.
    pub(crate) const fn success_count(&self) -> u64 {
        self.latencies.count()
    }

    /// Operations that failed.
    pub(crate) fn failure_count(&self) -> u64 {
        self.failures.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::failure::Server;
    use super::*;

    #[test]
    fn tallies_add_up_cause_by_cause() {
        let (mut one, mut other) = (Tally::default(), Tally::default());
        one.succeeded(10, Duration::from_millis(1));
        one.failed(Cause::Wrong(Server::Storage), 1);
        other.succeeded(5, Duration::from_millis(3));
        other.failed(Cause::Wrong(Server::Tracker), 1);
        other.failed(Cause::Wrong(Server::Storage), 2);
        one.merge(&other);
        assert_eq!((one.success_count(), one.bytes, one.failure_count()), (2, 15, 4));
        assert_eq!(one.failures, [(Cause::Wrong(Server::Storage), 3), (Cause::Wrong(Server::Tracker), 1)]);
        assert_eq!(one.latencies.max(), Duration::from_millis(3));
    }
}
