//! Requests, and the comparison of what comes back.

use fdfs_proto::cmd::storage::{FileInfo, InfoFlags};
use fdfs_proto::file_id::{Kind, LogicName};

use super::{Entry, Meta, Model};
use crate::raw::{RawConn, RawReply, packet_with, padded16};

/// What is wrong, or whether the server closed the connection behind its answer.
pub type Outcome = Result<bool, String>;

pub(super) const OK: u8 = 0;
pub(super) const ENOENT: u8 = 2;
pub(super) const EEXIST: u8 = 17;
/// The storage closes the connection behind it.
pub(super) const EINVAL: u8 = 22;

/// Metadata as they are sent and stored.
pub(super) fn packed(meta: &Meta) -> Vec<u8> {
    let records: Vec<_> = meta.iter().map(|(name, value)| [&name[..], b"\x02", value].concat()).collect();
    records.join(&1)
}

/// Sends a request; the body of a good answer.
pub(super) fn ask(conn: &mut RawConn, command: u8, body: &[u8], expected: u8) -> Result<Vec<u8>, String> {
    ask_with(conn, command, 0, body, expected)
}

fn ask_with(conn: &mut RawConn, command: u8, flags: u8, body: &[u8], expected: u8) -> Result<Vec<u8>, String> {
    match conn.send(&packet_with(command, flags, body.len() as i64, body)).reply() {
        RawReply::Whole { status, body } if status == expected => Ok(body),
        reply => {
            let head = &body[..body.len().min(200)];
            Err(format!("command {command}, {}: expected {expected}, got {reply:?}", head.escape_ascii()))
        }
    }
}

impl Model {
    /// Group and name.
    pub(super) fn id(&self, name: &str) -> Vec<u8> {
        [&padded16(&self.group)[..], name.as_bytes()].concat()
    }

    /// Downloads a file, or a range of it by chance.
    pub(super) fn check_content(&self, conn: &mut RawConn, name: &str) -> Outcome {
        let request = |offset: i64, len: i64| [&offset.to_be_bytes()[..], &len.to_be_bytes(), &self.id(name)].concat();
        let Some(content) = self.content(name) else {
            return ask(conn, 14, &request(0, 0), ENOENT).map(|_| false);
        };
        let got = ask(conn, 14, &request(0, 0), OK)?;
        if got != *content {
            let at = got.iter().zip(content).position(|(a, b)| a != b);
            return Err(format!("{name}: {} bytes instead of {}, differing at {at:?}", got.len(), content.len()));
        }
        if content.is_empty() {
            return ask(conn, 14, &request(1, 0), EINVAL).map(|_| true);
        }
        let from = content.len() / 3;
        let part = ask(conn, 14, &request(from as i64, 10), OK)?;
        if part != content[from..(from + 10).min(content.len())] {
            return Err(format!("{name}: another range from {from} on"));
        }
        Ok(false)
    }

    /// Asks for size and CRC32.
    pub(super) fn check_info(&self, conn: &mut RawConn, name: &str) -> Outcome {
        let Some(content) = self.content(name) else {
            return ask(conn, 22, &self.id(name), ENOENT).map(|_| false);
        };
        let info = info_of(&ask(conn, 22, &self.id(name), OK)?)?;
        let logic = Self::logic(name);
        // A link tells a random CRC32; a short slave looks like a regular file, and tells its master's.
        let is_link = matches!(self.files.get(name), Some(Entry::Link(_)));
        let tells_crc = is_computed(&logic) || !(is_link || self.slaves.contains(name));
        if info.file_size != content.len() as u64 || (tells_crc && info.crc32 != crc32fast::hash(content)) {
            return Err(format!("{name}: {info:?} of {} bytes, {:08x}", content.len(), crc32fast::hash(content)));
        }
        let body = ask_with(conn, 22, InfoFlags::EXISTS.byte(), &self.id(name), OK)?;
        let info = info_of(&body)?;
        if is_computed(&logic) && info.crc32 != 0 {
            return Err(format!("{name}: {info:?}, the CRC32 was not asked for"));
        }
        Ok(false)
    }

    /// Asks for the metadata.
    pub(super) fn check_meta(&self, conn: &mut RawConn, name: &str) -> Outcome {
        match self.meta.get(name).filter(|_| self.content(name).is_some()) {
            None => ask(conn, 15, &self.id(name), ENOENT).map(|_| false),
            Some(meta) => {
                let got = ask(conn, 15, &self.id(name), OK)?;
                if got != packed(meta) {
                    return Err(format!("{name}: metadata {} instead of {meta:?}", got.escape_ascii()));
                }
                Ok(false)
            }
        }
    }
}

/// Whether the CRC32 is computed from the content instead of read from the name.
fn is_computed(name: &LogicName) -> bool {
    matches!(name.kind(), Kind::Appender | Kind::Slave)
}

/// Reads the answer, whichever width its address has.
fn info_of(body: &[u8]) -> Result<FileInfo, String> {
    FileInfo::from_bytes(body).map_err(|e| format!("{e}: {}", body.escape_ascii()))
}
