//! The rules one by one, with trackers of the reference on the other side where it matters.

use fdfs_proto::Status;

use super::{Answer, Ask, Election, LEASE_MS, PROMISE_MS, Question, Refusal};
use crate::tracker::addr::HostPort;
use crate::tracker::rank::TrackerStatus;
use crate::tracker::tests_support::ip;

fn host(number: u8) -> HostPort {
    HostPort { ip: ip(&format!("10.0.0.{number}")), port: 22122 }
}

fn status(is_leader: bool) -> TrackerStatus {
    TrackerStatus { is_leader, running_secs: 0, restart_interval_secs: 0 }
}

/// The tracker with the highest address of `count`, which is asked first to be the leader.
fn highest(count: u8) -> Election {
    let mut election = Election::new(0, false, 7);
    election.set_members(0, host(count), (1..count).map(host));
    election
}

fn answer_all(election: &mut Election, now_ms: u64, asks: &[Ask], answer: Answer) -> Vec<Ask> {
    asks.iter().flat_map(|ask| election.on_answer(now_ms, ask, answer)).collect()
}

fn elected(count: u8) -> Election {
    let mut election = highest(count);
    let asks = election.tick(0, Some(status(false)));
    let asks = answer_all(&mut election, 5, &asks, Answer::Status(status(false)));
    assert!(asks.iter().all(|ask| ask.question == Question::Notify));
    let asks = answer_all(&mut election, 10, &asks, Answer::Yes);
    assert!(asks.iter().all(|ask| ask.question == Question::Commit));
    assert!(election.leads(10));
    election
}

#[test]
fn a_tracker_alone_leads_at_once_and_no_longer_when_there_are_others() {
    let mut election = Election::new(0, true, 7);
    assert_eq!(election.tick(0, None), [], "nobody is known yet");
    election.set_members(5, host(1), []);
    assert_eq!(election.tick(5, None), []);
    assert_eq!(election.leader(5), Some(host(1)));
    assert_eq!(election.on_reselect(6), Ok(()));
    assert!(election.leads(6), "nobody else could");
    election.set_members(7, host(1), [host(2), host(3)]);
    assert_eq!(election.leader(7), None);
}

#[test]
fn half_of_an_even_number_is_enough_with_the_lowest_address() {
    use super::lease::is_enough;
    let all: Vec<_> = (1..=4).map(host).collect();
    for (have, enough) in [(&[1, 2][..], true), (&[3, 4], false), (&[2, 3, 4], true), (&[1], false)] {
        assert_eq!(is_enough(&all, |member| have.iter().any(|n| host(*n) == *member)), enough, "{have:?}");
    }
    assert!(!is_enough(&all[..2], |member| *member == host(1)), "of two there are other rules");
}

#[test]
fn a_lease_ends_with_its_votes_and_goes_on_with_second_pings() {
    let mut election = elected(3);
    assert!(election.leads(5 + LEASE_MS));
    assert!(!election.leads(6 + LEASE_MS), "votes count from when they were asked for");
    // First pings prove nothing, second ones prove that the first were answered.
    for (at_ms, conn) in [(500, 1), (1000, 1), (1500, 1)] {
        election.on_ping(at_ms, host(1), conn).unwrap();
    }
    assert!(election.leads(1000 + LEASE_MS) && !election.leads(1001 + LEASE_MS));
    election.on_ping(2700, host(1), 2).unwrap();
    assert!(!election.leads(1001 + LEASE_MS), "a new connection proves nothing");
    assert_eq!(election.on_ping(1001 + LEASE_MS, host(1), 2), Err(Refusal::NotLeader));
    assert_eq!(election.leader(1001 + LEASE_MS), None);
}

#[test]
fn a_vote_binds_until_its_promise_ends() {
    let mut election = highest(3);
    assert_eq!(election.on_notify(100, host(9)), Err(Refusal::Unknown));
    assert_eq!(election.on_commit(100, host(1)), Err(Refusal::NotAnnounced));
    assert_eq!(election.on_notify(100, host(1)), Ok(()));
    assert_eq!(election.on_notify(100 + PROMISE_MS - 1, host(2)), Err(Refusal::Taken));
    assert_eq!(election.on_commit(200, host(2)), Err(Refusal::NotAnnounced));
    assert_eq!(election.on_commit(200, host(1)), Ok(()));
    assert_eq!(election.leader(200), Some(host(1)));
    let ping = election.tick(300, None);
    assert_eq!((ping[0].question, ping[0].to), (Question::Ping, host(1)));
    let _ = election.on_answer(400, &ping[0], Answer::Yes);
    assert_eq!(election.on_notify(399 + PROMISE_MS, host(2)), Err(Refusal::Taken), "the answer prolongs it");
    assert_eq!(election.on_notify(401 + PROMISE_MS, host(2)), Ok(()));
    assert_eq!(election.leader(401 + PROMISE_MS), None);
}

#[test]
fn a_leader_that_says_it_leads_no_more_is_left_at_once() {
    let mut election = highest(3);
    election.on_notify(100, host(1)).unwrap();
    election.on_commit(100, host(1)).unwrap();
    let ping = election.tick(200, None);
    let _ = election.on_answer(250, &ping[0], Answer::No(Status::EOPNOTSUPP));
    assert_eq!(election.leader(250), None);
    assert_eq!(election.on_notify(250, host(2)), Ok(()));
}

