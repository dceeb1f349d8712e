//! Random requests of every kind against a plain map, in a group with trunk files, with `kill -9` of the storage between
//! them: of the trunk server itself.

use std::path::Path;

use fdfs_client::{Client, UploadOptions};
use fdfs_testkit::model::Model;
use fdfs_testkit::{Cluster, DaemonCluster, wait_for};

const ROUNDS: usize = 6;
const STEPS: usize = 150;
/// Characters of the name of a file in a slot.
const IN_SLOT_LEN: usize = 60;

/// `FDFS_SEED` repeats a run.
fn check(durability: &str) {
    let seed = std::env::var("FDFS_SEED").ok().map_or_else(|| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("seed {seed}");
    let builder = Cluster::builder()
        .group("group1", 1)
        .storage_key("durability", durability)
        .tracker_key("use_trunk_file", true)
        .tracker_key("slot_max_size", "2KB")
        .tracker_key("trunk_file_size", "4MB");
    let mut cluster = DaemonCluster::start(Path::new(env!("CARGO_BIN_EXE_fdfs")), builder.lay_out());
    // While it is not yet told that it is the trunk server.
    cluster.expect_problem("small files go on their own");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::builder().tracker(&cluster.layout.trackers[0].addr.to_string()).build().unwrap();
    let mut model = Model::new("group1", seed).with_slots();
    for _ in 0..ROUNDS {
        wait_for("small files to go into slots", || {
            let id = runtime.block_on(client.upload(b"is there a slot?", &UploadOptions::new())).ok()?;
            (id.name.as_str().len() == IN_SLOT_LEN).then_some(())
        });
        model.run(cluster.layout.storages[0].addr, STEPS);
        cluster.kill_storage(0);
        cluster.start_storage(0);
        model.check_all(cluster.layout.storages[0].addr);
    }
    assert!(model.slot_count() > 5, "seed {seed}: {} of {} files", model.slot_count(), model.file_count());
}

#[test]
fn files_in_slots_and_beside_them_survive_killed_storages() {
    check("disk");
}

#[test]
fn they_do_without_flushes_too() {
    check("none");
}
