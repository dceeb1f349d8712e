//! The trunk binlog `<base>/data/trunk/binlog`, one file that is only ever appended to, emptied or replaced as a whole.

use std::io;
use std::path::Path;

use fdfs_proto::disk::StateFile;
use fdfs_proto::disk::trunk_snapshot::TrunkSnapshot;

use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};
use crate::real_fs::RealFs;
use crate::state_file::StateDir;

/// The log's name in its folder.
pub const BINLOG: &str = "binlog";
/// How much is copied or searched at a time, bytes.
pub(super) const PIECE_BYTES: usize = 64 << 10;
/// The end of the names of marks.
const MARK_END: &str = ".mark";
/// Digits of the time in the name of a backup.
const STAMP_DIGITS: usize = 14;

/// The trunk binlog, open for appending. One owner; whole lines go in.
#[derive(Debug)]
pub struct TrunkLog<F: Fs = RealFs> {
    /// `<base>/data`, where the snapshot lies.
    pub(super) data: StateDir<F>,
    /// `<base>/data/trunk`.
    pub(super) dir: StateDir<F>,
    pub(super) file: F::File,
    /// Bytes of whole lines.
    pub(super) len_bytes: u64,
    /// A failed write may have left part of a line behind `len_bytes`.
    is_dirty: bool,
    /// Grows each time the log begins anew: whoever read from it must begin anew, too.
    pub(super) epoch: u64,
}

