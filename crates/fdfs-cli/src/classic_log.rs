//! The log lines that the classic programs write to standard error.

use fdfs_conf::ConfError;
use fdfs_log::{Level, LogSink as _, StderrSink};
use fdfs_proto::Status;
use jiff::Timestamp;

/// `[YYYY-MM-DD HH:MM:SS] ERROR - text`.
///
/// Differs from C: no name and line of a source file.
pub(crate) fn error(text: &str) {
    line(Level::Error, text);
}

/// One line of any level.
pub(crate) fn line(level: Level, text: &str) {
    StderrSink::new().write(Timestamp::now(), level, text);
}

/// The lines about a configuration that cannot be used; those of the reference where the file itself is missing or a
/// directory. Gives the exit code.
pub(crate) fn conf_error(path: &str, problem: &ConfError) -> Status {
    let (status, what) = match problem {
        ConfError::Load { location, status: Status::EISDIR, .. } if location == path => {
            (Status::EINVAL, format!("{path} is not a regular file"))
        }
        ConfError::Load { location, status: Status::ENOENT, .. } if location == path => {
            (Status::ENOENT, format!("file {path} not exist"))
        }
        problem => {
            error(&problem.to_string());
            return problem.status();
        }
    };
    error(&what);
    error(&format!("load conf file \"{path}\" fail, ret code: {}", status.0));
    status
}

/// The last lines of a daemon that does not start.
pub(crate) fn exit_abnormally() {
    line(Level::Crit, "exit abnormally!");
    eprintln!();
}
