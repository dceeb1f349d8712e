//! Which address of a storage askers are told, and in which width.

use crate::support::{Client, Site};
use fdfs_conf::AdvertiseRule;
use fdfs_proto::cmd::tracker::{ListStorages, StoreTarget};
use fdfs_proto::ours::{Route, SelfReport, SelfReportRequest, StorageTerms};
use fdfs_proto::{Command, Status};

fn told(client: &mut Client) -> (String, usize) {
    let body = client.get(Command::QueryStoreWithoutGroupOne, &());
    let server = StoreTarget::decode(&body).unwrap().server;
    (format!("{} {}", server.ip, server.port), body.len())
}

fn terms(routes: &[(&str, &str, Option<u16>)]) -> StorageTerms {
    let route = |&(network, ip, port): &(&str, &str, Option<u16>)| Route {
        network: network.parse().unwrap(),
        ip: ip.parse().unwrap(),
        port,
    };
    StorageTerms { drained: false, routes: routes.iter().map(route).collect() }
}

#[test]
fn askers_of_two_networks_are_told_two_addresses() {
    let site = Site::start();
    let mut storage = site.active("group1", "127.0.0.11", 5000);
    let terms = terms(&[("127.0.7.0/24", "198.51.100.7", Some(9000)), ("127.0.8.1", "192.0.2.8", None)]);
    assert_eq!(storage.client.status(Command::StorageTerms, &terms), Status::OK);
    let (mut near, mut far) = (site.client_from("127.0.0.9"), site.client_from("127.0.7.9"));
    assert_eq!(told(&mut near), ("127.0.0.11 23000".to_owned(), 40));
    assert_eq!(told(&mut far), ("198.51.100.7 9000".to_owned(), 40));
    let record = &far.list("group1")[0];
    assert_eq!((record.ip.as_str(), record.port), ("198.51.100.7", 9000));
    assert_eq!(near.status(Command::StorageTerms, &terms), Status::EACCES, "only who joined");
    let report = SelfReport::decode(&far.get(Command::SelfReport, &SelfReportRequest)).unwrap();
    assert_eq!(report.get("you_are"), Some("127.0.7.9"));
    assert_eq!(report.get("told"), Some("group1/127.0.0.11 127.0.7.0/24 198.51.100.7 9000"));
    site.assert_quiet();
}

#[test]
fn other_storages_are_told_an_address_that_they_reach() {
    let site = Site::start();
    let mut one = site.active("group1", "127.0.0.11", 5000);
    let mut two = site.active("group1", "127.0.7.12", 5000);
    one.beat();
    two.beat();
    let terms = terms(&[("127.0.7.0/24", "198.51.100.7", Some(9000))]);
    assert_eq!(one.client.status(Command::StorageTerms, &terms), Status::OK);
    let seen = two.beat().storages.unwrap();
    let of_one = seen.iter().find(|s| s.id.as_str() == "127.0.0.11").unwrap();
    assert_eq!((of_one.ip.as_str(), of_one.port), ("198.51.100.7", 9000));
    let seen = one.beat().storages.unwrap();
    assert!(seen.iter().all(|s| s.port == 23000), "itself by its own address: {seen:?}");
    site.assert_quiet();
}

#[test]
fn tracker_conf_speaks_for_storages_that_cannot() {
    let site = Site::start_with(|conf| {
        conf.advertise = ["group1/* 127.0.7.0/24 -> localhost:9000", "* 127.0.7.0/24 -> 192.0.2.1"]
            .map(|line| AdvertiseRule::of_tracker(line).unwrap())
            .to_vec();
    });
    let _storage = site.active("group1", "127.0.0.11", 5000);
    assert_eq!(told(&mut site.client_from("127.0.7.9")).0, "127.0.0.1 9000");
    assert_eq!(told(&mut site.client_from("127.0.0.9")).0, "127.0.0.11 23000");
    site.assert_quiet();
}

#[test]
fn a_name_without_an_address_leaves_its_line_out() {
    let site = Site::start_with(|conf| {
        conf.advertise = vec![AdvertiseRule::of_tracker("* * -> no-such-host.invalid").unwrap()];
    });
    let _storage = site.active("group1", "127.0.0.11", 5000);
    assert_eq!(told(&mut site.client()).0, "127.0.0.11 23000");
    site.assert_quiet_but(&["the host no-such-host.invalid has no address"]);
}

#[test]
fn who_asks_over_ipv4_gets_no_ipv6_address() {
    let site = Site::start();
    let mut storage = site.active("group1", "127.0.0.11", 5000);
    let terms = terms(&[("127.0.0.0/8", "fd00::7", None), ("127.0.0.0/8", "192.0.2.7", None)]);
    assert_eq!(storage.client.status(Command::StorageTerms, &terms), Status::OK);
    assert_eq!(told(&mut site.client()), ("192.0.2.7 23000".to_owned(), 40));
    let list = ListStorages { group: "group1".parse().unwrap(), id: None };
    assert_eq!(site.client().get(Command::ServerListStorage, &list).len(), 487);
    site.assert_quiet();
}
