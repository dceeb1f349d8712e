//! How the run goes, on stderr and only on a terminal; and failures in words, always.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::plan::Plan;
use super::shared::{Counters, Shared};

/// The line; indicatif draws nothing where stderr is no terminal.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    bar: ProgressBar,
    began: Instant,
    last: Instant,
    last_count: u64,
    last_bytes: u64,
}

impl ProgressLine {
    /// A line for a run that begins.
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
            bar.set_style(style);
        }
        let now = Instant::now();
        Self { bar, began: now, last: now, last_count: 0, last_bytes: 0 }
    }

    /// Shows where the run is, and says in words what failed since.
    pub(crate) fn show(&mut self, shared: &Shared) {
        self.tell(shared);
        let now = Instant::now();
        let count = shared.progress.success_count.load(Ordering::Relaxed);
        let bytes = shared.progress.bytes.load(Ordering::Relaxed);
        let since = (now - self.last, count - self.last_count, bytes - self.last_bytes);
        self.bar.set_message(line(&shared.plan, &shared.progress, now - self.began, since));
        (self.last, self.last_count, self.last_bytes) = (now, count, bytes);
        self.bar.tick();
    }

    /// Shows that the files of the run are being deleted.
    pub(crate) fn show_cleaning(&self, shared: &Shared) {
        self.tell(shared);
        let count = shared.progress.cleaned_count.load(Ordering::Relaxed);
        self.bar.set_message(format!("deleting what was uploaded: {count} files; Ctrl-C leaves the rest"));
        self.bar.tick();
    }

    /// Says something above the line.
    pub(crate) fn say(&self, text: &str) {
        self.bar.suspend(|| eprintln!("fdfs: {text}"));
    }

    fn tell(&self, shared: &Shared) {
        for told in shared.take_told() {
            self.say(&told);
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `upload: 12345 done, 4567/s, 18.7 MB/s, 0 failed, 3 s of 10 s`; the rates are those `since` the line before.
fn line(plan: &Plan, counters: &Counters, elapsed: Duration, since: (Duration, u64, u64)) -> String {
    let (time, count, bytes) = since;
    let secs = time.as_secs_f64().max(f64::MIN_POSITIVE);
    let done = counters.success_count.load(Ordering::Relaxed);
    let failed = counters.failure_count.load(Ordering::Relaxed);
    let (rate, mb_rate) = (count as f64 / secs, bytes as f64 / 1e6 / secs);
    let end = match (plan.count, plan.duration) {
        (Some(count), _) => format!("{} s, {count} in all", elapsed.as_secs()),
        (None, Some(duration)) => format!("{} s of {} s", elapsed.as_secs(), duration.as_secs()),
        (None, None) => format!("{} s", elapsed.as_secs()),
    };
    format!("{}: {done} done, {rate:.0}/s, {mb_rate:.1} MB/s, {failed} failed, {end}", plan.work)
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Kind, Work};
    use super::super::sizes::Sizes;
    use super::*;

    #[test]
    fn the_line_has_rates_failures_and_how_far_it_is() {
        let mut plan = Plan {
            work: Work::Only(Kind::Upload),
            sizes: Sizes::Realistic,
            connection_count: 16,
            thread_count: 2,
            duration: Some(Duration::from_secs(10)),
            count: None,
            verify: false,
            group: None,
            remembers: true,
            cleans_up: true,
        };
        let counters = Counters::default();
        counters.success_count.store(12_345, Ordering::Relaxed);
        counters.failure_count.store(2, Ordering::Relaxed);
        let since = (Duration::from_millis(500), 2000, 8_000_000);
        let text = line(&plan, &counters, Duration::from_millis(3999), since);
        assert_eq!(text, "upload: 12345 done, 4000/s, 16.0 MB/s, 2 failed, 3 s of 10 s");
        plan.count = Some(20_000);
        let text = line(&plan, &counters, Duration::ZERO, (Duration::ZERO, 0, 0));
        assert_eq!(text, "upload: 12345 done, 0/s, 0.0 MB/s, 2 failed, 0 s, 20000 in all");
    }
}
