//! Small files in slots of trunk files: storages of both kinds write into each other's, and the trunk server changes.

use std::collections::BTreeMap;

use fdfs_client::FileId;
use fdfs_proto::file_id::LogicName;
use fdfs_testkit::mixed::{Lab, Work};

use crate::{LEFT, RIGHT, TRACKER, run, run_with_others, work_on};

/// What storages of ours say while there is no trunk server.
const ON_THEIR_OWN: &str = "small files go on their own";

/// Trackers tell storages to use trunk files.
pub(crate) fn use_trunk_files(lab: &mut Lab) {
    lab.expect_problem(ON_THEIR_OWN);
    for (key, value) in [
        ("use_trunk_file", "true"),
        ("slot_max_size", "256KB"),
        ("trunk_file_size", "4MB"),
        ("trunk_alloc_alignment_size", "256"),
        ("trunk_free_space_merge", "true"),
    ] {
        lab.tracker_keys.set(key, value);
    }
}

/// For scenarios in which the role of the trunk server moves: the reference joins free blocks without a record in the trunk
/// binlog when it takes the role, so that the next trunk server, of its own kind too, gives out slots that are taken.
pub(crate) fn without_joined_blocks(lab: &mut Lab) {
    lab.tracker_keys.set("trunk_free_space_merge", false);
}

/// The bytes of which trunk file a file has.
fn place(id: &FileId) -> Option<((u8, u32), (u32, u32))> {
    let name = LogicName::parse(&id.name).unwrap();
    let part = name.trunk_part()?;
    Some(((name.store_path_index(), part.id), (part.offset, part.offset + part.alloc_size)))
}

/// No two files have a byte in common.
pub(crate) fn check_places(work: &Work) {
    let mut places: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for kept in &work.kept {
        if let Some((file, range)) = place(&kept.id) {
            places.entry(file).or_default().push((range, kept.id));
        }
    }
    for ranges in places.values_mut() {
        ranges.sort_by_key(|(range, _)| range.0);
        for pair in ranges.windows(2) {
            assert!(pair[0].0.1 <= pair[1].0.0, "{} and {} share bytes", pair[0].1, pair[1].1);
        }
    }
}

/// Uploads small files to a storage until one is in a slot.
pub(crate) fn wait_for_slots(lab: &mut Lab, work: &mut Work, host: u8) {
    let what = format!("small files of storage {host} to go into slots");
    lab.wait(&what, |lab| place(&work.upload_soon(lab, host, 300)).map(drop));
}

/// Small files to the storages of these hosts in turn, all into slots once each knows the trunk server; and some are deleted
/// again.
pub(crate) fn fill(lab: &mut Lab, work: &mut Work, hosts: &[u8], count: usize) {
    hosts.iter().for_each(|host| wait_for_slots(lab, work, *host));
    let ids: Vec<_> = (0..count).map(|n| work.upload(lab, hosts[n % hosts.len()], 100 + n * 977 % 9_000)).collect();
    let outside = ids.iter().find(|id| place(id).is_none());
    assert!(outside.is_none(), "{outside:?} is in no slot");
    ids.iter().step_by(3).for_each(|id| work.delete(lab, id));
    check_places(work);
}

#[test]
fn storages_of_both_kinds_share_trunk_files() {
    run("trunk files", |lab| {
        use_trunk_files(lab);
        let (left, right) = (lab.left.clone(), lab.right.clone());
        lab.tracker(TRACKER, &left);
        lab.storage(LEFT, &left);
        let mut work = Work::default();
        wait_for_slots(lab, &mut work, LEFT);
        lab.storage(RIGHT, &right);
        wait_for_slots(lab, &mut work, RIGHT);
        for _ in 0..3 {
            fill(lab, &mut work, &[LEFT, RIGHT], 40);
            work.check(lab);
        }
        work_on(lab, &mut work);
        check_places(&work);
    });
}

#[test]
fn the_role_of_the_trunk_server_goes_to_the_other_kind_and_back() {
    run_with_others("change of the trunk server", |lab| {
        use_trunk_files(lab);
        without_joined_blocks(lab);
        let (left, right) = (lab.left.clone(), lab.right.clone());
        lab.tracker(TRACKER, &left);
        lab.storage(LEFT, &left);
        let mut work = Work::default();
        wait_for_slots(lab, &mut work, LEFT);
        lab.storage(RIGHT, &right);
        fill(lab, &mut work, &[LEFT, RIGHT], 30);
        work.check(lab);
        // Whoever has the role stops, and the other one takes it.
        for (stopped, program, other) in [(LEFT, &left, RIGHT), (RIGHT, &right, LEFT)] {
            lab.stop(stopped);
            fill(lab, &mut work, &[other], 30);
            lab.start(stopped, program);
            lab.wait_active(stopped);
            fill(lab, &mut work, &[LEFT, RIGHT], 30);
            work.check(lab);
        }
        work.check_by_trackers(lab);
        check_places(&work);
    });
}
