//! A gateway of its own: from a configuration to a running server and back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fdfs_client::{ClientBuilder, ClientError};
use fdfs_conf::{ClientConf, ModFastdfsConf};
use fdfs_log::ServerLog;
use fdfs_net::nofile::raise_nofile;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Server;
use crate::admin::{self, ClusterAdmin};
use crate::configure::Configured;
use crate::site::Cluster;
use crate::site::gateway::Gateway;
use crate::start::{self, HttpStartError};

/// How long requests in work may take to end at a stop.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// How long connections may take to close behind them.
const CLOSE_MAX: Duration = Duration::from_secs(1);
/// Descriptors beside those of connections.
const OTHER_FILES: u64 = 256;

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// HTTP.
    #[error(transparent)]
    Http(#[from] HttpStartError),
    /// The trackers.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The operating system.
    #[error("start threads: {0}")]
    Threads(#[source] std::io::Error),
}

impl GatewayError {
    /// The exit code: an errno.
    #[must_use]
    pub fn errno(&self) -> u8 {
        match self {
            Self::Http(error) => error.errno(),
            Self::Client(error) => error.errno(),
            Self::Threads(error) => fdfs_proto::Status::from_io(error).0,
        }
    }
}

/// A running gateway.
#[derive(Debug)]
pub struct GatewayServer {
    server: Arc<Server<Gateway>>,
    started: Configured,
    addr: Option<SocketAddr>,
    tasks: TaskTracker,
    runtime: Runtime,
}

impl GatewayServer {
    /// Starts a gateway. Blocks; must not be called from a task of a runtime.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub fn start(configured: Configured, conf: &ModFastdfsConf, log: &ServerLog) -> Result<Self, GatewayError> {
        let of_client = ClientConf {
            tracker_servers: conf.tracker_servers.clone(),
            connect_timeout_secs: conf.connect_timeout_secs,
            network_timeout_secs: conf.network_timeout_secs,
            ..ClientConf::default()
        };
        let cluster = Cluster::new(ClientBuilder::from_conf(&of_client).build()?);
        // A connection can have one to a storage.
        if let Err(error) = raise_nofile(u64::from(configured.max_connections) * 2 + OTHER_FILES) {
            tracing::warn!("http.max_connections: {error}");
        }
        let runtime = Builder::new_multi_thread()
            .thread_name("fdfs-http")
            .enable_all()
            .on_thread_start(log.on_thread_start())
            .build()
            .map_err(GatewayError::Threads)?;
        let entered = runtime.enter();
        let mut listeners = start::open(&configured, &[], configured.port)?;
        let addr = listeners.addr;
        let gate = start::gate(&configured, None);
        let tasks = TaskTracker::new();
        let shutdown = CancellationToken::new();
        let client = cluster.client.clone();
        let started = configured.clone();
        let server = Server::new(Gateway(cluster), configured.settings, configured.patience, shutdown);
        let server = Arc::new(server.logging(listeners.access_log.take()));
        let told = Arc::new(ClusterAdmin { server: server.clone(), client });
        admin::spawn(&told, std::mem::take(&mut listeners.admin), &server.shutdown, runtime.handle());
        start::spawn(&server, listeners, &gate, &tasks, runtime.handle());
        drop(entered);
        Ok(Self { server, started, addr, tasks, runtime })
    }

    /// The first listening address.
    #[must_use]
    pub const fn addr(&self) -> Option<SocketAddr> {
        self.addr
    }

    /// The signal HUP: begins a new file of the log of requests.
    pub fn hang_up(&self) {
        self.server.hang_up();
    }

    /// The configuration was read again: the trackers and how files are served are taken over; what is not is told in the log.
    ///
    /// # Errors
    /// [`ClientError::NoTrackerGiven`]: then all is as it was.
    pub fn reload(&self, configured: Configured, conf: &ModFastdfsConf) -> Result<(), ClientError> {
        self.server.site.0.client.set_trackers(&conf.tracker_servers)?;
        for key in configured.fixed_keys_changed(&self.started) {
            tracing::warn!("configuration: {key} has changed, which needs a restart");
        }
        self.server.set_settings(configured.settings);
        Ok(())
    }

    /// Stops: no new requests, those in work end.
    pub fn stop(self) {
        self.server.shutdown.cancel();
        self.tasks.close();
        let deadline = Instant::now() + DRAIN_MAX;
        while self.server.busy_count() > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        // What a library holds of the last answers goes out as well.
        let deadline = Instant::now() + CLOSE_MAX;
        while self.server.connection_count() > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}
