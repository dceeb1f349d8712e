//! One directory, one configuration: the right player takes over from the left one, and gives back.

use fdfs_testkit::mixed::server::Complaint;
use fdfs_testkit::mixed::tree::Tree;
use fdfs_testkit::mixed::{Lab, Work};

use crate::trunk::{check_places, fill, use_trunk_files, wait_for_slots, without_joined_blocks};
use crate::{LEFT, RIGHT, TRACKER, group_at_work, run, run_with_others};

/// Files that differ although nothing was written: our own, the process id, counters of what was served; and of a trunk
/// server its account of free blocks, which it puts in order at its start.
fn is_left_out(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let files = ["fdfs_storaged.pid", "storage_stat.dat", "storage_trunk.dat", "trunk/binlog"];
    name.starts_with(".fdfs") || files.contains(&name) || files.contains(&path)
}

/// The directories of a storage that does not run.
fn trees(lab: &Lab, host: u8) -> [Tree; 2] {
    let server = lab.server(host);
    [server.base.join("data"), server.store_paths[0].join("data")].map(|folder| Tree::of(&folder, is_left_out))
}

fn assert_same(before: &[Tree; 2], after: &[Tree; 2]) {
    let told: Vec<_> = before.iter().zip(after).flat_map(|(before, after)| before.differences(after)).collect();
    assert!(told.is_empty(), "without a write:\n{}", told.join("\n"));
}

/// What the reference says when a storage of ours asks what only ours know.
const UNKNOWN_QUESTION: &str = "unknown cmd: -13";

/// The program that runs on a host now has complained of nothing.
fn assert_content(lab: &Lab, host: u8) {
    let of_run = lab.server(host).last_complaints();
    let lines = of_run.iter().map(|Complaint { line, .. }| line);
    let lines: Vec<_> = lines.filter(|line| !line.contains(UNKNOWN_QUESTION)).collect();
    assert!(lines.is_empty(), "on what the other left: {lines:?}");
}

/// Two storages of the left player with files; the second one is to be taken over.
fn begin(lab: &mut Lab, is_with_slots: bool) -> Work {
    let left = lab.left.clone();
    lab.tracker(TRACKER, &left);
    let mut work = Work::default();
    lab.storage(RIGHT, &left);
    if is_with_slots {
        wait_for_slots(lab, &mut work, RIGHT);
    }
    lab.storage(LEFT, &left);
    if is_with_slots {
        fill(lab, &mut work, &[LEFT, RIGHT], 30);
    }
    work.everything(lab, LEFT);
    work.everything(lab, RIGHT);
    work.check(lab);
    work
}

fn nothing_is_written(lab: &mut Lab, is_with_slots: bool) {
    let (left, right) = (lab.left.clone(), lab.right.clone());
    let mut work = begin(lab, is_with_slots);
    lab.stop(RIGHT);
    let before = trees(lab, RIGHT);
    lab.start(RIGHT, &right);
    lab.wait_active(RIGHT);
    work.check(lab);
    assert_content(lab, RIGHT);
    lab.stop(RIGHT);
    assert_same(&before, &trees(lab, RIGHT));
    lab.start(RIGHT, &left);
    lab.wait_active(RIGHT);
    work.check(lab);
    assert_content(lab, RIGHT);
    work.everything(lab, RIGHT);
    work.everything(lab, LEFT);
    work.check(lab);
    work.check_by_trackers(lab);
}

fn much_is_written(lab: &mut Lab, is_with_slots: bool) {
    let (left, right) = (lab.left.clone(), lab.right.clone());
    let mut work = begin(lab, is_with_slots);
    for program in [&right, &left, &right, &left] {
        lab.stop(RIGHT);
        // What comes meanwhile has to be caught up with.
        work.upload(lab, LEFT, 300_000);
        lab.start(RIGHT, program);
        lab.wait_active(RIGHT);
        assert_content(lab, RIGHT);
        let old: Vec<_> = work.kept.iter().map(|kept| kept.id).filter(|id| id.to_string().ends_with(".h3")).collect();
        work.metadata(lab, &old[old.len() / 2]);
        old.iter().step_by(5).for_each(|id| work.delete(lab, id));
        work.everything(lab, RIGHT);
        work.everything(lab, LEFT);
        if is_with_slots {
            fill(lab, &mut work, &[LEFT, RIGHT], 20);
            check_places(&work);
        }
        work.check(lab);
    }
    work.check_by_trackers(lab);
}

#[test]
fn a_storage_is_taken_over_and_given_back_and_nothing_changed() {
    run("takeover without writes", |lab| nothing_is_written(lab, false));
}

#[test]
fn a_storage_with_trunk_files_is_taken_over_and_given_back_and_nothing_changed() {
    run_with_others("takeover without writes, trunk files", |lab| {
        use_trunk_files(lab);
        nothing_is_written(lab, true);
    });
}

#[test]
fn a_storage_is_taken_over_and_given_back_and_each_goes_on_with_the_files_of_the_other() {
    run_with_others("takeover with writes", |lab| much_is_written(lab, false));
}

#[test]
fn a_storage_with_trunk_files_is_taken_over_and_given_back() {
    run_with_others("takeover with writes, trunk files", |lab| {
        use_trunk_files(lab);
        without_joined_blocks(lab);
        much_is_written(lab, true);
    });
}

#[test]
fn a_tracker_is_taken_over_and_given_back() {
    run_with_others("takeover of the tracker", |lab| {
        lab.expect_problem("tried again until it works");
        let (left, right) = (lab.left.clone(), lab.right.clone());
        let mut work = group_at_work(lab);
        let joined = |lab: &Lab| -> Vec<_> {
            let records = lab.records_of(TRACKER);
            records.iter().map(|record| (record.id.to_string(), record.join_time_secs)).collect()
        };
        let before = joined(lab);
        assert_eq!(before.len(), 2);
        for program in [&right, &left, &right] {
            lab.stop(TRACKER);
            lab.start(TRACKER, program);
            [LEFT, RIGHT].iter().for_each(|host| lab.wait_active(*host));
            assert_eq!(joined(lab), before);
            work.upload_anywhere(lab, 2_000);
            work.everything(lab, LEFT);
            work.everything(lab, RIGHT);
            work.check(lab);
            work.check_by_trackers(lab);
        }
    });
}
