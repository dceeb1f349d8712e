//! Whether a body is what was recorded, but for what is volatile.

#![allow(clippy::single_range_in_vec_init, reason = "lists of places in a body, often of one place")]

use std::ops::Range;

use fdfs_proto::Command;
use fdfs_proto::cmd::tracker::FetchTargets;
use fdfs_proto::file_id::LogicName;
use fdfs_testkit::RawReply;

use crate::differs::Special;
use crate::rows::Row;
use crate::scene::Scene;

/// Compares the body of an answer of the recorded status; `expected` is the recorded one with our names in it.
pub(crate) fn compare(scene: &Scene, row: &Row, expected: &[u8], got: &[u8]) -> Result<(), String> {
    let command = Command::from_number(row.command());
    match command.filter(|_| row.status == Some(0)) {
        Some(Command::UploadFile | Command::UploadAppenderFile | Command::RegenerateAppenderFilename) => {
            return same_kind_of_name(row, got, true);
        }
        // A link tells a random CRC32.
        Some(Command::CreateLink) if !is_of_slave(row) => return same_kind_of_name(row, got, false),
        _ => {}
    }
    if got.len() != row.body_len() + expected.len() - row.body().len() {
        return Err(format!("expected {} bytes, got {}: {}", row.body_len(), got.len(), got.escape_ascii()));
    }
    let mut expected = expected.to_vec();
    scene.translate(&mut expected);
    let mut got = got.to_vec();
    if row.body_len() > expected.len() {
        // The rest goes on as it began; the only long answer is a file of equal bytes.
        expected.resize(row.body_len(), expected[expected.len() - 1]);
    }
    for range in texts(row, command) {
        let text = &mut expected[range];
        let end = text.iter().position(|&b| b == 0).unwrap_or(text.len());
        text[end..].fill(0);
    }
    for range in volatile(row, command) {
        expected[range.clone()].fill(0);
        got[range].fill(0);
    }
    match got.iter().zip(&expected).position(|(got, expected)| got != expected) {
        None => Ok(()),
        Some(at) => {
            let around = at.saturating_sub(8)..(at + 40).min(got.len());
            let shown = |bytes: &[u8]| bytes[around.clone()].escape_ascii().to_string();
            Err(format!("byte {at} of the body differs: expected ..{}, got ..{}", shown(&expected), shown(&got)))
        }
    }
}

/// The name of a new file: what it says must be the same, but for its time, what is random, and which slot of a trunk file
/// it is in.
fn same_kind_of_name(row: &Row, got: &[u8], tells_crc: bool) -> Result<(), String> {
    let parse = |body: &[u8]| {
        let name = LogicName::from_bytes(body.get(16..).unwrap_or_default()).map_err(|e| e.to_string())?;
        let fields = name.fields().ok_or("the name says nothing")?;
        let text = name.to_string();
        let tail = text[text.len() - 7..].to_owned();
        let pattern: String = match tail.find('.') {
            Some(dot) => tail[..dot].chars().map(|_| '0').chain(tail[dot..].chars()).collect(),
            None => "0".repeat(7),
        };
        let crc32 = if tells_crc { fields.crc32 } else { 0 };
        let facts = (fields.size_word.size(), crc32, pattern, text.len(), text[..3].to_owned());
        Ok::<_, String>((body[..16].to_vec(), facts))
    };
    let (expected, got) = (parse(row.body())?, parse(got)?);
    let any_path = row.request[10] == 255;
    let same = expected.0 == got.0
        && (&expected.1.0, &expected.1.1, &expected.1.2, &expected.1.3) == (&got.1.0, &got.1.1, &got.1.2, &got.1.3)
        && (any_path || expected.1.4 == got.1.4);
    if same { Ok(()) } else { Err(format!("expected {expected:?}, got {got:?}")) }
}

/// Whether a link was asked for that is a slave.
fn is_of_slave(row: &Row) -> bool {
    row.request.get(10..18).is_some_and(|master_len| master_len != [0; 8])
}

