//! Trunk files kept open: a bounded number for each store path.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fdfs_proto::file_id::LogicName;

use super::Slot;
use super::range_locks::RangeLocks;
use crate::error::{At, StoreError};
use crate::fs::{FileKind, Fs, FsFile};
use crate::real_fs::RealFs;
use crate::store_path::StorePath;
use crate::trunk::trunk_file_name;

/// Trunk files that are kept open for each store path.
pub const OPEN_MAX: usize = 128;

/// Which trunk file of a store path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrunkFileId {
    /// The first sub directory.
    pub high: u8,
    /// The second sub directory.
    pub low: u8,
    /// Its number, one count for the whole group.
    pub id: u32,
}

impl TrunkFileId {
    /// Where it is below `<store path>/data/`: `HH/HH/` and the number with at least six digits.
    #[must_use]
    pub fn true_name(&self) -> String {
        trunk_file_name(self.high, self.low, self.id)
    }
}

/// Whether a name is that of a whole trunk file: a number of six or more digits. No other file is called so.
#[must_use]
pub fn is_trunk_file_name(name: &LogicName) -> bool {
    let file_name = name.file_name();
    (6..=10).contains(&file_name.len()) && file_name.bytes().all(|byte| byte.is_ascii_digit())
}

#[derive(Debug)]
struct Opened<F: Fs> {
    file: Arc<F::File>,
    /// When it was used last, counted in uses of any.
    used: u64,
    /// When it was seen last that it has its name still.
    seen: Instant,
    /// Its bytes, as they were seen then.
    len_bytes: u64,
    /// Of a file that this process made: where the part begins that nobody has written to since, and that is zero.
    untouched_from: Option<u64>,
}

/// For so long readers and deletions take a trunk file that is open for the one that has the name.
const SEEN_FOR: Duration = Duration::from_secs(1);

/// Trunk files of one store path that are open.
#[derive(Debug)]
pub struct TrunkFiles<F: Fs = RealFs> {
    state: Mutex<State<F>>,
    /// Held while a slot is checked and written, and while what a deleted file left is checked and filled with zeros: so
    /// nothing that was written after the check is ever zeroed.
    pub(super) ranges: RangeLocks,
}

#[derive(Debug)]
struct State<F: Fs> {
    open: BTreeMap<TrunkFileId, Opened<F>>,
    uses: u64,
}

impl<F: Fs> Default for TrunkFiles<F> {
    fn default() -> Self {
        let state = Mutex::new(State { open: BTreeMap::new(), uses: 0 });
        Self { state, ranges: RangeLocks::default() }
    }
}

impl<F: Fs> TrunkFiles<F> {
    fn lock(&self) -> MutexGuard<'_, State<F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An open file, and whether it was seen just now that it has its name still.
    fn get(&self, id: TrunkFileId) -> Option<(OpenTrunkFile<F>, bool)> {
        let state = &mut *self.lock();
        state.uses += 1;
        let opened = state.open.get_mut(&id)?;
        opened.used = state.uses;
        let file = OpenTrunkFile { file: Arc::clone(&opened.file), len_bytes: opened.len_bytes };
        Some((file, opened.seen.elapsed() < SEEN_FOR))
    }

    /// A file was seen to have its name still, and so many bytes.
    fn seen(&self, id: TrunkFileId, file: &OpenTrunkFile<F>) {
        if let Some(opened) = self.lock().open.get_mut(&id).filter(|opened| Arc::ptr_eq(&opened.file, &file.file)) {
            (opened.seen, opened.len_bytes) = (Instant::now(), file.len_bytes);
        }
    }

    fn keep(&self, id: TrunkFileId, file: &OpenTrunkFile<F>, untouched_from: Option<u64>) {
        let state = &mut *self.lock();
        if state.open.len() >= OPEN_MAX && !state.open.contains_key(&id) {
            let oldest = state.open.iter().min_by_key(|(_, opened)| opened.used).map(|(id, _)| *id);
            oldest.map(|id| state.open.remove(&id));
        }
        let (file, len_bytes) = (Arc::clone(&file.file), file.len_bytes);
        let opened = Opened { file, used: state.uses, seen: Instant::now(), len_bytes, untouched_from };
        if untouched_from.is_some() {
            // Whoever opened it meanwhile may have written to it.
            state.open.entry(id).or_insert(opened);
        } else {
            state.open.insert(id, opened);
        }
    }

