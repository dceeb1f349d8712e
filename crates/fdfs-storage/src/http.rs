//! Files of this storage over HTTP; what is not here is fetched from others of the cluster.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fdfs_client::Client;
use fdfs_conf::{ClientConf, Env, Loader, StorageConf};
use fdfs_daemon::FileLoader;
use fdfs_http::admin;
use fdfs_http::configure::{Configured, HttpConfError};
use fdfs_http::pure::settings::Settings;
use fdfs_http::pure::target::UrlForm;
use fdfs_http::site::{Absent, Cluster};
use fdfs_http::source::{DiskFile, Found, Source};
use fdfs_http::start::{self, HttpListeners, HttpStartError};
use fdfs_http::{Server, Site};
use fdfs_net::Gate;
use fdfs_proto::cmd::storage::Metadata;
use fdfs_proto::file_id::{FileId, LogicName};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::metrics::StorageAdmin;
use crate::storage::Storage;

/// A storage as HTTP sees it.
#[derive(Debug)]
pub struct StorageSite {
    storage: Arc<Storage>,
    pub(crate) cluster: Cluster,
}

impl Site for StorageSite {
    async fn open(&self, id: &FileId, name: &LogicName) -> Result<Found, Absent> {
        if id.group != self.storage.group {
            return Err(Absent::NotFound);
        }
        match self.storage.write_path.open_to_send(name).await {
            Ok((file, permits)) => Ok(Found {
                len_bytes: file.len_bytes,
                modified_unix_secs: file.modified_unix_secs,
                source: Source::Disk(Box::new(DiskFile { file, permits })),
            }),
            Err(error) => {
                // Another storage may be able to read it.
                if error.is_server_fault() {
                    tracing::error!("http: {id}: {error}");
                }
                Err(Absent::NotFound)
            }
        }
    }

    async fn fetch(&self, id: &FileId) -> Result<Found, Absent> {
        self.cluster.fetch(id).await
    }

    async fn locate(&self, id: &FileId, _asker: IpAddr) -> Result<IpAddr, Absent> {
        self.cluster.locate(id, |ip| self.is_this_host(ip)).await
    }

    async fn metadata(&self, id: &FileId) -> Result<Vec<(String, String)>, Absent> {
        if id.group != self.storage.group {
            return self.cluster.metadata(id).await;
        }
        let name = self.storage.logic_name(&id.name).map_err(|_| Absent::NotFound)?;
        if self.storage.write_path.content_info(&name).await.is_err() {
            return self.cluster.metadata(id).await;
        }
        let slot = self.storage.slot(name.store_path_index()).map_err(|_| Absent::NotFound)?;
        let permit = slot.permits.read().await;
        let text = slot.path.read_meta(name.true_name()).map_err(|_| Absent::Failed)?;
        drop(permit);
        let text = text.unwrap_or_default();
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Metadata::parse(&text).items().iter().map(|item| (shown(item.name), shown(item.value))).collect())
    }

    fn is_this_host(&self, ip: IpAddr) -> bool {
        self.storage.identity.addrs.to_string().split(',').any(|own| own.parse() == Ok(ip))
    }

    fn served(&self, bytes: u64, is_whole: bool) {
        // As a download of the data port, whatever part it was.
        let stats = &self.storage.stats;
        stats.download_count.count(1, is_whole);
        stats.download_bytes.count(bytes, is_whole);
        stats.file_open_count.count(1, true);
        stats.file_read_count.count(1, is_whole);
        stats.touch();
    }

    fn cluster(&self) -> Option<&Cluster> {
        Some(&self.cluster)
    }
}

/// HTTP of a storage: open ports, and how they are served.
#[derive(Debug)]
pub struct HttpPort {
    configured: Configured,
    listeners: HttpListeners,
    gate: Gate,
}

impl HttpPort {
    /// Opens the port on the addresses of the storage's own; `None` when none is configured. To be called inside of the runtime that accepts.
    ///
    /// # Errors
    /// [`HttpStartError`].
    pub fn open(
        conf: &StorageConf,
        own: &[TcpListener],
        loader: &dyn Loader,
        data: &Handle,
    ) -> Result<Option<Self>, HttpStartError> {
        let Some(port) = conf.http.port else { return Ok(None) };
        let configured = configured(conf, loader)?;
        let listeners = start::open(&configured, &start::addresses_of(own), port)?;
        let gate = start::gate(&configured, Some(data.clone()));
        Ok(Some(Self { configured, listeners, gate }))
    }

    /// Serves it until the shutdown.
    pub fn serve(
        self,
        storage: &Arc<Storage>,
        shutdown: &CancellationToken,
        tasks: &TaskTracker,
        accept: &Handle,
    ) -> Option<Arc<Server<StorageSite>>> {
        let settings = of_storage(self.configured.settings, storage);
        let cluster = match client(&storage.conf) {
            Ok(client) => Cluster::new(client),
            Err(error) => {
                tracing::error!("http: {error}; not served");
                return None;
            }
        };
        let site = StorageSite { storage: storage.clone(), cluster };
        let mut listeners = self.listeners;
        let server = Server::new(site, settings, self.configured.patience, shutdown.clone());
        let server = Arc::new(server.logging(listeners.access_log.take()));
        if let Some(addr) = listeners.addr {
            tracing::info!("HTTP is served on {addr}");
        }
        let told = Arc::new(StorageAdmin { storage: storage.clone(), server: server.clone() });
        admin::spawn(&told, std::mem::take(&mut listeners.admin), shutdown, accept);
        start::spawn(&server, listeners, &self.gate, tasks, accept);
        Some(server)
    }
}

/// The configuration was read again: the trackers, and how files are served. Where the file with the keys of HTTP is wrong,
/// files are served as before.
pub(crate) fn reload(server: &Server<StorageSite>, conf: &StorageConf) {
    if let Err(error) = server.site.cluster.client.set_trackers(&conf.tracker_servers) {
        return tracing::error!("http: {error}; files are served as before");
    }
    match configured(conf, &FileLoader) {
        Ok(configured) => server.set_settings(of_storage(configured.settings, &server.site.storage)),
        Err(error) => tracing::error!("http: {error}; files are served as before"),
    }
}

fn configured(conf: &StorageConf, loader: &dyn Loader) -> Result<Configured, HttpConfError> {
    match &conf.http.config {
        Some(path) => Ok(Configured::load(path, loader, &Env::default())?.0),
        None => Configured::usual(),
    }
}

/// What is configured, of this storage.
fn of_storage(mut settings: Settings, storage: &Storage) -> Settings {
    settings.own_groups = vec![(storage.group, storage.write_path.slots.len())];
    if settings.form == UrlForm::WithGroup {
        settings.form = UrlForm::Either(storage.group);
    }
    settings
}

/// A client of the storage's own cluster.
fn client(conf: &StorageConf) -> Result<Client, fdfs_client::ClientError> {
    let of_client = ClientConf {
        tracker_servers: conf.tracker_servers.clone(),
        connect_timeout_secs: conf.server.connect_timeout_secs,
        network_timeout_secs: conf.server.network_timeout_secs,
        ..ClientConf::default()
    };
    let builder = fdfs_client::ClientBuilder::from_conf(&of_client).max_idle_time(Duration::from_secs(300));
    let bind = conf.server.inner_bind_addrs.first().and_then(|addr| addr.parse().ok());
    match bind {
        Some(ip) if conf.client_bind => builder.bind(ip).build(),
        _ => builder.build(),
    }
}
