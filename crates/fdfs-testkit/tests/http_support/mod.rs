//! Clusters that serve HTTP.

#![allow(dead_code, reason = "not every test uses all of it")]

use std::net::SocketAddr;

use fdfs_testkit::Cluster;

/// Where storages serve; their addresses are their own.
const STORAGE_PORT: u16 = 8888;
const TRACKER_PORT: u16 = 8080;

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
        let mut builder = Cluster::builder()
            .storage_key("http.enabled", "true")
            .storage_key("http.server_port", STORAGE_PORT)
            .tracker_key("http.enabled", "true")
            .tracker_key("http.server_port", TRACKER_PORT);
        for (name, count) in groups {
            builder = builder.group(name, *count);
        }
        let mut cluster = builder.build();
        let path = cluster.scratch().join("http.conf");
        std::fs::write(&path, format!("http.max_age = 1000\n{more}")).unwrap();
        for storage in &mut cluster.storages {
            storage.set("http.config", path.display());
        }
        cluster.start_all();
        cluster.wait_until_active();
        Self { cluster }
    }

    /// Where a storage serves HTTP.
    pub(crate) fn storage(&self, index: usize) -> SocketAddr {
        SocketAddr::new(self.cluster.storages[index].addr().ip(), STORAGE_PORT)
    }

    /// Where the tracker does.
    pub(crate) fn tracker(&self) -> SocketAddr {
        SocketAddr::new(self.cluster.tracker_addr().ip(), TRACKER_PORT)
    }
}
