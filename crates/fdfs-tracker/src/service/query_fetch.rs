//! Where a client finds a file (102, 105) or changes it (103).

use std::net::IpAddr;

use fdfs_core::tracker::{ClusterError, FileFacts, Source};
use fdfs_proto::FileName;
use fdfs_proto::cmd::tracker::{FetchRequest, FetchTarget, FetchTargets};
use fdfs_proto::file_id::{self, Fields, FileId, Kind};

use super::Call;
use super::query_store::storage_addr;
use crate::error::RequestError;
use crate::tracker::Tracker;

pub(super) fn one(call: &mut Call<'_>) -> Result<(), RequestError> {
    let FetchRequest { group, name } = call.decode()?;
    let (now, facts) = (call.tracker.now(), facts_of(&name));
    let found = call.tracker.query(|cluster| cluster.query_fetch_one(now, &group, &facts, &call.peer.ip))?;
    FetchTarget { group, server: storage_addr(&found) }.encode(call.addr_size(), call.answer);
    Ok(())
}

pub(super) fn all(call: &mut Call<'_>) -> Result<(), RequestError> {
    let FetchRequest { group, name } = call.decode()?;
    let (now, facts) = (call.tracker.now(), facts_of(&name));
    let found = call.tracker.query(|cluster| cluster.query_fetch_all(now, &group, &facts, &call.peer.ip))?;
    let servers = found.iter().map(storage_addr).collect();
    FetchTargets { group, servers }.encode(call.addr_size(), call.answer);
    Ok(())
}

pub(super) fn update(call: &mut Call<'_>) -> Result<(), RequestError> {
    let FetchRequest { group, name } = call.decode()?;
    let facts = facts_of(&name);
    let now = call.tracker.now();
    let found = call.tracker.query(|cluster| cluster.query_update(now, &group, &facts, &call.peer.ip))?;
    FetchTarget { group, server: storage_addr(&found) }.encode(call.addr_size(), call.answer);
    Ok(())
}

/// A storage that a reader from `asker` can get a file of; `None` when there is no such group. That the file exists is not
/// said by it.
///
/// # Errors
/// When none of the group's storages can be read from just now.
pub(crate) fn storage_of_file(tracker: &Tracker, file: &FileId, asker: IpAddr) -> Result<Option<IpAddr>, ClusterError> {
    let Ok(asker) = asker.to_string().parse() else { return Ok(None) };
    let (now, facts) = (tracker.now(), facts_of(&file.name));
    match tracker.query(|cluster| cluster.query_fetch_one(now, &file.group, &facts, &asker)) {
        Ok(found) => Ok(found.ip.as_str().parse().ok()),
        Err(ClusterError::NoGroup { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a name tells. Whether there is such a file, and even whether there could be, is not for a tracker to say: as in
/// the reference, a name that is too short tells what its part tells.
fn facts_of(name: &FileName) -> FileFacts {
    let bytes = name.as_bytes();
    // Behind `M00/00/00/`, or `00/00/` in names of old versions.
    let (begin, len) = if bytes.starts_with(b"M") { (10, bytes.len()) } else { (6, bytes.len() + 4) };
    let mut chars = [b'A'; Fields::CHARS];
    for (slot, &char) in chars.iter_mut().zip(bytes.iter().skip(begin)) {
        *slot = char;
    }
    let Some(fields) = Fields::from_chars(&chars) else { return FileFacts::UNKNOWN };
    let source = match fields.source {
        file_id::Source::Id(id) => Source::Id(id),
        file_id::Source::Ip(ip) => Source::Ip(ip),
    };
    let normal = Kind::of(len, Some(fields.size_word)).is_normal();
    FileFacts { normal, source: Some(source), created: fields.created.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_who_took_the_file_and_when() {
        let facts = |name: &str| facts_of(&name.parse().unwrap());
        let source = Some(Source::Ip([10, 78, 1, 11].into()));
        let normal = FileFacts { normal: true, source, created: 1_795_166_208 };
        assert_eq!(facts("M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt"), normal);
        assert_eq!(facts("00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt"), normal, "a name of an old version");
        assert_eq!(facts("M00/00/00/Ck4BC2sAEACA"), normal, "cut off behind the time");
        assert!(!facts("M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log").normal, "an appender file");
        assert!(!facts("M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150.jpg").normal, "a slave file");
        assert_eq!(facts("M00/00/00/***************************000.txt"), FileFacts::UNKNOWN);
    }
}
