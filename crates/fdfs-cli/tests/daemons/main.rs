//! The daemons as processes: every recorded case of the reference, and what the reference does not do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

mod foreground;
mod golden;
mod recorded;
mod start;

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fdfs_testkit::loopback::{Loopback, free_port};

/// The program under test.
const FDFS: &str = env!("CARGO_BIN_EXE_fdfs");

/// A directory with the classic names and with configurations; what was started in it is stopped at the end.
struct Place {
    dir: tempfile::TempDir,
    started: Vec<(&'static str, &'static str)>,
    /// The address of all servers in it: no other test has it.
    ip: Ipv4Addr,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        for name in ["fdfs_trackerd", "fdfs_storaged"] {
            symlink(FDFS, dir.path().join("bin").join(name)).unwrap();
        }
        Self { dir, started: Vec::new(), ip: Loopback::claim().ip(1) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A tracker's configuration with `base_path = BASE` relative to this directory, on a free port.
    fn tracker_conf(&self, name: &str, base_path: &str, more: &str) -> u16 {
        let (ip, port) = (self.ip, free_port(&[self.ip]));
        let conf = format!("base_path = {base_path}\nbind_addr = {ip}\nport = {port}\n{more}\n");
        self.write(name, &conf);
        port
    }

    /// A storage's configuration whose tracker does not answer.
    fn storage_conf(&self, name: &str, base_path: &str, more: &str) {
        fs::create_dir_all(self.path(base_path)).unwrap();
        let (ip, port, tracker) = (self.ip, free_port(&[self.ip]), free_port(&[self.ip]));
        let conf = format!(
            "base_path = {base_path}\nstore_path0 = {base_path}\nbind_addr = {ip}\nport = {port}\n\
             group_name = group1\ntracker_server = {ip}:{tracker}\nsubdir_count_per_path = 2\n\
             thread_stack_size = 512KB\n{more}\n"
        );
        self.write(name, &conf);
    }

    /// Runs a classic program in this directory, found by the PATH as an administrator finds it.
    fn run(&mut self, program: &'static str, args: &[&str]) -> Output {
        let output = self.command(program).args(args).output().unwrap();
        if let [conf, "start" | "restart", ..] = args
            && output.status.success()
        {
            let conf = ["t2a.conf", "s2x.conf"].into_iter().find(|known| known == conf).expect("a known name");
            self.started.push((program, conf));
        }
        output
    }

    fn command(&self, program: &str) -> Command {
        let dirs = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("/usr/bin/env");
        command.arg(program).current_dir(self.dir.path());
        command.env("PATH", format!("{}:{dirs}", self.path("bin").display())).env("TZ", "UTC");
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for (program, conf) in std::mem::take(&mut self.started) {
            let _ = self.command(program).args([conf, "stop"]).output();
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits until something holds.
fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    fdfs_testkit::wait::wait_for(what, || holds().then_some(()));
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn signal(pid: &str, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}
