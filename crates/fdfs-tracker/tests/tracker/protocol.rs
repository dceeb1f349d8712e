//! What every connection must put up with: wrong lengths, unknown commands, limits, silence.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::support::{PATIENCE, Site};
use fdfs_proto::{Command, Direction, HEADER_LEN, Header, Status};

fn connect(site: &Site) -> TcpStream {
    let stream = TcpStream::connect(site.addr()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn read_answer(stream: &mut TcpStream) -> Option<(Status, Vec<u8>)> {
    let mut header = [0; HEADER_LEN];
    stream.read_exact(&mut header).ok()?;
    let header = Header::from_bytes(header);
    assert_eq!(header.command, Command::Resp.number());
    let mut body = vec![0; header.body_len as usize];
    stream.read_exact(&mut body).unwrap();
    Some((Status(header.status), body))
}

fn package(command: u8, body: &[u8]) -> Vec<u8> {
    let header = Header { body_len: body.len() as i64, command, status: 0 };
    [header.to_bytes().as_slice(), body].concat()
}

#[test]
fn unknown_commands_and_those_of_storages_are_refused_and_the_connection_stays_open() {
    let site = Site::start();
    let mut stream = connect(&site);
    for number in 0..=u8::MAX {
        let command = Command::from_number(number);
        let is_served = command.is_some_and(|command| {
            matches!(
                command.direction(),
                Direction::ClientToTracker | Direction::StorageToTracker | Direction::TrackerToTracker | Direction::Any
            )
        });
        if is_served {
            continue;
        }
        stream.write_all(&package(number, b"some body")).unwrap();
        assert_eq!(read_answer(&mut stream), Some((Status::EINVAL, vec![])), "{number}");
    }
    site.assert_quiet();
}

#[test]
fn every_command_survives_bodies_of_every_length() {
    let site = Site::start();
    let _one = site.active("group1", "127.0.0.11", 5000);
    let mut stream = connect(&site);
    for command in Command::ALL.iter().filter(|&&command| command != Command::Quit) {
        for len in [0, 1, 3, 4, 5, 9, 12, 15, 16, 17, 20, 21, 24, 32, 48, 67, 83, 108, 145, 200, 348, 5000] {
            for fill in [0, b'1', 0xFF] {
                stream.write_all(&package(command.number(), &vec![fill; len])).unwrap();
                let answer = read_answer(&mut stream);
                let (status, body) = answer.unwrap_or_else(|| panic!("{command:?} with {len} x {fill} closes"));
                assert!(status.is_ok() || body.is_empty(), "{command:?} with {len} x {fill}: {status} with a body");
            }
        }
    }
    assert_eq!(site.client().list("group1").len(), 1);
    site.assert_quiet();
}

#[test]
fn joined_commands_are_refused_without_a_join_whatever_their_body() {
    let site = Site::start();
    let _one = site.active("group1", "127.0.0.11", 5000);
    let mut stream = connect(&site);
    use Command as C;
    for command in [
        C::StorageChangeStatus,
        C::StorageFetchTrunkFid,
        C::StorageReportTrunkFid,
        C::StorageReportTrunkFree,
        C::StorageSyncDestQuery,
        C::StorageBeat,
        C::StorageReportDiskUsage,
        C::StorageReplicaChg,
        C::StorageSyncDestReq,
        C::StorageSyncNotify,
        C::StorageSyncReport,
    ] {
        for body in [&b""[..], b"x", &[0; 348]] {
            stream.write_all(&package(command.number(), body)).unwrap();
            assert_eq!(read_answer(&mut stream), Some((Status::EACCES, vec![])), "{command:?}");
        }
    }
    site.assert_quiet();
}

#[test]
fn pipelined_requests_are_all_answered_in_order() {
    let site = Site::start();
    let mut stream = connect(&site);
    let mut all = Vec::new();
    for n in 0..500 {
        // Two that have different answers.
        all.extend(if n % 3 == 0 { package(111, b"") } else { package(101, b"") });
    }
    stream.write_all(&all).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    for n in 0..500 {
        let expected = if n % 3 == 0 { Status::OK } else { Status::ENOENT };
        assert_eq!(read_answer(&mut stream), Some((expected, vec![])), "answer {n}");
    }
    assert_eq!(read_answer(&mut stream), None, "closed behind the last one");
    site.assert_quiet();
}

#[test]
fn packages_that_are_too_long_close_the_connection_before_their_body_is_waited_for() {
    let site = Site::start();
    for (body_len, is_read) in
        [(262_134, true), (262_135, false), (1 << 31, false), (1 << 32, false), (i64::MAX, false), (-1, false)]
    {
        let mut stream = connect(&site);
        let header = Header { body_len, command: 111, status: 0 };
        stream.write_all(&header.to_bytes()).unwrap();
        if is_read {
            stream.write_all(&vec![0; body_len as usize]).unwrap();
            assert_eq!(read_answer(&mut stream), Some((Status::EINVAL, vec![])), "{body_len}");
        } else {
            assert_eq!(read_answer(&mut stream), None, "{body_len}");
        }
    }
    site.assert_quiet();
}

#[test]
fn quit_is_not_answered() {
    let site = Site::start();
    for body in [&b""[..], b"abc"] {
        let mut stream = connect(&site);
        stream.write_all(&package(82, body)).unwrap();
        assert_eq!(read_answer(&mut stream), None);
    }
    site.assert_quiet();
}

#[test]
fn new_connections_must_say_something_within_network_timeout() {
    let site = Site::start_with(|conf| conf.server.network_timeout_secs = 1);
    let mut served = connect(&site);
    served.write_all(&package(111, b"")).unwrap();
    assert_eq!(read_answer(&mut served), Some((Status::OK, vec![])));
    let started = Instant::now();
    let mut silent = connect(&site);
    let mut half = connect(&site);
    half.write_all(&package(90, b"")[..4]).unwrap();
    assert_eq!((read_answer(&mut silent), read_answer(&mut half)), (None, None));
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
    served.write_all(&package(111, b"")).unwrap();
    assert_eq!(read_answer(&mut served), Some((Status::OK, vec![])), "one that has served may be idle for ever");
    site.assert_quiet();
}

#[test]
fn more_than_max_connections_are_closed_at_once() {
    let site = Site::start_with(|conf| conf.server.max_connections = 2);
    let _one = site.active("group1", "127.0.0.11", 5000);
    let mut second = connect(&site);
    second.write_all(&package(111, b"")).unwrap();
    assert_eq!(read_answer(&mut second), Some((Status::OK, vec![])));
    let mut third = connect(&site);
    assert_eq!(read_answer(&mut third), None);
    drop(second);
    crate::support::wait_for("a free place", || {
        let mut stream = connect(&site);
        stream.write_all(&package(111, b"")).is_ok() && read_answer(&mut stream).is_some()
    });
    site.assert_quiet_but(&["max_connections = 2 are open"]);
}

#[test]
fn only_allowed_hosts_may_connect() {
    let site = Site::start_with(|conf| {
        let mut hosts = fdfs_conf::AllowHosts::nobody();
        assert!(hosts.add_entry("127.0.0.[11-12]"));
        conf.server.allow_hosts = hosts;
    });
    let mut storage = site.storage("group1", "127.0.0.11");
    storage.join();
    assert_eq!(read_answer(&mut connect(&site)), None, "127.0.0.1 is not in the list");
    site.assert_quiet_but(&["not in allow_hosts"]);
}

#[test]
fn an_answer_that_max_buff_size_does_not_allow_is_refused() {
    // One group is 113 bytes, one storage 106 of 97's.
    let site = Site::start_with(|conf| conf.server.max_buff_size_bytes = 120);
    let _one = site.active("group1", "127.0.0.11", 5000);
    let mut stream = connect(&site);
    for (command, body, status) in [(91, &b""[..], Status::ENOSPC), (97, &[0; 4], Status::EINVAL)] {
        stream.write_all(&package(command, body)).unwrap();
        assert_eq!(read_answer(&mut stream), Some((status, vec![])), "{command}");
    }
    stream.write_all(&package(98, &[0; 4])).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().1.len(), 64, "98 fits");
    site.assert_quiet();
}
