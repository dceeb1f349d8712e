//! One daemon from its configuration to its end.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};

use anyhow::Context as _;
use fdfs_conf::{ConfError, Finding, Severity};
use fdfs_proto::Status;
use tokio_util::sync::CancellationToken;

use super::background;
use super::conf::DaemonConf;
use super::logs::DaemonLog;
use super::modern::LogFormat;
use super::notify::Notify;
use super::pid_file;
use super::program::Program;
use super::reload::Reloader;
use super::run_by::RunBy;
use super::server::Server;
use super::signals::{self, Signal};
use crate::exit::{self, failure};
use crate::{classic_log, out};

/// Where a daemon runs and where it talks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `fdfs trackerd`: in the foreground, its log on standard error or in a file.
    Modern {
        /// `--log-file`.
        log_file: Option<PathBuf>,
        /// `--log-format`.
        log_format: LogFormat,
    },
    /// `fdfs_trackerd -N`: in the foreground, its log where the configuration says.
    ClassicForeground,
    /// `fdfs_trackerd start`: detached, after the program that started it was told how the start went.
    Background,
}

/// Ports below are opened with the rights of the caller, and given up then.
const PRIVILEGED_PORTS: u16 = 1024;

/// Runs a daemon until a signal ends it. Problems have been reported when this returns; gives the exit code.
pub(crate) fn serve(program: Program, conf_path: &str, mode: &Mode) -> u8 {
    match run(program, conf_path, mode) {
        Ok(()) => 0,
        Err(End::Reported(code)) => code,
        Err(End::Early(error)) if matches!(mode, Mode::Modern { .. }) => {
            eprintln!("fdfs: {error:#}");
            exit::code_of(&error)
        }
        Err(End::Early(error)) => {
            let code = match error.downcast_ref::<ConfError>() {
                Some(error) => classic_log::conf_error(conf_path, error).0,
                None => {
                    classic_log::error(&format!("{error:#}"));
                    exit::code_of(&error)
                }
            };
            classic_log::exit_abnormally();
            code
        }
    }
}

/// Why a daemon did not come to an orderly end.
enum End {
    /// Before there was a log.
    Early(anyhow::Error),
    /// It stands in the log; the exit code.
    Reported(u8),
}

impl<E: Into<anyhow::Error>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Early(error.into())
    }
}

fn run(program: Program, conf_path: &str, mode: &Mode) -> Result<(), End> {
    let cancel = CancellationToken::new();
    // First of all, so that a stop that comes early is an orderly one, too.
    let received = signals::listen(cancel.clone()).context("listen for signals")?;
    let (mut conf, findings) = DaemonConf::load(program, conf_path)?;
    conf.make_absolute().context("find the current directory")?;
    let reloader = Reloader::new(program, conf_path).context("find the current directory")?;
    conf.make_base_dirs()?;
    let pid_path = program.pid_path(&conf.server().base_path);
    if let Some(pid) = pid_file::running(program, &pid_path).with_context(|| pid_path.display().to_string())? {
        let what = format!("process {} already running, pid: {pid}", program.classic_name());
        return Err(failure(Status::EEXIST, what).into());
    }
    let run_by = RunBy::of_conf(conf.server())?;
    let log_file = match mode {
        Mode::Modern { log_file, .. } => log_file.clone(),
        Mode::ClassicForeground | Mode::Background => Some(program.log_path(&conf.server().base_path)),
    };
    let level = conf.server().log_level;
    let log = match &log_file {
        Some(path) => DaemonLog::in_file(path, conf.log(), level)
            .map_err(|error| anyhow::Error::from(error).context(format!("open the log {}", path.display())))?,
        None if is_json(mode) => DaemonLog::json_on_stderr(level),
        None => DaemonLog::on_stderr(level),
    };
    let _entered = log.log.enter();
    report_findings(&findings);
    let daemon = Arc::new(Daemon {
        log,
        log_file,
        pid_path,
        mode: mode.clone(),
        is_announced: Once::new(),
        notify: Notify::of_env(),
    });
    match daemon.start(&conf, &run_by, &cancel) {
        Ok(server) => {
            daemon.notify.serves_at(server.addr());
            daemon.announce();
            daemon.wait(&received, &server, reloader);
            daemon.notify.stopping();
            server.stop();
            pid_file::remove(&daemon.pid_path);
            Ok(())
        }
        Err(_) if cancel.is_cancelled() => {
            tracing::info!("{} was told to stop before it served", program.command());
            pid_file::remove(&daemon.pid_path);
            Ok(())
        }
        Err(error) => {
            tracing::error!("{error:#}");
            tracing::error!(crit = true, "exit abnormally!");
            if !matches!(mode, Mode::Modern { .. }) && !daemon.is_announced.is_completed() {
                eprintln!();
            }
            pid_file::remove(&daemon.pid_path);
            Err(End::Reported(exit::code_of(&error)))
        }
    }
}

