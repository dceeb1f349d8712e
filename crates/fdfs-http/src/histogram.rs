//! How long things take, in classes: for Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the classes, in microseconds.
const BOUNDS_US: [u64; 12] = [50, 100, 250, 500, 1000, 2500, 5000, 10_000, 50_000, 250_000, 1_000_000, 10_000_000];

/// How long things took. Counting takes two atomic additions.
#[derive(Debug, Default)]
pub struct Histogram {
    /// The last class has no bound.
    classes: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    /// Something took so long.
    pub fn count(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let index = BOUNDS_US.iter().position(|&bound| us <= bound).unwrap_or(BOUNDS_US.len());
        self.classes[index].fetch_add(1, Relaxed);
        self.sum_us.fetch_add(us, Relaxed);
    }

    /// How often.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.classes.iter().map(|class| class.load(Relaxed)).sum()
    }

    /// Appends the samples of a metric. `labels` are empty or end with a comma: `op="upload",`.
    pub fn put(&self, out: &mut String, name: &str, labels: &str) {
        // Writing to a string cannot fail.
        let mut sum = 0;
        for (bound, class) in BOUNDS_US.iter().zip(&self.classes) {
            sum += class.load(Relaxed);
            let le = *bound as f64 / 1e6;
            let _ = writeln!(out, "{name}_bucket{{{labels}le=\"{le}\"}} {sum}");
        }
        sum += self.classes.last().map_or(0, |class| class.load(Relaxed));
        let _ = writeln!(out, "{name}_bucket{{{labels}le=\"+Inf\"}} {sum}");
        let seconds = self.sum_us.load(Relaxed) as f64 / 1e6;
        let labels = labels.trim_end_matches(',');
        let (open, close) = if labels.is_empty() { ("", "") } else { ("{", "}") };
        let _ = writeln!(out, "{name}_sum{open}{labels}{close} {seconds}");
        let _ = writeln!(out, "{name}_count{open}{labels}{close} {sum}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_add_up() {
        let histogram = Histogram::default();
        for us in [1, 50, 51, 20_000_000] {
            histogram.count(Duration::from_micros(us));
        }
        assert_eq!(histogram.total(), 4);
        let mut plain = String::new();
        histogram.put(&mut plain, "x", "");
        let mut labelled = String::new();
        histogram.put(&mut labelled, "x", "op=\"a\",");
        for (text, lines) in [
            (
                &plain,
                ["x_bucket{le=\"0.00005\"} 2", "x_bucket{le=\"0.0001\"} 3", "x_bucket{le=\"+Inf\"} 4", "x_count 4"],
            ),
            (
                &labelled,
                [
                    "x_bucket{op=\"a\",le=\"0.00005\"} 2",
                    "x_bucket{op=\"a\",le=\"10\"} 3",
                    "x_sum{op=\"a\"} 20.000102",
                    "x_count{op=\"a\"} 4",
                ],
            ),
        ] {
            for line in lines {
                assert!(text.lines().any(|have| have == line), "{line} in {text}");
            }
        }
    }
}
