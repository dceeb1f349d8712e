//! Where the reference loses, blocks or crashes: behaviour, 7.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::support::{Site, copy_tree, wait_for};
use fdfs_proto::cmd::tracker::{
    DeleteStorage, Join, ListOneGroup, SetTrunkServer, SyncNotify, SyncReport, SyncedUpTo, TrunkServerChosen,
};
use fdfs_proto::shared::StorageStatus::{Active, Offline, Online};
use fdfs_proto::{Command, HEADER_LEN, Header, Status, Wire as _};

fn delete(group: &str, id: &str) -> DeleteStorage {
    DeleteStorage { group: group.parse().unwrap(), id: id.parse().unwrap() }
}

#[test]
fn w22_a_storage_with_more_paths_than_its_group_stays_active() {
    let site = Site::start();
    let _one = site.active("group1", "127.0.0.11", 5000);
    let mut two = site.storage("group1", "127.0.0.12");
    two.path_count = 2;
    two.become_active(4000);
    assert_eq!(site.status_of("group1", "127.0.0.12"), Some(Active));
    let group = site.client().group("group1").unwrap();
    assert_eq!((group.store_path_count, group.writable_count, group.free_mb), (1, 2, 4000), "the first path is used");
    two.path_count = 3;
    assert_eq!(two.report(4000).unwrap_err(), Status::EINVAL, "it did not announce that many");
    site.assert_quiet_but(&["has 2 store paths, its group 1"]);
}

#[test]
fn w29_a_deleted_storage_stays_deleted_after_a_crash() {
    let site = Site::start();
    let mut one = site.active("group1", "127.0.0.11", 5000);
    let two = site.active("group1", "127.0.0.12", 5000);
    let sources = vec![SyncedUpTo { source_id: "127.0.0.12".parse().unwrap(), timestamp_secs: 1_795_000_000 }];
    one.client.get(Command::StorageSyncReport, &SyncReport { sources });
    drop(two);
    site.wait_for_status("group1", "127.0.0.12", Offline);
    let mut client = site.client();
    assert_eq!(client.status(Command::ServerDeleteStorage, &delete("group1", "127.0.0.12")), Status::OK);

    // What is on the disk at this moment is what a crash would leave.
    let crashed = tempfile::tempdir().unwrap();
    copy_tree(site.dir.path(), crashed.path());
    let after = Site::start_in(crashed, |_| {});
    let ids: Vec<String> = after.client().list("group1").iter().map(|s| s.id.to_string()).collect();
    assert_eq!(ids, ["127.0.0.11"]);
    assert!(after.file("storage_changelog.dat").ends_with(" group1 127.0.0.12 4 \n"));
    // Both files leave it out: a reference tracker could start with them, too.
    assert_eq!(after.file("storage_sync_timestamp.dat"), "group1,127.0.0.11,0\n");
    assert!(!after.file("storage_servers_new.dat").contains("127.0.0.12"));
    after.assert_quiet();
    site.assert_quiet();
}

#[test]
fn w29_a_deleted_group_stays_deleted_after_a_crash() {
    let site = Site::start();
    drop(site.active("group1", "127.0.0.11", 5000));
    site.wait_for_status("group1", "127.0.0.11", Offline);
    let mut client = site.client();
    assert_eq!(client.status(Command::ServerDeleteStorage, &delete("group1", "127.0.0.11")), Status::OK);
    let group = ListOneGroup { group: "group1".parse().unwrap() };
    assert_eq!(client.status(Command::ServerDeleteGroup, &group), Status::EBUSY, "as the reference has it");
    assert_eq!(client.status(Command::DropGroup, &group), Status::OK, "no restart is needed for its slots");
    let crashed = tempfile::tempdir().unwrap();
    copy_tree(site.dir.path(), crashed.path());
    let after = Site::start_in(crashed, |_| {});
    assert_eq!(after.client().status(Command::ServerListOneGroup, &group), Status::ENOENT);
    site.assert_quiet();
}

#[test]
fn a_new_storage_is_on_the_disk_before_it_hears_that_it_joined() {
    let site = Site::start();
    let _one = site.storage("group1", "127.0.0.11").join();
    let crashed = tempfile::tempdir().unwrap();
    copy_tree(site.dir.path(), crashed.path());
    let after = Site::start_in(crashed, |_| {});
    assert_eq!(after.client().list("group1").len(), 1);
    after.assert_quiet();
}

#[test]
fn a_deletion_that_cannot_be_saved_says_so_and_is_saved_later() {
    let site = Site::start();
    let _one = site.active("group1", "127.0.0.11", 5000);
    drop(site.active("group1", "127.0.0.12", 5000));
    site.wait_for_status("group1", "127.0.0.12", Offline);
    // A folder where the next file is to be written.
    let obstacle = site.dir.path().join("data/storage_servers_new.dat.tmp");
    std::fs::create_dir(&obstacle).unwrap();
    let mut client = site.client();
    assert_eq!(client.status(Command::ServerDeleteStorage, &delete("group1", "127.0.0.12")), Status::EISDIR);
    assert_eq!(client.status(Command::QueryStoreWithoutGroupOne, &()), Status::OK, "it serves on");
    std::fs::remove_dir(&obstacle).unwrap();
    assert!(site.log.wait_for("state is saved again", crate::support::PATIENCE));
    assert!(!site.file("storage_servers_new.dat").contains("127.0.0.12"));
    assert_eq!(site.file("storage_changelog.dat").lines().count(), 1, "the line is there once");
    site.assert_quiet_but(&["state cannot be saved"]);
}

