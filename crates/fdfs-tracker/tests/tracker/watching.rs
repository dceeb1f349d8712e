//! Storages that watch their group (our own command 241).

use std::io::Write as _;

use fdfs_proto::ours::{GroupView, WatchGroup};
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{Command, Header, Status, Wire};

use crate::support::{Client, Site};

fn request(seen: u64, patience_ms: u32) -> Vec<u8> {
    let (group, id) = ("group1".parse().unwrap(), "127.0.0.11".parse().unwrap());
    WatchGroup { group, id, seen, patience_ms }.to_bytes()
}

fn look(client: &mut Client, seen: u64, patience_ms: u32) -> GroupView {
    let (status, body) = client.ask_bytes(Command::WatchGroup, &request(seen, patience_ms));
    assert_eq!(status, Status::OK);
    GroupView::from_bytes(&body).unwrap()
}

fn statuses(view: &GroupView) -> Vec<StorageStatus> {
    view.storages.iter().map(|storage| storage.status).collect()
}

#[test]
fn a_change_of_the_group_answers_at_once_and_none_answers_late() {
    let site = Site::start();
    let mut watching = site.client();
    let (status, _) = watching.ask_bytes(Command::WatchGroup, &request(0, 0));
    assert_eq!(status, Status::ENOENT, "no such group");
    let first = site.active("group1", "127.0.0.11", 5000);
    let seen = look(&mut watching, 0, 20_000);
    assert_eq!((statuses(&seen), seen.leads), (vec![StorageStatus::Active], true));
    assert_eq!(look(&mut watching, seen.stamp(), 1), seen, "patience ends");

    // The watch is answered while its patience lasts: the disconnect of the other storage ends it.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| look(&mut watching, seen.stamp(), 20_000));
        drop(first);
        assert_eq!(statuses(&waiting.join().unwrap()), [StorageStatus::Offline]);
    });
    site.assert_quiet();
}

#[test]
fn those_who_watch_do_not_keep_a_tracker_from_stopping() {
    let mut site = Site::start();
    let _storage = site.active("group1", "127.0.0.11", 5000);
    let mut client = site.client();
    let seen = look(&mut client, 0, 0);
    let body = request(seen.stamp(), 20_000);
    let head = Header::request(Command::WatchGroup, body.len() as u64).to_bytes();
    let mut watching = std::net::TcpStream::connect(site.addr()).unwrap();
    watching.write_all(&[&head[..], &body].concat()).unwrap();
    // It is served beside this one.
    for _ in 0..20 {
        assert_eq!(look(&mut client, 0, 0), seen);
    }
    // Within two seconds, as the helper asserts.
    site.stop();
    site.assert_quiet();
}
