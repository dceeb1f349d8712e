//! Deletions and changed addresses, and how storages hear of them.

use crate::support::{Client, FakeStorage, Site};
use fdfs_proto::cmd::tracker::{ChangelogRequest, DeleteStorage, ReportIpChanged};
use fdfs_proto::shared::StorageStatus::{Deleted, Init, IpChanged, Offline};
use fdfs_proto::{Command, Status};

fn delete(client: &mut Client, group: &str, id: &str) -> Status {
    let request = DeleteStorage { group: group.parse().unwrap(), id: id.parse().unwrap() };
    client.status(Command::ServerDeleteStorage, &request)
}

fn news(storage: &mut FakeStorage) -> String {
    String::from_utf8(storage.client.get(Command::StorageChangelogReq, &ChangelogRequest::Joined)).unwrap()
}

#[test]
fn a_deleted_storage_is_told_to_the_others_once_and_may_come_back() {
    let site = Site::start();
    let mut one = site.active("group1", "127.0.0.11", 5000);
    let two = site.active("group1", "127.0.0.12", 5000);
    one.beat();
    let mut client = site.client();
    assert_eq!(delete(&mut client, "group1", "127.0.0.12"), Status::EBUSY);
    drop(two);
    site.wait_for_status("group1", "127.0.0.12", Offline);
    assert_eq!(delete(&mut client, "group1", "127.0.0.12"), Status::OK);
    assert_eq!(delete(&mut client, "group1", "127.0.0.12"), Status::EALREADY);
    let seen = one.beat().storages.unwrap();
    assert_eq!(seen.iter().find(|s| s.id.as_str() == "127.0.0.12").unwrap().status, Deleted);
    let lines = news(&mut one);
    assert!(lines.ends_with(" group1 127.0.0.12 4 \n"), "{lines:?}");
    assert_eq!(site.file("storage_changelog.dat"), lines);
    assert_eq!(news(&mut one), "");
    assert_eq!(site.storage("group1", "127.0.0.12").join().status, Init);
    assert!(site.log.wait_for("127.0.0.12 of group group1: OFFLINE => DELETED", crate::support::PATIENCE));
    site.assert_quiet();
}

#[test]
fn a_storage_keeps_what_it_is_under_a_new_address() {
    let site = Site::start();
    let mut one = site.active("group1", "127.0.0.11", 5000);
    drop(site.active("group1", "127.0.0.12", 4000));
    site.wait_for_status("group1", "127.0.0.12", Offline);
    let ip = |text: &str| text.parse().unwrap();
    let changed =
        ReportIpChanged { group: "group1".parse().unwrap(), old_ip: ip("127.0.0.12"), new_ip: ip("127.0.0.13") };
    let mut storage = site.client_from("127.0.0.13");
    assert_eq!(site.client().status(Command::StorageReportIpChanged, &changed), Status::EINVAL, "not its address");
    assert_eq!(storage.status(Command::StorageReportIpChanged, &changed), Status::OK);
    assert_eq!(storage.status(Command::StorageReportIpChanged, &changed), Status::EALREADY);
    let seen: Vec<_> = site.client().list("group1").iter().map(|s| (s.id.to_string(), s.status, s.free_mb)).collect();
    assert_eq!(seen[1..], [("127.0.0.12".to_owned(), IpChanged, 0), ("127.0.0.13".to_owned(), Offline, 4000)]);
    assert!(news(&mut one).ends_with(" group1 127.0.0.12 3 127.0.0.13\n"));
    assert!(site.file("storage_servers_new.dat").contains("ip_addr=127.0.0.13"));
    assert!(!site.file("storage_servers_new.dat").contains("ip_addr=127.0.0.12"));
    site.assert_quiet();
}

#[test]
fn changelog_positions_survive_a_restart() {
    let mut site = Site::start();
    let mut one = site.active("group1", "127.0.0.11", 5000);
    for ip in ["127.0.0.12", "127.0.0.13"] {
        drop(site.active("group1", ip, 5000));
        site.wait_for_status("group1", ip, Offline);
        assert_eq!(delete(&mut site.client(), "group1", ip), Status::OK);
        if ip.ends_with('2') {
            assert!(news(&mut one).contains(ip));
        }
    }
    drop(one);
    site.restart();
    let mut one = site.active("group1", "127.0.0.11", 5000);
    let lines = news(&mut one);
    assert!(lines.contains("127.0.0.13") && !lines.contains("127.0.0.12"), "{lines:?}");
    site.assert_quiet();
}
