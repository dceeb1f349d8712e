//! What our servers send to each other, byte for byte as the reference sends it.
//!
//! Everything between the servers of a cluster goes through proxies that keep it, and that refuse our own commands as a server of
//! the reference does. A decoder of its own, which also reads all that was recorded of servers of the reference, then takes
//! every request apart: lengths, padding, fields that nobody uses. Where the same operation was recorded, the bytes are
//! compared, with our names and times in their places.

mod golden;
mod layouts;
mod packets;
mod scenes;

use std::collections::BTreeSet;

use fdfs_testkit::links::Recorded;
use fdfs_testkit::{Cluster, Node};
use golden::{Known, rows, says_the_same};
use layouts::{Field, decode};
use packets::Packet;
use scenes::{Group, Joined};

/// A request with its fields, and where it went.
struct Heard {
    connection: String,
    packet: Packet,
    fields: Vec<Field>,
}

/// Stops the cluster and takes apart all that servers have sent; what is wrong with it fails the test.
fn hear(mut cluster: Cluster) -> Vec<Heard> {
    cluster.stop_all();
    let known = Known::read();
    let mut heard = Vec::new();
    for Recorded { caller, called, sent, answered } in cluster.links().recorded() {
        let asks = |packet: &Packet| matches!(packet.command, 31 | 32);
        // Trackers do not bind what they call storages from; nobody else asks this.
        let caller = match (caller, &Packet::whole(&sent).0[..]) {
            (Node::Client, [first, ..]) if asks(first) => "a tracker".to_owned(),
            (Node::Client, _) => continue,
            _ => caller.to_string(),
        };
        let connection = format!("{caller} to {called}");
        let requests = Packet::split(&sent).unwrap_or_else(|e| panic!("{connection}: {e}"));
        let answers = Packet::split_answers(&answered).unwrap_or_else(|e| panic!("{connection}, answers: {e}"));
        check_answers(&connection, &requests, &answers);
        for packet in requests {
            let (command, status) = (packet.command, packet.status);
            let wrong = |e: String| -> ! {
                panic!("{connection}, command {command} status {status}: {e}\n{:02x?}", packet.body)
            };
            let fields = decode(command, status, &packet.body, true).unwrap_or_else(|e| wrong(e));
            known.check(&packet, &fields).unwrap_or_else(|e| wrong(e));
            heard.push(Heard { connection: connection.clone(), packet, fields });
        }
    }
    heard
}

/// One answer for each request, in the form of all answers; QUIT has none.
fn check_answers(connection: &str, requests: &[Packet], answers: &[Packet]) {
    let asked: Vec<_> = requests.iter().filter(|request| request.command != 82).collect();
    // The last request may have been under way when the servers were asked to stop.
    assert!(answers.len() <= asked.len() && asked.len() <= answers.len() + 1, "{connection}: {asked:?}, {answers:?}");
    for (request, answer) in asked.iter().zip(answers) {
        assert_eq!(answer.command, 100, "{connection}: answer to {request:?}");
        let is_empty = match request.command {
            9
            | 16..=19
            | 25
            | 28..=30
            | 32
            | 33
            | 35
            | 37
            | 40
            | 58
            | 59
            | 61
            | 62
            | 66..=68
            | 73
            | 74
            | 76
            | 85
            | 88
            | 111 => true,
            _ => answer.status != 0,
        };
        assert!(!is_empty || answer.body.is_empty(), "{connection}: answer to {request:?}: {answer:?}");
    }
}

/// What storages or trackers have sent to either.
fn commands(heard: &[Heard], caller: &str, called: &str) -> BTreeSet<u8> {
    let is_one = |heard: &&Heard| {
        heard.connection.trim_start_matches("a ").starts_with(caller)
            && heard.connection.contains(&format!("to {called}"))
    };
    heard.iter().filter(is_one).map(|heard| heard.packet.command).collect()
}

#[track_caller]
fn assert_all(commands: &BTreeSet<u8>, expected: &[u8]) {
    let missing: Vec<_> = expected.iter().filter(|command| !commands.contains(command)).collect();
    assert!(missing.is_empty(), "nobody sent {missing:?}, only {commands:?}");
}

#[test]
fn the_decoder_reads_all_that_was_recorded_of_the_reference_and_nothing_that_is_longer_or_shorter() {
    let rows = rows();
    assert!(rows.len() > 150, "{}", rows.len());
    for row in &rows {
        let Packet { command, status, body } = &row.packet;
        // What goes to the end of the body has no length of its own.
        if matches!(command, 17 | 22 | 30 | 66 | 67 | 70 | 71 | 84 | 89) {
            continue;
        }
        let longer = [&body[..], b"x"].concat();
        assert!(decode(*command, *status, &longer, false).is_err(), "{}: one byte more", row.name);
        if let [most @ .., _] = &body[..] {
            assert!(decode(*command, *status, most, false).is_err(), "{}: one byte less", row.name);
        }
    }
}

