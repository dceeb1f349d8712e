//! What trackers ask each other.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

mod support;

use fdfs_proto::cmd::tracker::{
    CommitNextLeader, HostPort, Join, JoinLeader, Leader, NotifyNextLeader, PingAnswer, PingLeader, SysFile,
    SysFilePiece, SysFileRequest, TrackerClusterStat, TrackerClusterStatRequest, TrackerStatus,
};
use fdfs_proto::shared::ConnectionCounts;
use fdfs_proto::{Command, Status, Wire as _};
use support::{FakeStorage, Site, line};

/// A storage whose list names another tracker, too.
fn join_naming(site: &Site, other: &str) -> FakeStorage {
    let mut storage = site.storage("group1", "127.0.0.11");
    let usual = storage.usual_join();
    storage.join = Some(Join { trackers: vec![usual.trackers[0], line(other)], ..usual });
    storage.join();
    storage
}

fn leader(site: &Site) -> Result<String, Status> {
    match site.client().ask(Command::ServerGetLeader, &()) {
        (Status::OK, body) => Ok(Leader::from_bytes(&body).unwrap().host.to_string()),
        (status, _) => Err(status),
    }
}

#[test]
fn of_several_trackers_the_one_with_the_lowest_address_leads() {
    for (other, leads) in [("127.0.0.0:22122", false), ("127.0.0.2:22122", true)] {
        let site = Site::start();
        let mut storage = join_naming(&site, other);
        let expected = if leads { site.addr().to_string() } else { other.to_owned() };
        assert_eq!(leader(&site), Ok(expected));
        let news = storage.beat();
        assert_eq!((news.leader.is_some(), news.storages.is_some()), (leads, leads), "a follower has no news");
        let status = TrackerStatus::from_bytes(&site.client().get(Command::TrackerGetStatus, &())).unwrap();
        assert_eq!(status.is_leader, leads);
        let all = TrackerClusterStatRequest::default();
        let stat = site.client().status(Command::ServerTrackerClusterStat, &all);
        assert_eq!(stat, if leads { Status::OK } else { Status::EOPNOTSUPP });
        site.assert_quiet();
    }
}

#[test]
fn a_leader_that_others_elect_counts() {
    let site = Site::start();
    let _storage = join_naming(&site, "127.0.0.2:22122");
    let own = site.addr().to_string();
    let host = |text: &str| text.parse::<HostPort>().unwrap();
    let mut tracker = site.client();
    let other = host("127.0.0.2:22122");
    // Told that another one shall lead, a leader resigns and refuses; the second round goes through.
    assert_eq!(tracker.status(Command::TrackerNotifyNextLeader, &NotifyNextLeader { leader: other }), Status::EINVAL);
    assert_eq!(leader(&site), Err(Status::ENOENT));
    assert_eq!(tracker.status(Command::TrackerNotifyNextLeader, &NotifyNextLeader { leader: other }), Status::OK);
    let wrong = CommitNextLeader { leader: host(&own) };
    assert_eq!(tracker.status(Command::TrackerCommitNextLeader, &wrong), Status::EINVAL, "not the one announced");
    assert_eq!(tracker.status(Command::TrackerCommitNextLeader, &CommitNextLeader { leader: other }), Status::OK);
    assert_eq!(leader(&site), Ok("127.0.0.2:22122".into()));
    assert_eq!(tracker.status(Command::TrackerNotifyReselectLeader, &()), Status::EOPNOTSUPP, "it does not lead");

    for command in [Command::TrackerNotifyNextLeader, Command::TrackerCommitNextLeader] {
        assert_eq!(tracker.status(command, &NotifyNextLeader { leader: host(&own) }), Status::OK, "{command:?}");
    }
    assert_eq!(leader(&site), Ok(own));
    assert_eq!(tracker.status(Command::TrackerNotifyReselectLeader, &()), Status::OK);
    assert_eq!(leader(&site), Err(Status::ENOENT));
    let stranger = NotifyNextLeader { leader: host("10.9.9.9:22122") };
    assert_eq!(tracker.status(Command::TrackerNotifyNextLeader, &stranger), Status::ENOENT);
    site.assert_quiet();
}

