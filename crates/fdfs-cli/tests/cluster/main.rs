//! `fdfs dev` as a process, and the tools that look at the cluster it runs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

mod admin;
mod bench;
mod classic_corners;
mod dashboard;
mod dev;
mod doctor;
mod file_tools;
mod files;
mod files_and_names;
mod kinds;
mod local;
mod monitor;
mod operator_tools;
mod slots;
mod takeover;
mod transfer;

use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// The program under test.
const FDFS: &str = env!("CARGO_BIN_EXE_fdfs");

/// A running `fdfs dev`.
struct Dev {
    process: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    /// Its tracker, `127.0.0.1:PORT`.
    tracker: String,
    /// Where it runs; its data is in `data/`.
    dir: tempfile::TempDir,
}

impl Dev {
    fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    fn start_in(dir: tempfile::TempDir) -> Self {
        let mut process = Command::new(FDFS)
            .args(["dev", "--port-base", "0", "--durability", "none", "--dir", "data"])
            .current_dir(dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = stdout.next().expect("it says what runs").unwrap();
        let tracker = first.strip_prefix("tracker ").unwrap_or_else(|| panic!("{first}")).trim().to_owned();
        Self { process, stdout, tracker, dir }
    }

    /// What it says up to its last line of the start.
    fn banner(&mut self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while !lines.last().is_some_and(|line| line.contains("Ctrl-C")) {
            lines.push(self.stdout.next().expect("it goes on").unwrap());
        }
        lines
    }

    /// Ends it as Ctrl-C does; gives its directory and its exit code.
    fn interrupt(mut self) -> (tempfile::TempDir, Option<i32>) {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let code = self.process.wait().unwrap().code();
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        (dir, code)
    }

    fn conf(&self) -> PathBuf {
        self.dir.path().join("data/client.conf")
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs the program by a classic name.
fn classic(name: &str, args: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    symlink(FDFS, &path).unwrap();
    Command::new(path).arg0(name).args(args).env("TZ", "UTC").output().unwrap()
}

fn fdfs(args: &[&str]) -> Output {
    Command::new(FDFS).args(args).env("TZ", "UTC").env_remove("FDFS_TRACKER").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The names in a directory.
fn names(dir: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
