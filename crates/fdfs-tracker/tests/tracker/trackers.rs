//! What trackers ask each other.

use crate::support::{FakeStorage, Site, line, wait_for};
use fdfs_proto::cmd::tracker::{
    HostPort, Join, JoinLeader, Leader, NotifyNextLeader, PingAnswer, PingLeader, SysFile, SysFilePiece,
    SysFileRequest, TrackerClusterStat, TrackerClusterStatRequest, TrackerStatus,
};
use fdfs_proto::shared::ConnectionCounts;
use fdfs_proto::{Command, Status, Wire as _};

/// A storage whose list names other trackers, too.
fn join_naming(site: &Site, others: &[&str]) -> FakeStorage {
    let mut storage = site.storage("group1", "127.0.0.11");
    let usual = storage.usual_join();
    let trackers = usual.trackers[..1].iter().copied().chain(others.iter().map(|other| line(other))).collect();
    storage.join = Some(Join { trackers, ..usual });
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
fn of_two_trackers_the_one_that_is_there_leads() {
    let site = Site::start();
    let mut storage = join_naming(&site, &["127.0.0.2:22122"]);
    assert_eq!(leader(&site), Err(Status::ENOENT), "the other one is waited for");
    let news = storage.beat();
    assert!(news.leader.is_none() && news.storages.is_none(), "who does not lead has no news");
    wait_for("this tracker to lead", || leader(&site) == Ok(site.addr().to_string()));
    let news = storage.beat();
    assert!(news.leader.is_some() && news.storages.is_some());
    let status = TrackerStatus::from_bytes(&site.client().get(Command::TrackerGetStatus, &())).unwrap();
    assert!(status.is_leader);
    // It leads only because the other one is away: when storages meet two leaders it is the one that goes.
    assert_eq!(site.client().status(Command::TrackerNotifyReselectLeader, &()), Status::OK);
    assert_eq!(leader(&site), Err(Status::ENOENT));
    let all = TrackerClusterStatRequest::default();
    assert_eq!(site.client().status(Command::ServerTrackerClusterStat, &all), Status::EOPNOTSUPP);
    assert_eq!(site.client().status(Command::TrackerNotifyReselectLeader, &()), Status::EOPNOTSUPP);
    site.assert_quiet();
}

#[test]
fn a_tracker_alone_leads_at_once_and_stays() {
    let site = Site::start();
    let mut storage = site.storage("group1", "127.0.0.11");
    storage.join();
    assert_eq!(leader(&site), Ok(site.addr().to_string()));
    assert_eq!(site.client().status(Command::TrackerNotifyReselectLeader, &()), Status::OK);
    assert_eq!(leader(&site), Ok(site.addr().to_string()), "nobody else could");
    site.assert_quiet();
}

/// The other trackers are played by the test.
#[test]
fn a_leader_that_others_elect_counts() {
    let site = Site::start();
    let _storage = join_naming(&site, &["127.0.0.2:22122", "127.0.0.3:22122"]);
    let host = |text: &str| text.parse::<HostPort>().unwrap();
    let (second, third) = (host("127.0.0.2:22122"), host("127.0.0.3:22122"));
    let mut tracker = site.client();
    let mut tell = |command, leader| tracker.status(command, &NotifyNextLeader { leader });
    use Command::{TrackerCommitNextLeader as Commit, TrackerNotifyNextLeader as Notify};
    assert_eq!(tell(Commit, second), Status::EINVAL, "not announced");
    assert_eq!(tell(Notify, host("10.9.9.9:22122")), Status::ENOENT);
    assert_eq!(tell(Notify, second), Status::OK);
    assert_eq!(tell(Notify, third), Status::EINVAL, "this tracker has given its vote");
    assert_eq!(tell(Commit, third), Status::EINVAL);
    assert_eq!(tell(Commit, second), Status::OK);
    assert_eq!(leader(&site), Ok("127.0.0.2:22122".into()));
    assert_eq!(tell(Command::TrackerNotifyReselectLeader, second), Status::EINVAL, "a body");
    // It is not there, and one of three is not enough.
    wait_for("the leader to be given up", || leader(&site) == Err(Status::ENOENT));
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

    let _storage = join_naming(&site, &["127.0.0.2:22122"]);
    wait_for("this tracker to lead", || leader(&site).is_ok());
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