    /// Whether a slot lies in the part of a trunk file that is zero because this process made it so and nobody has written
    /// there since. Whoever asks is going to write: from now on it does not.
    pub(super) fn take_untouched(&self, slot: &Slot, file: &Arc<F::File>) -> bool {
        let mut state = self.lock();
        let opened = state.open.get_mut(&slot.file).filter(|opened| Arc::ptr_eq(&opened.file, file));
        let Some(from) = opened.and_then(|opened| opened.untouched_from.as_mut()) else { return false };
        let is_untouched = u64::from(slot.offset) >= *from;
        *from = slot.end().max(*from);
        is_untouched
    }

    fn forget(&self, id: TrunkFileId) {
        self.lock().open.remove(&id);
    }
}

/// A trunk file and its length.
pub(super) struct OpenTrunkFile<F: Fs> {
    pub(super) file: Arc<F::File>,
    pub(super) len_bytes: u64,
}

impl<F: Fs> StorePath<F> {
    /// A trunk file to read from. One that was removed or replaced may be read from for a second more.
    pub(super) fn trunk_file_to_read(&self, id: TrunkFileId) -> Result<Arc<F::File>, StoreError> {
        Ok(self.trunk_file_seen(id)?.file)
    }

    /// The same with its length: also to delete from, where all that can be lost is the deletion.
    pub(super) fn trunk_file_seen(&self, id: TrunkFileId) -> Result<OpenTrunkFile<F>, StoreError> {
        match self.trunk_files().get(id) {
            Some((file, true)) => Ok(file),
            _ => {
                let opened = self.trunk_file(id)?;
                self.trunk_files().seen(id, &opened);
                Ok(opened)
            }
        }
    }

    /// A trunk file, from those that are open or from the disk. One that was removed or replaced since it was opened is
    /// opened anew: what would be written into it then would be lost.
    pub(super) fn trunk_file(&self, id: TrunkFileId) -> Result<OpenTrunkFile<F>, StoreError> {
        if let Some((OpenTrunkFile { file, .. }, _)) = self.trunk_files().get(id) {
            let stat = file.stat().at("stat", self.data_path(), "a trunk file")?;
            if stat.link_count > 0 {
                return Ok(OpenTrunkFile { file, len_bytes: stat.len_bytes });
            }
            self.trunk_files().forget(id);
        }
        let name = id.true_name();
        let (file, is_kept) = match self.fs().open_read_write(self.data(), &name) {
            // A disk that can only be read is still good for downloads.
            Err(e) if matches!(e.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied) => {
                (self.fs().open_read(self.data(), &name), false)
            }
            other => (other, true),
        };
        let file = Arc::new(file.at("open", self.data_path(), &name)?);
        let stat = file.stat().at("stat", self.data_path(), &name)?;
        if stat.kind != FileKind::Regular {
            return Err(StoreError::NotRegular { path: self.data_path().join(&name) });
        }
        let opened = OpenTrunkFile { file, len_bytes: stat.len_bytes };
        if is_kept {
            self.trunk_files().keep(id, &opened, None);
        }
        Ok(opened)
    }

    /// A trunk file to write to: made when it is missing, and extended to `size_bytes` when it is shorter, which leaves
    /// holes that read as zeros.
    pub(super) fn trunk_file_to_write(&self, id: TrunkFileId, size_bytes: u64) -> Result<OpenTrunkFile<F>, StoreError> {
        let mut opened = match self.trunk_file(id) {
            Err(e) if e.is_not_found() => {
                match self.create_new(&id.true_name()) {
                    Ok(file) => self.keep_new(id, file, 0),
                    // Somebody else made it just now.
                    Err(StoreError::Exists { .. }) => {}
                    Err(e) => return Err(e),
                }
                self.trunk_file(id)?
            }
            other => other?,
        };
        if opened.len_bytes < size_bytes {
            opened.file.set_len(size_bytes).at("extend", self.data_path(), &id.true_name())?;
            opened.len_bytes = size_bytes;
            self.trunk_files().seen(id, &opened);
        }
        Ok(opened)
    }

