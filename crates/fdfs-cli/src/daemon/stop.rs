//! `fdfs_trackerd stop`: asks the daemon to end, and waits until it has.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fdfs_proto::Status;
use rustix::process::{Signal, kill_process};

use super::pid_file;
use super::program::Program;

/// "No such process": the pid file is older than the last crash. No command of the protocol has this number.
pub(super) const ESRCH: u8 = 3;
/// TERM is sent again after this long.
const REPEAT_INTERVAL: Duration = Duration::from_secs(1);
/// KILL is sent after this long: what has not ended by then never will.
const KILL_AFTER: Duration = Duration::from_secs(30);
/// How often it is looked whether the process lives.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// Stops the daemon of a pid file, with the lines of the reference on standard error. Gives the exit code.
pub(crate) fn stop(program: Program, pid_path: &Path) -> u8 {
    let pid = match pid_file::read(pid_path) {
        Ok(_) if !pid_path.exists() => {
            eprintln!("pid file: {} not exist!", pid_path.display());
            return Status::ENOENT.0;
        }
        Ok(pid) => pid,
        Err(error) => {
            eprintln!("pid file: {}: {error}", pid_path.display());
            return Status::from_io(&error).0;
        }
    };
    let alive = pid.filter(|&pid| pid_file::is_alive(program, pid));
    let Some((number, pid)) = alive.and_then(|number| Some((number, pid_file::pid_of(number)?))) else {
        // Differs from C: what lives under the number but is another program is left alone.
        eprintln!("kill pid: {} fail, errno: {ESRCH}, error info: No such process", pid.unwrap_or_default());
        return ESRCH;
    };
    eprintln!("waiting for pid [{number}] exit ...");
    let start = Instant::now();
    let mut next_signal = start;
    while pid_file::is_alive(program, number) {
        let now = Instant::now();
        if now >= next_signal {
            let signal = if now - start < KILL_AFTER { Signal::TERM } else { Signal::KILL };
            match kill_process(pid, signal) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => {
                    eprintln!("send a signal to pid [{number}]: {error}");
                    return Status::from_errno(error.raw_os_error()).0;
                }
            }
            next_signal = now + REPEAT_INTERVAL;
        }
        sleep(LOOK_INTERVAL);
    }
    eprintln!("pid [{number}] exit.\n");
    0
}
