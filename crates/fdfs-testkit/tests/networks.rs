//! A storage behind NAT, in network namespaces: `advertise` serves clients of both sides.
//!
//! ```text
//!  inner client ---+                                      +--- tracker, outer client
//!  10.91.1.9       |   gateway                            |    192.168.91.1, .9
//!  storage --------+-- 10.91.1.1 / 192.168.91.7 ----------+--- storage
//!  10.91.1.5           no routes, ports are forwarded          192.168.91.12
//! ```
//!
//! The gateway forwards as NAT does: whoever connects through it comes from its own address.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use fdfs_client::{Client, FileId, UploadOptions};
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{Command, Wire as _};
use fdfs_testkit::namespaces::Namespaces;
use fdfs_testkit::problems::ExpectedProblems;
use fdfs_testkit::settings::Settings;
use fdfs_testkit::{Launch, RawConn, StorageNode, StoragePlan, TrackerNode, TrackerPlan, wait_for};

const TRACKER: &str = "192.168.91.1:22122";
const GATEWAY_TO_TRACKER: &str = "10.91.1.1:22122";
const GATEWAY_TO_INNER: &str = "192.168.91.7:23001";
const GATEWAY_TO_OUTER: &str = "10.91.1.1:23012";
const INNER_STORAGE: &str = "10.91.1.5:23000";
const OUTER_STORAGE: &str = "192.168.91.12:23000";

/// The networks of the picture. `None` where they may not be made.
fn networks() -> Option<Namespaces> {
    let nets = Namespaces::make(&["gw", "in", "ic", "out"])?;
    let outer = ["192.168.91.1/24", "192.168.91.9/24", "192.168.91.12/24"];
    let made = nets.ip("gw", &["link", "add", "br0", "type", "bridge"])
        && nets.ip("gw", &["addr", "add", "10.91.1.1/24", "dev", "br0"])
        && nets.ip("gw", &["link", "set", "br0", "up"])
        && nets.wire("gw", "pin", Some("br0"), "in", &["10.91.1.5/24"])
        && nets.wire("gw", "pic", Some("br0"), "ic", &["10.91.1.9/24"])
        && nets.wire("gw", "pout", None, "out", &outer)
        && nets.ip("gw", &["addr", "add", "192.168.91.7/24", "dev", "pout"]);
    made.then_some(nets)
}

/// Forwards a port, in the namespace of the thread that calls; until the process ends.
fn forward(from: &str, to: &'static str) {
    let listener = TcpListener::bind(from).unwrap();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let Ok(far) = TcpStream::connect(to) else { return };
                let (near_read, far_read) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                std::thread::spawn(move || pipe(near_read, far));
                pipe(far_read, near);
            });
        }
    });
}

fn pipe(mut from: TcpStream, mut to: TcpStream) {
    // Whatever ends one direction ends both.
    let _ = std::io::copy(&mut from, &mut to);
    let _ = (from.shutdown(std::net::Shutdown::Both), to.shutdown(std::net::Shutdown::Both));
}

fn tracker(dir: &Path, expected: &ExpectedProblems) -> TrackerNode {
    let addr: SocketAddr = TRACKER.parse().unwrap();
    let (base_path, conf_path) = (dir.join("tracker"), dir.join("tracker.conf"));
    let mut settings = Settings::default();
    settings.set("base_path", base_path.display());
    settings.set("bind_addr", addr.ip());
    settings.set("port", addr.port());
    settings.set("reserved_storage_space", 0);
    fs::create_dir_all(&base_path).unwrap();
    fs::write(&conf_path, settings.to_string()).unwrap();
    TrackerNode::new(TrackerPlan { index: 0, addr, real_addr: addr, base_path, conf_path, settings }, expected.clone())
}

fn storage(
    dir: &Path,
    index: usize,
    addr: &str,
    tracker: &str,
    rules: &[&str],
    expected: &ExpectedProblems,
) -> StorageNode {
    let addr: SocketAddr = addr.parse().unwrap();
    let home = dir.join(format!("storage{index}"));
    let (base_path, conf_path, store_path) = (home.join("base"), home.join("storage.conf"), home.join("path0"));
    let mut settings = Settings::default();
    settings.set("group_name", "group1");
    settings.set("base_path", base_path.display());
    settings.set("store_path0", store_path.display());
    settings.set("bind_addr", addr.ip());
    settings.set("port", addr.port());
    settings.set("heart_beat_interval", 1);
    settings.set("stat_report_interval", 1);
    settings.set("subdir_count_per_path", 4);
    settings.set("durability", "none");
    settings.set("tracker_server", tracker);
    rules.iter().for_each(|rule| settings.add("advertise", rule));
    for folder in [&base_path, &store_path] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(&conf_path, settings.to_string()).unwrap();
    let plan = StoragePlan {
        group: "group1".to_owned(),
        index,
        addr,
        real_addr: addr,
        id: None,
        base_path,
        store_paths: vec![store_path],
        conf_path,
        settings,
        launch: Launch::default(),
    };
    StorageNode::new(plan, expected.clone())
}

