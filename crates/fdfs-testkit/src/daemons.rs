//! The same clusters as processes, which can be killed.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::layout::{Layout, StoragePlan, TrackerPlan};
use crate::raw::RawConn;
use crate::wait::wait_for;

const ACTIVE_TEST: u8 = fdfs_proto::Command::ActiveTest as u8;

/// A running `fdfs trackerd` or `fdfs storaged`. It is killed when it goes.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    addr: SocketAddr,
    log_path: PathBuf,
}

impl Daemon {
    /// Runs `program trackerd` until it serves.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn tracker(program: &Path, plan: &TrackerPlan) -> Self {
        Self::start(program, "trackerd", &plan.conf_path, plan.addr)
    }

    /// Runs `program storaged` until it serves.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn storage(program: &Path, plan: &StoragePlan) -> Self {
        Self::start(program, "storaged", &plan.conf_path, plan.addr)
    }

    fn start(program: &Path, command: &str, conf: &Path, addr: SocketAddr) -> Self {
        let log_path = conf.with_extension("log");
        let log = fs::OpenOptions::new().create(true).append(true).open(&log_path).unwrap();
        let child = Command::new(program)
            .arg(command)
            .arg(conf)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}", program.display()));
        let mut daemon = Self { child, addr, log_path };
        wait_for(&format!("{command} {addr} to listen"), || {
            if let Some(status) = daemon.child.try_wait().unwrap() {
                panic!("{command} {addr} ended with {status}:\n{}", daemon.log());
            }
            TcpStream::connect(addr).ok()
        });
        // It may listen for a while before it is ready.
        let reply = RawConn::connect(addr).ask(ACTIVE_TEST, b"");
        assert_eq!(reply.status(), Some(0), "{command} {addr} answers {reply:?}:\n{}", daemon.log());
        daemon
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Everything that it and its predecessors with the same configuration wrote.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log_path).unwrap_or_default()
    }

    /// `kill -9`.
    ///
    /// # Panics
    /// When it has ended by itself.
    pub fn kill(mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "it has ended by itself:\n{}", self.log());
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `kill -TERM`, and waits for the end.
    ///
    /// # Panics
    /// When it does not end.
    pub fn terminate(mut self) -> ExitStatus {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process has a number");
        kill_process(pid, Signal::TERM).unwrap();
        wait_for(&format!("the end of {}", self.addr), || self.child.try_wait().unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A cluster of processes.
#[derive(Debug)]
pub struct DaemonCluster {
    /// The trackers, as far as they run.
    pub trackers: Vec<Option<Daemon>>,
    /// The storages, as far as they run.
    pub storages: Vec<Option<Daemon>>,
    /// What they are described by.
    pub layout: Layout,
    program: PathBuf,
}

impl DaemonCluster {
    /// Runs everything that `layout` describes with the program `fdfs`.
    ///
    /// # Panics
    /// When one does not start.
    #[must_use]
    pub fn start(program: &Path, layout: Layout) -> Self {
        let trackers = layout.trackers.iter().map(|plan| Some(Daemon::tracker(program, plan))).collect();
        let storages = layout.storages.iter().map(|plan| Some(Daemon::storage(program, plan))).collect();
        Self { trackers, storages, layout, program: program.to_owned() }
    }

    /// Starts a storage that was killed or ended.
    ///
    /// # Panics
    /// When it runs, or does not start.
    pub fn start_storage(&mut self, index: usize) {
        assert!(self.storages[index].is_none(), "storage {index} runs");
        self.storages[index] = Some(Daemon::storage(&self.program, &self.layout.storages[index]));
    }

    /// `kill -9` for a storage.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill_storage(&mut self, index: usize) {
        self.storages[index].take().expect("the storage runs").kill();
    }
}