#[test]
fn followers_join_and_ping_the_leader() {
    let site = Site::start();
    let mut follower = site.client_from("127.0.0.2");
    let join = JoinLeader { up_time_secs: 1_795_000_000, version: "6.16.1".parse().unwrap(), port: 22122 };
    let counts = ConnectionCounts { alloc: 64, current: 3, max: 5 };
    let ping = PingLeader { connections: counts };
    assert_eq!(follower.status(Command::TrackerJoinLeader, &join), Status::EOPNOTSUPP, "nobody leads yet");
    assert_eq!(follower.status(Command::TrackerGetStatus, &()), Status::ENOENT);
    assert_eq!(follower.status(Command::TrackerGetSysFilesStart, &()), Status::ENOENT);

    let _storage = join_naming(&site, "127.0.0.2:22122");
    assert_eq!(follower.status(Command::TrackerPingLeader, &ping), Status::EINVAL, "not joined");
    assert_eq!(follower.status(Command::TrackerJoinLeader, &join), Status::OK);
    assert_eq!(follower.status(Command::TrackerJoinLeader, &join), Status::EEXIST);
    let unknown = JoinLeader { port: 1, ..join };
    assert_eq!(site.client_from("127.0.0.2").status(Command::TrackerJoinLeader, &unknown), Status::ENOENT);
    let first = PingAnswer::from_bytes(&follower.get(Command::TrackerPingLeader, &ping)).unwrap();
    assert_eq!((first.groups.len(), first.groups[0].trunk_server_id), (1, None), "the first ping always has it");
    let second = PingAnswer::from_bytes(&follower.get(Command::TrackerPingLeader, &ping)).unwrap();
    assert_eq!(second.groups, []);

    let all = TrackerClusterStatRequest::default();
    let stat = site.client().get(Command::ServerTrackerClusterStat, &all);
    let stat = TrackerClusterStat::from_bytes(&stat).unwrap();
    let shown: Vec<_> = stat.trackers.iter().map(|t| (t.host.to_string(), t.is_leader, t.is_active)).collect();
    assert_eq!(shown, [(site.addr().to_string(), true, true), ("127.0.0.2:22122".to_owned(), false, true)]);
    assert_eq!((stat.trackers[1].connections, stat.trackers[1].up_time_secs), (counts, 1_795_000_000));
    assert_eq!(stat.trackers[0].version.as_str(), "6.16.1");
    site.assert_quiet();
}

#[test]
fn system_files_are_those_that_are_saved() {
    let mut site = Site::start();
    for n in 0..30 {
        site.active(&format!("group{n}"), "127.0.0.11", 5000);
    }
    site.wait_for_status("group29", "127.0.0.11", fdfs_proto::shared::StorageStatus::Offline);
    let mut client = site.client();
    let mut fetch = |file: SysFile| {
        let mut bytes = Vec::new();
        loop {
            let offset = bytes.len() as u64;
            let piece = client.get(Command::TrackerGetOneSysFile, &SysFileRequest { file, offset });
            let piece = SysFilePiece::from_bytes(&piece).unwrap();
            bytes.extend_from_slice(&piece.content);
            if bytes.len() as u64 == piece.file_size {
                return String::from_utf8(bytes).unwrap();
            }
            assert_eq!(piece.content.len(), 8173, "only the last piece is shorter");
        }
    };
    let fetched = SysFile::ALL.map(&mut fetch);
    assert!(fetched[1].len() > 3 * 8173);
    drop(client);
    site.stop();
    let saved =
        ["storage_groups_new.dat", "storage_servers_new.dat", "storage_sync_timestamp.dat", "storage_changelog.dat"];
    for (file, fetched) in saved.iter().zip(&fetched) {
        assert_eq!(&site.file(file), fetched, "{file}");
    }
    site.assert_quiet();
}
