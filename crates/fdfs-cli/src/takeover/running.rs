//! Whether the server runs, and how it ended.

use std::path::Path;

use super::report::Report;
use crate::daemon::pid_file;
use crate::daemon::program::Program;
use fdfs_watch::findings::Severity;

/// Looks at the pid file.
pub(super) fn look(program: Program, base_path: &Path, report: &mut Report) {
    let path = program.pid_path(base_path);
    let about = path.display().to_string();
    match (pid_file::running(program, &path), pid_file::read(&path)) {
        (Ok(Some(pid)), _) => report.say(
            Severity::Note,
            "runs",
            about,
            format!("process {pid} serves this directory now"),
            format!("stop it before the other program starts: {} CONF stop", program.classic_name()),
        ),
        (Ok(None), Ok(None)) => {}
        (Ok(None), Ok(Some(pid))) => report.say(
            Severity::Warning,
            "was-killed",
            about,
            format!("process {pid} is gone and has left its pid file: it was killed, or the machine went down"),
            "the first start looks for files without a record and records them; what the reference had only in memory is lost",
        ),
        (Err(error), _) | (_, Err(error)) => {
            report.say(Severity::Warning, "pid-file", about, format!("cannot be read: {error}"), "look at its owner and mode");
        }
    }
}

/// Whether the user who asks may write in a directory.
pub(super) fn may_write(path: &Path, report: &mut Report) {
    if rustix::fs::access(path, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_err() {
        report.say(
            Severity::Warning,
            "not-writable",
            path.display().to_string(),
            "the user who runs this check may not write here",
            "run the check as the user that the server will run as (run_by_user); else change the owner",
        );
    }
}

/// Reads a file of a server; `None` when it is missing. One that cannot be read is a finding.
pub(super) fn read(path: &Path, report: &mut Report) -> Option<Vec<u8>> {
    match std::fs::read(path) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            let what = format!("cannot be read: {error}");
            report.say(
                Severity::Error,
                "unreadable",
                path.display().to_string(),
                what,
                "look at its owner and mode, and at the disk",
            );
            None
        }
    }
}
