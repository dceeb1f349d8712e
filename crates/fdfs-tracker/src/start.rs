//! From a configuration to a serving tracker, and back.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use fdfs_conf::{ServerConf, TrackerConf};
use fdfs_core::tracker::Cluster;
use fdfs_daemon::{Listeners, gate, listeners, raise_file_limit};
use fdfs_log::ServerLog;
use fdfs_net::{CallOptions, ServerLimits};
use fdfs_store::RealFs;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::error::StartError;
use crate::http::{HttpPort, TrackerSite};
use crate::settings::Configured;
use crate::state_files::StateFiles;
use crate::tracker::{Parts, Tracker};
use crate::{connection, election, housekeeping, names, reload, saver, trunk_choice};

/// How long requests that are being served may take when the tracker stops.
const STOP_PATIENCE: Duration = Duration::from_millis(1000);

/// A serving tracker. It owns its runtime and its threads; dropping it stops it as [`TrackerServer::stop`] does.
#[derive(Debug)]
pub struct TrackerServer {
    tracker: Arc<Tracker>,
    addr: SocketAddr,
    tasks: TaskTracker,
    http: Option<Arc<fdfs_http::Server<TrackerSite>>>,
    log: ServerLog,
    /// `None` once it was stopped.
    runtime: Option<Runtime>,
    saver: Option<JoinHandle<()>>,
}

impl TrackerServer {
    /// Loads the state files below `base_path`, listens and serves; returns when connections are accepted. Blocking: not
    /// to be called inside of an async runtime. With port 0 any free port is taken, and `outer_port` is not used.
    ///
    /// # Errors
    /// [`StartError`]; nothing was changed on the disk then, but for corrupt files that were moved aside.
    #[allow(clippy::needless_pass_by_value, reason = "the server's own; callers have no more use for it")]
    pub fn start(conf: TrackerConf, log: ServerLog) -> Result<Self, StartError> {
        let entered = log.enter();
        let server = &conf.server;
        let configured = Configured::load(&conf)?;
        raise_file_limit(server, 1);
        let runtime = runtime(server.work_threads, &log)?;
        // Before any file is touched: a port in use may mean that another tracker has them.
        let (Listeners { all: listeners, addr }, http_port) = {
            let _entered = runtime.enter();
            let listeners = listeners(server)?;
            let http_port = HttpPort::open(&conf, &listeners.all)?;
            (listeners, http_port)
        };

        let clock = Clock::start();
        let now = clock.now();
        let (files, loaded) = StateFiles::load(RealFs, &server.base_path.join("data"), now.unix_secs)?;
        let last_check_time = loaded.stored.last_check_time;
        let answer_width = configured.settings.answer_width;
        let (cluster, losses) = Cluster::restore(configured.settings, addr.port(), now, loaded.stored);
        for loss in &losses {
            warn!("state files: {loss}");
        }

        let network_timeout = Duration::from_secs(server.network_timeout_secs);
        let (trunk_choices, wanted_choices) = mpsc::channel(trunk_choice::QUEUE_LEN);
        let (asks, wanted_asks) = mpsc::channel(election::QUEUE_LEN);
        let tracker = Arc::new(Tracker::new(Parts {
            cluster,
            clock,
            last_check_time,
            answer_width,
            parameters: configured.parameters,
            id_lines: configured.id_lines,
            names: configured.names,
            limits: ServerLimits { max_package_bytes: bytes(server.buff_size_bytes), network_timeout },
            max_answer_bytes: bytes(server.max_buff_size_bytes),
            call_options: CallOptions {
                connect_timeout: Duration::from_secs(server.connect_timeout_secs),
                network_timeout,
                bind: None,
            },
            bind_ip: bind_ip(server),
            gate: gate(server, None),
            shutdown: CancellationToken::new(),
            asks,
            trunk_choices,
        }));
        if loaded.outdated {
            tracker.saver.note_all();
        }
        let saver = start_saver(&tracker, files, server, &log, loaded.old_forms)?;

        let tasks = TaskTracker::new();
        tasks.spawn_on(housekeeping::run(tracker.clone()), runtime.handle());
        tasks.spawn_on(names::run(tracker.clone(), configured.found), runtime.handle());
        tasks.spawn_on(trunk_choice::run(tracker.clone(), wanted_choices), runtime.handle());
        tasks.spawn_on(election::run(tracker.clone(), wanted_asks), runtime.handle());
        for listener in listeners {
            tasks.spawn_on(accept(tracker.clone(), listener, tasks.clone()), runtime.handle());
        }
        let http = http_port.map(|port| port.serve(&tracker, addr, &tasks, runtime.handle()));
        let group_count = tracker.read(|cluster| cluster.groups().len());
        info!("tracker serves on {addr}, {group_count} groups known");
        drop(entered);
        Ok(Self { tracker, addr, tasks, http, log, runtime: Some(runtime), saver: Some(saver) })
    }

