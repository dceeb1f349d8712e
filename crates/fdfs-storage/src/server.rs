//! A running storage: its runtimes, its tasks, and the orderly end.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fdfs_conf::StorageConf;
use fdfs_daemon::{FileLoader, gate, listeners, raise_file_limit, rotation};
use fdfs_http::Server as HttpServer;
use fdfs_log::{AccessLog, LogTimer, ServerLog, Timestamp};
use fdfs_net::connection::{DataConnection, DataLimits};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::housekeeping;
use crate::http::{HttpPort, StorageSite};
use crate::link::TrackerDialer;
use crate::link::session;
use crate::recovery;
use crate::service;
use crate::start::{self, StartError};
use crate::storage::Storage;
use crate::sync::{self, TrackerQuestions};

/// Threads of the runtime that must stay alive whatever the disks do: accepting, trackers, timers.
const CONTROL_WORKERS: usize = 2;
/// How long requests in work may take to end at a stop.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// How long HTTP connections may take to close behind them.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// How long senders may take to write their marks at a stop.
const MARKS_MAX: Duration = Duration::from_secs(2);

/// How far a start has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartStage {
    /// Configuration and directories are fine; no tracker answers yet, which may take for ever.
    WaitingForTracker,
    /// Clients are served.
    Serving,
}

/// Who is told of a stage.
pub type OnStage = Box<dyn Fn(StartStage) + Send + Sync>;

/// What a start can be told.
#[derive(Default)]
pub struct StartOptions {
    /// Ends the waiting for a tracker.
    pub cancel: CancellationToken,
    /// Is told of each stage.
    pub on_stage: Option<OnStage>,
}

impl fmt::Debug for StartOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartOptions").field("cancel", &self.cancel).finish_non_exhaustive()
    }
}

impl StartOptions {
    fn tell(&self, stage: StartStage) {
        if let Some(on_stage) = &self.on_stage {
            on_stage(stage);
        }
    }
}

/// A running storage.
#[derive(Debug)]
pub struct StorageServer {
    storage: Arc<Storage>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    /// Those who send to other storages; they write their marks at the end.
    senders: TaskTracker,
    /// Files over HTTP, where that is configured.
    http: Option<Arc<HttpServer<StorageSite>>>,
    log: ServerLog,
    /// Accepts, talks to trackers, watches; never touches a file of a client.
    control: Runtime,
    /// Serves clients: more workers than cores, disk calls made inline.
    data: Runtime,
    _access_log_timer: Option<LogTimer>,
}

fn runtime(name: &str, workers: usize, log: &ServerLog) -> Result<Runtime, StartError> {
    Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name(name)
        .enable_all()
        .on_thread_start(log.on_thread_start())
        .build()
        .map_err(StartError::Threads)
}

fn open_access_log(conf: &StorageConf) -> Result<Option<Arc<AccessLog>>, StartError> {
    if !conf.access_log.enabled {
        return Ok(None);
    }
    let path = conf.server.base_path.join("logs/storage_access.log");
    let precision = match conf.access_log.time_precision {
        fdfs_conf::choice::TimePrecision::Millisecond => fdfs_log::TimePrecision::Ms,
        fdfs_conf::choice::TimePrecision::Microsecond => fdfs_log::TimePrecision::Us,
    };
    let log = AccessLog::open(&path, rotation(&conf.access_log.log), precision)?;
    Ok(Some(Arc::new(log)))
}

