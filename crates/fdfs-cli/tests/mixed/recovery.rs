//! A store path that lost its files gets them from a storage of the other kind.

use std::fs;

use fdfs_testkit::mixed::{Lab, Work};

use crate::trunk::{fill, use_trunk_files, wait_for_slots};
use crate::{LEFT, RIGHT, TRACKER, group_at_work, run, run_with_others, work_on};

/// The right storage loses what is in its last store path while it is stopped.
fn lose_a_store_path(lab: &mut Lab, work: &mut Work) {
    lab.expect_problem("came back empty");
    // What cannot be applied to a store path that is being refilled comes again later.
    lab.expect_problem("answers 11 EAGAIN: Resource temporarily unavailable; tried again later");
    lab.stop(RIGHT);
    work.upload(lab, LEFT, 4_000);
    let path = lab.server(RIGHT).store_paths.last().unwrap().join("data");
    fs::remove_dir_all(path).unwrap();
    let right = lab.right.clone();
    lab.start(RIGHT, &right);
    lab.wait_active(RIGHT);
    work.check(lab);
    work.upload_soon(lab, RIGHT, 500);
}

#[test]
fn a_lost_store_path_is_refilled_by_the_other_kind() {
    run("disk recovery", |lab| {
        let mut work = group_at_work(lab);
        lose_a_store_path(lab, &mut work);
        work_on(lab, &mut work);
    });
}

#[test]
fn one_of_two_store_paths_is_refilled_by_the_other_kind() {
    run_with_others("disk recovery, two store paths", |lab| {
        let (left, right) = (lab.left.clone(), lab.right.clone());
        lab.storage_keys.set("store_path_count", 2);
        lab.tracker(TRACKER, &left);
        lab.storage(LEFT, &left);
        lab.storage(RIGHT, &right);
        let mut work = Work::default();
        for _ in 0..2 {
            work.everything(lab, LEFT);
            work.everything(lab, RIGHT);
        }
        work.check(lab);
        lose_a_store_path(lab, &mut work);
        work.check(lab);
        work.check_by_trackers(lab);
    });
}

#[test]
fn a_lost_store_path_with_trunk_files_is_refilled_by_the_other_kind() {
    run_with_others("disk recovery, trunk files", |lab| {
        use_trunk_files(lab);
        let (left, right) = (lab.left.clone(), lab.right.clone());
        lab.tracker(TRACKER, &left);
        lab.storage(LEFT, &left);
        let mut work = Work::default();
        wait_for_slots(lab, &mut work, LEFT);
        lab.storage(RIGHT, &right);
        fill(lab, &mut work, &[LEFT, RIGHT], 40);
        work.everything(lab, LEFT);
        work.everything(lab, RIGHT);
        work.check(lab);
        lose_a_store_path(lab, &mut work);
        fill(lab, &mut work, &[LEFT, RIGHT], 40);
        work.check(lab);
        work.check_by_trackers(lab);
    });
}
