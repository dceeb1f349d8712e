//! A file that is coming in piece by piece: without a name until it is whole.

use std::sync::Arc;

use crate::error::{At, StoreError};
use crate::fs::{FileTime, Fs, FsFile};
use crate::real_fs::RealFs;
use crate::store_path::StorePath;

/// A file that is coming in. It has no name that a client could ask for until [`NewFile::name`] gives it one; dropped
/// before that, it is gone.
#[derive(Debug)]
pub struct NewFile<F: Fs = RealFs> {
    path: Arc<StorePath<F>>,
    /// Its temporary name, on a file system that cannot do without.
    temp_name: Option<String>,
    file: F::File,
    len_bytes: u64,
    /// Bytes that were not yet written back when `fsync_after_written_bytes` is set.
    unsynced_bytes: u64,
    crc: crc32fast::Hasher,
}

impl<F: Fs> NewFile<F> {
    /// Begins a file on a store path, in the sub directories `folder` (`HH/HH`) where it will probably be named.
    ///
    /// The kernel forgets a file without a name when its last handle is gone, also with the process. File systems that
    /// cannot do that get a temporary name, which the next start removes.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn begin(path: Arc<StorePath<F>>, folder: &str) -> Result<Self, StoreError> {
        let (file, temp_name) = match path.create_unnamed(folder)? {
            Some(file) => (file, None),
            None => {
                let name = path.temp_name();
                (path.fs().create_new(path.data(), &name).at("create", path.data_path(), &name)?, Some(name))
            }
        };
        let crc = crc32fast::Hasher::new();
        Ok(Self { path, temp_name, file, len_bytes: 0, unsynced_bytes: 0, crc })
    }

    /// What messages call it.
    fn shown(&self) -> &str {
        self.temp_name.as_deref().unwrap_or("a new file")
    }

    /// Appends a piece. With `sync_every_bytes` above 0 the written bytes are made durable each time that many have
    /// come together, so that a large file does not leave all of its write-back to the end.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn write(&mut self, piece: &[u8], sync_every_bytes: u64) -> Result<(), StoreError> {
        self.crc.update(piece);
        self.file.write_all_at(piece, self.len_bytes).at("write", self.path.data_path(), self.shown())?;
        self.len_bytes += piece.len() as u64;
        self.unsynced_bytes += piece.len() as u64;
        if sync_every_bytes > 0 && self.unsynced_bytes >= sync_every_bytes {
            self.sync()?;
        }
        Ok(())
    }

    /// Makes what was written so far durable.
    ///
    /// # Errors
    /// [`StoreError::Disk`]; the store path must not be written any more then.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        self.unsynced_bytes = 0;
        self.file.sync().at("sync", self.path.data_path(), self.shown())
    }

    /// Reads back what was written, from `offset` on; gives how many bytes that were.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn read(&self, buf: &mut [u8], offset: u64) -> Result<usize, StoreError> {
        self.file.read_full_at(buf, offset).at("read", self.path.data_path(), self.shown())
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// CRC32 of the bytes written so far.
    #[must_use]
    pub fn crc32(&self) -> u32 {
        self.crc.clone().finalize()
    }

    /// The file's modification time, unix seconds.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn modified_unix_secs(&self) -> Result<i64, StoreError> {
        let stat = self.file.stat().at("stat", self.path.data_path(), self.shown())?;
        Ok(stat.modified_unix_secs)
    }

    /// Sets its modification time: replicas take over that of the source.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn set_modified(&self, to: impl Into<FileTime>) -> Result<(), StoreError> {
        self.file.set_modified(to.into()).at("set the time of", self.path.data_path(), self.shown())
    }

    /// Puts it in the place of the file that has the true name: a reader finds the old one or the new one.
    ///
    /// # Errors
    /// [`StoreError::Disk`]; the old file is still there then.
    pub fn replace(&mut self, true_name: &str) -> Result<(), StoreError> {
        let temp_name = match &self.temp_name {
            Some(temp_name) => temp_name,
            None => {
                // A file without a name can only get a free one.
                let temp_name = self.path.temp_name();
                self.path.give_name(&self.file, &temp_name)?;
                self.temp_name.insert(temp_name)
            }
        };
        self.path.rename_over(temp_name, true_name)?;
        self.temp_name = None;
        Ok(())
    }

    /// Gives it its true name. A name that is taken is an error, and another one may be tried.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Disk`].
    pub fn name(&mut self, true_name: &str) -> Result<(), StoreError> {
        match &self.temp_name {
            None => self.path.give_name(&self.file, true_name)?,
            Some(temp_name) => {
                self.path.rename_new(temp_name, true_name)?;
                self.temp_name = None;
            }
        }
        Ok(())
    }
}

impl<F: Fs> Drop for NewFile<F> {
    fn drop(&mut self) {
        if let Some(temp_name) = &self.temp_name {
            // What cannot be removed now is removed at the next start.
            let _ = self.path.fs().remove(self.path.data(), temp_name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealFs;

    fn check(needs_temp_names: bool) {
        let temp = tempfile::tempdir().unwrap();
        let path = Arc::new(StorePath::open(RealFs, 0, temp.path(), false, 4).unwrap().path);
        if needs_temp_names {
            path.use_temp_names();
        }
        let names = || RealFs.list(path.data(), "").unwrap().iter().filter(|name| name.starts_with('.')).count();
        let mut file = NewFile::begin(path.clone(), "00/02").unwrap();
        file.write(b"hello ", 0).unwrap();
        file.write(b"world", 4).unwrap();
        assert_eq!(file.crc32(), 0x0d4a_1185);
        assert_eq!(file.len_bytes(), 11);
        assert_eq!(names(), usize::from(needs_temp_names));
        file.name("00/01/x").unwrap();
        drop(file);
        assert_eq!(names(), 0);
        assert_eq!(std::fs::read(temp.path().join("data/00/01/x")).unwrap(), b"hello world");

        let mut newer = NewFile::begin(path.clone(), "00/01").unwrap();
        newer.write(b"hello again", 0).unwrap();
        newer.set_modified(1_000_000_000).unwrap();
        newer.replace("00/01/x").unwrap();
        drop(newer);
        assert_eq!(names(), 0);
        assert_eq!(std::fs::read(temp.path().join("data/00/01/x")).unwrap(), b"hello again");
        assert_eq!(path.stat("00/01/x").unwrap().modified_unix_secs, 1_000_000_000);

        let mut cut_off = NewFile::begin(path.clone(), "00/01").unwrap();
        cut_off.write(b"half", 0).unwrap();
        assert!(matches!(cut_off.name("00/01/x"), Err(StoreError::Exists { .. })));
        drop(cut_off);
        assert_eq!(names(), 0);
        assert_eq!(RealFs.list(path.data(), "00/01").unwrap(), ["x"]);
    }

    #[test]
    fn a_file_in_pieces_has_no_name_until_it_is_whole() {
        check(false);
    }

    #[test]
    fn a_file_system_without_unnamed_files_gets_temporary_names() {
        check(true);
    }
}