/// Rows with a judge of their own.
pub(crate) fn special(special: Special, row: &Row, reply: &RawReply) -> Result<(), String> {
    if special == Special::EndlessList {
        return endless_list(row, reply);
    }
    let RawReply::Whole { status: 0, body } = reply else { return Err(format!("got {reply:?}")) };
    match special {
        Special::EndlessList => Ok(()),
        // Its size and time, and what the name tells, which begins as that of its master.
        Special::ShortSlave => {
            let is_good = [40, 70].contains(&body.len()) && body[..8] == [0, 0, 0, 0, 0, 0, 0, 5];
            if is_good { Ok(()) } else { Err(format!("got {reply:?}")) }
        }
        Special::CutMetadata => {
            let expected = [&[b'n'; 64][..], b"\x02", &[b'v'; 256]].concat();
            let begins_so = row.body().starts_with(&expected[..64]);
            if *body == expected && begins_so { Ok(()) } else { Err(format!("got {reply:?}")) }
        }
        Special::EveryStorage => match FetchTargets::decode(body) {
            Ok(targets) if targets.servers.len() == 2 => Ok(()),
            other => Err(format!("expected both storages, got {other:?}")),
        },
    }
}

/// The recorded header, text lines, and how many bytes they are.
fn endless_list(row: &Row, reply: &RawReply) -> Result<(), String> {
    let RawReply::Closed(bytes) = reply else { return Err(format!("got {reply:?}")) };
    let text = bytes.get(10..bytes.len().saturating_sub(8)).unwrap_or_default();
    let is_whole = text.is_empty() || text.ends_with(b"\n");
    let is_good = bytes.starts_with(&row.response[..10]) && bytes.ends_with(&(text.len() as i64).to_be_bytes());
    if is_good && is_whole { Ok(()) } else { Err(format!("got {reply:?}")) }
}

/// Where the body of an answer is volatile.
fn volatile(row: &Row, command: Option<Command>) -> Vec<Range<usize>> {
    let len = row.body_len();
    let Some(command) = command.filter(|_| len > 0 && row.status == Some(0)) else { return vec![] };
    let is_wide = [70, 69].contains(&len) || len > 100;
    let addr = if is_wide { 16..61 } else { 16..31 };
    match command {
        // Whose turn it is, and which store path's.
        Command::QueryStoreWithoutGroupOne | Command::QueryStoreWithGroupOne => vec![addr, len - 1..len],
        Command::QueryStoreWithoutGroupAll => vec![0..len],
        Command::QueryStoreWithGroupAll => vec![len - 1..len],
        Command::QueryFetchOne | Command::QueryUpdate
            if row.name.contains("unknown file") || row.name.contains("outside the alphabet") =>
        {
            vec![addr]
        }
        // Space, whose turn it is, and trunk files, which a later version has.
        Command::ServerListOneGroup | Command::ServerListAllGroups => records(len, 0, 113, &[17..49, 81..89, 105..113]),
        // The source, times, space, whose turn it is, counters, the trunk server.
        Command::ServerListStorage => records(len, 0, 517, &[64..80, 88..128, 152..160, 168..517]),
        // Connections and times.
        Command::ServerTrackerClusterStat => records(len, 1, 90, &[54..66, 74..90]),
        Command::ServerStorageClusterStat => records(len, 6, 106, &[68..69, 70..82, 90..106]),
        Command::ServerStorageVolumnStat => records(len, 5, 59, &[17..59]),
        Command::TrackerGetStatus => vec![1..17],
        // Since when.
        Command::StorageSyncSrcReq => vec![16..24],
        // The time, what a link has for a CRC32, and which storage of the group made it.
        Command::QueryFileInfo if row.name == "query the link" => vec![8..len],
        Command::QueryFileInfo if row.name == "query the new name" => vec![8..16, 24..len],
        // The time.
        Command::QueryFileInfo => vec![8..16],
        Command::TrunkGetBinlogSize => vec![0..8],
        _ => vec![],
    }
}

/// Fixed texts; the reference leaves garbage behind their ends.
fn texts(row: &Row, command: Option<Command>) -> Vec<Range<usize>> {
    let len = row.body_len();
    match command.filter(|_| row.status == Some(0)) {
        Some(Command::ServerListOneGroup | Command::ServerListAllGroups) => records(len, 0, 113, &[0..17]),
        Some(Command::ServerTrackerClusterStat) => records(len, 1, 90, &[0..52, 66..74]),
        Some(Command::ServerStorageVolumnStat) => records(len, 5, 59, &[0..17]),
        Some(Command::ServerStorageClusterStat) => records(len, 6, 106, &[0..16, 16..68, 82..90]),
        _ => vec![],
    }
}

/// The same places in every record of a list.
fn records(len: usize, first: usize, record_len: usize, places: &[Range<usize>]) -> Vec<Range<usize>> {
    let starts = (first..len).step_by(record_len);
    starts.flat_map(|start| places.iter().map(move |place| start + place.start..start + place.end)).collect()
}
