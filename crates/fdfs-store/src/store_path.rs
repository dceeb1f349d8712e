//! One store path: an open `data` directory, its space, its health.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::crc_cache::CrcCache;
use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile, Space};
use crate::meta_folders::MetaFolders;
use crate::real_fs::RealFs;
use crate::slot::TrunkFiles;
use crate::subdirs;

/// What unfinished files are called, in the `data` directory itself: no reader of the reference looks there for files.
///
/// Differs from C: the reference writes them under names that look like finished files (behaviour, W-18).
pub const TEMP_PREFIX: &str = ".fdfs-tmp.";
/// Where files go that a crash left without their binlog record and that are not whole.
pub const UNFINISHED_DIR: &str = ".fdfs-unfinished";

/// One store path: `<path>/data` with its sub directories.
#[derive(Debug)]
pub struct StorePath<F: Fs = RealFs> {
    index: u8,
    /// `<path>/data`, for messages.
    data_path: PathBuf,
    fs: F,
    data: F::Dir,
    is_readonly: bool,
    subdir_count: u16,
    device: u64,
    temp_seq: AtomicU64,
    /// The file system cannot make files without a name.
    needs_temp_names: AtomicBool,
    /// CRC32 of files that grow.
    crcs: CrcCache,
    trunk_files: TrunkFiles<F>,
    meta_folders: MetaFolders,
    /// Why nothing more may be written here; set once, for the rest of the process.
    broken: OnceLock<String>,
}

/// What opening a store path found.
#[derive(Debug)]
pub struct OpenedPath<F: Fs = RealFs> {
    /// The store path.
    pub path: StorePath<F>,
    /// Its sub directories are missing or incomplete: a new disk, or one that lost its data.
    pub is_incomplete: bool,
    /// An earlier run was making them, and did not come to the end.
    pub is_being_made: bool,
    /// Unfinished files of an earlier run that were removed.
    pub removed_temp_count: usize,
}

