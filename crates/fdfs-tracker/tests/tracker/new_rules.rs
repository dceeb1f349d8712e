//! Rules that are new against the reference (wire specification, 6), and W-41.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::Site;
use fdfs_proto::cmd::tracker::{ChangelogRequest, DeleteGroup, DeleteStorage, QueryStoreRequest, ReportIpChanged};
use fdfs_proto::shared::StorageStatus::Offline;
use fdfs_proto::{Command, Status};

/// Rounds of coming and going.
const ROUNDS: usize = 8;

fn delete(group: &str, id: &str) -> DeleteStorage {
    DeleteStorage { group: group.parse().unwrap(), id: id.parse().unwrap() }
}

#[test]
fn w41_queries_are_answered_while_storages_and_groups_come_and_go() {
    let site = Site::start();
    let mut steady = site.active("steady", "127.0.0.11", 5000);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ask = || {
            let mut client = site.client();
            let mut asked = 0;
            let steady = QueryStoreRequest { group: "steady".parse().unwrap() };
            let coming = QueryStoreRequest { group: "coming".parse().unwrap() };
            while !is_over.load(Ordering::Relaxed) || asked == 0 {
                assert_eq!(client.status(Command::QueryStoreWithGroupOne, &steady), Status::OK);
                assert_eq!(client.list("steady").len(), 1);
                let come_and_gone = client.status(Command::QueryStoreWithGroupAll, &coming);
                assert!(
                    [Status::OK, Status::ENOENT, Status::ENOSPC].contains(&come_and_gone),
                    "a group that comes and goes: {come_and_gone}"
                );
                assert_eq!(client.status(Command::ServerListAllGroups, &()), Status::OK);
                asked += 1;
            }
        };
        let askers: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        for round in 0..ROUNDS {
            let ip = format!("127.0.1.{}", round + 1);
            drop(site.active("coming", &ip, 5000));
            site.wait_for_status("coming", &ip, Offline);
            let mut client = site.client();
            assert_eq!(client.status(Command::ServerDeleteStorage, &delete("coming", &ip)), Status::OK);
            // Deleted entries keep the group until a restart, as in the reference; it must not go while one is asked.
            let group = DeleteGroup { group: "coming".parse().unwrap() };
            assert_eq!(client.status(Command::ServerDeleteGroup, &group), Status::EBUSY);
            steady.beat();
        }
        is_over.store(true, Ordering::Relaxed);
        for asker in askers {
            asker.join().unwrap();
        }
    });
    site.assert_quiet();
}

#[test]
fn new_6_a_refused_report_of_an_address_has_an_empty_body() {
    let site = Site::start();
    let ip = |text: &str| text.parse().unwrap();
    let report =
        ReportIpChanged { group: "nobody".parse().unwrap(), old_ip: ip("127.0.0.12"), new_ip: ip("127.0.0.13") };
    let (status, body) = site.client_from("127.0.0.13").ask(Command::StorageReportIpChanged, &report);
    assert_eq!((status, body), (Status::ENOENT, Vec::new()));
}

#[test]
fn new_7_texts_end_at_their_nul_and_are_padded_with_zeros() {
    let site = Site::start();
    let _storage = site.active("group1", "127.0.0.11", 5000);
    let mut client = site.client();
    let mut asked = b"group1".to_vec();
    asked.extend_from_slice(b"\0rubbish\xff\x01");
    assert_eq!(asked.len(), 16);
    let (status, answer) = client.ask_bytes(Command::QueryStoreWithGroupOne, &asked);
    assert_eq!(status, Status::OK, "what stands behind the NUL is garbage");
    let mut expected = b"group1".to_vec();
    expected.resize(16, 0);
    expected.extend_from_slice(b"127.0.0.11");
    expected.resize(31, 0);
    assert_eq!(answer[..31], expected);
    let (_, groups) = client.ask_bytes(Command::ServerListAllGroups, b"");
    assert_eq!(groups[..17], *b"group1\0\0\0\0\0\0\0\0\0\0\0");
    let mut list = b"group1".to_vec();
    list.resize(16, 0);
    let (_, storages) = client.ask_bytes(Command::ServerListStorage, &list);
    assert_eq!(storages[2..18], *b"127.0.0.11\0\0\0\0\0\0");
    assert_eq!(storages[34..50], [0; 16], "no source");
}

#[test]
fn new_10_system_files_are_lent_to_one_and_joins_go_on() {
    let site = Site::start();
    let _first = site.active("group1", "127.0.0.11", 5000);
    let (mut one, mut two) = (site.client(), site.client());
    assert_eq!(one.status(Command::TrackerGetSysFilesStart, &()), Status::OK);
    assert_eq!(two.status(Command::TrackerGetSysFilesStart, &()), Status::EBUSY);
    let _joined_meanwhile = site.active("group1", "127.0.0.12", 5000);
    assert_eq!(one.status(Command::TrackerGetSysFilesEnd, &()), Status::OK);
    assert_eq!(two.status(Command::TrackerGetSysFilesStart, &()), Status::OK);
    site.assert_quiet();
}

#[test]
fn new_12_changelog_answers_are_whole_lines_and_nothing_is_lost() {
    let site = Site::start();
    let mut reader = site.active("group1", "127.0.0.11", 5000);
    // Lines of more than 8182 bytes in all: deletions of storages in groups with long names.
    let groups = 7;
    for n in 0..groups {
        for member in 0..32 {
            let (group, ip) = (format!("averylonggroup{n:02}"), format!("127.10.{n}.{}", member + 1));
            drop(site.active(&group, &ip, 5000));
            site.wait_for_status(&group, &ip, Offline);
            assert_eq!(site.client().status(Command::ServerDeleteStorage, &delete(&group, &ip)), Status::OK);
        }
    }
    let mut all = Vec::new();
    loop {
        let piece = reader.client.get(Command::StorageChangelogReq, &ChangelogRequest::Joined);
        if piece.is_empty() {
            break;
        }
        assert!(piece.len() <= 8182, "{} bytes", piece.len());
        assert_eq!(piece.last(), Some(&b'\n'), "an answer ends inside of a line");
        all.extend_from_slice(&piece);
    }
    assert!(all.len() > 8182, "only {} bytes: no second answer was needed", all.len());
    assert_eq!(all, site.file("storage_changelog.dat").into_bytes());
    site.assert_quiet();
}

#[test]
fn new_13_a_group_of_32_storages_is_listed() {
    let site = Site::start();
    let storages: Vec<_> = (1..=32).map(|n| site.active("group1", &format!("127.0.2.{n}"), 5000)).collect();
    let mut list = b"group1".to_vec();
    list.resize(16, 0);
    let (status, body) = site.client().ask_bytes(Command::ServerListStorage, &list);
    assert_eq!((status, body.len()), (Status::OK, 32 * 487));
    let mut one_more = site.storage("group1", "127.0.2.33");
    assert_eq!(one_more.try_join().unwrap_err(), Status::ENOSPC);
    drop(storages);
    site.assert_quiet_but(&["cannot join group group1"]);
}
