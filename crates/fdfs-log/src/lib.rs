//! Log files as the reference names and rotates them, and the test's view of a log.
//!
//! Never: a decision of the cluster, or a failure of the server because its log cannot be written.
//!
//! * [`server_log`]: every server of a process has its own log, whatever thread speaks;
//! * [`sink`], [`file_sink`], [`captured`]: where lines go: a file, stderr, a test;
//! * [`access_log`]: one line per request;
//! * [`log_file`], [`rotation`], [`old_logs`]: the files; [`timer`] looks after them;
//! * [`level`], [`stamp`], [`web_stamp`]: the parts of a line.

pub mod access_log;
pub mod captured;
pub mod file_sink;
pub mod level;
pub mod log_file;
pub mod old_logs;
pub mod rotation;
pub mod server_log;
pub mod sink;
pub mod stamp;
pub mod timer;
pub mod web_stamp;

pub use access_log::{AccessLog, TimePrecision};
pub use captured::{CapturedLine, CapturedLog};
pub use file_sink::FileSink;
pub use level::Level;
pub use log_file::{LogError, LogFile, Rotated};
pub use rotation::{NameForm, RotationSettings};
pub use server_log::ServerLog;
pub use sink::{LogSink, StderrSink};
pub use stamp::Stamper;
pub use timer::{LogTimer, Tick};
pub use web_stamp::WebStampForm;

/// The clock and the zone of log lines.
pub use jiff::{Timestamp, tz::TimeZone};