    /// The first listening address.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The signal HUP: rotates the log of HTTP requests.
    pub fn hang_up(&self) {
        if let Some(http) = &self.http {
            http.hang_up();
        }
    }

    /// The configuration was read again: takes over what can change while a tracker runs, which is how it chooses, `advertise`
    /// and the lines of storage_ids.conf. Blocking: names are looked up.
    ///
    /// # Errors
    /// [`StartError`]: then all is as it was.
    pub fn reload(&self, conf: &TrackerConf) -> Result<(), StartError> {
        let _entered = self.log.enter();
        reload::take_over(&self.tracker, conf)?;
        if let Some(http) = &self.http {
            crate::http::reload(http, conf);
        }
        Ok(())
    }

    /// Finishes the requests that are being served, saves all state files and ends all threads. Blocking, less than two
    /// seconds.
    pub fn stop(self) {
        drop(self);
    }

    fn stop_once(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let _entered = self.log.enter();
        self.tracker.shutdown.cancel();
        self.tasks.close();
        let (ended, end) = std::sync::mpsc::channel();
        let tasks = self.tasks.clone();
        runtime.spawn(async move {
            tasks.wait().await;
            // Nobody may be listening any more.
            let _ = ended.send(());
        });
        if end.recv_timeout(STOP_PATIENCE).is_err() {
            warn!("{} connections did not end in time", self.tasks.len());
        }
        self.tracker.saver.stop();
        if self.saver.take().is_some_and(|thread| thread.join().is_err()) {
            warn!("the thread that saves the state had failed");
        }
        runtime.shutdown_background();
        info!("tracker on {} stopped", self.addr);
    }
}

impl Drop for TrackerServer {
    fn drop(&mut self) {
        self.stop_once();
    }
}

async fn accept(tracker: Arc<Tracker>, listener: TcpListener, tasks: TaskTracker) {
    let (gate, shutdown) = (tracker.gate.clone(), tracker.shutdown.clone());
    fdfs_net::serve(listener, gate, shutdown, &tasks, |stream, addr, permit| {
        connection::serve(tracker.clone(), stream, addr, permit)
    })
    .await;
}

fn start_saver(
    tracker: &Arc<Tracker>,
    files: StateFiles,
    server: &ServerConf,
    log: &ServerLog,
    old_forms: bool,
) -> Result<JoinHandle<()>, StartError> {
    let (tracker, logs_folder, enter_log) = (tracker.clone(), server.base_path.join("logs"), log.on_thread_start());
    let body = move || {
        enter_log();
        saver::run(&tracker, files, logs_folder, old_forms);
    };
    std::thread::Builder::new().name("tracker-saver".into()).spawn(body).map_err(StartError::Threads)
}

fn runtime(work_threads: u32, log: &ServerLog) -> Result<Runtime, StartError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // More threads than cores only get in each other's way: no request waits for a disk here.
    let threads = usize::try_from(work_threads).unwrap_or(cores).clamp(1, cores);
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(threads).thread_name("tracker").on_thread_start(log.on_thread_start()).enable_all();
    builder.build().map_err(StartError::Threads)
}

/// The address that outgoing connections come from: the one that the tracker listens on, if that is one.
fn bind_ip(server: &ServerConf) -> Option<IpAddr> {
    let first = server.inner_bind_addrs.first()?.parse().ok();
    first.filter(|ip: &IpAddr| !ip.is_unspecified())
}

fn bytes(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
