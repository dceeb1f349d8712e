//! Changes in place that are under way: what a start after a crash must finish or undo.
//!
//! A file that is written into, cut or renamed is neither the old nor the new one for a moment, and its binlog record
//! comes after. So the record is noted here first, as it will be, and struck out when it stands in the binlog.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fdfs_proto::disk::binlog_record::BinlogRecord;

use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};
use crate::real_fs::RealFs;
use crate::state_file::StateDir;

/// The file, below `<base>/data`; one of our own, which the reference never looks at.
///
/// | offset in a slot | size | content                                               |
/// |-----------------:|-----:|-------------------------------------------------------|
/// |                0 |  256 | a line of the binlog, zeros behind it; free: begins with 0 |
pub const FILE: &str = ".fdfs_changing";
/// Bytes of a slot: a line of the binlog has at most 255.
const SLOT_BYTES: usize = 256;
/// The most changes that can be under way, 16 MB of them.
const SLOTS_MAX: u32 = 1 << 16;

/// Changes in place that are under way.
#[derive(Debug)]
pub struct Changes<F: Fs = RealFs> {
    dir: StateDir<F>,
    file: F::File,
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    free: Vec<ChangeNote>,
    /// Slots that were ever used.
    used: u32,
}

/// A change that is noted. Unless [`Changes::strike`] strikes it out, the next start looks what became of it.
#[derive(Debug)]
#[must_use = "a change that is done must be struck out"]
pub struct ChangeNote {
    slot: u32,
}

impl<F: Fs> Changes<F> {
    /// Opens the notes in `dir`, and reads what the last run left under way. Notes of which only a part is there are
    /// left out: their changes had not begun. Nothing must be noted before [`Changes::clear`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(dir: StateDir<F>) -> Result<(Self, Vec<BinlogRecord>), StoreError> {
        let bytes = dir.read(FILE)?.unwrap_or_default();
        let left = bytes.chunks(SLOT_BYTES).filter_map(|slot| {
            let line = &slot[..slot.iter().position(|&b| b == b'\n')?];
            BinlogRecord::parse(line).ok()
        });
        let left = left.collect();
        let file = dir.fs().open_write(dir.dir(), FILE).at("open", dir.path(), FILE)?;
        Ok((Self { dir, file, slots: Mutex::default() }, left))
    }

    /// Forgets what the last run left, once it has been dealt with durably.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn clear(&self) -> Result<(), StoreError> {
        self.file.set_len(0).at("truncate", self.dir.path(), FILE)
    }

    /// Notes a change that is about to begin.
    ///
    /// # Errors
    /// [`StoreError::Disk`], also for too many; the change must not begin then.
    pub fn note(&self, record: &BinlogRecord) -> Result<ChangeNote, StoreError> {
        let mut line = Vec::with_capacity(SLOT_BYTES);
        let encoded = record.encode(&mut line).map_err(std::io::Error::other);
        encoded.at("note a change in", self.dir.path(), FILE)?;
        line.resize(SLOT_BYTES, 0);
        let note = self.take_slot().at("note a change in", self.dir.path(), FILE)?;
        if let Err(e) = self.file.write_all_at(&line, offset(note.slot)).at("write", self.dir.path(), FILE) {
            self.strike(note);
            return Err(e);
        }
        Ok(note)
    }

    /// Strikes out a change: it is in the binlog, or it was undone.
    pub fn strike(&self, note: ChangeNote) {
        // A note that cannot be struck out is found done at the next start.
        if self.file.write_all_at(&[0], offset(note.slot)).is_ok() {
            self.lock().free.push(note);
        }
    }

    fn take_slot(&self) -> std::io::Result<ChangeNote> {
        let mut slots = self.lock();
        if let Some(free) = slots.free.pop() {
            return Ok(free);
        }
        if slots.used == SLOTS_MAX {
            return Err(std::io::Error::other(format!("{SLOTS_MAX} changes are under way or were left unfinished")));
        }
        slots.used += 1;
        Ok(ChangeNote { slot: slots.used - 1 })
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn offset(slot: u32) -> u64 {
    u64::from(slot) * SLOT_BYTES as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealFs;
    use fdfs_proto::disk::binlog_record::{Op, Origin};

    fn record(name: &str, offset: u64) -> BinlogRecord {
        let name = name.parse().unwrap();
        BinlogRecord { timestamp: 7, origin: Origin::Source, name, op: Op::Append { offset, length: 3 } }
    }

    #[test]
    fn what_was_not_struck_out_is_found_again() {
        let temp = tempfile::tempdir().unwrap();
        let open = || Changes::open(StateDir::open(RealFs, temp.path()).unwrap()).unwrap();
        let (changes, left) = open();
        assert_eq!(left, []);
        let one = changes.note(&record("M00/00/00/one", 1)).unwrap();
        let two = changes.note(&record("M00/00/00/two", 2)).unwrap();
        changes.strike(one);
        let three = changes.note(&record("M00/00/00/three-is-longer", 3)).unwrap();
        changes.strike(three);
        let four = changes.note(&record("M00/00/00/four", 4)).unwrap();
        assert_eq!((two.slot, four.slot), (1, 0), "slots are used again");
        drop((two, four, changes));
        let (changes, left) = open();
        assert_eq!(left, [record("M00/00/00/four", 4), record("M00/00/00/two", 2)]);
        changes.clear().unwrap();
        assert_eq!(open().1, []);
    }

    #[test]
    fn half_a_note_is_none() {
        let temp = tempfile::tempdir().unwrap();
        let mut line = Vec::new();
        record("M00/00/00/one", 1).encode(&mut line).unwrap();
        std::fs::write(temp.path().join(FILE), &line[..line.len() - 1]).unwrap();
        assert_eq!(Changes::open(StateDir::open(RealFs, temp.path()).unwrap()).unwrap().1, []);
    }
}