impl<F: Fs> TrunkLog<F> {
    /// Opens the log below `<base>/data`, makes it when there is none, and cuts off a last line that is not whole; also
    /// tells how many bytes that were.
    ///
    /// Differs from C: the reference refuses to load such a log.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(fs: F, data_path: &Path) -> Result<(Self, u64), StoreError> {
        let data = StateDir::open(fs.clone(), data_path)?;
        let dir = StateDir::open(fs, &data_path.join("trunk"))?;
        let file = dir.fs().open_write(dir.dir(), BINLOG).at("open", dir.path(), BINLOG)?;
        let mut log = Self { data, dir, file, len_bytes: 0, is_dirty: false, epoch: 0 };
        let cut_bytes = log.cut_torn_tail()?;
        log.dir.fs().sync_dir(log.dir.dir(), "").at("sync directory", log.dir.path(), "")?;
        Ok((log, cut_bytes))
    }

    pub(super) fn cut_torn_tail(&mut self) -> Result<u64, StoreError> {
        let len = self.file.stat().at("stat", self.dir.path(), BINLOG)?.len_bytes;
        let mut end = len;
        let mut piece = vec![0; PIECE_BYTES];
        let whole = loop {
            if end == 0 {
                break 0;
            }
            let from = end.saturating_sub(PIECE_BYTES as u64);
            let have = self.read_at(&mut piece, from, (end - from) as usize)?;
            if let Some(at) = piece[..have].iter().rposition(|&b| b == b'\n') {
                break from + at as u64 + 1;
            }
            end = from;
        };
        if whole < len {
            self.file.set_len(whole).at("truncate", self.dir.path(), BINLOG)?;
        }
        self.len_bytes = whole;
        Ok(len - whole)
    }

    /// Reads up to `want` bytes, as many as there are.
    fn read_at(&self, out: &mut [u8], offset: u64, want: usize) -> Result<usize, StoreError> {
        let reader = self.dir.fs().open_read(self.dir.dir(), BINLOG).at("open", self.dir.path(), BINLOG)?;
        read_full(&reader, &mut out[..want], offset).at("read", self.dir.path(), BINLOG)
    }

    /// Bytes of whole lines.
    #[must_use]
    pub const fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Grows each time the log begins anew.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Appends whole lines with one write. When this returns they are with the kernel.
    ///
    /// # Errors
    /// [`StoreError::Disk`]; none of the lines is in the log then, and a later call may succeed again.
    pub fn append(&mut self, lines: &[u8]) -> Result<(), StoreError> {
        assert!(lines.last().is_none_or(|&b| b == b'\n'), "whole lines only");
        if self.is_dirty {
            self.file.set_len(self.len_bytes).at("truncate", self.dir.path(), BINLOG)?;
            self.is_dirty = false;
        }
        if let Err(e) = self.file.write_all_at(lines, self.len_bytes) {
            self.is_dirty = self.file.set_len(self.len_bytes).is_err();
            return Err(e).at("append to", self.dir.path(), BINLOG);
        }
        self.len_bytes += lines.len() as u64;
        Ok(())
    }

    /// Makes all lines durable.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn sync(&self) -> Result<(), StoreError> {
        self.file.sync().at("sync", self.dir.path(), BINLOG)
    }

    /// The whole log.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn whole(&self) -> Result<Vec<u8>, StoreError> {
        self.bytes_at(0, usize::try_from(self.len_bytes).unwrap_or(usize::MAX))
    }

    /// Bytes from `offset` on, as many as are there of those that are wanted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn bytes_at(&self, offset: u64, want: usize) -> Result<Vec<u8>, StoreError> {
        let left = self.len_bytes.saturating_sub(offset);
        let mut piece = vec![0; want.min(usize::try_from(left).unwrap_or(usize::MAX))];
        let want = piece.len();
        let have = self.read_at(&mut piece, offset, want)?;
        piece.truncate(have);
        Ok(piece)
    }

    /// Whole lines from `offset` on, at most `max` bytes of them; none at the end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lines_at(&self, offset: u64, max: usize) -> Result<Vec<u8>, StoreError> {
        let mut piece = self.bytes_at(offset, max)?;
        let end = piece.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        piece.truncate(end);
        Ok(piece)
    }

    /// Empties the log; with `max_backups` above 0 the old one is kept as `binlog.<stamp>`, and the oldest of those go
    /// until no more than that are left. The snapshot goes, too: it tells of the old log.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin_anew(&mut self, max_backups: u32, stamp: &str) -> Result<(), StoreError> {
        self.remove_snapshot()?;
        if max_backups > 0 {
            let mut backups = self.backups()?;
            backups.sort();
            let keep = usize::try_from(max_backups).unwrap_or(usize::MAX) - 1;
            for name in &backups[..backups.len().saturating_sub(keep)] {
                self.dir.remove(name)?;
            }
            let aside = format!("{BINLOG}.{stamp}");
            self.dir.fs().rename(self.dir.dir(), BINLOG, &aside).at("rename", self.dir.path(), BINLOG)?;
        }
        self.file = self.dir.fs().create_or_empty(self.dir.dir(), BINLOG).at("create", self.dir.path(), BINLOG)?;
        self.file.sync().at("sync", self.dir.path(), BINLOG)?;
        (self.len_bytes, self.is_dirty) = (0, false);
        self.epoch += 1;
        self.dir.fs().sync_dir(self.dir.dir(), "").at("sync directory", self.dir.path(), "")
    }

    fn backups(&self) -> Result<Vec<String>, StoreError> {
        let names = self.dir.fs().list(self.dir.dir(), "").at("list", self.dir.path(), "")?;
        let is_backup = |name: &String| {
            let stamp = name.strip_prefix(BINLOG).and_then(|rest| rest.strip_prefix('.'));
            stamp.is_some_and(|s| s.len() == STAMP_DIGITS && s.bytes().all(|b| b.is_ascii_digit()))
        };
        Ok(names.into_iter().filter(is_backup).collect())
    }

    /// The snapshot; `Err` with what is wrong with one that cannot be used, which is no reason to fail.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn snapshot(&self) -> Result<Option<Result<TrunkSnapshot, String>>, StoreError> {
        let bytes = match self.data.read(TrunkSnapshot::FILE) {
            Err(StoreError::Corrupt { what, .. }) => return Ok(Some(Err(what))),
            other => other?,
        };
        Ok(bytes.map(|bytes| TrunkSnapshot::decode(&bytes).map_err(|e| e.to_string())))
    }

    /// Writes the snapshot as a whole.
    ///
    /// # Errors
    /// [`StoreError`]; the old one is then still there.
    pub fn save_snapshot(&self, snapshot: &TrunkSnapshot) -> Result<(), StoreError> {
        // What the snapshot takes for written must be written, or a power cut leaves a snapshot of the future.
        self.sync()?;
        self.data.write(TrunkSnapshot::FILE, &snapshot.to_bytes())
    }

    /// Removes the snapshot.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remove_snapshot(&self) -> Result<(), StoreError> {
        self.data.remove(TrunkSnapshot::FILE)
    }

    /// Removes the marks of all storages, and the snapshot: this one becomes the trunk server (32).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remove_marks(&self) -> Result<(), StoreError> {
        self.remove_snapshot()?;
        for name in self.dir.fs().list(self.dir.dir(), "").at("list", self.dir.path(), "")? {
            if name.ends_with(MARK_END) {
                self.dir.remove(&name)?;
            }
        }
        Ok(())
    }

    /// The folder, for marks.
    #[must_use]
    pub const fn dir(&self) -> &StateDir<F> {
        &self.dir
    }
}

