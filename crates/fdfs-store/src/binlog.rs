//! The replication log of a storage: `<base>/data/sync/binlog.NNN` and its index.

use std::path::Path;

use fdfs_proto::disk::binlog_index::{BinlogFile, BinlogIndex, OLD_FILE, binlog_file_name};
use fdfs_proto::disk::{BinlogPosition, StateFile};

use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};
use crate::real_fs::RealFs;
use crate::state_file::StateDir;

/// A binlog file that has grown to this size is the last but one. Source: disk formats, A.5.1.
pub const ROTATE_BYTES: u64 = 1 << 30;
/// The furthest that the end of a file is searched for a newline: a line has at most 255 bytes.
const TAIL_SEARCH_BYTES: u64 = 4096;

/// What opening the binlog found and mended; for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BinlogFinding {
    /// The last line was cut off in the middle, and is gone.
    TornTail {
        /// The file.
        file: String,
        /// Bytes that were cut.
        cut_bytes: u64,
    },
    /// The index file was missing, broken or behind; the highest file that is there was taken.
    IndexRebuilt {
        /// What was wrong with it.
        why: String,
        /// The index now.
        index: u32,
    },
}

/// The binlog, open for appending. One writer owns it; whole lines go in, each batch with one write.
#[derive(Debug)]
pub struct Binlog<F: Fs = RealFs> {
    dir: StateDir<F>,
    file: F::File,
    index: BinlogIndex,
    /// Bytes of whole records in the file: where the next batch goes.
    len_bytes: u64,
    rotate_bytes: u64,
    /// A failed write may have left part of a line behind `len_bytes`.
    is_dirty: bool,
}

