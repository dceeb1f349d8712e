//! Storages of both kinds in a group.

use fdfs_testkit::mixed::Work;

use crate::{LEFT, RIGHT, TRACKER, run, work_on};

#[test]
fn a_tracker_of_one_kind_serves_storages_of_the_other() {
    run("tracker and storages", |lab| {
        let (left, right) = (lab.left.clone(), lab.right.clone());
        lab.tracker(TRACKER, &left);
        lab.storage(LEFT, &right);
        lab.storage(RIGHT, &right);
        let mut work = Work::default();
        work.everything(lab, LEFT);
        work.everything(lab, RIGHT);
        work.upload_anywhere(lab, 1_000);
        work.check(lab);
        work.check_by_trackers(lab);
    });
}

#[test]
fn storages_of_both_kinds_replicate_to_each_other() {
    run("group of both", |lab| {
        let (left, right) = (lab.left.clone(), lab.right.clone());
        lab.tracker(TRACKER, &left);
        lab.storage(LEFT, &left);
        lab.storage(RIGHT, &right);
        let mut work = Work::default();
        for host in [LEFT, RIGHT, LEFT] {
            work.everything(lab, host);
        }
        work.check(lab);
        // And after both were away.
        for (host, program) in [(LEFT, &left), (RIGHT, &right)] {
            lab.stop(host);
            lab.start(host, program);
            lab.wait_active(host);
        }
        work_on(lab, &mut work);
    });
}

#[test]
fn a_new_storage_of_the_other_kind_gets_all_old_files() {
    run("joining", |lab| {
        let (left, right) = (lab.left.clone(), lab.right.clone());
        lab.tracker(TRACKER, &left);
        lab.storage(LEFT, &left);
        let mut work = Work::default();
        work.everything(lab, LEFT);
        lab.storage(RIGHT, &right);
        work.check(lab);
        work_on(lab, &mut work);
    });
}
