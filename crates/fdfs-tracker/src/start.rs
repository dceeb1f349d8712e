//! From a configuration to a serving tracker, and back.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use fdfs_conf::{AllowHosts, ServerConf, TrackerConf};
use fdfs_core::tracker::Cluster;
use fdfs_log::ServerLog;
use fdfs_net::nofile::raise_nofile;
use fdfs_net::{AddressFamily, CallOptions, Gate, GateOptions, ServerLimits, listen, listen_addrs};
use fdfs_store::RealFs;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::error::StartError;
use crate::settings::{Configured, resolve};
use crate::state_files::StateFiles;
use crate::tracker::{Parts, Tracker};
use crate::{connection, housekeeping, saver, trunk_choice};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;
/// Files that a tracker has open besides its connections.
const OTHER_FILE_COUNT: u64 = 64;
/// How long requests that are being served may take when the tracker stops.
const STOP_PATIENCE: Duration = Duration::from_millis(1000);

/// A serving tracker. It owns its runtime and its threads; dropping it stops it as [`TrackerServer::stop`] does.
#[derive(Debug)]
pub struct TrackerServer {
    tracker: Arc<Tracker>,
    addr: SocketAddr,
    tasks: TaskTracker,
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
        raise_file_limit(server.max_connections);
        let runtime = runtime(server.work_threads, &log)?;
        // Before any file is touched: a port in use may mean that another tracker has them.
        let (listeners, addr) = listeners(server, &runtime)?;

        let clock = Clock::start();
        let now = clock.now();
        let (files, loaded) = StateFiles::load(RealFs, &server.base_path.join("data"), now.unix_secs)?;
        let last_check_time = loaded.stored.last_check_time;
        let (cluster, losses) = Cluster::restore(configured.settings, addr.port(), now, loaded.stored);
        for loss in &losses {
            warn!("state files: {loss}");
        }

        let network_timeout = Duration::from_secs(server.network_timeout_secs);
        let (trunk_choices, wanted_choices) = mpsc::channel(trunk_choice::QUEUE_LEN);
        let tracker = Arc::new(Tracker::new(Parts {
            cluster,
            clock,
            last_check_time,
            addr_size: configured.addr_size,
            parameters: configured.parameters,
            id_lines: configured.id_lines,
            limits: ServerLimits { max_package_bytes: bytes(server.buff_size_bytes), network_timeout },
            max_answer_bytes: bytes(server.max_buff_size_bytes),
            call_options: CallOptions {
                connect_timeout: Duration::from_secs(server.connect_timeout_secs),
                network_timeout,
                bind: None,
            },
            gate: gate(server),
            shutdown: CancellationToken::new(),
            trunk_choices,
        }));
        if loaded.outdated {
            tracker.saver.note_all();
        }
        let saver = start_saver(&tracker, files, server, &log, loaded.old_forms)?;

        let tasks = TaskTracker::new();
        tasks.spawn_on(housekeeping::run(tracker.clone()), runtime.handle());
        tasks.spawn_on(trunk_choice::run(tracker.clone(), wanted_choices), runtime.handle());
        for listener in listeners {
            tasks.spawn_on(accept(tracker.clone(), listener, tasks.clone()), runtime.handle());
        }
        let group_count = tracker.read(|cluster| cluster.groups().len());
        info!("tracker serves on {addr}, {group_count} groups known");
        drop(entered);
        Ok(Self { tracker, addr, tasks, log, runtime: Some(runtime), saver: Some(saver) })
    }

    /// The first listening address.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
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

fn raise_file_limit(max_connections: u32) {
    if let Err(error) = raise_nofile(u64::from(max_connections) + OTHER_FILE_COUNT) {
        warn!("{error}");
    }
}

/// The listeners of the inner and the outer port, and the first address.
fn listeners(server: &ServerConf, runtime: &Runtime) -> Result<(Vec<TcpListener>, SocketAddr), StartError> {
    let family = match server.address_family {
        fdfs_conf::AddressFamily::Auto => AddressFamily::Auto,
        fdfs_conf::AddressFamily::V4 => AddressFamily::V4,
        fdfs_conf::AddressFamily::V6 => AddressFamily::V6,
        fdfs_conf::AddressFamily::Both => AddressFamily::Both,
    };
    let inner = listen_addrs(&bind_addrs(&server.inner_bind_addrs)?, family, server.inner_port);
    let mut addrs = vec![inner.clone()];
    if server.inner_port != 0 {
        let outer = listen_addrs(&bind_addrs(&server.outer_bind_addrs)?, family, server.outer_port);
        // Where an inner listener has all addresses, the outer ones of the same port are its already.
        let is_new = |addr: &SocketAddr| {
            !inner.iter().any(|i| i.port() == addr.port() && (i.ip() == addr.ip() || i.ip().is_unspecified()))
        };
        addrs.push(outer.into_iter().filter(is_new).collect());
    }
    let _entered = runtime.enter();
    let mut listeners = Vec::new();
    for addrs in addrs {
        listeners.append(&mut listen(&addrs, BACKLOG)?);
    }
    let first = listeners.first().ok_or_else(|| StartError::BindAddr {
        name: server.inner_bind_addrs.join(","),
        reason: "address_family excludes it".into(),
    })?;
    let addr = first.local_addr().map_err(StartError::Threads)?;
    Ok((listeners, addr))
}

fn bind_addrs(names: &[String]) -> Result<Vec<IpAddr>, StartError> {
    let ip = |name: &String| {
        resolve(name)
            .ok_or_else(|| StartError::BindAddr { name: name.clone(), reason: "the name has no address".into() })
    };
    names.iter().map(ip).collect()
}

fn gate(server: &ServerConf) -> Gate {
    let mut allow: AllowHosts = server.allow_hosts.clone();
    for name in server.allow_hosts.host_names() {
        match resolve(name) {
            Some(ip) => allow.add_address(ip),
            None => warn!("allow_hosts: {name} has no address and is skipped"),
        }
    }
    Gate::new(GateOptions {
        max_connections: server.max_connections,
        allow: Arc::new(move |ip| allow.allows(ip)),
        user_timeout: Some(Duration::from_secs(server.network_timeout_secs)),
        runtime: None,
    })
}

fn bytes(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
