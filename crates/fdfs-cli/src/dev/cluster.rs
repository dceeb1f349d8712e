//! The servers of a development cluster.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use fdfs_client::Client;
use fdfs_conf::{
    Durability, HttpPort, LogConf, LogLevel, ReservedSpace, ServerConf, StorageConf, StoragePath, TrackerConf,
    TrackerServer,
};
use fdfs_proto::{GroupName, Status};
use fdfs_storage::{StartOptions, StorageServer};
use fdfs_tracker::TrackerServer as Tracker;
use tokio_util::sync::CancellationToken;

use super::place::Place;
use super::ports::Layout;
use crate::daemon::logs::DaemonLog;
use crate::exit::failure;

/// The group of both storages.
const GROUP: &str = "group1";
/// Few sub directories, so that people find their files: 16 x 16 of them.
const SUBDIR_COUNT: u32 = 16;
/// A development machine's disk may be nearly full.
const RESERVED_MB: u64 = 16;
/// Nobody watches a development cluster for the usual 30 seconds to see a change.
const HEART_BEAT_INTERVAL_SECS: u64 = 3;
/// How long all storages may take to become writable.
const JOIN_MAX: Duration = Duration::from_secs(30);
/// How often it is asked whether they are.
const JOIN_LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// A running cluster.
pub(crate) struct Cluster {
    tracker: Tracker,
    /// Where HTTP clients are sent on.
    pub(crate) http: SocketAddr,
    /// Where the dashboard is.
    pub(crate) dashboard: SocketAddr,
    storages: Vec<DevStorage>,
    logs: Vec<DaemonLog>,
}

/// One of its storages.
pub(crate) struct DevStorage {
    server: StorageServer,
    /// Its directory, which is also its only store path.
    pub(crate) dir: PathBuf,
}

impl DevStorage {
    /// Where it serves.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr()
    }
}

impl Cluster {
    /// Starts the tracker, then the storages, and waits until files can be stored.
    ///
    /// # Errors
    /// What keeps a server from starting.
    pub(crate) fn start(
        place: &Place,
        layout: &Layout,
        durability: Durability,
        cancel: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let dir = place.server_dir("tracker")?;
        let log = open_log("tracker", &dir.join("logs/trackerd.log"))?;
        let conf = tracker_conf(dir, layout)?;
        let tracker = Tracker::start(conf, log.log.clone())
            .map_err(|error| failure(Status(error.errno()), format!("tracker: {error}")))?;
        let http = SocketAddr::new(layout.tracker.ip(), layout.tracker_http);
        let dashboard = SocketAddr::new(layout.tracker.ip(), layout.dashboard);
        let mut cluster = Self { tracker, http, dashboard, storages: Vec::new(), logs: vec![log] };
        match cluster.start_storages(place, layout, durability, cancel) {
            Ok(()) => Ok(cluster),
            Err(error) => {
                cluster.stop();
                Err(error)
            }
        }
    }

    fn start_storages(
        &mut self,
        place: &Place,
        layout: &Layout,
        durability: Durability,
        cancel: &CancellationToken,
    ) -> anyhow::Result<()> {
        for (index, &addr) in layout.storages.iter().enumerate() {
            let name = format!("storage{}", index + 1);
            let dir = place.server_dir(&name)?;
            let log = open_log(&name, &dir.join("logs/storaged.log"))?;
            let mut conf = storage_conf(dir.clone(), addr, self.tracker_addr(), durability)?;
            conf.http.port = Some(layout.storage_http);
            let options = StartOptions { cancel: cancel.clone(), on_stage: None };
            let server = StorageServer::start(conf, log.log.clone(), &options)
                .map_err(|error| failure(Status(error.errno()), format!("{name}: {error}")))?;
            self.storages.push(DevStorage { server, dir });
            self.logs.push(log);
        }
        self.wait_until_writable(cancel)
    }

    /// Where the tracker serves.
    pub(crate) fn tracker_addr(&self) -> SocketAddr {
        self.tracker.addr()
    }

    /// The storages.
    pub(crate) fn storages(&self) -> &[DevStorage] {
        &self.storages
    }

