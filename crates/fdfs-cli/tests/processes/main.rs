//! Clusters of processes, and what happens to processes: they are frozen, their disks are full, their clocks are wrong.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

mod harness;
mod kill;
mod kill_members;
mod kill_trunk;
mod membership;
mod model_kill;
mod model_trunk;
mod recovery_kill;
mod reload;
mod troubles;
mod two_leaders;

use std::path::Path;

use fdfs_testkit::{Cluster, DaemonCluster, LayoutBuilder};

/// `group1` with so many storages and proxies between all servers.
fn group_of(count: usize) -> LayoutBuilder {
    Cluster::builder().group("group1", count).proxies()
}

fn start(builder: &LayoutBuilder) -> DaemonCluster {
    DaemonCluster::start(program(), builder.lay_out())
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_fdfs"))
}
