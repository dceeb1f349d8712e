//! Clusters like the recorded ones, on addresses that are as long as the recorded ones.

use std::net::{Ipv4Addr, SocketAddr};

use fdfs_proto::shared::StorageStatus;
use fdfs_testkit::{Cluster, LayoutBuilder, RawConn};

use crate::rows::{self, Row};

/// The recorded addresses begin so.
const RECORDED_NET: &str = "10.78.1.";
/// The recorder's last octet.
const RECORDER_HOST: u8 = 100;

/// A cluster of ours, and the ports of the recorded one.
pub(crate) struct Scene {
    pub(crate) cluster: Cluster,
    recorded_tracker_port: u16,
    recorded_storage_port: u16,
    /// Storages are told by id.
    pub(crate) has_ids: bool,
}

/// Keys of tracker.conf that say what the recorded tracker told of its configuration.
fn with_recorded_keys(mut builder: LayoutBuilder, folder: &str) -> LayoutBuilder {
    let rows = rows::read(folder, "tracker_storage_info");
    let row = rows.iter().find(|row| row.name == "parameters").unwrap();
    let text = std::str::from_utf8(row.body()).unwrap();
    assert_eq!(row.body_len(), text.len());
    for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
        builder = match (key, value) {
            ("response_ip_addr_size", "46") => builder.tracker_key(key, "IPv6"),
            ("response_ip_addr_size", _) => builder.tracker_key(key, "auto"),
            _ => builder.tracker_key(key, value),
        };
    }
    builder
}

impl Scene {
    pub(crate) fn plain() -> Self {
        let builder = Cluster::builder().short_addresses().group("group1", 2).group("group2", 1);
        // The least that there is: rows about time limits take so long.
        let builder = builder.tracker_key("network_timeout", 1).storage_key("network_timeout", 1);
        let mut cluster = with_recorded_keys(builder, "plain").build();
        cluster.trackers[0].start();
        // The second storage of group1 was there first: the first one has it as its source.
        for index in [1, 0, 2] {
            cluster.storages[index].start();
            cluster.wait_for_status(&cluster.storages[index], StorageStatus::Active);
        }
        Self { cluster, recorded_tracker_port: 22122, recorded_storage_port: 23000, has_ids: false }
    }

    pub(crate) fn with_ids() -> Self {
        let builder = Cluster::builder().short_addresses().group("tgroup", 2).store_paths(2).storage_ids(&[]);
        let cluster = with_recorded_keys(builder.tracker_key("check_active_interval", 2), "ids-trunk").start();
        Self { cluster, recorded_tracker_port: 22222, recorded_storage_port: 23100, has_ids: true }
    }

    /// The same, when small files go into trunk files as in the recorded cluster.
    pub(crate) fn with_ids_and_slots() -> Self {
        let scene = Self::with_ids();
        scene.cluster.wait_for_slots(0);
        scene
    }

    /// The name of the group that the files go to.
    pub(crate) fn group(&self) -> &str {
        &self.cluster.storages[0].plan.group
    }

    /// The port of that group's storages.
    fn storage_port(&self) -> u16 {
        self.cluster.storages[0].addr().port()
    }

    /// A connection from the address that takes the place of the recorder's.
    pub(crate) fn connect(&self, row: &Row) -> RawConn {
        let addr = if row.to_tracker { self.cluster.tracker_addr() } else { self.cluster.storages[0].addr() };
        RawConn::connect_from(self.cluster.loopback.ip(RECORDER_HOST), addr)
    }

    /// The octets that our addresses begin with.
    pub(crate) fn net(&self) -> [u8; 3] {
        let [a, b, c, _] = self.cluster.loopback.ip(1).octets();
        [a, b, c]
    }

    /// Puts our addresses and ports into bytes that name the recorded ones.
    pub(crate) fn translate(&self, bytes: &mut [u8]) {
        let [a, b, c] = self.net();
        replace(bytes, RECORDED_NET.as_bytes(), format!("{a}.{b}.{c}.").as_bytes());
        let tracker_port = self.cluster.tracker_addr().port();
        for (recorded, ours) in
            [(self.recorded_tracker_port, tracker_port), (self.recorded_storage_port, self.storage_port())]
        {
            replace(bytes, format!(":{recorded}").as_bytes(), format!(":{ours}").as_bytes());
            replace(bytes, &u32::from(recorded).to_be_bytes(), &u32::from(ours).to_be_bytes());
        }
        // The second group has a port of its own, which the recorded one had not.
        if let Some(other) = self.cluster.storages.iter().find(|storage| storage.plan.group != self.group()) {
            let SocketAddr::V4(addr) = other.addr() else { panic!("an IPv6 address") };
            let ip: &Ipv4Addr = addr.ip();
            let shared = format!("{ip}:{}", self.storage_port());
            replace(bytes, shared.as_bytes(), addr.to_string().as_bytes());
        }
    }
}

/// Replaces bytes by as many others.
pub(crate) fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len(), "{} and {}", from.escape_ascii(), to.escape_ascii());
    for at in 0..(bytes.len() + 1).saturating_sub(from.len()) {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
}
