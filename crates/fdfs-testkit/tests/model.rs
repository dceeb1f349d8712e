//! Thousands of random requests of every kind against a plain map, with restarts between them.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use fdfs_testkit::model::Model;
use fdfs_testkit::{Cluster, LayoutBuilder, wait_for};

const ROUNDS: usize = 6;
const STEPS: usize = 350;

/// `FDFS_SEED` repeats a run.
fn seed() -> u64 {
    let seed = std::env::var("FDFS_SEED").ok().map_or_else(|| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("seed {seed}");
    seed
}

/// Runs the model.
fn check(builder: &LayoutBuilder, prepare: impl Fn(Model) -> Model) {
    let seed = seed();
    let mut cluster = builder.start();
    let mut model = prepare(Model::new("group1", seed));
    for _ in 0..ROUNDS {
        model.run(cluster.storages[0].addr(), STEPS);
        cluster.storages[0].stop();
        cluster.storages[0].start();
        model.check_all(cluster.storages[0].addr());
    }
    assert_eq!(model.step_count(), ROUNDS * STEPS);
    assert!(model.file_count() > 10, "seed {seed}: {} files", model.file_count());
}

#[test]
fn files_of_every_kind_agree_with_a_plain_map() {
    check(&Cluster::builder().group("group1", 1).store_paths(2), |model| model);
}

#[test]
fn so_do_slaves_that_are_stored_as_links() {
    let builder = Cluster::builder().group("group1", 1).tracker_key("store_slave_file_use_link", 1);
    check(&builder, Model::with_linked_slaves);
}

#[test]
fn so_do_files_whose_content_is_stored_once() {
    for method in ["hash", "md5"] {
        let builder = Cluster::builder().group("group1", 1).store_paths(2);
        let builder = builder.storage_key("check_file_duplicate", 1).storage_key("key_namespace", "model");
        check(&builder.storage_key("file_signature_method", method), |model| model);
    }
}

#[test]
fn a_replica_that_was_away_now_and_then_comes_to_the_same_files() {
    let seed = seed();
    let mut cluster = Cluster::builder().group("group1", 2).start();
    // It cannot be reached while it is down.
    cluster.expect_problem(&cluster.storages[1].addr().to_string());
    let mut model = Model::new("group1", seed);
    for round in 0..4 {
        if round % 2 == 1 {
            cluster.storages[1].stop();
        }
        model.run(cluster.storages[0].addr(), STEPS / 2);
        if round % 2 == 1 {
            cluster.storages[1].start();
        }
        model.run(cluster.storages[0].addr(), STEPS / 4);
    }
    let bases: Vec<_> = cluster.storages.iter().map(|storage| storage.plan.base_path.as_path()).collect();
    model.wait_until_equal(cluster.storages[1].addr(), &bases);
    model.check_all(cluster.storages[0].addr());
}

/// Small files lie in trunk files, the others as ever; some are small enough only when nobody appends to them.
#[test]
fn so_do_files_in_slots() {
    let seed = seed();
    let builder = Cluster::builder().group("group1", 1).store_paths(2).tracker_key("use_trunk_file", true);
    let builder = builder.tracker_key("slot_max_size", "2KB").tracker_key("trunk_file_size", "4MB");
    let mut cluster = builder.start();
    let mut model = Model::new("group1", seed).with_slots();
    for _ in 0..ROUNDS {
        wait_for("somebody to give out space", || cluster.storages[0].inside().trunk.is_server().then_some(()));
        model.run(cluster.storages[0].addr(), STEPS);
        cluster.storages[0].stop();
        cluster.storages[0].start();
        model.check_all(cluster.storages[0].addr());
    }
    assert!(model.slot_count() > 5, "seed {seed}: {} of {} files", model.slot_count(), model.file_count());
}