const fn is_json(mode: &Mode) -> bool {
    matches!(mode, Mode::Modern { log_format: LogFormat::Json, .. })
}

pub(super) fn report_findings(findings: &[Finding]) {
    for finding in findings {
        match finding.severity {
            Severity::Error | Severity::Warning => tracing::warn!("{finding}"),
            // The reference is silent about these; `fdfs conf check` shows them.
            Severity::Note => tracing::debug!("{finding}"),
        }
    }
}

/// What a daemon has beside its server.
struct Daemon {
    log: DaemonLog,
    log_file: Option<PathBuf>,
    pid_path: PathBuf,
    mode: Mode,
    is_announced: Once,
    notify: Notify,
}

impl Daemon {
    fn start(
        self: &Arc<Self>,
        conf: &DaemonConf,
        run_by: &RunBy,
        cancel: &CancellationToken,
    ) -> anyhow::Result<Server> {
        let working_dir = conf.working_dir();
        let (inner_port, outer_port) = (conf.server().inner_port, conf.server().outer_port);
        let needs_rights = [inner_port, outer_port].iter().any(|port| (1..PRIVILEGED_PORTS).contains(port));
        let waiting = self.clone();
        let start = || Server::start(conf.clone(), self.log.log.clone(), cancel.clone(), move || waiting.announce());
        let server = if run_by.is_caller() {
            start()?
        } else if needs_rights {
            let server = start()?;
            run_by.hand_over(conf)?;
            run_by.switch()?;
            server
        } else {
            // Differs from C: the rights go before the server makes its files, so that none belongs to root. C
            // changes the owner of each file it makes.
            run_by.hand_over(conf)?;
            run_by.switch()?;
            start()?
        };
        if self.mode == Mode::Background {
            let moved = std::env::set_current_dir(&working_dir);
            if let Err(error) = moved {
                tracing::warn!("stay in the directory of the start, not in {}: {error}", working_dir.display());
            }
        }
        Ok(server)
    }

    /// The daemon serves, or is well and waits for a tracker: its pid file is written and whoever started it may go.
    fn announce(&self) {
        self.is_announced.call_once(|| {
            if let Err(error) = pid_file::write(&self.pid_path) {
                tracing::warn!("write {}: {error}; stop and status will not find this daemon", self.pid_path.display());
            }
            self.log.end_of_start();
            self.notify.ready();
            if let (Mode::Background, Some(log_file)) = (&self.mode, &self.log_file) {
                out::line(background::READY);
                if let Err(error) = redirect_to(log_file) {
                    tracing::warn!("redirect standard output and error to {}: {error}", log_file.display());
                }
            }
        });
    }

    /// Serves until a signal asks for the end.
    fn wait(&self, received: &std::sync::mpsc::Receiver<Signal>, server: &Server, mut reloader: Reloader) {
        loop {
            match received.recv() {
                Ok(Signal::HangUp) => {
                    self.log.hang_up();
                    server.hang_up();
                    tracing::info!("signal HUP: logs rotated");
                    reloader.reload(server, &self.log);
                }
                Ok(Signal::Ignored(name)) => tracing::info!("signal {name} ignored"),
                Ok(Signal::Stop(name)) => return tracing::info!("signal {name}: stopping"),
                Err(_) => return tracing::error!("no signal can arrive any more: stopping"),
            }
        }
    }
}

/// Lets standard output and standard error go to the error log: a panic's message must not be lost, and the terminal
/// of the start must be left alone.
fn redirect_to(log_file: &Path) -> std::io::Result<()> {
    let file = OpenOptions::new().append(true).create(true).open(log_file)?;
    rustix::stdio::dup2_stdout(&file)?;
    rustix::stdio::dup2_stderr(&file)?;
    Ok(())
}
