//! Replication over links that break: cut, hung, slow, answering rubbish, in one direction or both.

use std::time::{Duration, Instant};

use fdfs_testkit::{Cluster, Link, Node, wait_for};

use crate::support::{is_stored, stored};

const ZERO: Node = Node::Storage(0);
const ONE: Node = Node::Storage(1);
const TWO: Node = Node::Storage(2);

/// A group whose members say what they like of each other: whoever cannot reach an address names it.
fn group_of(count: usize) -> Cluster {
    let builder = Cluster::builder().group("group1", count).proxies();
    let cluster = builder.storage_key("connect_timeout", 1).storage_key("network_timeout", 1).start();
    cluster.expect_problem("127.");
    cluster
}

fn content(number: usize) -> Vec<u8> {
    format!("content {number} ").repeat(number % 50 + 1).into_bytes()
}

/// Uploads to storage 0; names and contents.
fn upload_some(cluster: &Cluster, count: usize) -> Vec<(String, Vec<u8>)> {
    (0..count).map(content).map(|content| (stored(cluster, 0, &content), content)).collect()
}

fn wait_until_all_are_at(cluster: &Cluster, storage: usize, files: &[(String, Vec<u8>)]) {
    for (name, content) in files {
        wait_for(&format!("{name} at storage {storage}"), || is_stored(cluster, storage, name, content).then_some(()));
    }
}

#[test]
fn files_of_a_cut_arrive_when_it_is_healed() {
    for link in [Link::Cut, Link::Hang] {
        let cluster = group_of(2);
        let before = upload_some(&cluster, 3);
        wait_until_all_are_at(&cluster, 1, &before);
        cluster.links().set_both(ZERO, ONE, link);
        let during = upload_some(&cluster, 20);
        let passed = cluster.links().passed_bytes(ZERO, ONE);
        for (name, content) in &during {
            assert!(!is_stored(&cluster, 1, name, content), "{name} went through a {link:?}");
        }
        assert_eq!(cluster.links().passed_bytes(ZERO, ONE), passed);
        cluster.links().heal();
        wait_until_all_are_at(&cluster, 1, &during);
    }
}

#[test]
fn answers_that_never_come_lose_nothing_and_double_nothing() {
    let cluster = group_of(2);
    let before = upload_some(&cluster, 1);
    // The storages have met: a connection that is yet to be made would wait for an answer before the first file.
    wait_until_all_are_at(&cluster, 1, &before);
    cluster.set_link(ONE, ZERO, Link::Hang);
    let files = upload_some(&cluster, 20);
    // The requests of the first ones arrive, and nobody learns of it.
    wait_until_all_are_at(&cluster, 1, &files[..1]);
    cluster.links().heal();
    wait_until_all_are_at(&cluster, 1, &files);
    let names = crate::support::user_files(&cluster, 1).len();
    assert_eq!(names, before.len() + files.len());
}

#[test]
fn a_slow_peer_slows_nobody_else() {
    let cluster = group_of(3);
    cluster.set_link(ZERO, TWO, Link::Slow(20_000));
    let files: Vec<_> = (0..20u8).map(|number| vec![number; 10_000]).map(|c| (stored(&cluster, 0, &c), c)).collect();
    let started = Instant::now();
    wait_until_all_are_at(&cluster, 1, &files);
    let took = started.elapsed();
    let (last, content) = &files[19];
    assert!(!is_stored(&cluster, 2, last, content), "200 KB at 20 KB/s take longer than {took:?}");
    cluster.links().heal();
    wait_until_all_are_at(&cluster, 2, &files);
}

#[test]
fn a_peer_that_talks_rubbish_harms_nobody() {
    for (from, to) in [(ZERO, ONE), (ONE, ZERO)] {
        let cluster = group_of(3);
        cluster.set_link(from, to, Link::Garble);
        let files = upload_some(&cluster, 10);
        wait_until_all_are_at(&cluster, 2, &files);
        cluster.links().heal();
        wait_until_all_are_at(&cluster, 1, &files);
    }
}

#[test]
fn a_storage_alone_goes_on_and_both_sides_are_one_again() {
    let cluster = group_of(3);
    let before = upload_some(&cluster, 2);
    wait_until_all_are_at(&cluster, 1, &before);
    wait_until_all_are_at(&cluster, 2, &before);
    cluster.links().isolate(ZERO, Link::Hang);
    let here = upload_some(&cluster, 5);
    let there: Vec<_> = (100..105).map(content).map(|c| (stored(&cluster, 1, &c), c)).collect();
    wait_until_all_are_at(&cluster, 2, &there);
    let patience = Duration::from_secs(20);
    let healed = Instant::now();
    cluster.links().heal();
    for storage in 0..3 {
        wait_until_all_are_at(&cluster, storage, &here);
        wait_until_all_are_at(&cluster, storage, &there);
    }
    assert!(healed.elapsed() < patience);
}
