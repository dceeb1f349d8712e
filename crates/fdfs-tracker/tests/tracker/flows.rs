//! Joins, beats, disk reports, lists and queries, as storages and clients see them.

use crate::support::{Site, wait_for};
use fdfs_proto::cmd::tracker::{
    DeleteGroup, FetchRequest, FetchTarget, GroupList, Leader, ListOneGroup, QueryStoreRequest, StoreTarget,
    StoreTargets, SyncReport, SyncSourceAnswer, SyncedUpTo,
};
use fdfs_proto::shared::StorageStatus::{Active, Init, Offline, Online, WaitSync};
use fdfs_proto::{Command, Status, Wire as _};

#[test]
fn storages_join_beat_and_are_offered() {
    let site = Site::start();
    let mut client = site.client();
    assert_eq!(client.status(Command::QueryStoreWithoutGroupOne, &()), Status::ENOENT);
    assert_eq!(client.status(Command::ServerGetLeader, &()), Status::ENOENT);

    let mut one = site.storage("group1", "127.0.0.11");
    assert_eq!(one.join().status, Init);
    let leader = Leader::from_bytes(&client.get(Command::ServerGetLeader, &())).unwrap();
    assert_eq!(leader.host.to_string(), site.addr().to_string(), "a tracker alone leads from the first join on");
    let source = one.client.get(Command::StorageSyncDestReq, &());
    assert_eq!(SyncSourceAnswer::from_bytes(&source).unwrap().source, None, "nobody has old files");
    assert_eq!(site.status_of("group1", "127.0.0.11"), Some(Online));
    let news = one.beat();
    assert_eq!(news.leader.unwrap().ip.as_str(), "127.0.0.1");
    assert_eq!(news.storages.unwrap().len(), 1);
    assert_eq!(one.beat(), Default::default(), "told once");
    one.report(5000).unwrap();

    let target = StoreTarget::decode(&client.get(Command::QueryStoreWithoutGroupOne, &())).unwrap();
    assert_eq!((target.group.as_str(), target.server.ip.as_str(), target.server.port), ("group1", "127.0.0.11", 23000));

    let mut two = site.storage("group1", "127.0.0.12");
    two.join();
    let source = SyncSourceAnswer::from_bytes(&two.client.get(Command::StorageSyncDestReq, &())).unwrap();
    assert_eq!(source.source.unwrap().id.as_str(), "127.0.0.11");
    assert_eq!(site.status_of("group1", "127.0.0.12"), Some(WaitSync));
    let _three = site.active("group1", "127.0.0.13", 5000);
    let all = client.get(Command::QueryStoreWithGroupAll, &QueryStoreRequest { group: "group1".parse().unwrap() });
    let ips: Vec<String> = StoreTargets::decode(&all).unwrap().servers.iter().map(|s| s.ip.to_string()).collect();
    assert_eq!(ips, ["127.0.0.11", "127.0.0.13"]);

    let groups = GroupList::from_bytes(&client.get(Command::ServerListAllGroups, &())).unwrap().groups;
    assert_eq!((groups.len(), groups[0].storage_count, groups[0].writable_count), (1, 3, 2));
    assert_eq!((groups[0].total_mb, groups[0].free_mb), (10_000, 5000));
    site.assert_quiet();
}

#[test]
fn a_closed_connection_takes_a_storage_offline_at_once() {
    let site = Site::start();
    let one = site.active("group1", "127.0.0.11", 5000);
    let _two = site.active("group1", "127.0.0.12", 5000);
    assert_eq!(site.status_of("group1", "127.0.0.11"), Some(Active));
    drop(one);
    site.wait_for_status("group1", "127.0.0.11", Offline);
    wait_for("the line of it", || site.log.contains("127.0.0.11 of group group1: ACTIVE => OFFLINE"));
    let mut again = site.storage("group1", "127.0.0.11");
    assert_eq!(again.join().status, Online);
    assert_eq!(again.beat().storages.unwrap().len(), 2, "whoever comes back is told everything");
    site.assert_quiet();
}