impl<F: Fs> Binlog<F> {
    /// Opens the binlog in `sync_dir`, makes it when there is none, and mends what a crash left: an index that is behind
    /// the files, a last line that was cut off.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(
        fs: F,
        sync_dir: &Path,
        rotate_bytes: u64,
        now_unix_secs: i64,
    ) -> Result<(Self, Vec<BinlogFinding>), StoreError> {
        let dir = StateDir::open(fs, sync_dir)?;
        let mut findings = Vec::new();
        let index = open_index(&dir, now_unix_secs, &mut findings)?;
        let name = binlog_file_name(index.current_write);
        let file = dir.fs().open_write(dir.dir(), &name).at("open", dir.path(), &name)?;
        let mut binlog = Self { dir, file, index, len_bytes: 0, rotate_bytes, is_dirty: false };
        let cut_bytes = binlog.cut_torn_tail(&name)?;
        if cut_bytes > 0 {
            findings.push(BinlogFinding::TornTail { file: name.clone(), cut_bytes });
        }
        // What a killed process left with the kernel counts as committed from here on.
        binlog.file.sync().at("sync", binlog.dir.path(), &name)?;
        binlog.dir.fs().sync_dir(binlog.dir.dir(), "").at("sync directory", binlog.dir.path(), "")?;
        Ok((binlog, findings))
    }

    /// Cuts the file behind its last newline.
    ///
    /// Differs from C: the reference appends to half a line, and the first record after a crash is lost with it (disk
    /// formats, E.3).
    fn cut_torn_tail(&mut self, name: &str) -> Result<u64, StoreError> {
        let len = self.file.stat().at("stat", self.dir.path(), name)?.len_bytes;
        let reader = self.dir.fs().open_read(self.dir.dir(), name).at("open", self.dir.path(), name)?;
        let from = len.saturating_sub(TAIL_SEARCH_BYTES);
        let mut tail = [0; TAIL_SEARCH_BYTES as usize];
        let mut have = 0;
        while (have as u64) < len - from {
            match reader.read_at(&mut tail[have..], from + have as u64).at("read", self.dir.path(), name)? {
                0 => break,
                n => have += n,
            }
        }
        let end = tail[..have].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        // More than a line's worth without a newline is no torn line: keep it, end it, let readers set it aside.
        let keep = if end == 0 && from > 0 { len } else { from + end as u64 };
        self.len_bytes = keep;
        if keep < len {
            self.file.set_len(keep).at("truncate", self.dir.path(), name)?;
        } else if keep > 0 && end == 0 {
            self.file.write_all_at(b"\n", keep).at("write", self.dir.path(), name)?;
            self.len_bytes += 1;
        }
        Ok(len - keep)
    }

    /// Appends whole lines with one write. When this returns they are with the kernel: a crash of the process does not
    /// lose them.
    ///
    /// # Errors
    /// [`StoreError::Disk`]; none of the lines is in the log then, and a later call may succeed again.
    pub fn append(&mut self, lines: &[u8]) -> Result<(), StoreError> {
        debug_assert!(lines.last().is_none_or(|&b| b == b'\n'), "whole lines only");
        let name = || binlog_file_name(self.index.current_write);
        if self.is_dirty {
            self.file.set_len(self.len_bytes).at("truncate", self.dir.path(), &name())?;
            self.is_dirty = false;
        }
        let written = self.file.write_all_at(lines, self.len_bytes);
        if let Err(e) = written {
            self.is_dirty = self.file.set_len(self.len_bytes).is_err();
            return Err(e).at("append to", self.dir.path(), &name());
        }
        self.len_bytes += lines.len() as u64;
        Ok(())
    }

    /// Begins the next file when this one is full. Called between batches, so that a file is a whole number of records.
    ///
    /// # Errors
    /// [`StoreError`]; the old file goes on being written then.
    pub fn rotate_if_full(&mut self) -> Result<bool, StoreError> {
        if self.len_bytes < self.rotate_bytes {
            return Ok(false);
        }
        // What is in the old file must be durable before anything in the new one is: sync() reaches only the new one.
        self.sync()?;
        let index = BinlogIndex { current_write: self.index.current_write + 1, ..self.index };
        let name = binlog_file_name(index.current_write);
        let file = self.dir.fs().create_or_empty(self.dir.dir(), &name).at("create", self.dir.path(), &name)?;
        self.dir.write(BinlogIndex::FILE, &index.to_bytes())?;
        (self.file, self.index, self.len_bytes) = (file, index, 0);
        Ok(true)
    }

    /// Makes all appended lines durable.
    ///
    /// # Errors
    /// [`StoreError::Disk`]; nobody knows then which lines are on the disk, and the storage must take no more writes.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.file.sync().at("sync", self.dir.path(), &binlog_file_name(self.index.current_write))
    }

    /// Where the next record goes: the end of the log.
    #[must_use]
    pub const fn end(&self) -> BinlogPosition {
        BinlogPosition { file: self.index.current_write, offset: self.len_bytes }
    }

    /// The first file that is not compressed yet.
    #[must_use]
    pub const fn first_uncompressed(&self) -> u32 {
        self.index.current_compress
    }

    /// Notes that all files before `index` are compressed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn note_compressed(&mut self, index: u32) -> Result<(), StoreError> {
        let index = BinlogIndex { current_compress: index, ..self.index };
        self.dir.write(BinlogIndex::FILE, &index.to_bytes())?;
        self.index = index;
        Ok(())
    }

    /// The index of the file that is being written.
    #[must_use]
    pub const fn file_index(&self) -> u32 {
        self.index.current_write
    }

    /// Bytes of whole records in the file that is being written.
    #[must_use]
    pub const fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// The folder, for readers and flushes.
    #[must_use]
    pub const fn dir(&self) -> &StateDir<F> {
        &self.dir
    }

    /// The last `max_bytes` of the log from a line start, and whether that is all of it; for the start after a crash.
    /// Reaches into the files before when the current one is short.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn tail(&self, max_bytes: u64) -> Result<(Vec<u8>, bool), StoreError> {
        let mut tail = Vec::new();
        let mut index = Some(self.index.current_write);
        while let Some(n) = index {
            let name = binlog_file_name(n);
            // A file that is compressed by now is older than anything a crash could have left open.
            let Ok(file) = self.dir.fs().open_read(self.dir.dir(), &name) else { return Ok((tail, false)) };
            let len = file.stat().at("stat", self.dir.path(), &name)?.len_bytes;
            let want = len.min(max_bytes - tail.len() as u64);
            let mut part = vec![0; usize::try_from(want).unwrap_or(0)];
            let mut have = 0;
            while have < part.len() {
                match file.read_at(&mut part[have..], len - want + have as u64).at("read", self.dir.path(), &name)? {
                    0 => break,
                    got => have += got,
                }
            }
            part.truncate(have);
            if want < len {
                let start = part.iter().position(|&b| b == b'\n').map_or(part.len(), |at| at + 1);
                part.drain(..start);
            }
            part.extend_from_slice(&tail);
            tail = part;
            if want < len {
                return Ok((tail, false));
            }
            index = n.checked_sub(1);
        }
        Ok((tail, true))
    }
}

