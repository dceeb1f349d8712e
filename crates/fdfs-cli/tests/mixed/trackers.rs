//! Trackers of both kinds.

use fdfs_testkit::mixed::{Lab, Program, Work};

use crate::{LEFT, RIGHT, TRACKER, run_with_others, work_on};

/// More trackers.
const SECOND: u8 = 4;
const THIRD: u8 = 5;
/// What storages of ours say of a tracker that is away.
const TRIED_AGAIN: &str = "tried again until it works";

/// The tracker that all that run take for the leader, and that runs.
fn leader(lab: &mut Lab) -> u8 {
    lab.wait("trackers to agree on a leader", |lab| {
        let trackers = lab.trackers();
        let seen_by = |lab: &Lab, host: u8| lab.block_on(lab.client_of(&[host]).trackers()[0].leader()).ok().flatten();
        let first = seen_by(lab, trackers[0])?;
        let is_agreed = trackers.iter().all(|host| seen_by(lab, *host).as_ref() == Some(&first));
        trackers.into_iter().find(|host| is_agreed && lab.server(*host).addr.to_string() == first)
    })
}

fn kind_of(lab: &Lab, tracker: u8) -> Program {
    if tracker == SECOND { lab.right.clone() } else { lab.left.clone() }
}

/// Three trackers, which know of each other from storages that come later.
fn start_three(lab: &mut Lab) {
    let hosts = [TRACKER, SECOND, THIRD];
    hosts.iter().for_each(|host| lab.add_tracker(*host));
    for host in hosts {
        let kind = kind_of(lab, host);
        lab.start(host, &kind);
    }
}

#[test]
fn trackers_of_both_kinds_elect_a_leader_when_theirs_dies() {
    run_with_others("election", |lab| {
        let (left, right) = (lab.left.clone(), lab.right.clone());
        lab.expect_problem(TRIED_AGAIN);
        start_three(lab);
        lab.storage(LEFT, &left);
        lab.storage(RIGHT, &right);
        let mut work = Work::default();
        work.everything(lab, LEFT);
        work.everything(lab, RIGHT);
        // Two leaders die, one after the other.
        for _ in 0..2 {
            let dead = leader(lab);
            lab.server_mut(dead).kill();
            assert_ne!(leader(lab), dead);
            work.upload_anywhere(lab, 2_000);
            work.everything(lab, LEFT);
            work.everything(lab, RIGHT);
            let kind = kind_of(lab, dead);
            lab.start(dead, &kind);
            [LEFT, RIGHT].iter().for_each(|host| lab.wait_active(*host));
            leader(lab);
        }
        work.check(lab);
        work.check_by_trackers(lab);
    });
}

/// What happens within a beat of the new storage must not be lost on the trackers that do not lead.
#[test]
fn a_storage_joins_under_trackers_of_both_kinds_with_slow_beats() {
    run_with_others("joining under trackers", |lab| {
        let (left, right) = (lab.left.clone(), lab.right.clone());
        start_three(lab);
        lab.storage(LEFT, &left);
        leader(lab);
        let mut work = Work::default();
        work.everything(lab, LEFT);
        lab.storage_keys.set("heart_beat_interval", 5);
        lab.storage(RIGHT, &right);
        work_on(lab, &mut work);
    });
}

#[test]
fn one_leader_of_two_trackers_stops_and_comes_back() {
    run_with_others("two trackers", |lab| {
        let (left, right) = (lab.left.clone(), lab.right.clone());
        lab.expect_problem(TRIED_AGAIN);
        [TRACKER, SECOND].iter().for_each(|host| lab.add_tracker(*host));
        lab.start(TRACKER, &left);
        lab.start(SECOND, &right);
        lab.storage(LEFT, &left);
        lab.storage(RIGHT, &right);
        let mut work = Work::default();
        for host in [TRACKER, SECOND, TRACKER] {
            leader(lab);
            lab.stop(host);
            assert_ne!(leader(lab), host);
            work.upload_anywhere(lab, 2_000);
            let kind = kind_of(lab, host);
            lab.start(host, &kind);
            [LEFT, RIGHT].iter().for_each(|host| lab.wait_active(*host));
        }
        work_on(lab, &mut work);
    });
}
