//! What servers may complain of.

use std::sync::{Arc, Mutex, PoisonError};

use fdfs_log::CapturedLog;

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
        let patterns = self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = log.problems();
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
}
