//! The keys of log files, for the error log and for the access log.
//!
//! Source: configuration, 3.

use crate::Severity;
use crate::choice::TimePrecision;
use crate::serve_http::HasServeHttp;
use crate::table::{Action, Key, Section, with_defaults};
use crate::value::TimeOfDay;

/// How a log file is written and rotated. Keys stand in `[error-log]` or `[access-log]`, else in the global part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConf {
    /// `sync_log_buff_interval`: seconds after which buffered lines are written.
    pub sync_log_buff_interval_secs: u64,
    /// `log_file_rotate_everyday`: whether a new file begins every day.
    pub rotate_everyday: bool,
    /// `log_file_rotate_time`: when it begins.
    pub rotate_time: TimeOfDay,
    /// `log_file_rotate_on_size`: bytes after which a new file begins; 0 for never. Files then carry date and time.
    pub rotate_on_size_bytes: u64,
    /// `log_file_compress_old`: whether old files are compressed with gzip.
    pub compress_old: bool,
    /// `log_file_compress_days_before`: files of this many days stay uncompressed.
    pub compress_days_before: u32,
    /// `log_file_keep_days`: days after which files are deleted; 0 for never.
    pub keep_days: u32,
    /// `log_file_delete_old_time`: when they are deleted.
    pub delete_old_time: TimeOfDay,
}

/// The access log of a storage, `[access-log]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLogConf {
    /// `enabled`: whether there is one.
    pub enabled: bool,
    /// `time_precision`: the resolution of its times.
    pub time_precision: TimePrecision,
    /// How its files are written and rotated.
    pub log: LogConf,
}

/// The values of absent keys.
impl Default for LogConf {
    fn default() -> Self {
        let blank = Self {
            sync_log_buff_interval_secs: 0,
            rotate_everyday: false,
            rotate_time: TimeOfDay::default(),
            rotate_on_size_bytes: 0,
            compress_old: false,
            compress_days_before: 0,
            keep_days: 0,
            delete_old_time: TimeOfDay::default(),
        };
        with_defaults(blank, &error_log_keys())
    }
}

/// The values of absent keys.
impl Default for AccessLogConf {
    fn default() -> Self {
        Self { enabled: false, time_precision: TimePrecision::default(), log: LogConf::default() }
    }
}

impl HasErrorLog for LogConf {
    fn error_log(&mut self) -> &mut LogConf {
        self
    }
}

/// A configuration with an error log.
pub(crate) trait HasErrorLog: 'static {
    fn error_log(&mut self) -> &mut LogConf;
}

/// A configuration with an access log.
pub(crate) trait HasAccessLog: 'static {
    fn access_log(&mut self) -> &mut AccessLogConf;
}

/// The rows of one log; `$log` leads from the configuration to it.
macro_rules! log_keys {
    ($conf:ident, $section:expr, |$c:ident| $log:expr) => {
        [
            Key::secs(
                "sync_log_buff_interval",
                1,
                |$c: &mut $conf, v| $log.sync_log_buff_interval_secs = v,
                "after which buffered log lines are written",
            )
            .positive(),
            Key::bool(
                "log_file_rotate_everyday",
                true,
                |$c: &mut $conf, v| $log.rotate_everyday = v,
                "begin a new log file every day",
            ),
            Key::time(
                "log_file_rotate_time",
                TimeOfDay::new(0, 0),
                |$c: &mut $conf, v| $log.rotate_time = v,
                "when the day's new log file begins",
            ),
            Key::bytes(
                "log_file_rotate_on_size",
                0,
                |$c: &mut $conf, v| $log.rotate_on_size_bytes = v,
                "size after which a new log file begins, 0 for never; old files then carry date and time",
            )
            .corrected(0, 64 << 30),
            Key::bool(
                "log_file_compress_old",
                false,
                |$c: &mut $conf, v| $log.compress_old = v,
                "compress old log files with gzip",
            )
            .since("6.04"),
            Key::count(
                "log_file_compress_days_before",
                1,
                |$c: &mut $conf, v| $log.compress_days_before = v,
                "log files of this many days stay uncompressed",
            )
            .sample("7"),
            Key::count(
                "log_file_keep_days",
                15,
                |$c: &mut $conf, v| $log.keep_days = v,
                "days after which log files are deleted, 0 for never",
            ),
            Key::time(
                "log_file_delete_old_time",
                TimeOfDay::new(1, 30),
                |$c: &mut $conf, v| $log.delete_old_time = v,
                "when old log files are deleted",
            ),
        ]
        .map(|key| key.in_section($section))
    };
}

/// The rows of the error log.
pub(crate) fn error_log_keys<C: HasErrorLog>() -> Vec<Key<C>> {
    log_keys!(C, Section::ErrorLog, |c| c.error_log()).into()
}

/// The rows of the access log.
pub(crate) fn access_log_keys<C: HasAccessLog>() -> Vec<Key<C>> {
    let mut keys = vec![
        Key::bool("enabled", false, |c: &mut C, v| c.access_log().enabled = v, "write an access log")
            .in_section(Section::AccessLogOnly)
            .since("6.14"),
        Key::word(
            "time_precision",
            "ms",
            Action::UseDefault(Severity::Warning),
            |c: &mut C, word| TimePrecision::from_any_word(word).map(|v| c.access_log().time_precision = v).is_some(),
            "resolution of the times in the access log",
        )
        .in_section(Section::AccessLogOnly)
        .allowed("ms, millisecond, us, microsecond; case counts")
        .sample("us")
        .since("6.16"),
    ];
    keys.extend(log_keys!(C, Section::AccessLog, |c| c.access_log().log));
    keys
}

/// The rows of the log of HTTP requests, whose place and form are keys of their own.
pub(crate) fn web_log_keys<C: HasServeHttp>() -> Vec<Key<C>> {
    log_keys!(C, Section::AccessLog, |c| c.serve().access_log_files).into()
}

/// Keys of old files that mean nothing since 6.14.
pub(crate) fn historic_keys<C>() -> Vec<Key<C>> {
    const MOVED: &str = "use the keys of the sections [error-log] and [access-log]";
    let mut keys: Vec<Key<C>> = [
        "use_access_log",
        "rotate_access_log",
        "access_log_rotate_time",
        "rotate_error_log",
        "error_log_rotate_time",
        "rotate_access_log_size",
        "rotate_error_log_size",
        "compress_old_access_log",
        "compress_access_log_days_before",
        "compress_old_error_log",
        "compress_error_log_days_before",
    ]
    .map(|name| Key::ignored(name, MOVED))
    .into();
    keys.push(Key::ignored("http.*", "the servers have no HTTP port of this kind since 4.05"));
    keys
}
