//! A log that tests read.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::{Level, LogSink};

/// The most lines that are kept; later ones are dropped.
const LINE_COUNT_MAX: usize = 100_000;

/// A line that was logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedLine {
    /// Its level.
    pub level: Level,
    /// Its text, without time and level.
    pub text: String,
}

/// Keeps lines in memory. Clones are the same log, so a test keeps one and gives one away.
#[derive(Debug, Clone, Default)]
pub struct CapturedLog {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    lines: Mutex<Vec<CapturedLine>>,
    arrived: Condvar,
}

impl CapturedLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All lines up to now.
    #[must_use]
    pub fn lines(&self) -> Vec<CapturedLine> {
        self.lock().clone()
    }

    /// The lines that are WARNING and worse, as `LEVEL - text`.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let lines = self.lock();
        let problems = lines.iter().filter(|line| line.level <= Level::Warning);
        problems.map(|line| format!("{} - {}", line.level, line.text)).collect()
    }

    /// Whether a line contains `text`.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        self.lock().iter().any(|line| line.text.contains(text))
    }

    /// Waits until a line contains `text`, for at most `patience`; whether there is one. Blocks the thread.
    #[must_use]
    pub fn wait_for(&self, text: &str, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut lines = self.lock();
        while !lines.iter().any(|line| line.text.contains(text)) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            lines = self.inner.arrived.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Forgets all lines.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<CapturedLine>> {
        self.inner.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogSink for CapturedLog {
    fn write(&self, _: Timestamp, level: Level, text: &str) {
        let mut lines = self.lock();
        if lines.len() < LINE_COUNT_MAX {
            lines.push(CapturedLine { level, text: text.to_owned() });
            self.inner.arrived.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_and_problems_are_told_apart() {
        let log = CapturedLog::new();
        for (level, text) in [(Level::Info, "fine"), (Level::Warning, "odd"), (Level::Crit, "bad")] {
            log.clone().write(Timestamp::UNIX_EPOCH, level, text);
        }
        assert_eq!(log.lines().len(), 3);
        assert_eq!(log.problems(), ["WARNING - odd", "CRIT - bad"]);
        assert!(log.contains("dd") && !log.contains("missing"));
        log.clear();
        assert_eq!(log.lines(), []);
    }

    #[test]
    fn a_line_of_another_thread_is_waited_for() {
        let log = CapturedLog::new();
        let writer = log.clone();
        let thread = std::thread::spawn(move || writer.write(Timestamp::UNIX_EPOCH, Level::Info, "here it is"));
        assert!(log.wait_for("it is", Duration::from_secs(30)));
        thread.join().unwrap();
        assert!(!log.wait_for("it is not", Duration::from_millis(1)));
    }
}