#[test]
fn a_file_is_looked_for_at_its_source_until_it_has_arrived_elsewhere() {
    let site = Site::start();
    let _one = site.active("group1", "127.0.0.11", 5000);
    let mut two = site.active("group1", "127.0.0.12", 5000);
    // Named by 127.0.0.11, half an hour from now: nobody can have it by age alone.
    let created = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() as u32 + 1800;
    let name = fdfs_proto::file_id::Fields {
        source: fdfs_proto::file_id::Source::Ip([127, 0, 0, 11].into()),
        created,
        size_word: fdfs_proto::file_id::SizeWord::regular(11, 1),
        crc32: 7,
    };
    let name = format!("M00/00/00/{}319.txt", std::str::from_utf8(&name.to_chars()).unwrap());
    let request = FetchRequest { group: "group1".parse().unwrap(), name: name.parse().unwrap() };
    let mut client = site.client();
    let mut found = |command| {
        let target = FetchTarget::decode(&client.get(command, &request)).unwrap();
        target.server.ip.to_string()
    };
    for _ in 0..3 {
        assert_eq!(found(Command::QueryFetchOne), "127.0.0.11");
        assert_eq!(found(Command::QueryUpdate), "127.0.0.11");
    }
    let sources = vec![SyncedUpTo { source_id: "127.0.0.11".parse().unwrap(), timestamp_secs: created + 1 }];
    two.client.get(Command::StorageSyncReport, &SyncReport { sources });
    let both: Vec<String> = (0..2).map(|_| found(Command::QueryFetchOne)).collect();
    assert!(both.contains(&"127.0.0.12".to_owned()), "{both:?}");
    assert_eq!(found(Command::QueryUpdate), "127.0.0.11");
    site.assert_quiet();
}

#[test]
fn groups_are_chosen_in_turn_or_by_name() {
    let site = Site::start();
    let _storages = [site.active("a", "127.0.0.11", 5000), site.active("b", "127.0.0.12", 5000)];
    let mut client = site.client();
    let mut groups = |count: usize| -> Vec<String> {
        let one = |_| StoreTarget::decode(&client.get(Command::QueryStoreWithoutGroupOne, &())).unwrap();
        (0..count).map(one).map(|target| target.group.to_string()).collect()
    };
    assert_eq!(groups(4), ["a", "b", "a", "b"]);
    let wanted = |group: &str| QueryStoreRequest { group: group.parse().unwrap() };
    assert_eq!(client.status(Command::QueryStoreWithGroupOne, &wanted("nosuch")), Status::ENOENT);
    assert_eq!(client.status(Command::QueryStoreWithGroupOne, &wanted("b")), Status::OK);
    assert_eq!(client.status(Command::ServerDeleteGroup, &DeleteGroup { group: "b".parse().unwrap() }), Status::EBUSY);
    site.assert_quiet();
}

#[test]
fn new_14_a_refused_join_leaves_no_group_behind() {
    let site = Site::start();
    let mut storage = site.storage("group1", "127.0.0.11");
    let usual = storage.usual_join();
    storage.join = Some(fdfs_proto::cmd::tracker::Join { is_first_start: false, ..usual.clone() });
    assert_eq!(storage.try_join().unwrap_err(), Status::EFAULT);
    let other = crate::support::line("10.9.9.9:22122");
    storage.join = Some(fdfs_proto::cmd::tracker::Join {
        trackers: vec![other],
        tracker_ip: "10.9.9.9".parse().unwrap(),
        ..usual
    });
    assert_eq!(storage.try_join().unwrap_err(), Status::ENOENT, "the list does not name this tracker");
    let request = ListOneGroup { group: "group1".parse().unwrap() };
    assert_eq!(site.client().status(Command::ServerListOneGroup, &request), Status::ENOENT);
    site.assert_quiet_but(&["cannot join group group1"]);
}

#[test]
fn a_group_that_is_full_takes_no_upload() {
    let site = Site::start_with(|conf| conf.reserved_storage_space = fdfs_conf::ReservedSpace::Percent(20.0));
    let mut storage = site.active("group1", "127.0.0.11", 2000);
    let mut client = site.client();
    assert_eq!(client.status(Command::QueryStoreWithoutGroupOne, &()), Status::ENOSPC);
    storage.report(2001).unwrap();
    assert_eq!(client.status(Command::QueryStoreWithoutGroupOne, &()), Status::OK);
    site.assert_quiet();
}