    /// Keeps a trunk file open that this process has just made, and that is all zero.
    pub(crate) fn keep_new(&self, id: TrunkFileId, file: F::File, len_bytes: u64) {
        self.trunk_files().keep(id, &OpenTrunkFile { file: Arc::new(file), len_bytes }, Some(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn open(root: &Path) -> StorePath {
        StorePath::open(RealFs, 0, root, false, 4).unwrap().path
    }

    #[test]
    fn trunk_files_are_made_at_full_size_and_no_more_than_the_limit_is_open() {
        let temp = tempfile::tempdir().unwrap();
        let path = open(temp.path());
        for id in 0..OPEN_MAX as u32 + 10 {
            let id = TrunkFileId { high: 1, low: 2, id };
            assert!(path.trunk_file(id).err().unwrap().is_not_found());
            assert_eq!(path.trunk_file_to_write(id, 4096).unwrap().len_bytes, 4096);
            // One that is used again and again stays.
            let first = TrunkFileId { high: 1, low: 2, id: 0 };
            assert_eq!(path.trunk_file(first).unwrap().len_bytes, 4096);
            assert!(path.trunk_files().lock().open.contains_key(&first));
        }
        assert_eq!(path.trunk_files().lock().open.len(), OPEN_MAX);
        assert_eq!(std::fs::metadata(temp.path().join("data/01/02/000137")).unwrap().len(), 4096);
    }

    #[test]
    fn a_trunk_file_that_was_removed_or_replaced_is_opened_anew() {
        let temp = tempfile::tempdir().unwrap();
        let path = open(temp.path());
        let id = TrunkFileId { high: 0, low: 0, id: 1_234_567 };
        path.trunk_file_to_write(id, 10).unwrap();
        let on_disk = temp.path().join("data/00/00/1234567");
        std::fs::remove_file(&on_disk).unwrap();
        assert!(path.trunk_file(id).err().unwrap().is_not_found());
        path.trunk_file_to_write(id, 20).unwrap();
        let other = temp.path().join("other");
        std::fs::write(&other, b"123").unwrap();
        std::fs::rename(&other, &on_disk).unwrap();
        assert_eq!(path.trunk_file(id).unwrap().len_bytes, 3);
        let mut content = [0; 3];
        assert_eq!(path.trunk_file_to_read(id).unwrap().read_at(&mut content, 0).unwrap(), 3);
        assert_eq!(&content, b"123");
    }

    #[test]
    fn only_what_was_made_here_and_never_given_out_is_taken_for_untouched() {
        let temp = tempfile::tempdir().unwrap();
        let path = open(temp.path());
        let id = TrunkFileId { high: 0, low: 0, id: 1 };
        let take = |path: &StorePath, offset| {
            let file = path.trunk_file_to_write(id, 4096).unwrap().file;
            path.trunk_files().take_untouched(&Slot { file: id, offset, alloc_size: 256 }, &file)
        };
        assert!(take(&path, 0) && take(&path, 512));
        assert!(!take(&path, 256), "somebody may have written before what was given out last");
        assert!(!take(&path, 512) && take(&path, 768));
        // One of an earlier run, and one that took the place of the one that was made here.
        assert!(!take(&open(temp.path()), 2048));
        std::fs::rename(temp.path().join("data/00/00/000001"), temp.path().join("aside")).unwrap();
        std::fs::copy(temp.path().join("aside"), temp.path().join("data/00/00/000001")).unwrap();
        std::fs::remove_file(temp.path().join("aside")).unwrap();
        assert!(!take(&path, 2048));
    }
}
