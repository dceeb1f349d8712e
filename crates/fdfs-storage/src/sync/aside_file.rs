//! Records that are set aside, kept over a restart: `.fdfs_aside.<peer>` beside the mark, a file of our own.
//!
//! A line: number of the log's file, byte, tries, reason, record; separated by blanks. The reason is a letter and the
//! status: `r` the peer refused it, `l` it cannot be read here, `b` it breaks the connection, `x` it waits for another.
//! A line that cannot be read is left out: its record then is lost for this peer, and told.

use std::fmt::Write as _;

use fdfs_core::sync::{Aside, Why};
use fdfs_proto::disk::BinlogPosition;
use fdfs_proto::disk::binlog_record::BinlogRecord;
use fdfs_proto::{Status, StorageId};
use fdfs_store::state_file::StateDir;
use fdfs_store::{Fs, StoreError};

fn file_name(id: StorageId) -> String {
    format!(".fdfs_aside.{id}")
}

/// Writes the list; an empty one is no file.
pub(super) fn save<F: Fs>(
    dir: &StateDir<F>,
    id: StorageId,
    aside: impl Iterator<Item = Aside>,
) -> Result<(), StoreError> {
    let mut bytes = Vec::new();
    for Aside { at, record, tries, why } in aside {
        let (letter, status) = match why {
            Why::Refused(status) => ('r', status.0),
            Why::Local(status) => ('l', status.0),
            Why::Breaks => ('b', 0),
            Why::Behind => ('x', 0),
        };
        let mut head = String::new();
        // A string takes everything.
        let _ = write!(head, "{} {} {tries} {letter}{status} ", at.file, at.offset);
        bytes.extend_from_slice(head.as_bytes());
        let _ = record.encode(&mut bytes);
    }
    if bytes.is_empty() { dir.remove(&file_name(id)) } else { dir.write(&file_name(id), &bytes) }
}

/// Reads the list, and the lines of it that cannot be read.
pub(super) fn load<F: Fs>(dir: &StateDir<F>, id: StorageId) -> Result<(Vec<Aside>, Vec<String>), StoreError> {
    let bytes = dir.read(&file_name(id))?.unwrap_or_default();
    let (mut aside, mut bad) = (Vec::new(), Vec::new());
    for line in bytes.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
        match parse(line) {
            Some(one) => aside.push(one),
            None => bad.push(String::from_utf8_lossy(line).into_owned()),
        }
    }
    Ok((aside, bad))
}

fn parse(line: &[u8]) -> Option<Aside> {
    let mut columns = line.splitn(5, |&b| b == b' ');
    let mut text = || std::str::from_utf8(columns.next()?).ok();
    let (file, offset, tries, why) = (text()?, text()?, text()?, text()?);
    let at = BinlogPosition { file: file.parse().ok()?, offset: offset.parse().ok()? };
    let status = Status(why.get(1..)?.parse().ok()?);
    let why = match why.get(..1)? {
        "r" => Why::Refused(status),
        "l" => Why::Local(status),
        "b" => Why::Breaks,
        "x" => Why::Behind,
        _ => return None,
    };
    let record = BinlogRecord::parse(columns.next()?).ok()?;
    Some(Aside { at, record, tries: tries.parse().ok()?, why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_store::RealFs;

    #[test]
    fn the_list_is_read_back_and_an_empty_one_is_no_file() {
        let temp = tempfile::tempdir().unwrap();
        let dir = StateDir::open(RealFs, temp.path()).unwrap();
        let id = "10.78.2.12".parse().unwrap();
        let reasons = [Why::Refused(Status::ENOSPC), Why::Local(Status::EIO), Why::Breaks, Why::Behind];
        let list: Vec<Aside> = reasons
            .into_iter()
            .zip(["C", "A", "R", "D"])
            .enumerate()
            .map(|(n, (why, letter))| {
                let more = match letter {
                    "A" => " 10 20",
                    "R" => " M00/00/00/an-older-name",
                    _ => "",
                };
                let line = format!("{n} {letter} M00/00/00/some-name-{n}{more}");
                let at = BinlogPosition { file: 1, offset: n as u64 };
                Aside { at, record: BinlogRecord::parse(line.as_bytes()).unwrap(), tries: 3, why }
            })
            .collect();
        save(&dir, id, list.iter().copied()).unwrap();
        let path = temp.path().join(".fdfs_aside.10.78.2.12");
        let mut text = std::fs::read(&path).unwrap();
        text.extend_from_slice(b"rubbish\n");
        std::fs::write(&path, text).unwrap();
        assert_eq!(load(&dir, id).unwrap(), (list, vec!["rubbish".to_owned()]));
        save(&dir, id, std::iter::empty()).unwrap();
        assert!(!path.exists());
        assert_eq!(load(&dir, id).unwrap(), (vec![], vec![]));
    }
}
