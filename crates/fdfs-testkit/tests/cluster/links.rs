//! Links between servers that break.

use fdfs_client::UploadOptions;
use fdfs_proto::file_id::LogicName;
use fdfs_proto::shared::StorageStatus;
use fdfs_testkit::{Cluster, Link, Node};

const TRACKER: Node = Node::Tracker(0);
const STORAGES: [Node; 2] = [Node::Storage(0), Node::Storage(1)];

#[test]
fn servers_behind_proxies_know_each_other_by_their_told_addresses() {
    let cluster = Cluster::builder().group("group1", 2).proxies().start();
    let told: Vec<String> = cluster.storages.iter().map(|storage| storage.addr().ip().to_string()).collect();
    let id = cluster.block_on(cluster.client().upload(b"through a proxy", &UploadOptions::new())).unwrap();
    let source = LogicName::parse(&id.name).unwrap().fields().unwrap().source.to_string();
    assert!(told.contains(&source), "{source}");
    assert_eq!(cluster.block_on(cluster.client().download(&id)).unwrap(), b"through a proxy");
    // Nobody is taken for a client who is none, and nobody goes past the proxies.
    for storage in STORAGES {
        assert!(cluster.links().passed_bytes(storage, TRACKER) > 0, "{storage}");
        assert!(cluster.links().passed_bytes(TRACKER, storage) > 0, "{storage}");
    }
    let uploaded: u64 = STORAGES.map(|storage| cluster.links().passed_bytes(Node::Client, storage)).iter().sum();
    assert!(uploaded > 0);
}

#[test]
fn a_storage_cut_from_its_tracker_is_offline_until_the_link_is_healed() {
    let cluster = Cluster::builder().group("group1", 2).proxies().start();
    cluster.expect_lost_trackers();
    cluster.set_link(STORAGES[1], TRACKER, Link::Cut);
    cluster.wait_for_status(&cluster.storages[1], StorageStatus::Offline);
    cluster.block_on(cluster.client().upload(b"elsewhere", &UploadOptions::new())).unwrap();
    cluster.links().heal();
    cluster.wait_until_active();
}
