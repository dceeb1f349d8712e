//! HTTP clients are sent to a storage that has the file.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use fdfs_client::Client;
use fdfs_conf::{Env, ResponseMode, TrackerConf};
use fdfs_daemon::FileLoader;
use fdfs_http::admin::{self, ClusterAdmin};
use fdfs_http::configure::{Configured, HttpConfError};
use fdfs_http::site::{Absent, Cluster};
use fdfs_http::source::Found;
use fdfs_http::start::{self, HttpListeners, HttpStartError};
use fdfs_http::{Server, Site};
use fdfs_net::Gate;
use fdfs_proto::file_id::{FileId, LogicName};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::service::storage_of_file;
use crate::tracker::Tracker;

/// Where storages serve HTTP unless the configuration says otherwise.
const STORAGE_PORT: u16 = 8888;

/// A tracker as HTTP sees it: no files, and everybody who has them.
#[derive(Debug)]
pub(crate) struct TrackerSite(Arc<Tracker>);

impl Site for TrackerSite {
    async fn open(&self, _id: &FileId, _name: &LogicName) -> Result<Found, Absent> {
        Err(Absent::NotFound)
    }

    async fn fetch(&self, _id: &FileId) -> Result<Found, Absent> {
        Err(Absent::NotFound)
    }

    async fn locate(&self, id: &FileId, asker: IpAddr) -> Result<IpAddr, Absent> {
        match storage_of_file(&self.0, id, asker) {
            Ok(found) => found.ok_or(Absent::NotFound),
            Err(_) => Err(Absent::Unreachable),
        }
    }

    async fn metadata(&self, _id: &FileId) -> Result<Vec<(String, String)>, Absent> {
        Err(Absent::NotFound)
    }

    fn is_this_host(&self, _ip: IpAddr) -> bool {
        false
    }

    fn cluster(&self) -> Option<&Cluster> {
        None
    }
}

/// HTTP of a tracker: open ports, and how they are served.
#[derive(Debug)]
pub(crate) struct HttpPort {
    configured: Configured,
    listeners: HttpListeners,
    gate: Gate,
}

impl HttpPort {
    /// Opens the port on the addresses of the tracker's own; `None` when none is configured. To be called inside of the runtime.
    pub(crate) fn open(conf: &TrackerConf, own: &[TcpListener]) -> Result<Option<Self>, HttpStartError> {
        let Some(port) = conf.http.port else { return Ok(None) };
        let configured = configured(conf)?;
        let listeners = start::open(&configured, &start::addresses_of(own), port)?;
        let gate = start::gate(&configured, None);
        Ok(Some(Self { configured, listeners, gate }))
    }

    /// Serves it until the tracker's shutdown.
    pub(crate) fn serve(
        mut self,
        tracker: &Arc<Tracker>,
        own: SocketAddr,
        tasks: &TaskTracker,
        accept: &Handle,
    ) -> Arc<Server<TrackerSite>> {
        let site = TrackerSite(tracker.clone());
        let Configured { settings, patience, .. } = self.configured;
        let server = Server::new(site, settings, patience, tracker.shutdown.clone());
        let server = Arc::new(server.logging(self.listeners.access_log.take()));
        if let Some(addr) = self.listeners.addr {
            tracing::info!("HTTP clients are sent on from {addr}");
        }
        // The tracker is asked as everybody asks it.
        let own = match own.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), own.port()),
            IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), own.port()),
            _ => own,
        };
        match Client::builder().tracker(&own.to_string()).build() {
            Ok(client) => {
                let told = Arc::new(ClusterAdmin { server: server.clone(), client });
                admin::spawn(&told, std::mem::take(&mut self.listeners.admin), &tracker.shutdown, accept);
            }
            Err(error) => tracing::error!("admin port: {error}; not served"),
        }
        start::spawn(&server, self.listeners, &self.gate, tasks, accept);
        server
    }
}

/// The configuration was read again; where the file with the keys of HTTP is wrong, clients are sent on as before.
pub(crate) fn reload(server: &Server<TrackerSite>, conf: &TrackerConf) {
    match configured(conf) {
        Ok(configured) => server.set_settings(configured.settings),
        Err(error) => tracing::error!("http: {error}; clients are sent on as before"),
    }
}

fn configured(conf: &TrackerConf) -> Result<Configured, HttpConfError> {
    let mut configured = match &conf.http.config {
        Some(path) => Configured::load(path, &FileLoader, &Env::default())?.0,
        None => Configured::usual()?,
    };
    let settings = &mut configured.settings;
    settings.response_mode = ResponseMode::Redirect;
    // Whoever is sent on may be sent on, or served with a file of yet another storage.
    settings.marks_redirects = false;
    settings.metadata_json = false;
    settings.writes = None;
    if settings.redirect_port == 0 {
        settings.redirect_port = STORAGE_PORT;
    }
    Ok(configured)
}
