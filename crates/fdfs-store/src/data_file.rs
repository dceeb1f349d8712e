//! Files that are there: open for a download, look at, delete.

use crate::crc_cache::KnownCrc;
use crate::error::{At, StoreError};
use crate::fs::{FileKind, FileStat, Fs, FsFile, is_link_error};
use crate::real_fs::RealFs;
use crate::store_path::StorePath;

/// A file open for reading.
#[derive(Debug)]
pub struct DataFile<F: Fs = RealFs> {
    /// The open file.
    pub file: F::File,
    /// Its length in bytes when it was opened.
    pub len_bytes: u64,
    /// Its modification time, unix seconds.
    pub modified_unix_secs: i64,
}

/// Size and time of a file, as `QUERY_FILE_INFO` answers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataFileInfo {
    /// Length in bytes; of the target for a link.
    pub len_bytes: u64,
    /// Modification time in unix seconds; of the link itself for a link.
    pub modified_unix_secs: i64,
}

impl<F: Fs> StorePath<F> {
    /// Opens a file for reading; links are followed.
    ///
    /// # Errors
    /// [`StoreError::Disk`] (see [`StoreError::is_not_found`]), [`StoreError::NotRegular`].
    pub fn open_file(&self, true_name: &str) -> Result<DataFile<F>, StoreError> {
        let file = match self.fs().open_no_follow(self.data(), true_name) {
            Err(e) if is_link_error(&e) => self.open_target(true_name)?,
            other => other.at("open", self.data_path(), true_name)?,
        };
        let stat = file.stat().at("stat", self.data_path(), true_name)?;
        if stat.kind != FileKind::Regular {
            return Err(StoreError::NotRegular { path: self.data_path().join(true_name) });
        }
        Ok(DataFile { file, len_bytes: stat.len_bytes, modified_unix_secs: stat.modified_unix_secs })
    }

    /// What a name is, without following a link.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn stat(&self, true_name: &str) -> Result<FileStat, StoreError> {
        self.fs().stat(self.data(), true_name).at("stat", self.data_path(), true_name)
    }

    /// Size and time of a file. A link tells its own time and its target's size.
    ///
    /// # Errors
    /// [`StoreError::Disk`], [`StoreError::NotRegular`].
    pub fn file_info(&self, true_name: &str) -> Result<DataFileInfo, StoreError> {
        let stat = self.stat(true_name)?;
        let len_bytes = match stat.kind {
            FileKind::Regular => stat.len_bytes,
            FileKind::Symlink => self.open_file(true_name)?.len_bytes,
            FileKind::Directory | FileKind::Other => {
                return Err(StoreError::NotRegular { path: self.data_path().join(true_name) });
            }
        };
        Ok(DataFileInfo { len_bytes, modified_unix_secs: stat.modified_unix_secs })
    }

    /// CRC32 of a whole file, read in pieces.
    ///
    /// # Errors
    /// [`StoreError::Disk`], [`StoreError::NotRegular`].
    pub fn file_crc32(&self, true_name: &str) -> Result<u32, StoreError> {
        Ok(self.read_crc32(&self.open_file(true_name)?, true_name)?.0)
    }

    /// Length and CRC32 of a file that grows: remembered, or read once.
    ///
    /// # Errors
    /// [`StoreError::Disk`], [`StoreError::NotRegular`].
    pub fn growing_file_crc32(&self, true_name: &str) -> Result<(u64, u32), StoreError> {
        let seen = self.crcs().changes(true_name);
        let opened = self.open_file(true_name)?;
        let inode = opened.file.stat().at("stat", self.data_path(), true_name)?.inode;
        if let Some(crc32) = self.crcs().find(true_name, opened.len_bytes, inode) {
            return Ok((opened.len_bytes, crc32));
        }
        let (crc32, len_bytes) = self.read_crc32(&opened, true_name)?;
        self.crcs().put_if_unchanged(true_name, KnownCrc { crc32, len_bytes, inode }, seen);
        Ok((len_bytes, crc32))
    }

    /// CRC32 of all that can be read of a file, and how many bytes that were.
    fn read_crc32(&self, opened: &DataFile<F>, true_name: &str) -> Result<(u32, u64), StoreError> {
        let mut crc = crc32fast::Hasher::new();
        let mut piece = vec![0; 128 << 10];
        let mut offset = 0;
        loop {
            match opened.file.read_at(&mut piece, offset) {
                Ok(0) => return Ok((crc.finalize(), offset)),
                Ok(n) => {
                    crc.update(&piece[..n]);
                    offset += n as u64;
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e).at("read", self.data_path(), true_name),
            }
        }
    }

    /// Reads bytes of an open file, as many as there are for `buf`; 0 is its end.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn read_some(
        &self,
        opened: &DataFile<F>,
        buf: &mut [u8],
        offset: u64,
        true_name: &str,
    ) -> Result<usize, StoreError> {
        opened.file.read_full_at(buf, offset).at("read", self.data_path(), true_name)
    }

    /// Removes a file or a link.
    ///
    /// # Errors
    /// [`StoreError::Disk`]; a directory is refused by the operating system with `EISDIR`.
    pub fn remove(&self, true_name: &str) -> Result<(), StoreError> {
        self.crcs().take(true_name);
        self.fs().remove(self.data(), true_name).at("remove", self.data_path(), true_name)
    }

    /// Makes the name of a file durable: its directory is synced.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn sync_name(&self, true_name: &str) -> Result<(), StoreError> {
        let folder = true_name.rfind('/').map_or("", |end| &true_name[..end]);
        self.fs().sync_dir(self.data(), folder).at("sync directory", self.data_path(), folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealFs;

    #[test]
    fn files_links_and_directories() {
        let temp = tempfile::tempdir().unwrap();
        let path = StorePath::open(RealFs, 0, temp.path(), false, 4).unwrap().path;
        path.make_subdirs().unwrap();
        path.place_whole("01/02/a", b"hello world").unwrap();
        std::os::unix::fs::symlink(temp.path().join("data/01/02/a"), temp.path().join("data/00/00/l")).unwrap();
        assert_eq!(path.file_crc32("00/00/l").unwrap(), 0x0d4a_1185);
        assert_eq!(path.file_info("00/00/l").unwrap().len_bytes, 11);
        assert!(matches!(path.open_file("01/02"), Err(StoreError::NotRegular { .. })));
        assert!(path.open_file("01/02/none").unwrap_err().is_not_found());
        assert!(path.remove("01/02").is_err());
        path.remove("01/02/a").unwrap();
        path.sync_name("01/02/a").unwrap();
        assert!(path.file_info("00/00/l").unwrap_err().is_not_found());
    }
}
