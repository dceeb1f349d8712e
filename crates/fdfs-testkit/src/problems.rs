//! What servers may complain of.

use std::sync::{Arc, Mutex, PoisonError};

use fdfs_log::CapturedLog;

/// What is in a line of a log that is WARNING or worse.
const BAD: [&str; 6] = ["] WARNING - ", "] ERROR - ", "] CRIT - ", "] ALERT - ", "] EMERG - ", "panicked at"];

/// Complaints that a test expects. Clones are the same list.
#[derive(Debug, Clone, Default)]
pub struct ExpectedProblems {
    patterns: Arc<Mutex<Vec<String>>>,
}

impl ExpectedProblems {
    /// From now on, and looking back, lines that contain `pattern` are fine.
    pub fn expect(&self, pattern: &str) {
        self.patterns.lock().unwrap_or_else(PoisonError::into_inner).push(pattern.to_owned());
    }

    /// The lines of a log that are WARNING or worse and were not expected.
    #[must_use]
    pub fn unexpected(&self, log: &CapturedLog) -> Vec<String> {
        self.without_expected(log.problems())
    }

    /// The same for the text of a process's log. A panic is a problem, too.
    #[must_use]
    pub fn unexpected_in_text(&self, log: &str) -> Vec<String> {
        let is_problem = |line: &&str| BAD.iter().any(|bad| line.contains(bad));
        self.without_expected(log.lines().filter(is_problem).map(str::to_owned).collect())
    }

    fn without_expected(&self, mut lines: Vec<String>) -> Vec<String> {
        let patterns = self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line| !patterns.iter().any(|pattern| line.contains(pattern)));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_log::{Level, LogSink, Timestamp};

    #[test]
    fn what_was_expected_is_left_out() {
        let (log, expected) = (CapturedLog::new(), ExpectedProblems::default());
        for (level, text) in [(Level::Warning, "disk a"), (Level::Error, "disk b"), (Level::Info, "fine")] {
            log.write(Timestamp::UNIX_EPOCH, level, text);
        }
        expected.expect("disk a");
        assert_eq!(expected.unexpected(&log), ["ERROR - disk b"]);
        let same = expected.clone();
        same.expect("disk");
        assert!(expected.unexpected(&log).is_empty());
    }

    #[test]
    fn the_text_of_a_log_is_read_line_by_line() {
        let expected = ExpectedProblems::default();
        expected.expect("disk a");
        let log = "[2026-01-01 00:00:00] WARNING - disk a\n[2026-01-01 00:00:00] INFO - ERROR -\n\
                   [2026-01-01 00:00:00] ERROR - disk b\nthread 'x' panicked at src\n";
        let found = expected.unexpected_in_text(log);
        assert_eq!(found, ["[2026-01-01 00:00:00] ERROR - disk b", "thread 'x' panicked at src"]);
    }
}