#[test]
fn w10_a_silent_storage_goes_offline_after_one_interval() {
    let site = Site::start_with(|conf| conf.check_active_interval_secs = 1);
    let mut one = site.active("group1", "127.0.0.11", 5000);
    site.wait_for_status("group1", "127.0.0.11", Offline);
    assert_eq!(site.client().status(Command::QueryStoreWithoutGroupOne, &()), Status::ENOENT);
    one.beat();
    assert_eq!(site.status_of("group1", "127.0.0.11"), Some(Active), "it needs no join");
    site.assert_quiet_but(&["ACTIVE => OFFLINE: silent for longer than check_active_interval"]);
}

#[test]
fn w30_a_storage_that_hangs_does_not_stop_the_tracker() {
    let site = Site::start_with(|conf| conf.use_trunk_file = true);
    // A storage that is asked for the size of its trunk binlog, and says nothing for now.
    let listener = TcpListener::bind("127.0.0.11:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut storage = site.storage("group1", "127.0.0.11");
    storage.join = Some(Join { port, ..storage.usual_join() });
    storage.become_active(5000);
    let (mut asked, _) = listener.accept().unwrap();
    let mut request = [0; HEADER_LEN];
    asked.read_exact(&mut request).unwrap();
    assert_eq!(Header::from_bytes(request), Header::request(Command::TrunkGetBinlogSize, 0));

    let mut client = site.client();
    assert_eq!(client.status(Command::QueryStoreWithoutGroupOne, &()), Status::OK);
    let mut other = site.storage("group2", "127.0.0.12");
    other.join();
    other.beat();
    let trunk_server =
        |storage: &mut crate::support::FakeStorage| storage.beat().trunk_server.map(|brief| brief.id.to_string());
    assert_eq!(trunk_server(&mut storage), None);

    asked.write_all(&Header::answer(Status::OK, 8).to_bytes()).unwrap();
    asked.write_all(&1000u64.to_be_bytes()).unwrap();
    wait_for("the trunk server", || trunk_server(&mut storage).as_deref() == Some("127.0.0.11"));
    let log = site.dir.path().join("logs/trunk_server_change.log");
    let line = format!("group1  -  =>  127.0.0.11:{port}\n");
    wait_for("the line of trunk_server_change.log", || {
        std::fs::read_to_string(&log).is_ok_and(|text| text.ends_with(&line))
    });
    let wanted = SetTrunkServer { group: "group1".parse().unwrap(), id: None };
    let kept = TrunkServerChosen::from_bytes(&client.get(Command::ServerSetTrunkServer, &wanted)).unwrap();
    assert_eq!(kept.id.as_str(), "127.0.0.11");
    site.assert_quiet();
}

#[test]
fn w31_sync_queries_without_a_join_are_refused() {
    let site = Site::start();
    let _one = site.active("group1", "127.0.0.11", 5000);
    let mut client = site.client();
    assert_eq!(client.status(Command::StorageSyncDestQuery, &()), Status::EACCES);
    let notify = SyncNotify { source_id: Some("127.0.0.11".parse().unwrap()), until_secs: 5 };
    assert_eq!(client.status(Command::StorageSyncNotify, &notify), Status::EACCES);
    assert_eq!(client.status(Command::ActiveTest, &()), Status::OK);
    site.assert_quiet();
}

#[test]
fn w32_copying_the_system_files_stops_neither_joins_nor_saves() {
    let site = Site::start();
    let _one = site.active("group1", "127.0.0.11", 5000);
    let (mut copier, mut other) = (site.client(), site.client());
    assert_eq!(copier.status(Command::TrackerGetSysFilesStart, &()), Status::OK);
    assert_eq!(other.status(Command::TrackerGetSysFilesStart, &()), Status::EBUSY);
    site.storage("group2", "127.0.0.12").join();
    assert!(site.file("storage_servers_new.dat").contains("127.0.0.12"));
    assert_eq!(other.status(Command::TrackerGetSysFilesEnd, &()), Status::OK, "whoever has nothing gives back nothing");
    assert_eq!(other.status(Command::TrackerGetSysFilesStart, &()), Status::EBUSY);
    drop(copier);
    wait_for("the copier to be forgotten", || other.status(Command::TrackerGetSysFilesStart, &()) == Status::OK);
    site.assert_quiet();
}

#[test]
fn w33_only_the_newest_connection_speaks_for_a_storage() {
    let site = Site::start();
    let older = site.active("group1", "127.0.0.11", 5000);
    let newer = site.active("group1", "127.0.0.11", 5000);
    let mut client = site.client();
    assert_eq!(client.connection_count(), 3);
    drop(older);
    wait_for("the end of the older connection", || client.connection_count() == 2);
    assert_eq!(site.status_of("group1", "127.0.0.11"), Some(Active));
    drop(newer);
    site.wait_for_status("group1", "127.0.0.11", Offline);
    site.assert_quiet();
}

#[test]
fn w43_after_a_restart_storages_are_offline_until_they_join_again() {
    let mut site = Site::start();
    let _one = site.active("group1", "127.0.0.11", 5000);
    site.restart();
    assert_eq!(site.status_of("group1", "127.0.0.11"), Some(Offline));
    assert_eq!(site.client().status(Command::QueryStoreWithoutGroupOne, &()), Status::ENOENT);
    let mut again = site.storage("group1", "127.0.0.11");
    assert_eq!(again.join().status, Online);
    again.beat();
    again.report(5000).unwrap();
    assert_eq!(site.client().status(Command::QueryStoreWithoutGroupOne, &()), Status::OK);
    site.assert_quiet();
}
