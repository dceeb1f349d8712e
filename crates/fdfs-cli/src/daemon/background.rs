//! `fdfs_trackerd start`: the daemon as a process of its own, and the wait until it is known how its start went.
//!
//! A program without `unsafe` cannot fork itself in two. It starts itself once more instead; the new process takes a
//! session of its own and says on its standard output when it serves.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context as _;

use super::program::Program;
use crate::{classic_log, exit, out};

/// The variable that tells the new process what it is.
const MARK: &str = "FDFS_DAEMON_OF";

/// What the new process says when it serves, or waits for a tracker.
pub(crate) const READY: &str = "ready";

/// Whether this process is the one that shall become the daemon. The pid in the mark keeps a mark that was inherited
/// by accident without effect.
pub(crate) fn is_daemon() -> bool {
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    std::env::var(MARK).is_ok_and(|mark| Some(mark) == parent)
}

/// Leaves the terminal and the session of the start.
pub(crate) fn detach() {
    // Fails only for a process that leads a session already.
    let _ = rustix::process::setsid();
}

/// Starts the daemon. Gives 0 when it serves (a storage also when it waits for a tracker), else its exit code; it has
/// said on standard error what is wrong.
///
/// Differs from C: errors of a storage's configuration or of its ports give their errno, where C says 0 because it has
/// forked already (W-37).
pub(crate) fn start(program: Program, conf_path: &str) -> anyhow::Result<u8> {
    start_with(program.classic_name(), &[conf_path.into(), "start".into()], |_| {})
}

/// Starts the program of this process with the same arguments as a daemon, and shows what it says until it serves.
pub(crate) fn start_again(args: &[OsString]) -> ExitCode {
    match start_with("fdfs", args, out::line) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            classic_log::error(&format!("{error:#}"));
            ExitCode::from(exit::code_of(&error))
        }
    }
}

/// In a daemon that was started by [`start_again`]: says that it serves. Nobody reads what it says after that.
pub(crate) fn serves() {
    out::line(READY);
    detach();
    if let Ok(nowhere) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(&nowhere);
        let _ = rustix::stdio::dup2_stderr(&nowhere);
    }
}

fn start_with(name: &str, args: &[OsString], mut show: impl FnMut(&str)) -> anyhow::Result<u8> {
    let exe = own_path(name).context("find the path of this program")?;
    let argv0 = std::env::args_os().next().unwrap_or_else(|| name.into());
    let mut child = Command::new(&exe)
        .arg0(argv0)
        .args(args)
        .env(MARK, std::process::id().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {}", exe.display()))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            match line.context("wait for the daemon")? {
                line if line == READY => return Ok(0),
                line => show(&line),
            }
        }
    }
    let ended = child.wait().context("wait for the daemon")?;
    // Ended by a signal, or with 0 before it served: neither is a daemon that runs.
    Ok(ended.code().and_then(|code| u8::try_from(code).ok()).filter(|&code| code != 0).unwrap_or(1))
}

/// The path by which this program was called, so that process lists show the classic name; its real path if that
/// cannot be found.
fn own_path(name: &str) -> std::io::Result<PathBuf> {
    let exe = std::env::current_exe()?;
    let is_own = |path: &Path| path.canonicalize().is_ok_and(|path| path == exe);
    let argv0 = PathBuf::from(std::env::args_os().next().unwrap_or_default());
    if argv0.components().count() > 1 && is_own(&argv0) {
        return Ok(argv0);
    }
    let dirs = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&dirs).map(|dir| dir.join(name)).find(|path| is_own(path));
    Ok(found.unwrap_or(exe))
}
