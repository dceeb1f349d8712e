//! One server of a lab: a directory and a configuration, and the program that runs on them for now.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::network::Network;
use super::programs::Program;
use crate::settings::Settings;
use crate::wait::wait_at_most;

/// The longest that an orderly end may take.
const END_MAX: Duration = Duration::from_secs(60);

/// What a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `fdfs_trackerd`.
    Tracker,
    /// `fdfs_storaged`.
    Storage,
}

impl Role {
    /// `trackerd` or `storaged`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tracker => "trackerd",
            Self::Storage => "storaged",
        }
    }
}

/// A directory, a configuration, and a process.
#[derive(Debug)]
pub struct Server {
    /// What it is.
    pub role: Role,
    /// On which host.
    pub host: u8,
    /// Where it listens.
    pub addr: SocketAddr,
    /// Everything of it: `<base>/data`, `<base>/logs`.
    pub base: PathBuf,
    /// Its store paths, for a storage.
    pub store_paths: Vec<PathBuf>,
    /// Its configuration, written anew with each start.
    pub settings: Settings,
    /// The programs that ran on the directory, the last one last, each with where its lines of the log begin.
    runs: Vec<(Program, usize)>,
    child: Option<Child>,
}

/// A line that a server wrote into its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Of which program.
    pub letter: char,
    /// On which host.
    pub host: u8,
    /// What it says.
    pub line: String,
}

impl Server {
    /// One that does not run yet; its directories are made.
    ///
    /// # Panics
    /// When they cannot be made.
    #[must_use]
    pub fn new(role: Role, host: u8, addr: SocketAddr, base: PathBuf, settings: Settings) -> Self {
        fs::create_dir_all(&base).unwrap();
        Self { role, host, addr, base, store_paths: Vec::new(), settings, runs: Vec::new(), child: None }
    }

    /// Its configuration file.
    #[must_use]
    pub fn conf(&self) -> PathBuf {
        self.base.with_extension("conf")
    }

    /// Runs a program on it, in the foreground.
    ///
    /// # Panics
    /// When one runs already, or there is no such program.
    pub fn start(&mut self, network: &Network, program: &Program) {
        assert!(!self.runs(), "{} on host {} runs", self.role.name(), self.host);
        fs::write(self.conf(), self.settings.to_string()).unwrap();
        self.runs.push((program.clone(), self.log().len()));
        let path = program.path(&format!("fdfs_{}", self.role.name()));
        let output = fs::File::create(self.base.with_extension("out")).unwrap();
        let mut command = Command::new(&path);
        command.arg("-N").arg(self.conf()).arg("start").stdin(Stdio::null());
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let child = network.on_host(self.host, || command.spawn());
        self.child = Some(child.unwrap_or_else(|e| panic!("{}: {e}", path.display())));
    }

    /// Whether the program that runs, or ran last, is ours.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.runs.last().is_some_and(|(program, _)| program.is_ours())
    }

    /// Whether it was started and not stopped since.
    #[must_use]
    pub const fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// Looks whether it still runs.
    ///
    /// # Panics
    /// When it has ended by itself.
    pub fn check_alive(&mut self) {
        let Some(child) = &mut self.child else { return };
        if let Some(status) = child.try_wait().unwrap() {
            self.child = None;
            panic!("{} on host {} ended with {status}:\n{}", self.role.name(), self.host, self.log());
        }
    }

    /// An orderly end.
    ///
    /// # Panics
    /// When it does not run, does not end, or not with 0.
    pub fn stop(&mut self) {
        self.check_alive();
        let mut child = self.child.take().expect("it runs");
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let what = format!("the end of {} on host {}", self.role.name(), self.host);
        let status = wait_at_most(END_MAX, &what, || child.try_wait().unwrap());
        assert!(status.success() || status.signal() == Some(15), "{what}: {status}:\n{}", self.log());
    }

    /// `kill -9`.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        self.check_alive();
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// What all programs wrote into its log file.
    #[must_use]
    pub fn log(&self) -> String {
        let path = self.base.join("logs").join(format!("{}.log", self.role.name()));
        String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
    }

    /// Warnings and errors, with the letter of the program that wrote them.
    #[must_use]
    pub fn complaints(&self) -> Vec<Complaint> {
        (0..self.runs.len()).flat_map(|run| self.complaints_of(run)).collect()
    }

    /// Warnings and errors of the last program.
    #[must_use]
    pub fn last_complaints(&self) -> Vec<Complaint> {
        self.runs.len().checked_sub(1).map(|run| self.complaints_of(run)).unwrap_or_default()
    }

    fn complaints_of(&self, run: usize) -> Vec<Complaint> {
        let log = self.log();
        let (program, from) = &self.runs[run];
        let to = self.runs.get(run + 1).map_or(log.len(), |(_, next)| *next);
        let lines = log.get(*from..to).unwrap_or_default().lines();
        let bad = lines.filter(|line| BAD.iter().any(|bad| line.contains(bad)) && !line.contains(END));
        bad.map(|line| Complaint { letter: program.letter, host: self.host, line: line.to_owned() }).collect()
    }
}

/// The reference calls it critical that it was told to stop.
const END: &str = "catch signal 15";
/// What is in a line of a log that is WARNING or worse.
const BAD: [&str; 6] = ["] WARNING - ", "] ERROR - ", "] CRIT - ", "] ALERT - ", "] EMERG - ", "panicked at"];

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
