//! What clients notice of machines that die without a word: nothing but time.

use std::time::{Duration, Instant};

use fdfs_client::{Client, FileId, UploadOptions};
use fdfs_proto::{Command, Wire as _};
use fdfs_testkit::{Cluster, Link, Node, wait_for};

/// How long these clients wait before they doubt a server.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(400);
/// Far more than any call here may take: whoever waits for it has not noticed that the other side is gone.
const NETWORK_TIMEOUT: Duration = Duration::from_secs(60);

fn client(cluster: &Cluster) -> Client {
    let trackers = cluster.trackers.iter().map(|tracker| tracker.addr().to_string());
    let builder = trackers.fold(Client::builder(), |builder, tracker| builder.tracker(&tracker));
    builder.connect_timeout(CONNECT_TIMEOUT).network_timeout(NETWORK_TIMEOUT).build().unwrap()
}

/// Upload, download and delete, often enough to come to every server; every call must succeed.
fn works(cluster: &Cluster, client: &Client, ids: &[FileId]) {
    cluster.block_on(async {
        for round in 0..8_u8 {
            let content = [round; 100];
            let id = client.upload(&content, &UploadOptions::new()).await.unwrap();
            assert_eq!(client.download(&id).await.unwrap(), content);
            client.delete(&id).await.unwrap();
        }
        for id in ids {
            assert_eq!(client.download(id).await.unwrap(), b"on both");
        }
    });
}

/// Files that both storages of their groups have. The trackers do not know that of the newest yet.
fn files_on_both(cluster: &Cluster, client: &Client) -> Vec<FileId> {
    let upload = || cluster.block_on(client.upload(b"on both", &UploadOptions::new())).unwrap();
    let ids: Vec<FileId> = (0..4).map(|_| upload()).collect();
    for id in &ids {
        wait_for("a file to be on both storages", || {
            let has = |&index: &usize| {
                let asked = cluster.to_storage(index).ask(Command::QueryFileInfo.number(), &id.to_bytes());
                asked.status() == Some(0)
            };
            ((0..cluster.storages.len()).filter(has).count() == 2).then_some(())
        });
    }
    ids
}

#[test]
fn w45_a_machine_with_a_tracker_and_a_storage_that_falls_silent_costs_no_call() {
    let cluster = Cluster::builder().trackers(3).group("group1", 2).group("group2", 2).proxies().start();
    cluster.expect_lost_trackers();
    let client = client(&cluster);
    let ids = files_on_both(&cluster, &client);
    // Its connections stay open, and it takes new ones, but nothing ever comes back; the others see it as before.
    for node in [Node::Tracker(0), Node::Storage(0)] {
        cluster.links().set_both(Node::Client, node, Link::Hang);
    }
    let begun = Instant::now();
    works(&cluster, &client, &ids);
    let took = begun.elapsed();
    assert!(took < NETWORK_TIMEOUT / 2, "somebody was waited for: {took:?}");
    cluster.links().heal();
    works(&cluster, &client, &ids);
}

#[test]
fn w36_a_machine_that_refuses_or_resets_costs_no_call() {
    let cluster = Cluster::builder().trackers(2).group("group1", 2).proxies().start();
    cluster.expect_lost_trackers();
    let client = client(&cluster);
    let ids = files_on_both(&cluster, &client);
    for node in [Node::Tracker(1), Node::Storage(1)] {
        cluster.links().set_both(Node::Client, node, Link::Cut);
    }
    works(&cluster, &client, &ids);
}
