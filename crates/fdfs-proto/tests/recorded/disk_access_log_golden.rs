//! Access logs and the log of trunk servers of the reference V6.16.1, written again from their columns.
//! A failure names the file and the line.
use fdfs_proto::Status;
use fdfs_proto::disk::access_log::{AccessRecord, Action, LogTime, LoggedFile, TimePrecision, encode_header};
use fdfs_proto::disk::local_time::LocalTime;
use fdfs_proto::disk::trunk_change_log::{TrunkServer, TrunkServerChange};

const LOGS: [(&str, &str); 9] = [
    ("ids/s1", include_str!("../golden/disk/ids/s1/base/logs/storage_access.log")),
    ("ids/s2", include_str!("../golden/disk/ids/s2/base/logs/storage_access.log")),
    ("ids/s3", include_str!("../golden/disk/ids/s3/base/logs/storage_access.log")),
    ("links/s1", include_str!("../golden/disk/links/s1/base/logs/storage_access.log")),
    ("links/s2", include_str!("../golden/disk/links/s2/base/logs/storage_access.log")),
    ("plain/s1", include_str!("../golden/disk/plain/s1/base/logs/storage_access.log")),
    ("plain/s2", include_str!("../golden/disk/plain/s2/base/logs/storage_access.log")),
    ("trunk/s1", include_str!("../golden/disk/trunk/s1/base/logs/storage_access.log")),
    ("trunk/s2", include_str!("../golden/disk/trunk/s2/base/logs/storage_access.log")),
];

const ACTIONS: [Action; 10] = [
    Action::Upload,
    Action::Download,
    Action::Delete,
    Action::GetMetadata,
    Action::SetMetadata,
    Action::Append,
    Action::Modify,
    Action::Truncate,
    Action::QueryFileInfo,
    Action::Regenerate,
];

/// `YYYY-MM-DD hh:mm:ss`.
fn local_time(text: &str) -> LocalTime {
    let parts: Vec<u16> = text.split(['-', ' ', ':']).map(|part| part.parse().unwrap()).collect();
    let small = |index: usize| u8::try_from(parts[index]).unwrap();
    LocalTime { year: parts[0], month: small(1), day: small(2), hour: small(3), minute: small(4), second: small(5) }
}

/// A line of the reference with its microseconds filled up to six digits, which is our one difference.
fn padded(line: &str) -> String {
    let (before, rest) = line.split_once('.').unwrap();
    let (fraction, after) = rest.split_once(']').unwrap();
    format!("{before}.{fraction:0>6}]{after}\n")
}

/// Writes a line again from its columns.
fn rewrite(line: &str) -> String {
    let (time, rest) = line.strip_prefix('[').unwrap().split_once("] ").unwrap();
    let (second, micros) = time.split_once('.').unwrap();
    let time = LogTime { time: local_time(second), micros: micros.parse().unwrap() };
    let mut out = Vec::new();
    let columns: Vec<&str> = rest.split(' ').collect();
    let &[client_ip, word, file, status, time_used, request, response] = columns.as_slice() else {
        panic!("{line}: {} columns", columns.len());
    };
    if client_ip == "client_ip" {
        encode_header(time, TimePrecision::Micros, &mut out);
    } else {
        let action = ACTIONS.into_iter().find(|action| action.word() == word).unwrap();
        let file = match (action, file) {
            (_, "-") => LoggedFile::Unknown,
            (Action::SetMetadata, name) => LoggedFile::Name(name.strip_suffix("-m").unwrap()),
            (Action::Regenerate, names) => {
                let (old, new) = names.split_once("=>").unwrap();
                LoggedFile::Renamed { old, new }
            }
            (_, name) => LoggedFile::Name(name),
        };
        let record = AccessRecord {
            time,
            client_ip: client_ip.parse().unwrap(),
            action,
            file,
            status: Status(status.parse().unwrap()),
            time_used_us: time_used.parse().unwrap(),
            request_bytes: request.parse().unwrap(),
            response_bytes: response.parse().unwrap(),
        };
        record.encode(TimePrecision::Micros, &mut out);
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn access_logs_are_written_as_the_reference_writes_them() {
    let (mut lines, mut words) = (0, std::collections::BTreeSet::new());
    for (name, log) in LOGS {
        for (index, line) in log.lines().enumerate() {
            assert_eq!(rewrite(line), padded(line), "{name}, line {}", index + 1);
            words.insert(line.split(' ').nth(3).unwrap());
            lines += 1;
        }
    }
    assert!(lines > 100, "{lines} lines");
    assert!(words.len() >= 8, "{words:?}");
}

#[test]
fn the_log_of_trunk_servers_is_written_as_the_reference_writes_it() {
    let log = include_str!("../golden/disk/trunk/t1/base/logs/trunk_server_change.log");
    let time = local_time(log.get(1..20).unwrap());
    let new = TrunkServer { id: "10.78.2.11".parse().unwrap(), address: Some(("10.78.2.11".parse().unwrap(), 23000)) };
    let mut out = Vec::new();
    let group = "group1".parse().unwrap();
    TrunkServerChange { time, group, old: None, new: Some(new), use_storage_id: false }.encode(&mut out);
    assert_eq!(String::from_utf8(out).unwrap(), log);
}
