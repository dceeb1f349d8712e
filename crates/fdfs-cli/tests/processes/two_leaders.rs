//! Two trackers lead at the same time, and each has a trunk server of its own (W-26).

use fdfs_proto::file_id::LogicName;
use fdfs_testkit::links::{Link, Node};
use fdfs_testkit::raw::packet;
use fdfs_testkit::{Cluster, DaemonCluster, RawReply, wait_for};

use crate::program;

/// A file that was stored: its name, and its content.
type Stored = (LogicName, Vec<u8>);

/// Uploads a small file to one storage, past the trackers.
fn upload(cluster: &DaemonCluster, storage: usize, number: usize) -> Stored {
    let content = format!("file {number} of storage {storage} ").repeat(10).into_bytes();
    let mut body = vec![0];
    body.extend_from_slice(&(content.len() as i64).to_be_bytes());
    body.extend_from_slice(b"txt\0\0\0");
    body.extend_from_slice(&content);
    let answer = cluster.to_storage(storage).send(&packet(11, &body)).reply().ok();
    (LogicName::from_bytes(&answer[16..]).unwrap(), content)
}

/// Whether a storage has a file as it was stored.
fn has(cluster: &DaemonCluster, storage: usize, (name, content): &Stored) -> bool {
    let mut group = [0; 16];
    group[..6].copy_from_slice(b"group1");
    let body = [&[0; 16][..], &group, name.as_str().as_bytes()].concat();
    let reply = cluster.to_storage(storage).send(&packet(14, &body)).reply();
    reply == RawReply::Whole { status: 0, body: content.clone() }
}

/// Uploads until one goes into a slot.
fn until_in_slot(cluster: &DaemonCluster, storage: usize, stored: &mut Vec<Stored>) {
    wait_for(&format!("storage {storage} to store a file in a slot"), || {
        stored.push(upload(cluster, storage, stored.len()));
        stored.last().unwrap().0.trunk_part().map(drop)
    });
}

fn check_places(stored: &[Stored]) -> usize {
    let mut places: Vec<_> = stored
        .iter()
        .filter_map(|(name, _)| Some((name.trunk_part()?, name)))
        .map(|(part, name)| ((part.id, part.offset), part.offset + part.alloc_size, name))
        .collect();
    places.sort_by_key(|(start, ..)| *start);
    for pair in places.windows(2) {
        let ((id, _), end, name) = pair[0];
        let ((next_id, next_start), _, next) = pair[1];
        assert!(id != next_id || end <= next_start, "{} and {} share bytes", name.as_str(), next.as_str());
    }
    places.len()
}

/// W-26: the trackers do not reach each other, and each sees only one of two storages, which see each other.
#[test]
fn w26_two_leaders_with_a_trunk_server_each_give_no_space_out_twice() {
    let layout = Cluster::builder()
        .trackers(2)
        .group("group1", 2)
        .proxies()
        .tracker_key("use_trunk_file", true)
        .tracker_key("slot_max_size", "256KB")
        .tracker_key("trunk_alloc_alignment_size", 256)
        .tracker_key("trunk_file_size", "4MB")
        .tracker_key("check_active_interval", 2)
        .lay_out();
    let cluster = DaemonCluster::start(program(), layout);
    for expected in ["tried again until it works", "small files go on their own", "silent for longer", "trunk"] {
        cluster.expect_problem(expected);
    }
    let mut stored = Vec::new();
    (0..2).for_each(|storage| until_in_slot(&cluster, storage, &mut stored));

    let leads_now = |tracker: usize| {
        let addr = cluster.layout.trackers[tracker].addr.to_string();
        let reply =
            fdfs_testkit::RawConn::connect(cluster.layout.trackers[tracker].real_addr).send(&packet(95, b"")).reply();
        reply == RawReply::Whole { status: 0, body: addr.into_bytes() }
    };
    let cut = [
        (Node::Tracker(0), Node::Tracker(1)),
        (Node::Tracker(0), Node::Storage(1)),
        (Node::Tracker(1), Node::Storage(0)),
    ];
    cut.iter().for_each(|(one, other)| cluster.links().set_both(*one, *other, Link::Cut));
    wait_for("two leaders", || (leads_now(0) && leads_now(1)).then_some(()));
    let is_trunk_server = |tracker: usize| {
        let own = format!("=> {}", cluster.layout.storages[tracker].addr.ip());
        let log = cluster.trackers[tracker].as_ref().unwrap().log();
        log.lines().any(|line| line.contains("trunk server of group group1") && line.ends_with(&own))
    };
    wait_for("each to have a trunk server of its own", || {
        (0..2).for_each(|storage| stored.push(upload(&cluster, storage, stored.len())));
        (is_trunk_server(0) && is_trunk_server(1)).then_some(())
    });
    for _ in 0..30 {
        (0..2).for_each(|storage| stored.push(upload(&cluster, storage, stored.len())));
    }
    cluster.links().heal();
    wait_for("one leader", || (leads_now(0) != leads_now(1)).then_some(()));
    (0..2).for_each(|storage| until_in_slot(&cluster, storage, &mut stored));

    assert!(check_places(&stored) >= 4);
    for file in &stored {
        for storage in 0..2 {
            wait_for(&format!("{} at storage {storage}", file.0.as_str()), || {
                has(&cluster, storage, file).then_some(())
            });
        }
    }
}
