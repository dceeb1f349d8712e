//! Servers that are known by host names only, and a cluster that speaks nothing but IPv6.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use fdfs_client::{Client, UploadOptions};
use fdfs_conf::{
    AdvertiseRule, IdType, ReservedSpace, ServerConf, StorageConf, StoragePath, TrackerConf, TrackerServer,
};
use fdfs_log::{CapturedLog, Level, ServerLog};
use fdfs_proto::shared::StorageStatus;
use fdfs_storage::{StartOptions, StorageServer};
use fdfs_testkit::wait_for;
use fdfs_tracker::TrackerServer as Tracker;
use tokio::runtime::Runtime;

/// A cluster whose servers listen on `host`, with ports of the system's choice.
struct Cluster {
    host: &'static str,
    dir: tempfile::TempDir,
    log: CapturedLog,
    tracker: Option<Tracker>,
    storages: Vec<StorageServer>,
    runtime: Runtime,
}

impl Cluster {
    fn start(host: &'static str, ids: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ids_file = dir.path().join("storage_ids.conf");
        std::fs::write(&ids_file, ids).unwrap();
        let mut conf = TrackerConf {
            use_storage_id: true,
            id_type_in_filename: IdType::Id,
            storage_ids_filename: Some(ids_file.to_str().unwrap().to_owned()),
            reserved_storage_space: ReservedSpace::MegaBytes(0),
            ..TrackerConf::default()
        };
        serve_at(&mut conf.server, &dir.path().join("tracker"), host);
        let log = CapturedLog::new();
        let tracker = Tracker::start(conf, ServerLog::new(log.clone(), Level::Info)).unwrap();
        let runtime = Runtime::new().unwrap();
        Self { host, dir, log, tracker: Some(tracker), storages: Vec::new(), runtime }
    }

    /// The tracker as configurations name it.
    fn tracker_name(&self) -> String {
        let port = self.tracker.as_ref().unwrap().addr().port();
        if self.host.contains(':') { format!("[{}]:{port}", self.host) } else { format!("{}:{port}", self.host) }
    }

    fn add_storage(&mut self, id: &str, advertise: Option<&str>) {
        let base_path = self.dir.path().join(format!("storage{id}"));
        let path = base_path.join("path0");
        std::fs::create_dir_all(&path).unwrap();
        let mut conf = StorageConf {
            group_name: Some("group1".parse().unwrap()),
            server_id: Some(id.to_owned()),
            tracker_servers: TrackerServer::parse(&self.tracker_name(), 22122).into_iter().collect(),
            store_paths: vec![StoragePath { path, readonly: false }],
            subdir_count_per_path: 4,
            heart_beat_interval_secs: 1,
            advertise: advertise.and_then(AdvertiseRule::of_storage).into_iter().collect(),
            ..StorageConf::default()
        };
        serve_at(&mut conf.server, &base_path, self.host);
        let log = ServerLog::new(self.log.clone(), Level::Info);
        self.storages.push(StorageServer::start(conf, log, &StartOptions::default()).unwrap());
        let client = self.client();
        wait_for(&format!("storage {id} to be ACTIVE"), || {
            let records = self.runtime.block_on(client.storages("group1".parse().unwrap(), None)).ok()?;
            let own = records.iter().find(|record| record.id.as_str() == id)?;
            (own.status == StorageStatus::Active && own.total_mb > 0).then_some(())
        });
    }

    fn client(&self) -> Client {
        Client::builder().tracker(&self.tracker_name()).build().unwrap()
    }

    fn stop(mut self) {
        self.storages.drain(..).for_each(StorageServer::stop);
        self.tracker.take().unwrap().stop();
        assert_eq!(self.log.problems(), [""; 0]);
    }
}

fn serve_at(server: &mut ServerConf, base_path: &Path, host: &str) {
    std::fs::create_dir_all(base_path.join("data")).unwrap();
    server.base_path = PathBuf::from(base_path);
    (server.inner_port, server.outer_port) = (0, 0);
    let bind = vec![host.to_owned()];
    (server.inner_bind_addrs, server.outer_bind_addrs) = (bind.clone(), bind);
}

#[test]
fn host_names_stand_wherever_addresses_do() {
    let mut cluster = Cluster::start("localhost", "100001 group1 localhost\n");
    cluster.add_storage("100001", Some("127.0.0.0/8 -> localhost"));
    let client = cluster.client();
    let id = cluster.runtime.block_on(client.upload(b"by name", &UploadOptions::new())).unwrap();
    assert_eq!(cluster.runtime.block_on(client.download(&id)).unwrap(), b"by name");
    cluster.stop();
}

#[test]
fn a_cluster_serves_and_replicates_over_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        return eprintln!("SKIPPED: this machine has no IPv6");
    }
    let mut cluster = Cluster::start("::1", "100001 group1 [::1]:1\n100002 group1 [::1]:2\n");
    cluster.add_storage("100001", None);
    cluster.add_storage("100002", None);
    let client = cluster.client();
    for storage in 0..2 {
        let to = UploadOptions::new().storage(cluster.storages[storage].addr());
        let id = cluster.runtime.block_on(client.upload(b"over IPv6", &to)).unwrap();
        assert_eq!(cluster.runtime.block_on(client.download(&id)).unwrap(), b"over IPv6");
        let name = id.logic_name().unwrap();
        let other = cluster.dir.path().join(format!("storage{}/path0/data", 100_002 - storage));
        wait_for("the copy", || other.join(name.true_name()).exists().then_some(()));
    }
    cluster.stop();
}
