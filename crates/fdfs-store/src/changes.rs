//! Changes in place that are under way: what a start after a crash must finish or undo.
//!
//! A file that is written into, cut or renamed is neither the old nor the new one for a moment, and its binlog record
//! comes after. So the record is noted here first, as it will be, and struck out when it stands in the binlog.
//!
//! Notes of many changes go to the disk with one write. Those that are struck out go with the next one; at once when no
//! other change is under way.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// Held by whoever writes; taken before `slots`. The bytes of the last write.
    writer: Mutex<Vec<u8>>,
    /// The number of the last note that is in the file.
    written: AtomicU64,
}

#[derive(Debug, Default)]
struct Slots {
    /// The file as it is to be, as far as slots were ever used.
    image: Vec<u8>,
    /// Free slots; the first ones are used first, so that those in use lie together.
    free: BinaryHeap<Reverse<ChangeNote>>,
    /// The first and the last slot that may differ from the file.
    unwritten: Option<(u32, u32)>,
    /// Changes under way.
    open_count: u32,
    /// The number of the last note.
    last: u64,
    /// The last line, kept for its memory.
    line: Vec<u8>,
}

impl Slots {
    fn touch(&mut self, (first, last): (u32, u32)) {
        let (low, high) = self.unwritten.unwrap_or((first, last));
        self.unwritten = Some((low.min(first), high.max(last)));
    }

    fn take(&mut self) -> std::io::Result<u32> {
        if let Some(Reverse(note)) = self.free.pop() {
            return Ok(note.slot);
        }
        let slot = (self.image.len() / SLOT_BYTES) as u32;
        if slot == SLOTS_MAX {
            return Err(std::io::Error::other(format!("{SLOTS_MAX} changes are under way or were left unfinished")));
        }
        self.image.resize(self.image.len() + SLOT_BYTES, 0);
        Ok(slot)
    }
}

