//! One line of storage_ids.conf.

use std::fmt;

use fdfs_proto::Status;
use fdfs_proto::limits::{GROUP_NAME_LEN, SERVER_ID_MAX};
use fdfs_proto::shared::RwMode;

use super::StorageIdEntry;
use crate::address::Hosts;
use crate::{ConfError, Place};

/// The form of a line.
pub(super) const ALLOWED: &str = "ID GROUP HOST[:PORT] [rw=both|read|write|none]";

/// The error of a line.
pub(super) fn bad(line: &str, at: &Place, what: String, status: Status) -> ConfError {
    let shown = crate::ini::cut(line, crate::ini::VALUE_MAX).to_owned();
    ConfError::BadLine { at: at.clone(), line: shown, what, allowed: ALLOWED, status }
}

/// Reads a trimmed line that is neither empty nor a comment.
pub(super) fn parse(text: &str, at: &Place) -> Result<StorageIdEntry, ConfError> {
    let wrong = |what: &str| bad(text, at, what.to_owned(), Status::EINVAL);
    let mut words = text.split_ascii_whitespace();
    let id = words.next().and_then(parse_id).ok_or_else(|| wrong("the id must be 1 to 16777215"))?;
    let group = words.next().ok_or_else(|| wrong("the group is missing"))?;
    if group.len() > GROUP_NAME_LEN {
        return Err(wrong("the group has more than 16 bytes"));
    }
    let hosts = words.next().ok_or_else(|| wrong("the host is missing"))?;
    let hosts = Hosts::parse(hosts)
        .ok_or_else(|| bad(text, at, format!("the host must be {}", crate::address::HOSTS_FORMS), Status::EINVAL))?;
    let rw = match words.next() {
        None => RwMode::Both,
        Some(option) => parse_option(option).ok_or_else(|| wrong("an unknown option"))?,
    };
    if words.next().is_some() {
        return Err(wrong("there is more behind the option"));
    }
    let Hosts { hosts: addrs, port } = hosts;
    Ok(StorageIdEntry { id, group: group.to_owned(), addrs, port, rw, line: at.line })
}

fn parse_id(text: &str) -> Option<u32> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|id| canonical && (1..=SERVER_ID_MAX).contains(id))
}

fn parse_option(text: &str) -> Option<RwMode> {
    let word = text.to_ascii_lowercase();
    Some(match word.strip_prefix("rw=")? {
        "both" | "all" => RwMode::Both,
        "read" | "readonly" => RwMode::Read,
        "write" | "writeonly" => RwMode::Write,
        "none" => RwMode::None,
        _ => return None,
    })
}

/// The line as trackers send it (command 69), without the line feed: the port only if one is written, the option only
/// if it is not `both`.
impl fmt::Display for StorageIdEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = self.addrs.join(",");
        write!(f, "{} {} ", self.id, self.group)?;
        if list.contains(':') {
            write!(f, "[{list}]")?;
        } else {
            f.write_str(&list)?;
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match self.rw {
            RwMode::Both => Ok(()),
            RwMode::Read => f.write_str(" rw=read"),
            RwMode::Write => f.write_str(" rw=write"),
            RwMode::None => f.write_str(" rw=none"),
        }
    }
}