/// What a client does in its network.
fn with_client<T>(tracker: &str, local: &str, work: impl AsyncFnOnce(Client) -> T) -> T {
    let local: IpAddr = local.parse().unwrap();
    let builder = Client::builder().tracker(tracker).bind(local).connect_timeout(Duration::from_secs(2));
    let client = builder.build().unwrap();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work(client))
}

/// Uploads to both storages, reads everything from where the tracker says, and gives the addresses that it was told.
async fn uses_both(client: Client) -> (Vec<String>, Vec<FileId>) {
    let (mut told, mut ids) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let target = client.query_store(None).await.unwrap().server;
        told.push(format!("{}:{}", target.ip, target.port));
    }
    for _ in 0..4 {
        let id = client.upload(b"both sides", &UploadOptions::new()).await.unwrap();
        assert_eq!(client.download(&id).await.unwrap(), b"both sides");
        ids.push(id);
    }
    told.sort();
    told.dedup();
    (told, ids)
}

fn is_active(tracker: &str, local: &str) -> bool {
    with_client(tracker, local, async |client| {
        let storages = client.storages("group1".parse().unwrap(), None).await.unwrap_or_default();
        storages.iter().filter(|s| s.status == StorageStatus::Active && s.free_mb > 0).count() == 2
    })
}

#[test]
fn a_storage_behind_nat_serves_clients_of_both_sides() {
    let Some(nets) = networks() else {
        eprintln!("SKIPPED: network namespaces cannot be made here (ip netns add, as root)");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let expected = ExpectedProblems::default();
    nets.inside("gw", || {
        forward(GATEWAY_TO_TRACKER, TRACKER);
        forward(GATEWAY_TO_INNER, INNER_STORAGE);
        forward(GATEWAY_TO_OUTER, OUTER_STORAGE);
    });
    let mut tracker = tracker(dir.path(), &expected);
    // Whoever comes through the gateway is inside, everybody else outside.
    let inner_rules = ["192.168.91.7 -> 10.91.1.5:23000", "* -> 192.168.91.7:23001"];
    let outer_rules = ["192.168.91.7 -> 10.91.1.1:23012"];
    let mut inner = storage(dir.path(), 0, INNER_STORAGE, GATEWAY_TO_TRACKER, &inner_rules, &expected);
    let mut outer = storage(dir.path(), 1, OUTER_STORAGE, TRACKER, &outer_rules, &expected);
    nets.inside("out", || tracker.start());
    nets.inside("in", || inner.start());
    nets.inside("out", || outer.start());
    wait_for("both storages", || nets.inside("out", || is_active(TRACKER, "192.168.91.9")).then_some(()));

    let (told, outer_ids) = nets.inside("out", || with_client(TRACKER, "192.168.91.9", uses_both));
    assert_eq!(told, [OUTER_STORAGE, GATEWAY_TO_INNER]);
    let (told, inner_ids) = nets.inside("ic", || with_client(GATEWAY_TO_TRACKER, "10.91.1.9", uses_both));
    assert_eq!(told, [GATEWAY_TO_OUTER, INNER_STORAGE]);

    // The storages reach each other as well: in the end both have everything.
    for id in outer_ids.iter().chain(&inner_ids) {
        for storage in [GATEWAY_TO_INNER, OUTER_STORAGE] {
            let has = || {
                let mut conn = RawConn::connect(storage.parse().unwrap());
                conn.ask(Command::QueryFileInfo.number(), &id.to_bytes()).status() == Some(0)
            };
            wait_for("every file to be on both storages", || nets.inside("out", has).then_some(()));
        }
    }
    for node in [&mut inner, &mut outer] {
        node.stop();
        assert_eq!(expected.unexpected(&node.log), [""; 0]);
    }
    tracker.stop();
    assert_eq!(expected.unexpected(&tracker.log), [""; 0]);
}
