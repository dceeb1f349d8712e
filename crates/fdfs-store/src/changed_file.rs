//! A file that is there, open to be changed in place: appended to, written into, cut.

use std::sync::Arc;

use crate::crc_cache::KnownCrc;
use crate::error::{At, StoreError};
use crate::fs::{FileKind, FileTime, Fs, FsFile, is_link_error};
use crate::new_file::NewFile;
use crate::real_fs::RealFs;
use crate::store_path::StorePath;

/// How much of a large content is copied with one call.
const COPY_PIECE_BYTES: usize = 256 << 10;

/// A file that is there, open to be changed in place. Who opens one holds the file's lock.
#[derive(Debug)]
pub struct ChangedFile<F: Fs = RealFs> {
    path: Arc<StorePath<F>>,
    true_name: Box<str>,
    file: F::File,
    len_bytes: u64,
    inode: u64,
    /// Its CRC32 before the change, if it is known.
    crc: Option<KnownCrc>,
}

impl<F: Fs> StorePath<F> {
    /// Opens a file to change it in place. Links are not followed: what they lead to has a name of its own.
    ///
    /// # Errors
    /// [`StoreError::Disk`], [`StoreError::NotRegular`].
    pub fn open_to_change(self: &Arc<Self>, true_name: &str) -> Result<ChangedFile<F>, StoreError> {
        let not_regular = || StoreError::NotRegular { path: self.data_path().join(true_name) };
        let file = match self.fs().open_read_write(self.data(), true_name) {
            Err(e) if is_link_error(&e) => return Err(not_regular()),
            other => other.at("open", self.data_path(), true_name)?,
        };
        let stat = file.stat().at("stat", self.data_path(), true_name)?;
        if stat.kind != FileKind::Regular {
            return Err(not_regular());
        }
        let (len_bytes, inode) = (stat.len_bytes, stat.inode);
        let crc = self.crcs().take(true_name).filter(|crc| crc.len_bytes == len_bytes && crc.inode == inode);
        Ok(ChangedFile { path: self.clone(), true_name: true_name.into(), file, len_bytes, inode, crc })
    }
}

impl<F: Fs> ChangedFile<F> {
    /// Its length when it was opened, in bytes.
    #[must_use]
    pub const fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Writes bytes at an offset; the file grows when they reach beyond its end.
    ///
    /// # Errors
    /// [`StoreError::Disk`]; some of the bytes may be there then.
    pub fn write(&self, bytes: &[u8], offset: u64) -> Result<(), StoreError> {
        self.file.write_all_at(bytes, offset).at("write", self.path.data_path(), &self.true_name)
    }

    /// Copies a piece of a file that has come in: as many bytes of it from `from` on as one call should, at most `len`.
    /// They are written at `offset`; gives how many they were.
    ///
    /// # Errors
    /// [`StoreError::Disk`]; some of the bytes may be there then.
    pub fn write_from(&self, source: &NewFile<F>, from: u64, len: u64, offset: u64) -> Result<u64, StoreError> {
        let mut piece = vec![0; COPY_PIECE_BYTES.min(usize::try_from(len).unwrap_or(usize::MAX))];
        let have = source.read(&mut piece, from)?;
        if have == 0 && len > 0 {
            let what = format!("only {from} bytes of what came in for it can be read back");
            return Err(StoreError::Corrupt { path: self.path.data_path().join(&*self.true_name), what });
        }
        self.write(&piece[..have], offset)?;
        Ok(have as u64)
    }

