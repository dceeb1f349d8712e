//! Latencies in a fixed number of buckets: memory does not grow with the operations, and no bucket is wider than 1% of
//! what falls into it.

use std::time::Duration;

/// Buckets of each doubling: half of one of them is 0.4% of the latency, which is how wrong a quantile can be.
const PER_DOUBLING_BITS: u32 = 7;
const PER_DOUBLING: u64 = 1 << PER_DOUBLING_BITS;
/// Latencies are counted in units of 8 ns: nothing over a socket takes less than many of them.
const UNIT_BITS: u32 = 3;
/// The longest latency that has a bucket of its own kind is 2^37 ns, 137 s; longer ones fall into the last.
const LONGEST_BITS: u32 = 37;
const BUCKET_COUNT: usize = (PER_DOUBLING * (LONGEST_BITS - UNIT_BITS - PER_DOUBLING_BITS + 1) as u64) as usize;

/// Latencies: log-linear buckets, the sum, and the greatest one exactly.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    /// `u32` keeps a thousand connections small; four thousand million operations of one latency do not happen.
    buckets: Box<[u32]>,
    count: u64,
    sum_ns: u128,
    max_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKET_COUNT].into(), count: 0, sum_ns: 0, max_ns: 0 }
    }
}

/// The bucket of a latency. The first two rows of buckets are one unit wide, each further row is twice as wide.
const fn bucket_of(ns: u64) -> usize {
    let units = ns >> UNIT_BITS;
    let doublings = (u64::BITS - units.leading_zeros()).saturating_sub(PER_DOUBLING_BITS + 1);
    let index = doublings as u64 * PER_DOUBLING + (units >> doublings);
    if index < BUCKET_COUNT as u64 { index as usize } else { BUCKET_COUNT - 1 }
}

/// The middle of a bucket.
const fn middle_ns(index: usize) -> u64 {
    let index = index as u64;
    let doublings = (index / PER_DOUBLING).saturating_sub(1);
    let units = (index - doublings * PER_DOUBLING) << doublings;
    (units << UNIT_BITS) + (1 << (UNIT_BITS as u64 + doublings)) / 2
}

impl Histogram {
    /// Counts one operation.
    pub(crate) fn record(&mut self, latency: Duration) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get_mut(bucket_of(ns)) {
            *bucket = bucket.saturating_add(1);
        }
        self.count += 1;
        self.sum_ns += u128::from(ns);
        self.max_ns = self.max_ns.max(ns);
    }

    /// Adds what another one counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *bucket = bucket.saturating_add(*more);
        }
        self.count += other.count;
        self.sum_ns += other.sum_ns;
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// Operations counted.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// The longest latency, exactly.
    pub(crate) const fn max(&self) -> Duration {
        Duration::from_nanos(self.max_ns)
    }

    /// The mean, exactly; zero for nothing.
    pub(crate) fn mean(&self) -> Duration {
        let ns = self.sum_ns.checked_div(u128::from(self.count)).unwrap_or(0);
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    /// The latency that so many of 1000 operations did not exceed, within 1%; zero for nothing.
    pub(crate) fn per_mille(&self, per_mille: u64) -> Duration {
        let rank = (u128::from(self.count) * u128::from(per_mille)).div_ceil(1000).max(1);
        let mut seen = 0;
        for (index, &bucket) in self.buckets.iter().enumerate() {
            seen += u128::from(bucket);
            if seen >= rank {
                return Duration::from_nanos(middle_ns(index).min(self.max_ns));
            }
        }
        self.max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Latencies from 2 us to 60 s, evenly on a logarithmic scale.
    fn many() -> Vec<u64> {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..20_000).map(|_| (2e3 * (next() * (6e10f64 / 2e3).ln()).exp()) as u64).collect()
    }

    #[test]
    fn quantiles_are_right_within_one_percent() {
        let mut values = many();
        let mut histogram = Histogram::default();
        values.iter().for_each(|&ns| histogram.record(Duration::from_nanos(ns)));
        values.sort_unstable();
        for per_mille in [1, 10, 250, 500, 950, 990, 999, 1000] {
            let exact = values[(values.len() * per_mille as usize).div_ceil(1000) - 1] as f64;
            let found = histogram.per_mille(per_mille).as_nanos() as f64;
            assert!((found - exact).abs() / exact < 0.01, "{per_mille}: {found} for {exact}");
        }
        assert_eq!(histogram.max().as_nanos() as u64, *values.last().unwrap());
        let mean = values.iter().map(|&ns| u128::from(ns)).sum::<u128>() / values.len() as u128;
        assert_eq!(histogram.mean().as_nanos(), mean);
    }

    #[test]
    fn every_bucket_holds_its_middle_and_they_go_up() {
        for index in 0..BUCKET_COUNT {
            assert_eq!(bucket_of(middle_ns(index)), index);
            assert!(index == 0 || middle_ns(index) > middle_ns(index - 1));
        }
        assert_eq!(bucket_of(0), 0);
        assert_eq!(bucket_of((1 << LONGEST_BITS) - 1), BUCKET_COUNT - 1);
    }

    #[test]
    fn parts_merge_to_the_whole() {
        let values = many();
        let (mut whole, mut parts) = (Histogram::default(), [Histogram::default(), Histogram::default()]);
        for (at, &ns) in values.iter().enumerate() {
            whole.record(Duration::from_nanos(ns));
            parts[at % 2].record(Duration::from_nanos(ns));
        }
        let [mut merged, second] = parts;
        merged.merge(&second);
        assert_eq!((merged.count(), merged.max(), merged.mean()), (whole.count(), whole.max(), whole.mean()));
        assert_eq!(merged.per_mille(990), whole.per_mille(990));
    }

    #[test]
    fn nothing_and_too_much_are_no_panic() {
        let mut histogram = Histogram::default();
        assert_eq!((histogram.per_mille(500), histogram.mean()), (Duration::ZERO, Duration::ZERO));
        histogram.record(Duration::MAX);
        assert_eq!(histogram.max(), Duration::from_nanos(u64::MAX));
        assert!(histogram.per_mille(500) >= Duration::from_secs(136));
        let mut one = Histogram::default();
        one.record(Duration::from_micros(100));
        // The middle of a bucket may be above the only latency in it.
        assert!(one.per_mille(999) <= one.max());
    }
}
