//! How fast records go, and when all will be there.

/// The weight of the past: after so many seconds an old rate counts for a third.
const MEMORY_SECS: f64 = 5.0;

/// A rate of records, smoothed.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    count: u64,
    /// Records and time of the last look.
    seen: (u64, u64),
    rate: f64,
}

impl Meter {
    /// So many records went through.
    pub const fn add(&mut self, count: u64) {
        self.count += count;
    }

    /// Records a second.
    pub fn rate(&mut self, now_ms: u64) -> f64 {
        let (count, at_ms) = self.seen;
        let secs = now_ms.saturating_sub(at_ms) as f64 / 1000.0;
        if secs >= 0.1 {
            let fresh = (self.count - count) as f64 / secs;
            let old = (-secs / MEMORY_SECS).exp();
            self.rate = self.rate * old + fresh * (1.0 - old);
            self.seen = (self.count, now_ms);
        }
        self.rate
    }

    /// Seconds until `behind` records are through at this rate; `None` when that cannot be said.
    pub fn eta_secs(&mut self, behind: u64, now_ms: u64) -> Option<u64> {
        match (behind, self.rate(now_ms)) {
            (0, _) => Some(0),
            (_, rate) if rate < 0.01 => None,
            (behind, rate) => Some((behind as f64 / rate).ceil() as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_rate_is_found_and_a_stop_is_noticed() {
        let mut meter = Meter::default();
        for second in 1..=60 {
            meter.add(200);
            let _ = meter.rate(second * 1000);
        }
        assert!((190.0..=201.0).contains(&meter.rate(60_000)));
        assert_eq!((meter.eta_secs(0, 60_000), meter.eta_secs(1000, 60_000)), (Some(0), Some(6)));
        assert_eq!(meter.eta_secs(1000, 600_000), None);
    }
}