    /// A client of the cluster.
    ///
    /// # Errors
    /// None that can happen with an address.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::builder().tracker(&self.tracker_addr().to_string()).build()?)
    }

    /// Writes a client.conf for the classic programs.
    ///
    /// # Errors
    /// As the file system gives.
    pub(crate) fn write_client_conf(&self, place: &Place) -> anyhow::Result<()> {
        let path = place.root.join("client.conf");
        let text = format!("base_path = {}\ntracker_server = {}\n", place.root.display(), self.tracker_addr());
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))
    }

    /// Ends the storages, then the tracker.
    pub(crate) fn stop(self) {
        // All at once: each may take a moment to finish what it is doing.
        std::thread::scope(|scope| {
            for storage in self.storages {
                scope.spawn(|| storage.server.stop());
            }
        });
        self.tracker.stop();
        drop(self.logs);
    }

    /// Waits until the tracker would send uploads to every storage.
    fn wait_until_writable(&self, cancel: &CancellationToken) -> anyhow::Result<()> {
        let client = self.client()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let deadline = Instant::now() + JOIN_MAX;
        loop {
            let groups = runtime.block_on(client.groups())?;
            let writable_count = groups.iter().map(|group| group.writable_count).sum::<u64>();
            if writable_count >= self.storages.len() as u64 {
                return Ok(());
            }
            if cancel.is_cancelled() {
                return Err(failure(Status::EINTR, "interrupted"));
            }
            if Instant::now() >= deadline {
                let what = format!(
                    "{writable_count} of {} storages can be written to after {} seconds; the logs below the \
                     directory of the cluster say why",
                    self.storages.len(),
                    JOIN_MAX.as_secs()
                );
                return Err(failure(Status::ETIMEDOUT, what));
            }
            std::thread::sleep(JOIN_LOOK_INTERVAL);
        }
    }
}

fn open_log(name: &str, path: &Path) -> anyhow::Result<DaemonLog> {
    DaemonLog::in_file_of(name, path, &LogConf::default(), LogLevel::Info)
        .with_context(|| format!("open the log {}", path.display()))
}

fn serve_at(server: &mut ServerConf, dir: PathBuf, addr: SocketAddr) {
    server.base_path = dir;
    (server.inner_port, server.outer_port) = (addr.port(), addr.port());
    let bind = vec![addr.ip().to_string()];
    (server.inner_bind_addrs, server.outer_bind_addrs) = (bind.clone(), bind);
}

fn tracker_conf(dir: PathBuf, layout: &Layout) -> anyhow::Result<TrackerConf> {
    let http = dir.join("http.conf");
    let admin = SocketAddr::new(layout.tracker.ip(), layout.dashboard);
    let text = format!("http.redirect_port = {}\nhttp.admin_addr = {admin}\n", layout.storage_http);
    fs::write(&http, text).with_context(|| format!("write {}", http.display()))?;
    let mut conf =
        TrackerConf { reserved_storage_space: ReservedSpace::MegaBytes(RESERVED_MB), ..TrackerConf::default() };
    conf.http = HttpPort { port: Some(layout.tracker_http), config: Some(http.to_string_lossy().into_owned()) };
    serve_at(&mut conf.server, dir, layout.tracker);
    Ok(conf)
}

fn storage_conf(
    dir: PathBuf,
    addr: SocketAddr,
    tracker: SocketAddr,
    durability: Durability,
) -> anyhow::Result<StorageConf> {
    let tracker = TrackerServer::parse(&tracker.to_string(), tracker.port());
    let mut conf = StorageConf {
        group_name: Some(GROUP.parse::<GroupName>()?),
        // Whoever talks to the tracker is known by the address it comes from.
        client_bind: true,
        tracker_servers: tracker.into_iter().collect(),
        store_paths: vec![StoragePath { path: dir.clone(), readonly: false }],
        subdir_count_per_path: SUBDIR_COUNT,
        heart_beat_interval_secs: HEART_BEAT_INTERVAL_SECS,
        durability,
        ..StorageConf::default()
    };
    serve_at(&mut conf.server, dir, addr);
    Ok(conf)
}