#[test]
fn a_tracker_that_was_started_again_votes_for_nobody_until_its_old_promises_are_over() {
    let mut election = Election::new(1000, true, 7);
    election.set_members(1000, host(3), [host(1), host(2)]);
    assert_eq!(election.on_notify(1000 + PROMISE_MS - 1, host(1)), Err(Refusal::TooYoung));
    let asks = election.tick(1000, Some(status(false)));
    let asks = answer_all(&mut election, 1010, &asks, Answer::Status(status(false)));
    assert_eq!(asks, [], "not even for itself");
    // Who leads already is followed, but not supported yet.
    let asks = election.tick(2000, Some(status(false)));
    let _ = answer_all(&mut election, 2010, &asks, Answer::Status(status(true)));
    assert!(election.leader(2010).is_some());
    assert_eq!(election.tick(2100, None), []);
    assert_eq!(election.tick(1000 + PROMISE_MS, None)[0].question, Question::Ping);
}

#[test]
fn a_tracker_that_was_started_again_misses_a_leader_as_soon_as_others_do() {
    let mut election = Election::new(1000, true, 7);
    election.set_members(1000, host(3), [host(1), host(2)]);
    let asks = election.tick(1000, Some(status(false)));
    let _ = answer_all(&mut election, 1010, &asks, Answer::Status(status(true)));
    assert!(election.leader(1010).is_some());
    // The leader dies before this tracker may ping it.
    let ping = election.tick(1000 + PROMISE_MS, None);
    let _ = election.on_answer(1000 + PROMISE_MS, &ping[0], Answer::Unreachable);
    let _ = election.tick(1011 + PROMISE_MS, Some(status(false)));
    assert_eq!(election.leader(1011 + PROMISE_MS), None);
}

#[test]
fn a_better_candidate_that_does_nothing_is_passed_over() {
    let mut election = Election::new(0, false, 7);
    election.set_members(0, host(1), [host(2), host(3)]);
    let mut canvassed_ms = None;
    for now_ms in (0..4000).step_by(100) {
        let asks = election.tick(now_ms, Some(status(false)));
        if asks.first().is_some_and(|ask| ask.question == Question::Notify) {
            canvassed_ms.get_or_insert(now_ms);
        }
        let asks = answer_all(&mut election, now_ms, &asks, Answer::Status(status(false)));
        if asks.first().is_some_and(|ask| ask.question == Question::Notify) {
            canvassed_ms.get_or_insert(now_ms);
        }
    }
    let at_ms = canvassed_ms.expect("it tried itself");
    assert!((1500..2500).contains(&at_ms), "{at_ms}");
}

/// A tracker of the reference takes a refusal for the end of its round, asks who leads, and follows.
#[test]
fn a_leader_stays_when_a_tracker_of_the_reference_announces_itself() {
    let mut election = elected(3);
    assert_eq!(election.on_notify(100, host(1)), Err(Refusal::Taken));
    assert_eq!(election.on_commit(100, host(1)), Err(Refusal::NotAnnounced));
    assert!(election.leads(100));
}

/// A leader of the reference never stands down by itself; a majority that has elected another one asks it to.
#[test]
fn w12_a_second_leader_of_the_reference_is_asked_to_stand_down() {
    let mut election = elected(3);
    for at_ms in [500, 1000, 1500, 2000, 2400] {
        election.on_ping(at_ms, host(1), 1).unwrap();
    }
    let asks = election.tick(2400, Some(status(false)));
    assert_eq!((asks.len(), asks[0].to, asks[0].question), (1, host(2), Question::Status), "the one that is away");
    let asks = election.on_answer(2450, &asks[0], Answer::Status(status(true)));
    assert_eq!((asks.len(), asks[0].to, asks[0].question), (1, host(2), Question::Reselect));
    assert!(election.leads(2450));
}

#[test]
fn an_acting_leader_goes_when_storages_meet_two_and_an_elected_one_stays() {
    let mut acting = highest(2);
    let mut now_ms = 0;
    while !acting.leads(now_ms) {
        now_ms += 100;
        assert!(now_ms < 5000);
        let asks = acting.tick(now_ms, Some(status(false)));
        let _ = answer_all(&mut acting, now_ms, &asks, Answer::Unreachable);
    }
    assert!(acting.is_acting());
    assert_eq!(acting.on_reselect(now_ms), Ok(()));
    assert_eq!((acting.leader(now_ms), acting.on_reselect(now_ms)), (None, Err(Refusal::NotLeader)));

    let mut elected = elected(2);
    assert_eq!(elected.on_reselect(20), Ok(()));
    assert!(elected.leads(20) && elected.leads(100_000), "of two, the leader stays although the other is away");
}

#[test]
fn a_leader_that_no_storage_names_any_more_is_left_and_its_promise_kept() {
    let mut election = highest(3);
    election.on_notify(100, host(1)).unwrap();
    election.on_commit(100, host(1)).unwrap();
    assert_eq!(election.leader(100), Some(host(1)));
    election.set_members(200, host(3), [host(2)]);
    assert_eq!(election.leader(200), None);
    assert_eq!(
        election.on_notify(300, host(2)),
        Err(Refusal::Taken),
        "the old one may count on this tracker for a while"
    );
    assert_eq!(election.on_notify(100 + PROMISE_MS, host(2)), Ok(()));
}
