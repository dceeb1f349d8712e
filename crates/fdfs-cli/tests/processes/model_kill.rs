//! Random requests of every kind against a plain map, with `kill -9` of storages between them.
//!
//! `FDFS_SEED` repeats a run.

use std::path::Path;

use fdfs_testkit::model::Model;
use fdfs_testkit::{Cluster, DaemonCluster, LayoutBuilder};

const ROUNDS: usize = 6;
const STEPS: usize = 120;

fn seed() -> u64 {
    let seed = std::env::var("FDFS_SEED").ok().map_or_else(|| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("seed {seed}");
    seed
}

fn start(builder: &LayoutBuilder) -> DaemonCluster {
    DaemonCluster::start(Path::new(env!("CARGO_BIN_EXE_fdfs")), builder.lay_out())
}

#[test]
fn files_of_every_kind_survive_killed_storages() {
    let seed = seed();
    for durability in ["disk", "none"] {
        let builder = Cluster::builder().group("group1", 1).storage_key("durability", durability);
        let builder = builder.storage_key("check_file_duplicate", 1).storage_key("key_namespace", "model");
        let mut cluster = start(&builder);
        let mut model = Model::new("group1", seed);
        for _ in 0..ROUNDS {
            model.run(cluster.layout.storages[0].addr, STEPS);
            cluster.kill_storage(0);
            cluster.start_storage(0);
            model.check_all(cluster.layout.storages[0].addr);
        }
        assert!(model.file_count() > 10, "seed {seed}: {} files", model.file_count());
    }
}

#[test]
fn w07_a_replica_comes_to_the_same_files_whoever_is_killed() {
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut cluster = start(&Cluster::builder().group("group1", 2));
    let (source, replica) = (cluster.layout.storages[0].addr, cluster.layout.storages[1].addr);
    // Whoever is away cannot be reached.
    [source, replica].iter().for_each(|addr| cluster.expect_problem(&addr.to_string()));
    let mut model = Model::new("group1", seed);
    for _ in 0..ROUNDS {
        model.run(source, 1 + random.usize(..STEPS));
        match random.u32(..4) {
            // What the replica has, or is about to take in, the source does not know any more.
            0 => {
                cluster.kill_storage(0);
                cluster.start_storage(0);
            }
            1 => {
                cluster.kill_storage(1);
                model.run(source, 1 + random.usize(..STEPS));
                cluster.start_storage(1);
            }
            2 => {
                cluster.kill_storage(1);
                cluster.kill_storage(0);
                cluster.start_storage(0);
                cluster.start_storage(1);
            }
            _ => {
                cluster.kill_storage(1);
                cluster.launch_storage(1);
            }
        }
    }
    model.run(source, STEPS);
    let bases: Vec<_> = cluster.layout.storages.iter().map(|plan| plan.base_path.as_path()).collect();
    model.wait_until_equal(replica, &bases);
    model.check_all(source);
}
