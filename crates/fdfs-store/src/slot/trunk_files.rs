//! Trunk files kept open: a bounded number for each store path.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fdfs_proto::file_id::LogicName;

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
}

/// For so long readers take a trunk file that is open for the one that has the name.
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
    fn get(&self, id: TrunkFileId) -> Option<(Arc<F::File>, bool)> {
        let state = &mut *self.lock();
        state.uses += 1;
        let opened = state.open.get_mut(&id)?;
        opened.used = state.uses;
        Some((Arc::clone(&opened.file), opened.seen.elapsed() < SEEN_FOR))
    }

    fn seen(&self, id: TrunkFileId) {
        if let Some(opened) = self.lock().open.get_mut(&id) {
            opened.seen = Instant::now();
        }
    }

    fn keep(&self, id: TrunkFileId, file: Arc<F::File>) {
        let state = &mut *self.lock();
        if state.open.len() >= OPEN_MAX && !state.open.contains_key(&id) {
            let oldest = state.open.iter().min_by_key(|(_, opened)| opened.used).map(|(id, _)| *id);
            oldest.map(|id| state.open.remove(&id));
        }
        let used = state.uses;
        state.open.insert(id, Opened { file, used, seen: Instant::now() });
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
        match self.trunk_files().get(id) {
            Some((file, true)) => Ok(file),
            _ => {
                let opened = self.trunk_file(id)?;
                self.trunk_files().seen(id);
                Ok(opened.file)
            }
        }
    }

    /// A trunk file, from those that are open or from the disk. One that was removed or replaced since it was opened is
    /// opened anew: what would be written into it then would be lost.
    pub(super) fn trunk_file(&self, id: TrunkFileId) -> Result<OpenTrunkFile<F>, StoreError> {
        if let Some((file, _)) = self.trunk_files().get(id) {
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
        if is_kept {
            self.trunk_files().keep(id, Arc::clone(&file));
        }
        Ok(OpenTrunkFile { file, len_bytes: stat.len_bytes })
    }

    /// A trunk file to write to: made when it is missing, and extended to `size_bytes` when it is shorter, which leaves
    /// holes that read as zeros.
    pub(super) fn trunk_file_to_write(&self, id: TrunkFileId, size_bytes: u64) -> Result<OpenTrunkFile<F>, StoreError> {
        let mut opened = match self.trunk_file(id) {
            Err(e) if e.is_not_found() => {
                match self.create_new(&id.true_name()) {
                    // Somebody else made it just now.
                    Ok(_) | Err(StoreError::Exists { .. }) => {}
                    Err(e) => return Err(e),
                }
                self.trunk_file(id)?
            }
            other => other?,
        };
        if opened.len_bytes < size_bytes {
            opened.file.set_len(size_bytes).at("extend", self.data_path(), &id.true_name())?;
            opened.len_bytes = size_bytes;
        }
        Ok(opened)
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
}
