//! A cluster of the left player becomes one of the right player, server by server while clients work; and back.

use fdfs_testkit::mixed::{Lab, Work};

use crate::trunk::{check_places, use_trunk_files, wait_for_slots, without_joined_blocks};
use crate::{LEFT, RIGHT, TRACKER, run_with_others};

/// The second tracker.
const SECOND: u8 = 4;

fn one_server_at_a_time(lab: &mut Lab, is_with_slots: bool) {
    lab.expect_problem("tried again until it works");
    let (left, right) = (lab.left.clone(), lab.right.clone());
    [TRACKER, SECOND].iter().for_each(|host| lab.add_tracker(*host));
    [TRACKER, SECOND].iter().for_each(|host| lab.start(*host, &left));
    lab.storage(LEFT, &left);
    let mut work = Work::default();
    if is_with_slots {
        wait_for_slots(lab, &mut work, LEFT);
    }
    lab.storage(RIGHT, &left);
    // As docs/migrating.md says: trackers first.
    for program in [&right, &left] {
        for host in [TRACKER, SECOND, LEFT, RIGHT] {
            lab.stop(host);
            for _ in 0..3 {
                work.upload_anywhere(lab, 1_500);
            }
            lab.start(host, program);
            [LEFT, RIGHT].iter().for_each(|storage| lab.wait_active(*storage));
            for storage in [LEFT, RIGHT] {
                work.upload_soon(lab, storage, 800);
                work.everything(lab, storage);
            }
            work.check(lab);
            check_places(&work);
        }
    }
    work.check_by_trackers(lab);
}

#[test]
fn a_cluster_is_exchanged_server_by_server_and_back() {
    run_with_others("rolling upgrade and back", |lab| one_server_at_a_time(lab, false));
}

#[test]
fn a_cluster_with_trunk_files_is_exchanged_server_by_server_and_back() {
    run_with_others("rolling upgrade and back, trunk files", |lab| {
        use_trunk_files(lab);
        without_joined_blocks(lab);
        one_server_at_a_time(lab, true);
    });
}
