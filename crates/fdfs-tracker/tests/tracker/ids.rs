//! Clusters with storage ids.

use crate::support::{FakeStorage, Site};
use fdfs_proto::cmd::tracker::{
    GroupNameAnswer, GroupNameRequest, Join, MyIp, MyIpRequest, ReportIpChanged, ServerId, ServerIdRequest, StorageIds,
    StorageIdsRequest,
};
use fdfs_proto::shared::StorageStatus::Active;
use fdfs_proto::{Command, Status, Wire as _};

/// 300 storages, of which three are on this machine.
fn site() -> Site {
    let dir = tempfile::tempdir().unwrap();
    let ids = dir.path().join("storage_ids.conf");
    let mut text =
        "100001 group1 127.0.0.11\n100002 group1 127.0.0.12:23001\n100003 group1 127.0.0.13 rw=read\n".to_owned();
    for n in 0..297 {
        text.push_str(&format!("{} other 10.1.{}.{}\n", 200_000 + n, n / 200, n % 200 + 1));
    }
    std::fs::write(&ids, text).unwrap();
    Site::start_in(dir, |conf| {
        conf.use_storage_id = true;
        conf.id_type_in_filename = fdfs_conf::IdType::Id;
        conf.storage_ids_filename = Some(ids.to_str().unwrap().to_owned());
    })
}

fn joining(site: &Site, ip: &str, port: u16, id: &str) -> FakeStorage {
    let mut storage = site.storage("group1", ip);
    let id = Some(id).filter(|id| !id.is_empty()).map(|id| id.parse().unwrap());
    storage.join = Some(Join { port, id, ..storage.usual_join() });
    storage
}

#[test]
fn storages_are_known_by_their_ids() {
    let site = site();
    let mut one = joining(&site, "127.0.0.11", 23000, "");
    one.become_active(5000);
    // The id is believed, whatever address it comes from.
    let mut two = joining(&site, "127.0.0.99", 23001, "100002");
    two.become_active(5000);
    let mut three = joining(&site, "127.0.0.13", 23000, "");
    three.become_active(5000);
    let list = site.client().list("group1");
    let ids: Vec<_> = list.iter().map(|s| (s.id.to_string(), s.ip.to_string(), s.port, s.status)).collect();
    let expected = |id: &str, ip: &str, port| (id.to_owned(), ip.to_owned(), port, Active);
    let expected = [
        expected("100001", "127.0.0.11", 23000),
        expected("100002", "127.0.0.12", 23001),
        expected("100003", "127.0.0.13", 23000),
    ];
    assert_eq!(ids, expected);
    let group = site.client().group("group1").unwrap();
    assert_eq!((group.storage_port, group.readable_count, group.writable_count), (None, 3, 2));
    assert_eq!(joining(&site, "127.0.0.14", 23000, "").try_join().unwrap_err(), Status::ENOENT);
    assert_eq!(joining(&site, "127.0.0.14", 23000, "200001").try_join().unwrap_err(), Status::EINVAL, "another group");
    let mut site = site;
    site.restart();
    assert_eq!(site.client().list("group1").len(), 3);
    site.assert_quiet_but(&["cannot join group group1"]);
}

#[test]
fn the_list_is_handed_out_in_pieces() {
    let site = site();
    let mut client = site.client();
    let mut lines = Vec::new();
    loop {
        let request = StorageIdsRequest { start_index: lines.len() as u32, allow_empty: false };
        let body = client.get(Command::StorageFetchStorageIds, &request);
        assert!(body.len() <= 8182, "C receivers have no more room");
        let piece = StorageIds::from_bytes(&body).unwrap();
        assert!(!piece.lines.is_empty());
        lines.extend(piece.lines);
        if lines.len() as u32 == piece.total {
            break;
        }
    }
    assert_eq!(lines.len(), 300);
    assert_eq!(lines[2].to_string(), "100003 group1 127.0.0.13 rw=read");
    let behind = StorageIdsRequest { start_index: 300, allow_empty: true };
    assert_eq!(client.status(Command::StorageFetchStorageIds, &behind), Status::EINVAL);
    site.assert_quiet();
}