/// Reads the index, or finds the file to go on with.
fn open_index<F: Fs>(
    dir: &StateDir<F>,
    now_unix_secs: i64,
    findings: &mut Vec<BinlogFinding>,
) -> Result<BinlogIndex, StoreError> {
    let names = dir.fs().list(dir.dir(), "").at("list", dir.path(), "")?;
    let highest = names
        .iter()
        .filter_map(|name| match BinlogFile::from_name(name) {
            Some(BinlogFile::Plain(n)) => Some(n),
            Some(BinlogFile::Compressed(n)) => Some(n + 1),
            Some(BinlogFile::Flag(_)) | None => None,
        })
        .max();
    let read = match dir.read(BinlogIndex::FILE)? {
        Some(bytes) => match BinlogIndex::decode(&bytes) {
            Ok(index) => Ok(index),
            Err(e) => Err(format!("{e}; it lies in {} now", dir.set_aside(BinlogIndex::FILE, now_unix_secs)?)),
        },
        None => match dir.read(OLD_FILE)? {
            Some(bytes) => BinlogIndex::decode_old(&bytes).map_err(|e| e.to_string()),
            None if highest.is_none() => Ok(BinlogIndex::default()),
            None => Err(format!("{} is missing", BinlogIndex::FILE)),
        },
    };
    let index = match (read, highest) {
        (Ok(index), Some(highest)) if highest > index.current_write => {
            let why = format!("it says {}, the last file is {}", index.current_write, binlog_file_name(highest));
            findings.push(BinlogFinding::IndexRebuilt { why, index: highest });
            BinlogIndex { current_write: highest, ..index }
        }
        (Ok(index), _) => index,
        (Err(why), highest) => {
            let index = highest.unwrap_or(0);
            findings.push(BinlogFinding::IndexRebuilt { why, index });
            BinlogIndex { current_write: index, current_compress: 0 }
        }
    };
    dir.write(BinlogIndex::FILE, &index.to_bytes())?;
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path) -> (Binlog, Vec<BinlogFinding>) {
        Binlog::open(RealFs, dir, 64, 7).unwrap()
    }

    #[test]
    fn lines_go_in_at_once_and_files_rotate_between_batches() {
        let temp = tempfile::tempdir().unwrap();
        let (mut binlog, findings) = open(temp.path());
        assert_eq!(findings, []);
        binlog.append(b"1 C M00/00/00/a\n2 C M00/00/00/b\n").unwrap();
        assert!(!binlog.rotate_if_full().unwrap());
        binlog.append(b"3 C M00/00/00/c-and-some-more-to-fill-the-file\n").unwrap();
        assert!(binlog.rotate_if_full().unwrap());
        binlog.append(b"4 C M00/00/00/d\n").unwrap();
        binlog.sync().unwrap();
        assert_eq!(std::fs::read(temp.path().join("binlog.001")).unwrap(), b"4 C M00/00/00/d\n");
        let (all, is_whole) = binlog.tail(1 << 20).unwrap();
        assert_eq!((all.iter().filter(|&&b| b == b'\n').count(), is_whole), (4, true));
        assert_eq!(binlog.tail(20).unwrap(), (b"4 C M00/00/00/d\n".to_vec(), false));
        let (binlog, findings) = open(temp.path());
        assert_eq!((binlog.file_index(), findings), (1, vec![]));
    }

    #[test]
    fn a_torn_last_line_is_cut_before_the_next_record() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("binlog.000"), b"1 C M00/00/00/a\n2 C M00/0").unwrap();
        let (mut binlog, findings) = open(temp.path());
        assert!(findings.contains(&BinlogFinding::TornTail { file: "binlog.000".into(), cut_bytes: 9 }));
        binlog.append(b"3 C M00/00/00/c\n").unwrap();
        let text = std::fs::read(temp.path().join("binlog.000")).unwrap();
        assert_eq!(text, b"1 C M00/00/00/a\n3 C M00/00/00/c\n");
    }

    #[test]
    fn an_emptied_index_does_not_send_the_writer_back_to_the_first_file() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("binlog.000"), b"1 C M00/00/00/a\n").unwrap();
        std::fs::write(temp.path().join("binlog.007"), b"2 C M00/00/00/b\n").unwrap();
        std::fs::write(temp.path().join("binlog_index.dat"), b"").unwrap();
        let (binlog, findings) = open(temp.path());
        assert_eq!(binlog.file_index(), 7);
        assert!(matches!(&findings[..], [BinlogFinding::IndexRebuilt { index: 7, .. }]));
        assert!(temp.path().join("binlog_index.dat.corrupt.7").exists());
        assert_eq!(open(temp.path()).1, []);
    }
}