/// Reads until `out` is full or the file ends.
pub(super) fn read_full<T: FsFile>(file: &T, out: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut have = 0;
    while have < out.len() {
        match file.read_at(&mut out[have..], offset + have as u64) {
            Ok(0) => break,
            Ok(n) => have += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(have)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim_fs::{Fault, SimFs};

    const DATA: &str = "/base/data";

    fn open(fs: &SimFs) -> (TrunkLog<SimFs>, u64) {
        TrunkLog::open(fs.clone(), Path::new(DATA)).unwrap()
    }

    #[test]
    fn lines_are_read_back_and_half_a_line_is_cut() {
        let fs = SimFs::new(Fault::None);
        let (mut log, _) = open(&fs);
        log.append(b"1 A 0 0 0 1 0 9\n2 D 0 0 0 1 0 9\n").unwrap();
        assert_eq!(log.lines_at(0, 20).unwrap(), b"1 A 0 0 0 1 0 9\n");
        assert_eq!(log.lines_at(16, 100).unwrap(), b"2 D 0 0 0 1 0 9\n");
        assert_eq!(log.lines_at(32, 100).unwrap(), b"");
        log.file.write_all_at(b"3 A 0 0", 32).unwrap();
        let (log, cut_bytes) = open(&fs.after_crash());
        assert_eq!((log.len_bytes(), cut_bytes), (32, 7));
    }

    #[test]
    fn a_long_torn_tail_is_cut_whole() {
        let fs = SimFs::new(Fault::None);
        let (mut log, _) = open(&fs);
        log.append(b"1 A 0 0 0 1 0 9\n").unwrap();
        log.file.write_all_at(&vec![0; 3 * PIECE_BYTES], 16).unwrap();
        let (log, cut_bytes) = open(&fs.after_crash());
        assert_eq!((log.len_bytes(), cut_bytes), (16, 3 * PIECE_BYTES as u64));
    }

    #[test]
    fn a_new_beginning_keeps_so_many_backups() {
        let fs = SimFs::new(Fault::None);
        let (mut log, _) = open(&fs);
        log.save_snapshot(&TrunkSnapshot::default()).unwrap();
        for day in 0..5 {
            log.append(format!("{day} A 0 0 0 1 0 9\n").as_bytes()).unwrap();
            log.begin_anew(3, &format!("2026112009160{day}")).unwrap();
            assert_eq!((log.len_bytes(), log.epoch()), (0, day + 1));
        }
        assert!(log.snapshot().unwrap().is_none());
        let mut backups = log.backups().unwrap();
        backups.sort();
        assert_eq!(backups, ["binlog.20261120091602", "binlog.20261120091603", "binlog.20261120091604"]);
        assert_eq!(log.dir.read("binlog.20261120091604").unwrap().unwrap(), b"4 A 0 0 0 1 0 9\n");
        log.begin_anew(0, "").unwrap();
        assert_eq!(log.backups().unwrap().len(), 3);
    }

    #[test]
    fn marks_and_snapshot_go_when_the_role_comes() {
        let fs = SimFs::new(Fault::None);
        let (log, _) = open(&fs);
        log.save_snapshot(&TrunkSnapshot::default()).unwrap();
        log.dir().write("10.0.0.2_23000.mark", b"binlog_offset=5\n").unwrap();
        log.remove_marks().unwrap();
        assert_eq!(fs.list(log.dir().dir(), "").unwrap(), ["binlog"]);
        assert!(log.snapshot().unwrap().is_none());
    }

    /// Every disk call of an append fails, stops or writes short once: what was acknowledged is there, and nothing else
    /// but whole lines.
    #[test]
    fn acknowledged_lines_survive_every_fault() {
        let line = |n: u64| format!("{n} A 0 0 0 1 {n} 9\n").into_bytes();
        for call in 1..40 {
            for fault in [Fault::StopsAfter(call), Fault::FailsAt(call, 28), Fault::WritesShortAt(call)] {
                let fs = SimFs::new(Fault::None);
                let (mut log, _) = open(&fs);
                fs.set_fault(fault);
                let mut acked = Vec::new();
                for n in 0..6 {
                    if log.append(&line(n)).is_ok() && log.sync().is_ok() {
                        acked.push(n);
                    }
                }
                for after in [fs.after_crash(), fs.after_power_cut(None), fs.after_power_cut(Some(call))] {
                    let (log, _) = open(&after);
                    let text = log.lines_at(0, 1000).unwrap();
                    let have: Vec<_> = text.split_inclusive(|&b| b == b'\n').collect();
                    for n in &acked {
                        assert!(have.contains(&&line(*n)[..]), "{fault:?}: line {n} is lost");
                    }
                    assert!(
                        (0..6).map(line).filter(|l| have.contains(&&l[..])).count() == have.len(),
                        "{fault:?}: torn"
                    );
                }
            }
        }
    }
}
