//! The pid file of a daemon: a decimal number without line feed.
//!
//! Source: configuration, 2.

use std::fs;
use std::io;
use std::path::Path;

use super::program::Program;

/// The pid that the file holds; `None` when there is no file, or no number in it.
///
/// # Errors
/// When the file is there and cannot be read.
pub(crate) fn read(path: &Path) -> io::Result<Option<u32>> {
    match fs::read_to_string(path) {
        // 0 is every process of the group to kill(2), and nothing beyond i32 is a pid.
        Ok(text) => Ok(text.trim().parse().ok().filter(|&pid| pid > 0 && i32::try_from(pid).is_ok())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The pid of the daemon that runs with this pid file, if it runs.
///
/// Differs from C: a file with the own pid is a leftover (in a container every daemon is process 1) and keeps nobody
/// from starting.
pub(crate) fn running(program: Program, path: &Path) -> io::Result<Option<u32>> {
    Ok(read(path)?.filter(|&pid| pid != std::process::id() && is_alive(program, pid)))
}

/// Whether a process lives and is this daemon. Its command line tells; where the system does not show that, any live
/// process counts.
pub(crate) fn is_alive(program: Program, pid: u32) -> bool {
    match fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(line) => {
            let args: Vec<&[u8]> = line.split(|&b| b == 0).collect();
            program.is_command_line(&args)
        }
        Err(_) if Path::new("/proc/self/cmdline").exists() => false,
        Err(_) => pid_of(pid).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok()),
    }
}

/// The pid for system calls.
pub(crate) fn pid_of(pid: u32) -> Option<rustix::process::Pid> {
    i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw)
}

/// Writes the own pid. Whoever reads the file at any moment reads a whole number.
///
/// # Errors
/// As the file system gives.
pub(crate) fn write(path: &Path) -> io::Result<()> {
    let aside = path.with_extension("pid.tmp");
    fs::write(&aside, std::process::id().to_string())?;
    fs::rename(&aside, path)
}

/// Removes the file if it still holds the own pid.
pub(crate) fn remove(path: &Path) {
    if matches!(read(path), Ok(Some(pid)) if pid == std::process::id()) {
        // What is left behind names a dead process and hinders nobody.
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_is_written_without_line_feed_and_removed_only_by_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fdfs_trackerd.pid");
        assert_eq!(read(&path).unwrap(), None);
        write(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), std::process::id().to_string());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else stays");
        assert_eq!(read(&path).unwrap(), Some(std::process::id()));
        remove(&path);
        assert!(!path.exists());
        fs::write(&path, "1").unwrap();
        remove(&path);
        assert!(path.exists());
    }

    #[test]
    fn what_is_no_pid_and_what_is_another_program_does_not_run() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p");
        for text in ["", "x", "0", "-1", "99999999999", "4294967295", &std::process::id().to_string()] {
            fs::write(&path, text).unwrap();
            assert_eq!(running(Program::Tracker, &path).unwrap(), None, "{text}");
        }
        assert!(running(Program::Tracker, dir.path()).is_err());
    }
}
