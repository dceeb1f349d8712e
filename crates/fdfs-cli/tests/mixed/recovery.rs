//! A store path that lost its files gets them from a storage of the other kind.

use std::fs;

use fdfs_testkit::mixed::Work;

use crate::{LEFT, RIGHT, TRACKER, run};

#[test]
fn a_lost_store_path_is_refilled_by_the_other_kind() {
    run("disk recovery", |lab| {
        let (left, right) = (lab.left.clone(), lab.right.clone());
        lab.expect_problem("came back empty");
        lab.tracker(TRACKER, &left);
        lab.storage(LEFT, &left);
        lab.storage(RIGHT, &right);
        let mut work = Work::default();
        work.everything(lab, LEFT);
        work.everything(lab, RIGHT);
        work.check(lab);
        lab.stop(RIGHT);
        work.upload(lab, LEFT, 4_000);
        let path = lab.server(RIGHT).store_paths[0].join("data");
        fs::remove_dir_all(path).unwrap();
        lab.start(RIGHT, &right);
        lab.wait_active(RIGHT);
        work.check(lab);
        work.upload_soon(lab, RIGHT, 500);
        work.everything(lab, RIGHT);
        work.everything(lab, LEFT);
        work.check(lab);
        work.check_by_trackers(lab);
    });
}
