//! Each rule on a snapshot with one thing wrong.

use std::time::Duration;

use super::*;
use crate::snapshot::{Report, SyncSeen, Told};

fn report(entries: &[(&str, &str)]) -> Report {
    let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Report { entries, clock_off_ms: Some(3), took: Duration::from_millis(1) }
}

fn member(id: &str) -> Member {
    Member {
        id: id.to_owned(),
        status: "ACTIVE".to_owned(),
        told: format!("{id}:23000"),
        version: "6.16.1".to_owned(),
        total_mb: 10_000,
        free_mb: 5000,
        reserved_mb: 1000,
    }
}

fn tracker(name: &str) -> TrackerSeen {
    TrackerSeen {
        name: name.to_owned(),
        failure: None,
        report: Some(report(&[("program", "fdfs 1")])),
        leader: Some("t1:22122".to_owned()),
        parameters: vec![("use_storage_id".to_owned(), "0".to_owned())],
        groups: vec![GroupSeen {
            name: "g".to_owned(),
            free_mb: 5000,
            reserved_mb: 1000,
            writable_count: 2,
            members: vec![member("a"), member("b")],
        }],
    }
}

fn peer(id: &str) -> PeerSeen {
    PeerSeen { id: id.to_owned(), status: "ACTIVE".to_owned(), mark: "binlog.000:10".to_owned(), ..PeerSeen::default() }
}

fn storage(id: &str, other: &str) -> StorageSeen {
    let sync = SyncSeen { quarantined: 0, peers: vec![peer(other)] };
    StorageSeen {
        group: "g".to_owned(),
        id: id.to_owned(),
        told: vec![Told {
            who: "clients like this machine".to_owned(),
            address: format!("{id}:23000"),
            answer: Answer::Yes { who: Some(format!("g/{id}")) },
        }],
        report: Some(report(&[("program", "fdfs 1"), ("durability", "disk"), ("store_path0", "ok")])),
        sync: Some((sync.clone(), sync)),
    }
}

/// Two trackers and two storages; nothing is wrong.
fn healthy() -> Snapshot {
    Snapshot {
        trackers: vec![tracker("t1:22122"), tracker("t2:22122")],
        storages: vec![storage("a", "b"), storage("b", "a")],
    }
}

#[track_caller]
fn check(expected: &str, change: impl FnOnce(&mut Snapshot)) {
    let mut snapshot = healthy();
    change(&mut snapshot);
    let found = findings(&snapshot, 5);
    let shown: Vec<_> = found.iter().map(|f| format!("{} {} {}", f.severity.word(), f.code, f.about)).collect();
    assert_eq!(shown.join("; "), expected, "{found:#?}");
    assert!(found.iter().all(|finding| !finding.what.is_empty() && !finding.advice.is_empty()));
}

fn set(report: &mut Option<Report>, key: &str, value: &str) {
    let entries = &mut report.as_mut().unwrap().entries;
    entries.retain(|(name, _)| name != key);
    entries.push((key.to_owned(), value.to_owned()));
}

#[test]
fn a_healthy_cluster_has_no_findings() {
    check("", |_| {});
}

#[test]
fn trackers_that_are_silent_empty_or_disagree() {
    check("error tracker-silent tracker t2:22122", |s| {
        s.trackers[1] =
            TrackerSeen { name: "t2:22122".to_owned(), failure: Some("refused".to_owned()), ..tracker("x") };
    });
    check("warning tracker-empty tracker t2:22122", |s| s.trackers[1].groups.clear());
    check("warning no-leader tracker t2:22122", |s| s.trackers[1].leader = None);
    check("error two-leaders trackers", |s| s.trackers[1].leader = Some("t2:22122".to_owned()));
    check("error trackers-configured-differently trackers", |s| s.trackers[1].parameters[0].1 = "1".to_owned());
    check("warning trackers-disagree storage g/b", |s| {
        s.trackers[1].groups[0].members[1].status = "OFFLINE".to_owned();
    });
    check("warning trackers-disagree storage g/b", |s| drop(s.trackers[1].groups[0].members.pop()));
}

