//! One server as a process, which can be killed and frozen.

use std::ffi::OsStr;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::layout::{StoragePlan, TrackerPlan};
use crate::raw::RawConn;
use crate::wait::wait_for;

const ACTIVE_TEST: u8 = fdfs_proto::Command::ActiveTest as u8;

/// How a server is run as a process.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// Variables of its environment.
    pub env: Vec<(String, String)>,
    /// A small disk that it alone sees.
    pub small_disk: Option<SmallDisk>,
}

/// A file system in memory at a path of the process, mounted in a name space of its own: it goes with the process, and
/// nobody needs to be root for it where users may have name spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmallDisk {
    /// Where it is.
    pub path: PathBuf,
    /// How much it holds.
    pub size_bytes: u64,
}

impl Launch {
    /// The storage's clock is wrong by so many seconds.
    pub fn shift_clock(&mut self, secs: i64) {
        self.env.push((fdfs_storage::names::CLOCK_OFFSET_VAR.to_owned(), secs.to_string()));
    }
}

impl SmallDisk {
    /// Whether this machine lets a process have one.
    #[must_use]
    pub fn is_possible() -> bool {
        let mounted =
            Command::new("unshare").args(unshare_args()).args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
        mounted.is_ok_and(|output| output.status.success())
    }

    /// A command that mounts it and becomes `program`.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("unshare");
        let script = r#"mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@""#;
        let size = self.size_bytes.to_string();
        let shell: [&OsStr; 6] =
            ["sh".as_ref(), "-c".as_ref(), script.as_ref(), "sh".as_ref(), size.as_ref(), self.path.as_ref()];
        command.args(unshare_args()).args(shell).arg(program);
        command
    }
}

/// A name space for mounts, and one for users where the test is not run by root.
fn unshare_args() -> &'static [&'static str] {
    if rustix::process::geteuid().is_root() { &["--mount"] } else { &["--mount", "--map-root-user"] }
}

/// A running `fdfs trackerd` or `fdfs storaged`. It is killed when it goes.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    addr: SocketAddr,
    log_path: PathBuf,
}

impl Daemon {
    /// Runs `program trackerd`.
    ///
    /// # Panics
    /// When there is no such program.
    #[must_use]
    pub fn tracker(program: &Path, plan: &TrackerPlan) -> Self {
        Self::start(program, "trackerd", &plan.conf_path, plan.real_addr, &Launch::default())
    }

    /// Runs `program storaged`.
    ///
    /// # Panics
    /// When there is no such program.
    #[must_use]
    pub fn storage(program: &Path, plan: &StoragePlan) -> Self {
        Self::start(program, "storaged", &plan.conf_path, plan.real_addr, &plan.launch)
    }

    fn start(program: &Path, what: &str, conf: &Path, addr: SocketAddr, launch: &Launch) -> Self {
        let log_path = conf.with_extension("log");
        let log = fs::OpenOptions::new().create(true).append(true).open(&log_path).unwrap();
        let mut command = match &launch.small_disk {
            Some(disk) => disk.command(program),
            None => Command::new(program),
        };
        let child = command
            .arg(what)
            .arg(conf)
            .envs(launch.env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}", program.display()));
        Self { child, addr, log_path }
    }

    /// Waits until it serves.
    ///
    /// # Panics
    /// When it ends instead.
    #[must_use]
    pub fn ready(mut self) -> Self {
        wait_for(&format!("{} to listen", self.addr), || {
            self.check_alive();
            TcpStream::connect(self.addr).ok()
        });
        // It may listen for a while before it is ready.
        let reply = RawConn::connect(self.addr).ask(ACTIVE_TEST, b"");
        assert_eq!(reply.status(), Some(0), "{} answers {reply:?}:\n{}", self.addr, self.log());
        self
    }

    /// Looks whether it still runs.
    ///
    /// # Panics
    /// When it has ended by itself.
    pub fn check_alive(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the server at {} ended with {status}:\n{}", self.addr, self.log());
        }
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

    /// A path as the process sees it: on its small disk, say.
    #[must_use]
    pub fn path_inside(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.child.id()));
        root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// `kill -9`.
    ///
    /// # Panics
    /// When it has ended by itself.
    pub fn kill(mut self) {
        self.check_alive();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `kill -STOP`: it is there and does nothing.
    ///
    /// # Panics
    /// When it has ended.
    pub fn freeze(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
        // The signal is on its way when `kill` returns; threads that run go on until it reaches them.
        let tasks = format!("/proc/{}/task", self.pid().as_raw_nonzero());
        wait_for("all threads stand still", || {
            let mut states = std::fs::read_dir(&tasks).unwrap().map(|task| {
                let stat = std::fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
                // PID (NAME) STATE ...; the name may hold anything.
                stat.rsplit(") ").next().and_then(|rest| rest.chars().next())
            });
            states.all(|state| state == Some('T')).then_some(())
        });
    }

    /// `kill -CONT`: it goes on.
    ///
    /// # Panics
    /// When it has ended.
    pub fn thaw(&self) {
        kill_process(self.pid(), Signal::CONT).unwrap();
    }

    /// `kill -HUP`: it reads its configuration again.
    ///
    /// # Panics
    /// When it has ended.
    pub fn hang_up(&self) {
        kill_process(self.pid(), Signal::HUP).unwrap();
    }

    /// `kill -TERM`, and waits for the end.
    ///
    /// # Panics
    /// When it does not end.
    pub fn terminate(mut self) -> ExitStatus {
        kill_process(self.pid(), Signal::TERM).unwrap();
        wait_for(&format!("the end of {}", self.addr), || self.child.try_wait().unwrap())
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
