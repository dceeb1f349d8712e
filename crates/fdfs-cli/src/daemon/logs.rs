//! The error log of a daemon: a file that rotates, or standard error.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fdfs_conf::{LogConf, LogLevel};
use fdfs_log::{FileSink, Level, LogError, LogSink, LogTimer, ServerLog, StderrSink, Timestamp};

use super::json_log::JsonSink;

/// The log of a daemon, with the thread that looks after its file.
pub(crate) struct DaemonLog {
    /// For the server.
    pub(crate) log: ServerLog,
    file: Option<Arc<FileSink>>,
    echo: Arc<ErrorEcho>,
    _timer: Option<LogTimer>,
}

impl DaemonLog {
    /// Lines on standard error, for those who watch or collect it.
    pub(crate) fn on_stderr(level: LogLevel) -> Self {
        let log = ServerLog::new(StderrSink::new(), level_of(level));
        Self { log, file: None, echo: Arc::default(), _timer: None }
    }

    /// JSON objects on standard error.
    pub(crate) fn json_on_stderr(level: LogLevel) -> Self {
        let log = ServerLog::new(JsonSink, level_of(level));
        Self { log, file: None, echo: Arc::default(), _timer: None }
    }

    /// Lines in a file; until [`DaemonLog::end_of_start`] errors are on standard error as well.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn in_file(path: &Path, conf: &LogConf, level: LogLevel) -> Result<Self, LogError> {
        Self::open(StderrSink::new(), path, conf, level)
    }

    /// The same for one of several servers of a process: errors on standard error carry its name, and go on for as long
    /// as it runs.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn in_file_of(name: &str, path: &Path, conf: &LogConf, level: LogLevel) -> Result<Self, LogError> {
        Self::open(StderrSink::named(name), path, conf, level)
    }

    fn open(stderr: StderrSink, path: &Path, conf: &LogConf, level: LogLevel) -> Result<Self, LogError> {
        let file = Arc::new(FileSink::open(path, fdfs_daemon::rotation(conf))?);
        let echo = Arc::new(ErrorEcho { stderr, is_over: AtomicBool::new(false) });
        let log = ServerLog::new((file.clone(), echo.clone()), level_of(level));
        // Without the thread the log does not rotate by itself, which is no reason to stay down.
        let timer = LogTimer::start(&log, vec![file.clone()]).ok();
        Ok(Self { log, file: Some(file), echo, _timer: timer })
    }

    /// Whoever started the daemon goes away now: nothing is for standard error any more.
    pub(crate) fn end_of_start(&self) {
        self.echo.is_over.store(true, Ordering::Relaxed);
    }

    /// The signal HUP.
    pub(crate) fn hang_up(&self) {
        if let Some(file) = &self.file {
            // What goes wrong it says in the log itself.
            let _ = file.hang_up(Timestamp::now());
        }
    }
}

/// Repeats errors on standard error: while a daemon starts, so that whoever started it sees why it does not run.
#[derive(Debug, Default)]
struct ErrorEcho {
    stderr: StderrSink,
    is_over: AtomicBool,
}

impl LogSink for ErrorEcho {
    fn write(&self, at: Timestamp, level: Level, text: &str) {
        if level <= Level::Error && !self.is_over.load(Ordering::Relaxed) {
            self.stderr.write(at, level, text);
        }
    }
}

/// The level of the key `log_level`.
pub(crate) fn level_of(level: LogLevel) -> Level {
    Level::from_word(level.word()).unwrap_or(Level::Info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_the_log_crate() {
        assert_eq!(level_of(LogLevel::Warn), Level::Warning);
        assert_eq!(level_of(LogLevel::Debug), Level::Debug);
    }
}