#[test]
fn groups_that_are_closed_full_or_alone() {
    let both =
        |s: &mut Snapshot, change: fn(&mut GroupSeen)| s.trackers.iter_mut().for_each(|t| change(&mut t.groups[0]));
    check("error no-uploads group g", |s| both(s, |group| group.writable_count = 0));
    check("error full group g", |s| both(s, |group| group.free_mb = 1000));
    check("warning nearly-full group g", |s| both(s, |group| group.free_mb = 1499));
    check("", |s| both(s, |group| group.free_mb = 1500));
    for (status, expected) in [
        ("OFFLINE", "error offline storage g/b; note single-copy group g"),
        ("DELETED", "note single-copy group g; note deleted storage g/b"),
        ("SYNCING", "note single-copy group g; note filling storage g/b"),
        ("WAIT_SYNC", "warning waiting storage g/b; note single-copy group g"),
    ] {
        check(expected, |s| s.trackers.iter_mut().for_each(|t| t.groups[0].members[1].status = status.to_owned()));
    }
}

#[test]
fn addresses_that_lead_nowhere_or_elsewhere() {
    check("error told-address-silent storage g/a", |s| s.storages[0].told[0].answer = Answer::No("refused".to_owned()));
    check("error told-address-of-another storage g/a", |s| {
        s.storages[0].told[0].answer = Answer::Yes { who: Some("g/b".to_owned()) };
    });
    check("", |s| s.storages[0].told[0].answer = Answer::Yes { who: None });
    check("", |s| s.storages[0].told[0].answer = Answer::NotTried);
    let mut snapshot = healthy();
    snapshot.storages[0].told[0] = Told {
        who: "all others".to_owned(),
        address: "127.0.0.1:23000".to_owned(),
        answer: Answer::No("refused".to_owned()),
    };
    assert!(findings(&snapshot, 5)[0].advice.contains("127.0.0.1 is another machine for everybody else"));
}

#[test]
fn what_storages_say_of_themselves() {
    check("note drained storage g/b", |s| set(&mut s.storages[1].report, "drained", "yes"));
    check("note store-path-closed storage g/b", |s| set(&mut s.storages[1].report, "store_path0", "readonly"));
    check("error store-path-broken storage g/b", |s| set(&mut s.storages[1].report, "store_path0", "sync failed"));
    check("", |s| set(&mut s.storages[1].report, "store_path0_flushes_made", "7"));
    check("note versions servers", |s| set(&mut s.storages[1].report, "program", "fdfs 2"));
    check("warning storages-configured-differently group g", |s| set(&mut s.storages[1].report, "durability", "none"));
}

#[test]
fn replication_that_is_stuck_or_leaves_something_out() {
    let behind = |peer: &mut PeerSeen| (peer.records_behind, peer.secs_behind) = (5, 60);
    check("error mark-stands-still storage g/a", |s| {
        let (before, now) = s.storages[0].sync.as_mut().unwrap();
        behind(&mut before.peers[0]);
        behind(&mut now.peers[0]);
    });
    for change in [
        |peer: &mut PeerSeen| peer.mark = "binlog.000:20".to_owned(),
        |peer: &mut PeerSeen| peer.secs_behind = 10,
        |peer: &mut PeerSeen| peer.status = "OFFLINE".to_owned(),
    ] {
        check("", |s| {
            let now = &mut s.storages[0].sync.as_mut().unwrap().1;
            behind(&mut now.peers[0]);
            change(&mut now.peers[0]);
        });
    }
    check("warning set-aside storage g/a", |s| s.storages[0].sync.as_mut().unwrap().1.peers[0].set_aside = 1);
    check("warning quarantine storage g/a", |s| s.storages[0].sync.as_mut().unwrap().1.quarantined = 1);
}

#[test]
fn clocks_are_compared_with_each_other() {
    let off = |s: &mut Snapshot, ms| s.storages[1].report.as_mut().unwrap().clock_off_ms = Some(ms);
    check("warning clock storage g/b", |s| off(s, 2500));
    check("error clock storage g/b", |s| off(s, -70_000));
    check("", |s| off(s, 1500));
    check("", |s| {
        off(s, 2500);
        s.storages[1].report.as_mut().unwrap().took = Duration::from_secs(1);
    });
    check("note own-clock this machine", |s| {
        let reports = s.trackers.iter_mut().map(|t| &mut t.report).chain(s.storages.iter_mut().map(|s| &mut s.report));
        reports.flatten().for_each(|report| report.clock_off_ms = Some(90_000));
    });
}
