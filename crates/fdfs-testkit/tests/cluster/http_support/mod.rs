//! Clusters that serve HTTP.

#![allow(dead_code, reason = "not every test uses all of it")]

pub(crate) mod tls;

use std::net::SocketAddr;

use fdfs_conf::{Env, MapLoader, ModFastdfsConf};
use fdfs_http::configure::Configured;
use fdfs_http::gateway::GatewayServer;
use fdfs_log::{CapturedLog, Level, ServerLog};
use fdfs_testkit::Cluster;
use fdfs_testkit::layout::LayoutBuilder;

/// Where storages serve; their addresses are their own.
const STORAGE_PORT: u16 = 8888;
const TRACKER_PORT: u16 = 8080;
/// Where storages serve HTTPS, and health and metrics, if they are told to.
pub(crate) const TLS_PORT: u16 = 8889;
pub(crate) const ADMIN_PORT: u16 = 9899;

/// A cluster that serves HTTP.
pub(crate) struct Site {
    pub(crate) cluster: Cluster,
}

/// Content that repeats nowhere near.
pub(crate) fn bytes(len: usize) -> Vec<u8> {
    (0..len as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

impl Site {
    /// Starts groups; `more` are keys of mod_fastdfs.conf for the storages.
    pub(crate) fn start(groups: &[(&str, usize)], more: &str) -> Self {
        let mut builder = Cluster::builder();
        for (name, count) in groups {
            builder = builder.group(name, *count);
        }
        Self::of(builder, more)
    }

    /// Starts what is laid out; in `more`, `{ip}` is the address of the storage.
    pub(crate) fn of(builder: LayoutBuilder, more: &str) -> Self {
        let mut cluster = builder
            .storage_key("http.enabled", "true")
            .storage_key("http.server_port", STORAGE_PORT)
            .tracker_key("http.enabled", "true")
            .tracker_key("http.server_port", TRACKER_PORT)
            .build();
        for index in 0..cluster.storages.len() {
            let path = cluster.scratch().join(format!("http{index}.conf"));
            let storage = &mut cluster.storages[index];
            let more = more.replace("{ip}", &storage.addr().ip().to_string());
            std::fs::write(&path, format!("http.max_age = 1000\n{more}")).unwrap();
            storage.set("http.config", path.display());
        }
        cluster.start_all();
        cluster.wait_until_active();
        Self { cluster }
    }

    fn at(&self, index: usize, port: u16) -> SocketAddr {
        SocketAddr::new(self.cluster.storages[index].addr().ip(), port)
    }

    /// Where a storage serves HTTP.
    pub(crate) fn storage(&self, index: usize) -> SocketAddr {
        self.at(index, STORAGE_PORT)
    }

    /// Where a storage serves HTTPS.
    pub(crate) fn tls(&self, index: usize) -> SocketAddr {
        self.at(index, TLS_PORT)
    }

    /// Where a storage tells health and metrics.
    pub(crate) fn admin(&self, index: usize) -> SocketAddr {
        self.at(index, ADMIN_PORT)
    }

    /// Where the tracker does.
    pub(crate) fn tracker(&self) -> SocketAddr {
        SocketAddr::new(self.cluster.tracker_addr().ip(), TRACKER_PORT)
    }
}

/// A gateway to a cluster; `more` are further keys.
pub(crate) fn gateway(tracker: SocketAddr, more: &str) -> GatewayServer {
    logged_gateway(tracker, more, &CapturedLog::new())
}

/// The same, with its log.
pub(crate) fn logged_gateway(tracker: SocketAddr, more: &str, log: &CapturedLog) -> GatewayServer {
    let (configured, conf) = gateway_conf(tracker, more);
    GatewayServer::start(configured, &conf, &ServerLog::new(log.clone(), Level::Info)).unwrap()
}

/// What it is configured with.
pub(crate) fn gateway_conf(tracker: SocketAddr, more: &str) -> (Configured, ModFastdfsConf) {
    let text = format!("tracker_server = {tracker}\nhttp.bind_addr = 127.0.0.1\n{more}");
    let loader = MapLoader::one("gateway.conf", text);
    let (mut configured, conf) = Configured::load("gateway.conf", &loader, &Env::default()).unwrap();
    configured.port = 0;
    (configured, conf)
}
