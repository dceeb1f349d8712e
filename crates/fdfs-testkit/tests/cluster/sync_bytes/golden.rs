//! What servers of the reference sent, recorded: the decoder must read all of it, and ours is compared with it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::layouts::{Field, Kind, decode};
use super::packets::Packet;

/// One recorded request.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// `conn 2 msg 72: sync create`, and where it stands.
    pub(crate) name: String,
    pub(crate) packet: Packet,
    pub(crate) fields: Vec<Field>,
}

const FILES: [&str; 5] = [
    "storage_captured_storage_sync",
    "storage_captured_storage_to_trunk_server",
    "storage_captured_tracker_to_storage",
    "tracker_captured_storage_to_tracker",
    "tracker_captured_tracker_to_tracker",
];

/// All rows that were recorded whole.
pub(crate) fn rows() -> Vec<Row> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fdfs-proto/tests/golden");
    let mut rows = Vec::new();
    for file in FILES {
        let path = dir.join(format!("{file}.jsonl"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for (line, number) in text.lines().zip(1..) {
            let json: Value = serde_json::from_str(line).unwrap();
            if json["request_len"].is_null() {
                let name = format!("{file}.jsonl:{number}, {}", json["name"].as_str().unwrap());
                rows.push(row(name, &unhex(json["request_hex"].as_str().unwrap())));
            }
        }
    }
    rows
}

fn row(name: String, bytes: &[u8]) -> Row {
    let [packet] =
        <[Packet; 1]>::try_from(Packet::split(bytes).unwrap()).unwrap_or_else(|all| panic!("{name}: {all:?}"));
    let fields = decode(packet.command, packet.status, &packet.body, false).unwrap_or_else(|e| panic!("{name}: {e}"));
    Row { name, packet, fields }
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// What a request of a kind looks like: its fields, and what the fixed ones hold.
fn shape(fields: &[Field]) -> Vec<(&'static str, usize, Vec<u8>)> {
    let one = |field: &Field| match field.kind {
        Kind::Fixed => (field.what, field.bytes.len(), field.bytes.clone()),
        Kind::Name | Kind::Content => (field.what, 0, Vec::new()),
        // As many lines as there are trackers; text without a field of its own.
        Kind::State if matches!(field.what, "tracker lines" | "address") => (field.what, 0, Vec::new()),
        _ => (field.what, field.bytes.len(), Vec::new()),
    };
    let mut shape: Vec<_> = fields.iter().map(one).collect();
    // A record of each storage, or of each store path.
    shape.dedup();
    shape
}

/// The kinds of requests that the reference was seen to send.
pub(crate) struct Known(BTreeMap<(u8, u8), Vec<Row>>);

impl Known {
    pub(crate) fn read() -> Self {
        let mut known = BTreeMap::<_, Vec<Row>>::new();
        for row in rows() {
            known.entry((row.packet.command, row.packet.status)).or_default().push(row);
        }
        Self(known)
    }

    /// A request of ours looks like one of the reference, where one was recorded.
    pub(crate) fn check(&self, packet: &Packet, fields: &[Field]) -> Result<(), String> {
        let Some(rows) = self.0.get(&(packet.command, packet.status)) else { return Ok(()) };
        // 89 has records of two fields: they repeat as a pair.
        let of =
            |fields: &[Field]| shape(&fields[..fields.len().min(if packet.command == 89 { 2 } else { usize::MAX })]);
        if rows.iter().any(|row| of(&row.fields) == of(fields)) {
            return Ok(());
        }
        Err(format!(
            "{:?} is like none of {:?}",
            of(fields),
            rows.iter().map(|row| of(&row.fields)).collect::<Vec<_>>()
        ))
    }
}

/// Whether a request says what a recorded one says: byte for byte, when names, their lengths, groups and times are put in.
pub(crate) fn says_the_same(row: &Row, packet: &Packet, fields: &[Field]) -> bool {
    let ours_in = |(theirs, ours): (&Field, &Field)| match theirs.kind {
        Kind::Name | Kind::NameLen | Kind::Time | Kind::Text => ours.bytes.clone(),
        _ => theirs.bytes.clone(),
    };
    let is_comparable = row.fields.len() == fields.len();
    let body: Vec<u8> = row.fields.iter().zip(fields).flat_map(ours_in).collect();
    is_comparable
        && (row.packet.command, row.packet.status, body) == (packet.command, packet.status, packet.body.clone())
}