#[test]
fn questions_before_a_join() {
    let site = site();
    let mut client = site.client_from("127.0.0.12");
    let group = |port| GroupNameRequest { ip: None, port };
    let answer = client.get(Command::StorageGetGroupName, &group(23001));
    assert_eq!(GroupNameAnswer::from_bytes(&answer).unwrap().group.as_str(), "group1");
    assert_eq!(client.status(Command::StorageGetGroupName, &group(23000)), Status::ENOENT);
    assert_eq!(client.ask_bytes(Command::StorageGetGroupName, &[b'1'; 50]).0, Status::ENAMETOOLONG);
    assert_eq!(client.ask_bytes(Command::StorageGetGroupName, &[b'1'; 3]).0, Status::EINVAL);
    let asked = ServerIdRequest { group: "group1".parse().unwrap(), host: "127.0.0.12:23001".parse().unwrap() };
    let id = ServerId::from_bytes(&client.get(Command::StorageGetServerId, &asked)).unwrap();
    assert_eq!(id.id.as_str(), "100002");
    let my_ip = MyIpRequest { group: "group1".parse().unwrap(), port: 23001 };
    let my_ip = MyIp::from_bytes(&client.get(Command::StorageGetMyIp, &my_ip)).unwrap();
    assert_eq!(my_ip.addrs.to_string(), "127.0.0.12");
    let ip = "127.0.0.12".parse().unwrap();
    let changed = ReportIpChanged { group: "group1".parse().unwrap(), old_ip: ip, new_ip: ip };
    // Differs from C: the refusal has no body.
    assert_eq!(client.ask(Command::StorageReportIpChanged, &changed), (Status::EOPNOTSUPP, vec![]));
    site.assert_quiet();
}

#[test]
fn lines_that_are_read_again_count_at_once() {
    let mut site = site();
    let mut first = joining(&site, "127.0.0.11", 23000, "");
    first.become_active(5000);
    assert_eq!(joining(&site, "127.0.0.14", 23000, "").try_join().unwrap_err(), Status::ENOENT);
    let file = site.conf.storage_ids_filename.clone().unwrap();
    std::fs::write(&file, "100001 group1 127.0.0.11 rw=read\n100004 group1 127.0.0.14\n").unwrap();
    site.conf.reserved_storage_space = fdfs_conf::ReservedSpace::MegaBytes(1);
    site.reload();
    let mut new = joining(&site, "127.0.0.14", 23000, "");
    new.become_active(5000);
    let group = site.client().group("group1").unwrap();
    assert_eq!((group.readable_count, group.writable_count), (2, 1), "the first one is read-only now");
    // A file that no tracker would start with changes nothing.
    std::fs::write(&file, "100001 group1 127.0.0.11\n100001 group1 127.0.0.12\n").unwrap();
    assert!(site.try_reload().is_err());
    assert_eq!(site.client().group("group1").unwrap().writable_count, 1);
    site.assert_quiet_but(&["cannot join group group1"]);
}

/// What `fdfs doctor` shows: which clients are told which of two addresses.
#[test]
fn a_tracker_says_who_is_told_which_of_two_addresses() {
    let dir = tempfile::tempdir().unwrap();
    let ids = dir.path().join("storage_ids.conf");
    std::fs::write(&ids, "1 group1 127.0.0.11\n2 group1 127.0.0.12,10.7.7.7\n3 group1 10.0.0.3,127.0.0.13:23003\n")
        .unwrap();
    let site = Site::start_in(dir, |conf| {
        conf.use_storage_id = true;
        conf.id_type_in_filename = fdfs_conf::IdType::Id;
        conf.storage_ids_filename = Some(ids.to_str().unwrap().to_owned());
    });
    let mut storages = [("127.0.0.11", 23000), ("127.0.0.12", 23000), ("127.0.0.13", 23003)]
        .map(|(ip, port)| joining(&site, ip, port, ""));
    storages.iter_mut().for_each(|storage| storage.become_active(5000));
    let body = site.client().ask_bytes(Command::SelfReport, &[]).1;
    let report = fdfs_proto::ours::SelfReport::decode(&body).unwrap();
    let told: Vec<_> = report.entries.iter().filter(|(key, _)| key == "told").map(|(_, line)| line.as_str()).collect();
    assert_eq!(
        told,
        [
            "group1/2 10.0.0.0/8 10.7.7.7 23000",
            "group1/2 else 127.0.0.12 23000",
            "group1/3 public 127.0.0.13 23003",
            "group1/3 else 10.0.0.3 23003",
        ]
    );
}
