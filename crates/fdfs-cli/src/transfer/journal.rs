//! What is done already: one JSON object a line, written when its file is safe.
//!
//! A line without its newline at the end is a write that was cut off: it is removed when the journal is opened. Two
//! commands never write one journal: it is locked.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Context as _;
use fdfs_proto::Status;
use rustix::fs::FlockOperation;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::item::{Exported, Imported};
use crate::exit::failure;

/// A line of a journal.
pub(super) trait Line: Serialize + DeserializeOwned {
    /// What it is found by.
    fn key(&self) -> &str;
}

impl Line for Exported {
    fn key(&self) -> &str {
        &self.id
    }
}

impl Line for Imported {
    fn key(&self) -> &str {
        &self.from
    }
}

/// The journal: all lines in memory (some 300 bytes for each file), and the file behind it.
#[derive(Debug)]
pub(super) struct Journal<L> {
    path: PathBuf,
    file: Mutex<File>,
    lines: HashMap<String, L>,
}

impl<L: Line> Journal<L> {
    /// Opens a journal, making it when it is missing, and reads what is done.
    ///
    /// # Errors
    /// It cannot be read or written, holds a line that is none, or another command writes it.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let doing = || format!("open the journal {}", path.display());
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).with_context(doing)?;
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let why = format!("{} is being written by another fdfs: wait for its end", path.display());
            return Err(failure(Status::EAGAIN, why));
        }
        let (lines, whole_bytes) = read(BufReader::new(&file), path)?;
        if file.metadata().with_context(doing)?.len() > whole_bytes {
            file.set_len(whole_bytes).with_context(doing)?;
        }
        Ok(Self { path: path.to_owned(), file: Mutex::new(file), lines })
    }

    /// What was done before this command began.
    pub(super) fn done_before(&self, key: &str) -> Option<&L> {
        self.lines.get(key)
    }

    /// Writes a line; it is on the disk when this returns.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn put(&self, line: &L) -> anyhow::Result<()> {
        let mut text = serde_json::to_string(line).context("write a line of the journal")?;
        text.push('\n');
        // A lock that is poisoned belongs to a program that is ending.
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
        written.with_context(|| format!("write the journal {}", self.path.display()))
    }
}

/// Reads a journal that is only looked at.
///
/// # Errors
/// As [`Journal::open`].
pub(super) fn read_only<L: Line>(path: &Path) -> anyhow::Result<HashMap<String, L>> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    Ok(read(BufReader::new(file), path)?.0)
}

/// All lines by their keys, and the bytes of those that are whole.
fn read<L: Line>(mut reader: impl std::io::BufRead, path: &Path) -> anyhow::Result<(HashMap<String, L>, u64)> {
    let (mut lines, mut bytes, mut text) = (HashMap::new(), 0, Vec::new());
    for number in 1u64.. {
        text.clear();
        let n = reader.read_until(b'\n', &mut text).with_context(|| format!("read {}", path.display()))?;
        if text.last() != Some(&b'\n') {
            break;
        }
        bytes += n as u64;
        let line: L = serde_json::from_slice(&text).map_err(|error| {
            let why = format!("{}, line {number}: {error}; it is no journal of this command", path.display());
            failure(Status::EINVAL, why)
        })?;
        lines.insert(line.key().to_owned(), line);
    }
    Ok((lines, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(from: &str) -> Imported {
        Imported { from: from.to_owned(), to: format!("group1/{from}"), size_bytes: 3, crc32: "00000001".into() }
    }

    #[test]
    fn a_journal_goes_on_behind_its_last_whole_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("map.jsonl");
        let journal = Journal::open(&path).unwrap();
        journal.put(&line("a")).unwrap();
        journal.put(&line("b")).unwrap();
        assert!(format!("{:#}", Journal::<Imported>::open(&path).unwrap_err()).contains("another fdfs"));
        drop(journal);
        // Cut off in its last line, as by a loss of power.
        let mut text = std::fs::read(&path).unwrap();
        text.truncate(text.len() - 5);
        std::fs::write(&path, text).unwrap();
        let journal = Journal::open(&path).unwrap();
        assert_eq!((journal.done_before("a"), journal.done_before("b")), (Some(&line("a")), None));
        journal.put(&line("c")).unwrap();
        drop(journal);
        assert_eq!(read_only::<Imported>(&path).unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_journal_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notes.txt");
        std::fs::write(&path, "do not lose this\nor this").unwrap();
        let error = Journal::<Imported>::open(&path).unwrap_err();
        assert!(format!("{error:#}").contains("notes.txt, line 1: "), "{error:#}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "do not lose this\nor this");
    }
}