    /// Cuts or extends it, with zeros.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn set_len(&self, len_bytes: u64) -> Result<(), StoreError> {
        self.file.set_len(len_bytes).at("truncate", self.path.data_path(), &self.true_name)
    }

    /// Its modification time now, unix seconds.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn modified_unix_secs(&self) -> Result<i64, StoreError> {
        Ok(self.file.stat().at("stat", self.path.data_path(), &self.true_name)?.modified_unix_secs)
    }

    /// Sets its modification time: replicas take over that of the source.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn set_modified(&self, to: impl Into<FileTime>) -> Result<(), StoreError> {
        self.file.set_modified(to.into()).at("set the time of", self.path.data_path(), &self.true_name)
    }

    /// Whether its CRC32 was known before the change: then that of appended bytes is worth to be computed.
    #[must_use]
    pub const fn has_known_crc(&self) -> bool {
        self.crc.is_some()
    }

    /// The change is done: bytes with this CRC32 were appended, and nothing else. Any other change just drops the value,
    /// after which the CRC32 is unknown.
    pub fn appended(mut self, crc32: u32, len_bytes: u64) {
        let known = self.crc.take().map(|crc| crc.followed_by(crc32, len_bytes));
        self.know(known);
    }

    /// The change is done: the file is empty now.
    pub fn emptied(self) {
        let known = KnownCrc { crc32: 0, len_bytes: 0, inode: self.inode };
        self.know(Some(known));
    }

    fn know(self, known: Option<KnownCrc>) {
        let (path, true_name) = (self.path.clone(), self.true_name.clone());
        drop(self);
        if let Some(known) = known {
            path.crcs().put(&true_name, known);
        }
    }
}

impl<F: Fs> Drop for ChangedFile<F> {
    fn drop(&mut self) {
        self.path.crcs().take(&self.true_name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealFs;

    #[test]
    fn a_growing_file_tells_its_crc_without_being_read_again() {
        let temp = tempfile::tempdir().unwrap();
        let path = Arc::new(StorePath::open(RealFs, 0, temp.path(), false, 4).unwrap().path);
        path.place_whole("00/01/a", b"hello").unwrap();
        assert_eq!(path.growing_file_crc32("00/01/a").unwrap(), (5, crc32fast::hash(b"hello")));
        let file = path.open_to_change("00/01/a").unwrap();
        assert!(file.has_known_crc());
        file.write(b" world", 5).unwrap();
        file.appended(crc32fast::hash(b" world"), 6);
        // Somebody else's bytes behind our back: the answer shows that the file was not read.
        std::fs::write(temp.path().join("data/00/01/a"), b"HELLO WORLD").unwrap();
        assert_eq!(path.growing_file_crc32("00/01/a").unwrap(), (11, 0x0d4a_1185));
        drop(path.open_to_change("00/01/a").unwrap());
        assert_eq!(path.growing_file_crc32("00/01/a").unwrap(), (11, crc32fast::hash(b"HELLO WORLD")));
        path.open_to_change("00/01/a").unwrap().emptied();
        assert_eq!(path.growing_file_crc32("00/01/a").unwrap().0, 11, "what is remembered is of another length");
    }

    #[test]
    fn a_large_content_is_copied_in_pieces() {
        let temp = tempfile::tempdir().unwrap();
        let path = Arc::new(StorePath::open(RealFs, 0, temp.path(), false, 4).unwrap().path);
        path.place_whole("00/01/a", b"ab").unwrap();
        let mut large = NewFile::begin(path.clone(), "00/01").unwrap();
        let content: Vec<u8> = (0..COPY_PIECE_BYTES as u64 + 9).map(|i| (i % 251) as u8).collect();
        large.write(&content, 0).unwrap();
        let file = path.open_to_change("00/01/a").unwrap();
        let mut done = 0;
        while done < large.len_bytes() {
            done += file.write_from(&large, done, large.len_bytes() - done, 2 + done).unwrap();
        }
        assert_eq!(std::fs::read(temp.path().join("data/00/01/a")).unwrap(), [&b"ab"[..], &content].concat());
        assert!(file.write_from(&large, done, 1, 0).is_err(), "there is nothing left");
    }

    #[test]
    fn links_and_directories_are_not_changed() {
        let temp = tempfile::tempdir().unwrap();
        let path = Arc::new(StorePath::open(RealFs, 0, temp.path(), false, 4).unwrap().path);
        path.place_whole("00/01/a", b"x").unwrap();
        path.make_link("00/01/a", "00/01/l").unwrap();
        for name in ["00/01/l", "00/01"] {
            assert!(matches!(path.open_to_change(name), Err(StoreError::NotRegular { .. } | StoreError::Disk { .. })));
        }
        assert!(path.open_to_change("00/01/none").unwrap_err().is_not_found());
    }
}