/// A change that is noted. Unless [`Changes::strike`] strikes it out, the next start looks what became of it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
#[must_use = "a change that is done must be struck out"]
pub struct ChangeNote {
    slot: u32,
    number: u64,
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
        let (slots, writer, written) = (Mutex::default(), Mutex::default(), AtomicU64::new(0));
        Ok((Self { dir, file, slots, writer, written }, left))
    }

    /// Forgets what the last run left, once it has been dealt with durably.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn clear(&self) -> Result<(), StoreError> {
        self.file.set_len(0).at("truncate", self.dir.path(), FILE)
    }

    /// Notes a change that is about to begin, once [`Changes::save`] has written the note.
    ///
    /// # Errors
    /// [`StoreError::Disk`] for too many or for one that is no record; the change must not begin then.
    pub fn note(&self, record: &BinlogRecord) -> Result<ChangeNote, StoreError> {
        let slots = &mut *self.lock();
        slots.line.clear();
        let encoded = record.encode(&mut slots.line).map_err(std::io::Error::other);
        encoded.at("note a change in", self.dir.path(), FILE)?;
        slots.line.resize(SLOT_BYTES, 0);
        let slot = slots.take().at("note a change in", self.dir.path(), FILE)?;
        let at = slot as usize * SLOT_BYTES;
        slots.image[at..at + SLOT_BYTES].copy_from_slice(&slots.line);
        slots.touch((slot, slot));
        slots.open_count += 1;
        slots.last += 1;
        Ok(ChangeNote { slot, number: slots.last })
    }

    /// Writes a note, with all others that wait. When this returns it is with the kernel.
    ///
    /// # Errors
    /// [`StoreError::Disk`]; the change must not begin then, and its note is to be struck out.
    pub fn save(&self, note: &ChangeNote) -> Result<(), StoreError> {
        self.save_up_to(note.number)
    }

    fn save_up_to(&self, number: u64) -> Result<(), StoreError> {
        let is_there = || self.written.load(Ordering::Acquire) >= number;
        if is_there() {
            return Ok(());
        }
        let mut piece = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever wrote meanwhile wrote for all who came before.
        if is_there() { Ok(()) } else { self.write_out(&mut piece) }
    }

    /// Writes all notes that wait.
    ///
    /// # Errors
    /// [`StoreError::Disk`]; they are written with the next one.
    pub fn save_all(&self) -> Result<(), StoreError> {
        let number = self.lock().last;
        self.save_up_to(number)
    }

    /// Strikes out a change: it is in the binlog, or it was undone. A note that cannot be struck out, or was not before a
    /// crash, is found done at the next start.
    pub fn strike(&self, note: ChangeNote) {
        let is_last = {
            let slots = &mut *self.lock();
            slots.image[note.slot as usize * SLOT_BYTES] = 0;
            slots.touch((note.slot, note.slot));
            slots.free.push(Reverse(note));
            slots.open_count -= 1;
            slots.open_count == 0
        };
        if is_last {
            let mut piece = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            // Tried again with the next note.
            let _ = self.write_out(&mut piece);
        }
    }

    fn write_out(&self, piece: &mut Vec<u8>) -> Result<(), StoreError> {
        let (range, last) = {
            let slots = &mut *self.lock();
            let Some((first, last)) = slots.unwritten.take() else { return Ok(()) };
            piece.clear();
            piece.extend_from_slice(&slots.image[first as usize * SLOT_BYTES..(last as usize + 1) * SLOT_BYTES]);
            ((first, last), slots.last)
        };
        let written = self.file.write_all_at(piece, u64::from(range.0) * SLOT_BYTES as u64);
        match written {
            Ok(()) => self.written.store(last, Ordering::Release),
            Err(_) => self.lock().touch(range),
        }
        written.at("write", self.dir.path(), FILE)
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    use crate::RealFs;
    use crate::sim_fs::{Fault, SimFs};
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
        let note = |name: &str, offset| {
            let note = changes.note(&record(name, offset)).unwrap();
            changes.save(&note).unwrap();
            note
        };
        let one = note("M00/00/00/one", 1);
        let two = note("M00/00/00/two", 2);
        changes.strike(one);
        let three = note("M00/00/00/three-is-longer", 3);
        changes.strike(three);
        let four = note("M00/00/00/four", 4);
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

    #[test]
    fn many_notes_go_with_one_write_and_the_last_that_is_struck_out_writes() {
        let fs = SimFs::new(Fault::None);
        let open = || Changes::open(StateDir::open(fs.clone(), Path::new("/base")).unwrap()).unwrap();
        let (changes, _) = open();
        let notes: Vec<_> = (0..20).map(|n| changes.note(&record(&format!("M00/00/00/{n}"), n)).unwrap()).collect();
        assert_eq!(open().1.len(), 0, "nothing is written yet");
        let calls = fs.calls();
        changes.save(&notes[3]).unwrap();
        notes.iter().for_each(|note| changes.save(note).unwrap());
        assert_eq!(fs.calls() - calls, 1);
        assert_eq!(open().1.len(), 20);
        let mut notes = notes.into_iter();
        let last = notes.next_back().unwrap();
        notes.for_each(|note| changes.strike(note));
        assert_eq!(open().1.len(), 20, "they go with the next write");
        changes.strike(last);
        assert_eq!(open().1.len(), 0);
    }

    #[test]
    fn a_note_that_could_not_be_written_fails_and_the_next_one_is_written_with_all_others() {
        let fs = SimFs::new(Fault::None);
        let open = || Changes::open(StateDir::open(fs.clone(), Path::new("/base")).unwrap()).unwrap();
        let (changes, _) = open();
        let one = changes.note(&record("M00/00/00/one", 1)).unwrap();
        let two = changes.note(&record("M00/00/00/two", 2)).unwrap();
        fs.set_fault(Fault::FailsAt(1, 28));
        assert!(changes.save(&one).is_err());
        changes.strike(one);
        changes.save(&two).unwrap();
        assert_eq!(open().1, [record("M00/00/00/two", 2)]);
        changes.strike(two);
    }
}
