//! Servers of two kinds in one cluster: ours and those of the folder that `FDFS_MIXED_B` names, the reference's say.
//!
//! Each scenario has a left and a right player and runs with ours on either side; without that folder ours play both in the quick
//! ones, on loopback. With it the servers are in network namespaces, which takes root and `ip`. How to run it, and
//! what came of it: `docs/compatibility.md`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

mod crowds;
mod groups;
mod ids;
mod members;
mod operations;
mod recovery;
mod takeover;
mod trackers;
mod trunk;
mod upgrade;

use std::path::Path;

use fdfs_testkit::mixed::{self, Lab, When, Work};

/// Ours, where no folder is named for it.
const FDFS: &str = env!("CARGO_BIN_EXE_fdfs");
/// The tracker of most scenarios.
const TRACKER: u8 = 1;
/// The storage of the left player, where both have one.
const LEFT: u8 = 2;
/// And the other one's.
const RIGHT: u8 = 3;

fn run(name: &str, scenario: impl Fn(&mut Lab) + Sync) {
    mixed::run(name, Path::new(FDFS), When::Always, scenario);
}

/// A scenario that is left out where there is no other program.
fn run_with_others(name: &str, scenario: impl Fn(&mut Lab) + Sync) {
    mixed::run(name, Path::new(FDFS), When::WithOthers, scenario);
}

/// A tracker and a storage of the left, and one of the right: each has every kind of file of its own and of the other.
fn group_at_work(lab: &mut Lab) -> Work {
    let (left, right) = (lab.left.clone(), lab.right.clone());
    lab.tracker(TRACKER, &left);
    lab.storage(LEFT, &left);
    lab.storage(RIGHT, &right);
    let mut work = Work::default();
    work.everything(lab, LEFT);
    work.everything(lab, RIGHT);
    work.check(lab);
    work
}

/// The group goes on: every kind of file from both sides, and the trackers name storages that have them.
fn work_on(lab: &mut Lab, work: &mut Work) {
    work.everything(lab, RIGHT);
    work.everything(lab, LEFT);
    work.check(lab);
    work.check_by_trackers(lab);
}
