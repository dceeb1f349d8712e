//! What is counted.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::histogram::Histogram;

/// What is counted.
#[derive(Debug, Default)]
pub struct Stats {
    /// Answers by the first digit of their status, 1 to 5.
    by_class: [AtomicU64; 5],
    durations: Histogram,
    body_bytes: AtomicU64,
    /// Requests that were no HTTP.
    pub malformed: AtomicU64,
    /// Clients that were too slow.
    pub timed_out: AtomicU64,
    /// Answers that did not go out as a whole.
    pub cut: AtomicU64,
    /// Files that were not here, fetched from other storages.
    pub fetched: AtomicU64,
    /// Bytes taken in by uploads.
    pub upload_bytes: AtomicU64,
}

impl Stats {
    /// An answer went out, or as much of it as its client took.
    pub fn count(&self, status: u16, body_bytes: u64, took: Duration) {
        if let Some(class) = self.by_class.get(usize::from(status / 100).saturating_sub(1)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        self.durations.count(took);
        self.body_bytes.fetch_add(body_bytes, Ordering::Relaxed);
    }

    /// Answers in all.
    #[must_use]
    pub fn answer_count(&self) -> u64 {
        self.by_class.iter().map(|class| class.load(Ordering::Relaxed)).sum()
    }

    /// The metrics of Prometheus. `connections` are open now.
    #[must_use]
    pub fn text(&self, connections: u32) -> String {
        let mut out = String::new();
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // Writing to a string cannot fail.
        let head = |out: &mut String, name: &str, kind: &str, help: &str| {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        };
        head(&mut out, "fdfs_http_requests_total", "counter", "Answers by the class of their status");
        for (class, counter) in (1..).zip(&self.by_class) {
            let _ = writeln!(out, "fdfs_http_requests_total{{class=\"{class}xx\"}} {}", load(counter));
        }
        head(
            &mut out,
            "fdfs_http_request_duration_seconds",
            "histogram",
            "From the head of a request to its last byte sent",
        );
        self.durations.put(&mut out, "fdfs_http_request_duration_seconds", "");
        for (name, help, value) in [
            ("fdfs_http_sent_bytes_total", "Bytes of bodies sent", load(&self.body_bytes)),
            ("fdfs_http_upload_bytes_total", "Bytes of uploads taken in", load(&self.upload_bytes)),
            ("fdfs_http_malformed_total", "Requests that were no HTTP", load(&self.malformed)),
            ("fdfs_http_timeouts_total", "Clients that were too slow", load(&self.timed_out)),
            ("fdfs_http_cut_total", "Answers that did not go out as a whole", load(&self.cut)),
            ("fdfs_http_fetched_total", "Files fetched from other storages", load(&self.fetched)),
        ] {
            head(&mut out, name, "counter", help);
            let _ = writeln!(out, "{name} {value}");
        }
        head(&mut out, "fdfs_http_connections", "gauge", "Connections open now");
        let _ = writeln!(out, "fdfs_http_connections {connections}");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_class_and_duration() {
        let stats = Stats::default();
        stats.count(200, 10, Duration::from_micros(60));
        stats.count(404, 5, Duration::from_secs(60));
        let text = stats.text(3);
        assert_eq!(stats.answer_count(), 2);
        for line in [
            "fdfs_http_requests_total{class=\"2xx\"} 1",
            "fdfs_http_requests_total{class=\"4xx\"} 1",
            "fdfs_http_request_duration_seconds_bucket{le=\"0.0001\"} 1",
            "fdfs_http_request_duration_seconds_bucket{le=\"+Inf\"} 2",
            "fdfs_http_sent_bytes_total 15",
            "fdfs_http_connections 3",
        ] {
            assert!(text.lines().any(|have| have == line), "{line} in {text}");
        }
    }
}