impl StorageServer {
    /// Starts a storage, and returns when it serves. Blocks; must not be called from a task of a runtime. Without a
    /// tracker the first start waits for one, later ones use what was learnt before.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(conf: StorageConf, log: ServerLog, options: &StartOptions) -> Result<Self, StartError> {
        let _log = log.enter();
        let counts = start::permit_counts(&conf);
        let asked = conf.data_workers as usize;
        let worker_count = counts.worker_count(conf.store_paths.len(), asked, start::core_count());
        // A connection can have a file open.
        raise_file_limit(&conf.server, 2);
        let control = runtime("fdfs-control", CONTROL_WORKERS, &log)?;
        let data = runtime("fdfs-data", worker_count, &log)?;
        let access_log = open_access_log(&conf)?;
        let timer = match &access_log {
            Some(access_log) => Some(LogTimer::start(&log, vec![access_log.clone()]).map_err(StartError::Threads)?),
            None => None,
        };
        let gate = gate(&conf.server, Some(data.handle().clone()));
        let base = start::open_base(&conf)?;
        let (storage, listeners, http_port) = control.block_on(async {
            // With a port of the system's choice it must be known before a tracker hears of it.
            let early = if conf.server.inner_port == 0 { Some(listeners(&conf.server)?) } else { None };
            let port = early.as_ref().map_or(conf.server.inner_port, |early| early.addr.port());
            let dialer = TrackerDialer::of(&conf);
            let waiting = || options.tell(StartStage::WaitingForTracker);
            let learnt = start::learn(&conf, &dialer, port, &base.state_dir, &options.cancel, waiting).await?;
            let opened = match early {
                Some(early) => early,
                None => listeners(&conf.server)?,
            };
            let http_port = HttpPort::open(&conf, &opened.all, &FileLoader, data.handle())?;
            let addr = reachable(opened.addr, &learnt);
            let storage = start::open_storage(conf, base, learnt, gate, addr, worker_count, access_log).await?;
            Ok::<_, StartError>((Arc::new(storage), opened.all, http_port))
        })?;
        let mut server = Self {
            storage,
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            senders: TaskTracker::new(),
            http: None,
            log,
            control,
            data,
            _access_log_timer: timer,
        };
        server.spawn_all(listeners);
        let accept = server.control.handle();
        server.http = http_port.and_then(|port| port.serve(&server.storage, &server.shutdown, &server.tasks, accept));
        server.say_hello();
        options.tell(StartStage::Serving);
        Ok(server)
    }

    fn spawn_all(&self, listeners: Vec<TcpListener>) {
        let conf = &self.storage.conf;
        let limits = DataLimits {
            network_timeout: Duration::from_secs(conf.server.network_timeout_secs),
            buff_size_bytes: usize::try_from(conf.server.buff_size_bytes).unwrap_or(usize::MAX),
        };
        let control = self.control.handle();
        for listener in listeners {
            let (storage, gate) = (self.storage.clone(), self.storage.gate.clone());
            let (shutdown, tasks) = (self.shutdown.clone(), self.tasks.clone());
            control.spawn(async move {
                fdfs_net::serve(listener, gate, shutdown, &tasks, move |stream, peer, permit| {
                    let storage = storage.clone();
                    async move {
                        service::serve(storage, DataConnection::new(stream, peer, limits)).await;
                        drop(permit);
                    }
                })
                .await;
            });
        }
        for (index, _) in self.storage.trackers.all() {
            self.tasks.spawn_on(session::keep(self.storage.clone(), index, self.shutdown.clone()), control);
        }
        for (index, _) in self.storage.recovery.snapshot() {
            // It reads and writes files, so it works where clients are served.
            let work = recovery::run(self.storage.clone(), index, self.shutdown.clone());
            self.tasks.spawn_on(work, self.data.handle());
        }
        for index in 0..self.storage.write_path.slots.len() {
            let watch = housekeeping::watch_space(self.storage.clone(), index, self.shutdown.clone());
            self.tasks.spawn_on(watch, control);
        }
        let questions = Arc::new(TrackerQuestions(self.storage.clone()));
        let senders = sync::supervise(self.storage.clone(), questions, self.shutdown.clone());
        self.senders.spawn_on(senders, self.data.handle());
        self.tasks.spawn_on(sync::compress_daily(self.storage.clone(), self.shutdown.clone()), control);
        crate::trunk::spawn(&self.storage, control, self.data.handle(), &self.tasks, &self.shutdown);
        let save = housekeeping::save_statistics(self.storage.clone(), self.shutdown.clone());
        self.tasks.spawn_on(save, control);
    }

    fn say_hello(&self) {
        let storage = &self.storage;
        let identity = &storage.identity;
        tracing::info!(
            "storage {} of group {} serves on {}, {} store paths, {} workers, durability = {}",
            identity.id.map_or_else(|| identity.addrs.to_string(), |id| format!("{id} ({})", identity.addrs)),
            storage.group,
            storage.addr,
            storage.write_path.slots.len(),
            storage.worker_count,
            storage.conf.durability,
        );
    }

    /// Where clients are served.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.storage.addr
    }

    /// What the connections share: for tests that look inside.
    #[must_use]
    pub fn storage(&self) -> &Arc<Storage> {
        &self.storage
    }

    /// HTTP connections that are open.
    #[must_use]
    pub fn http_connections(&self) -> u32 {
        self.http.as_ref().map_or(0, |http| http.connection_count())
    }

    /// HTTP requests in work.
    #[must_use]
    pub fn http_busy(&self) -> usize {
        self.http.as_ref().map_or(0, |http| http.busy_count())
    }

    /// The signal HUP: rotates the access logs.
    pub fn hang_up(&self) {
        if let Some(log) = &self.storage.access_log {
            log.hang_up(Timestamp::now());
        }
        if let Some(http) = &self.http {
            http.hang_up();
        }
    }

    /// The configuration was read again: takes over what can change while a storage runs, which is `tracker_server`,
    /// `advertise` and how files are served over HTTP.
    pub fn reload(&self, conf: &StorageConf) {
        let _log = self.log.enter();
        let storage = &self.storage;
        storage.terms.set_advertise(&conf.advertise);
        if let Some(http) = &self.http {
            crate::http::reload(http, conf);
        }
        let change = storage.trackers.replace(&conf.tracker_servers);
        storage.link.set_tracker_count(storage.trackers.count());
        for index in change.added {
            if let Some(tracker) = storage.trackers.find(index) {
                tracing::info!("tracker {tracker} is new in the configuration");
            }
            self.tasks.spawn_on(session::keep(storage.clone(), index, self.shutdown.clone()), self.control.handle());
        }
        for tracker in change.refused {
            tracing::error!("tracker {tracker}: the list has changed too often; it is used after a restart");
        }
    }

    /// Stops: no new connections, requests in work end, all state is written.
    pub fn stop(self) {
        let _log = self.log.enter();
        self.shutdown.cancel();
        let deadline = Instant::now() + DRAIN_MAX;
        while self.storage.busy_count() + self.http_busy() > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        // What a library holds of the last answers over TLS goes out as well.
        let deadline = Instant::now() + CLOSE_MAX;
        while self.http_connections() > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.senders.close();
        let marks_written = async { tokio::time::timeout(MARKS_MAX, self.senders.wait()).await };
        if self.control.block_on(marks_written).is_err() {
            tracing::warn!("a mark could not be written in time; some records will be sent again");
        }
        // The connections end here: whoever is idle is closed.
        self.data.shutdown_timeout(Duration::from_secs(1));
        if let Err(e) = self.control.block_on(self.storage.close()) {
            tracing::error!("{e}; the next start will look for files without a record");
        }
        self.control.shutdown_timeout(Duration::from_secs(1));
        tracing::info!("stopped");
    }
}

/// Where a storage that listens on all addresses is reached: at the address that its tracker sees.
fn reachable(addr: SocketAddr, learnt: &crate::params::Learnt) -> SocketAddr {
    match learnt.addrs.first.as_str().parse() {
        Ok(ip) if addr.ip().is_unspecified() => SocketAddr::new(ip, addr.port()),
        _ => addr,
    }
}