#[test]
fn every_kind_of_change_is_sent_as_the_reference_sends_it() {
    let heard = hear(scenes::changes(&Group::plain()));
    assert_all(&commands(&heard, "storage", "storage"), &[9, 16, 17, 18, 19, 25, 35, 37, 40, 111]);
    assert_all(&commands(&heard, "storage", "tracker"), &[60, 75, 76, 77, 81, 82, 83, 84, 86, 87, 88, 89]);
    // The operations of the recording, one by one.
    for wanted in [
        "conn 2 msg 72: sync create",
        "conn 2 msg 73: sync append",
        "conn 2 msg 76: sync truncate",
        "conn 2 msg 77: sync append",
        "conn 2 msg 78: sync modify",
        "conn 2 msg 79: sync rename",
        "conn 3 msg 3: sync delete",
        "conn 3 msg 5: sync create",
        "conn 3 msg 6: sync create link",
        "conn 4 msg 117: sync update",
        "conn 5 msg 2: sync create",
    ] {
        let row =
            rows().into_iter().find(|row| row.name.ends_with(wanted)).unwrap_or_else(|| panic!("no row {wanted}"));
        let same = |heard: &&Heard| heard.packet.command == row.packet.command;
        let of_kind: Vec<_> = heard.iter().filter(same).collect();
        let is_there = of_kind.iter().any(|heard| says_the_same(&row, &heard.packet, &heard.fields));
        let ours: Vec<_> = of_kind.iter().map(|heard| &heard.fields).collect();
        assert!(is_there, "{} was not sent: {:?}\n{ours:?}", row.name, row.fields);
    }
}

#[test]
fn the_same_with_storage_ids() {
    let heard = hear(scenes::changes(&Group::with_ids()));
    assert_all(&commands(&heard, "storage", "storage"), &[9, 16, 17, 18, 19, 25, 35, 37, 40, 111]);
    assert_all(&commands(&heard, "storage", "tracker"), &[69, 81, 86, 87, 88, 89]);
    for heard in heard.iter().filter(|heard| matches!(heard.packet.command, 9 | 81 | 86 | 89)) {
        let mut ids = heard.fields.iter().filter(|field| field.what == "storage id");
        assert!(ids.all(|id| id.bytes.starts_with(b"10000")), "{}: {:?}", heard.connection, heard.fields);
    }
}

#[test]
fn the_old_files_of_a_group_go_to_a_new_storage_as_the_reference_sends_them() {
    let Joined { cluster, old_names } = scenes::a_storage_joins();
    let heard = hear(cluster);
    let created: BTreeSet<_> =
        heard.iter().filter(|heard| heard.packet.command == 16).map(|heard| name(&heard.fields)).collect();
    assert!(old_names.iter().all(|name| created.contains(name)), "{old_names:?}, {created:?}");
    // The source says what becomes of the new one: SYNCING, then OFFLINE until its own beat. It says OFFLINE again as long as
    // it has not heard of that: a report may have been lost.
    let told = heard.iter().filter(|heard| heard.packet.command == 76);
    let mut statuses: Vec<_> = told.map(|heard| heard.fields[1].number()).collect();
    statuses.dedup();
    assert_eq!(statuses, [2, 5]);
}

#[test]
fn space_in_trunk_files_and_its_log_go_as_the_reference_sends_them() {
    let heard = hear(scenes::trunk_files());
    assert_all(&commands(&heard, "storage", "storage"), &[9, 16, 17, 27, 28, 29, 30, 33, 111]);
    assert_all(&commands(&heard, "storage", "tracker"), &[72, 73, 74, 81, 83]);
    // A file in a slot has the name of one: 60 characters at least.
    let long = heard.iter().filter(|heard| heard.packet.command == 16 && name(&heard.fields).len() >= 60);
    assert!(long.count() > 0, "no file in a slot was sent");
    // A block is confirmed as it was given, for the group that asked.
    for heard in heard.iter().filter(|heard| matches!(heard.packet.command, 28 | 29)) {
        assert_eq!((heard.packet.status, heard.packet.body.len()), (0, 31), "{}", heard.connection);
    }
}

#[test]
fn a_lost_store_path_is_asked_for_as_the_reference_asks() {
    let cluster = scenes::a_lost_store_path();
    let own = cluster.storages[1].addr().ip().to_string();
    let heard = hear(cluster);
    assert_all(&commands(&heard, "storage", "storage"), &[26, 14]);
    // What it says of itself begins with RECOVERY, and names its address.
    let is_own = |field: &Field| field.bytes.starts_with(&[own.as_bytes(), b"\0"].concat());
    let told = heard.iter().filter(|heard| heard.packet.command == 76 && is_own(&heard.fields[3]));
    let told: Vec<_> = told.filter(|heard| heard.connection.starts_with("storage 1")).collect();
    assert_eq!(told.first().map(|first| first.fields[1].number()), Some(9));
    assert!(told.iter().all(|heard| is_own(&heard.fields[4])));
}

#[test]
fn trackers_speak_to_each_other_and_to_storages_as_the_reference_does() {
    let heard = hear(scenes::trackers());
    assert_all(&commands(&heard, "tracker", "tracker"), &[58, 61, 62, 63, 64, 65, 66, 67]);
    assert_all(&commands(&heard, "tracker", "storage"), &[31, 32]);
}

fn name(fields: &[Field]) -> String {
    let name = fields.iter().find(|field| field.what == "name").unwrap();
    String::from_utf8(name.bytes.clone()).unwrap()
}