impl<F: Fs> StorePath<F> {
    /// Opens `<path>/data`, makes it when it is missing, and removes unfinished files of an earlier run.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn open(
        fs: F,
        index: u8,
        path: &Path,
        is_readonly: bool,
        subdir_count: u16,
    ) -> Result<OpenedPath<F>, StoreError> {
        let data_path = path.join("data");
        fs.make_dirs(&data_path).at("make directory", &data_path, "")?;
        let data = fs.open_dir(&data_path).at("open directory", &data_path, "")?;
        let device = fs.stat(&data, ".").at("stat", &data_path, "")?.device;
        let mut removed_temp_count = 0;
        for name in fs.list(&data, "").at("list", &data_path, "")? {
            if name.starts_with(TEMP_PREFIX) {
                fs.remove(&data, &name).at("remove", &data_path, &name)?;
                removed_temp_count += 1;
            }
        }
        let is_incomplete = !subdirs::are_complete(&fs, &data, subdir_count);
        let is_being_made = is_incomplete && subdirs::are_being_made(&fs, &data).at("stat", &data_path, "")?;
        let path = Self {
            index,
            data_path,
            fs,
            data,
            is_readonly,
            subdir_count,
            device,
            temp_seq: AtomicU64::new(0),
            needs_temp_names: AtomicBool::new(false),
            crcs: CrcCache::default(),
            trunk_files: TrunkFiles::default(),
            meta_folders: MetaFolders::default(),
            broken: OnceLock::new(),
        };
        Ok(OpenedPath { path, is_incomplete, is_being_made, removed_temp_count })
    }

    /// Notes on the path that its sub directories are about to be made. What else tells that it lost its files is written
    /// before.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn begin_subdirs(&self) -> Result<(), StoreError> {
        subdirs::begin(&self.fs, &self.data, &self.data_path)
    }

    /// Makes all sub directories that are missing, and takes the note away; takes seconds on a new disk.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn make_subdirs(&self) -> Result<(), StoreError> {
        subdirs::make_all(&self.fs, &self.data, &self.data_path, self.subdir_count)
    }

    /// Its number, as in `Mxx`.
    #[must_use]
    pub const fn index(&self) -> u8 {
        self.index
    }

    /// `<path>/data`.
    #[must_use]
    pub fn data_path(&self) -> &Path {
        &self.data_path
    }

    /// The file system it is reached through.
    #[must_use]
    pub const fn fs(&self) -> &F {
        &self.fs
    }

    /// The open `data` directory.
    #[must_use]
    pub const fn data(&self) -> &F::Dir {
        &self.data
    }

    /// The number of the device it is on: paths with the same one share flushes.
    #[must_use]
    pub const fn device(&self) -> u64 {
        self.device
    }

    /// Whether uploads must not come here (`store_pathN_readonly`).
    #[must_use]
    pub const fn is_readonly(&self) -> bool {
        self.is_readonly
    }

    /// Sub directories on each level.
    #[must_use]
    pub const fn subdir_count(&self) -> u16 {
        self.subdir_count
    }

    /// Room on its file system; also the test whether it is still there.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn space(&self) -> Result<Space, StoreError> {
        self.fs.space(&self.data).at("statvfs", &self.data_path, "")
    }

    pub(crate) const fn crcs(&self) -> &CrcCache {
        &self.crcs
    }

    /// Why nothing more may be written here, if so.
    #[must_use]
    pub fn broken(&self) -> Option<&str> {
        self.broken.get().map(String::as_str)
    }

    /// Takes the path out of service for writes until the process is started again. After a failed sync nobody knows
    /// which of the written pages are on the disk, and a second sync would say "fine" without having written them.
    /// Returns whether this call was the first.
    pub fn mark_broken(&self, why: &str) -> bool {
        self.broken.set(why.to_owned()).is_ok()
    }

    /// Its trunk files that are open.
    pub(crate) const fn trunk_files(&self) -> &TrunkFiles<F> {
        &self.trunk_files
    }

    pub(crate) const fn meta_folders(&self) -> &MetaFolders {
        &self.meta_folders
    }

    /// A name for an unfinished file, new in this process.
    pub(crate) fn temp_name(&self) -> String {
        let n = self.temp_seq.fetch_add(1, Ordering::Relaxed);
        format!("{TEMP_PREFIX}{n}")
    }

    /// Makes a new file for writing under a true name; makes its sub directories when they are missing.
    pub(crate) fn create_new(&self, true_name: &str) -> Result<F::File, StoreError> {
        let first = self.fs.create_new(&self.data, true_name);
        let made = self.retry_with_parents(true_name, first, || self.fs.create_new(&self.data, true_name));
        self.meta_folders.made(true_name);
        match made {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Err(StoreError::Exists { path: self.data_path.join(true_name) })
            }
            other => other.at("create", &self.data_path, true_name),
        }
    }

    /// As on a file system that cannot make files without a name.
    #[cfg(test)]
    pub(crate) fn use_temp_names(&self) {
        self.needs_temp_names.store(true, Ordering::Relaxed);
    }

    /// Makes a file without a name on the file system of `folder` (`HH/HH`); `None` where the file system cannot.
    pub(crate) fn create_unnamed(&self, folder: &str) -> Result<Option<F::File>, StoreError> {
        if self.needs_temp_names.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let create = || self.fs.create_unnamed(&self.data, folder);
        match self.retry_with_parents(folder, create(), create) {
            Err(e) if e.kind() == io::ErrorKind::Unsupported => {
                self.needs_temp_names.store(true, Ordering::Relaxed);
                Ok(None)
            }
            other => other.at("create a file in", &self.data_path, folder).map(Some),
        }
    }

    /// Gives a file without a name its true name, which must be free.
    pub(crate) fn give_name(&self, file: &F::File, true_name: &str) -> Result<(), StoreError> {
        let give = || self.fs.give_name(&self.data, file, true_name);
        let given = self.retry_with_parents(true_name, give(), give);
        self.meta_folders.made(true_name);
        match given {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Err(StoreError::Exists { path: self.data_path.join(true_name) })
            }
            other => other.at("name", &self.data_path, true_name),
        }
    }

    /// Gives a finished file its true name, which must be free.
    pub(crate) fn rename_new(&self, from: &str, true_name: &str) -> Result<(), StoreError> {
        let rename = || self.fs.rename_new(&self.data, from, true_name);
        let renamed = self.retry_with_parents(true_name, rename(), rename);
        self.meta_folders.made(true_name);
        match renamed {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Err(StoreError::Exists { path: self.data_path.join(true_name) })
            }
            other => other.at("rename to", &self.data_path, true_name),
        }
    }

    /// Gives a finished file a true name, in the place of what has it.
    pub(crate) fn rename_over(&self, from: &str, true_name: &str) -> Result<(), StoreError> {
        let rename = || self.fs.rename(&self.data, from, true_name);
        let renamed = self.retry_with_parents(true_name, rename(), rename);
        self.meta_folders.made(true_name);
        renamed.at("rename to", &self.data_path, true_name)
    }

    pub(crate) fn retry_with_parents<T>(
        &self,
        true_name: &str,
        first: io::Result<T>,
        again: impl Fn() -> io::Result<T>,
    ) -> io::Result<T> {
        match first {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                subdirs::make_parents(&self.fs, &self.data, true_name)?;
                again()
            }
            other => other,
        }
    }

    /// Stores a whole small file straight under its true name: one create, one write. A crash in between leaves a
    /// file that is not whole and has no binlog record; the start after a crash finds and removes it, which needs a
    /// name that tells size and CRC32, so only regular files may come this way, and only those whose name nobody knows yet.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Disk`]; nothing is left behind then.
    pub fn place_whole(&self, true_name: &str, content: &[u8]) -> Result<(), StoreError> {
        let file = self.create_new(true_name)?;
        let written = file.write_all_at(content, 0);
        if written.is_err() {
            // The error of the write is what matters; a file that cannot be removed is found at the next start.
            let _ = self.fs.remove(&self.data, true_name);
        }
        written.at("write", &self.data_path, true_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(root: &Path) -> OpenedPath {
        StorePath::open(RealFs, 0, root, false, 4).unwrap()
    }

    #[test]
    fn w18_unfinished_files_have_names_of_their_own_and_go_at_the_next_start() {
        let temp = tempfile::tempdir().unwrap();
        let opened = open(temp.path());
        assert!(opened.is_incomplete);
        opened.path.make_subdirs().unwrap();
        std::fs::write(temp.path().join("data").join(opened.path.temp_name()), b"half").unwrap();
        let opened = open(temp.path());
        assert!(!opened.is_incomplete);
        assert_eq!(opened.removed_temp_count, 1);
    }

    #[test]
    fn w17_a_name_that_is_taken_is_never_overwritten() {
        let temp = tempfile::tempdir().unwrap();
        let path = open(temp.path()).path;
        path.place_whole("03/02/a.txt", b"first").unwrap();
        assert!(matches!(path.place_whole("03/02/a.txt", b"second"), Err(StoreError::Exists { .. })));
        assert_eq!(std::fs::read(temp.path().join("data/03/02/a.txt")).unwrap(), b"first");
    }

    #[test]
    fn a_path_is_broken_for_good() {
        let temp = tempfile::tempdir().unwrap();
        let path = open(temp.path()).path;
        assert_eq!(path.broken(), None);
        assert!(path.mark_broken("sync failed"));
        assert!(!path.mark_broken("again"));
        assert_eq!(path.broken(), Some("sync failed"));
    }
}
