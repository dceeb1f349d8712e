//! What a receiver of replication asks of a file that is here: is it there, is it the same, when was it changed last?

use crate::error::{At, StoreError};
use crate::fs::{FileKind, FileStat, FileTime, Fs, FsFile};
use crate::new_file::NewFile;
use crate::store_path::StorePath;

/// How much of two files is compared with one call.
const COMPARE_PIECE_BYTES: usize = 64 << 10;

/// Bytes that have come in: in memory, or in a file without a name.
#[derive(Debug)]
pub enum Incoming<'b, F: Fs> {
    /// All in memory.
    Whole(&'b [u8]),
    /// In a file without a name.
    Spooled(NewFile<F>),
}

impl<F: Fs> Incoming<'_, F> {
    /// How many bytes.
    #[must_use]
    pub const fn len_bytes(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Spooled(file) => file.len_bytes(),
        }
    }

    /// Their CRC32.
    #[must_use]
    pub fn crc32(&self) -> u32 {
        match self {
            Self::Whole(bytes) => crc32fast::hash(bytes),
            Self::Spooled(file) => file.crc32(),
        }
    }

    /// Reads some of them from `offset` on; gives how many, 0 at the end.
    fn read(&self, buf: &mut [u8], offset: u64) -> Result<usize, StoreError> {
        match self {
            Self::Whole(bytes) => {
                let from = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
                let len = from.len().min(buf.len());
                buf[..len].copy_from_slice(&from[..len]);
                Ok(len)
            }
            Self::Spooled(file) => file.read(buf, offset),
        }
    }
}

impl<F: Fs> StorePath<F> {
    /// What has a name, without following a link; `None`: nothing.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn find(&self, true_name: &str) -> Result<Option<FileStat>, StoreError> {
        match self.stat(true_name) {
            Err(e) if e.is_not_found() => Ok(None),
            other => other.map(Some),
        }
    }

    /// Whether a file has these bytes at `offset`.
    ///
    /// # Errors
    /// [`StoreError::Disk`], [`StoreError::NotRegular`].
    pub fn has_bytes(&self, true_name: &str, incoming: &Incoming<'_, F>, offset: u64) -> Result<bool, StoreError> {
        let here = self.open_file(true_name)?;
        let (mut theirs, mut ours) = (vec![0; COMPARE_PIECE_BYTES], vec![0; COMPARE_PIECE_BYTES]);
        let mut done = 0;
        while done < incoming.len_bytes() {
            let len = incoming.read(&mut theirs, done)?;
            let at = offset.saturating_add(done);
            let have = here.file.read_full_at(&mut ours[..len], at).at("read", self.data_path(), true_name)?;
            if len == 0 || have != len || theirs[..len] != ours[..len] {
                return Ok(false);
            }
            done += len as u64;
        }
        Ok(true)
    }

    /// Sets the modification time of a file.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn set_modified(&self, true_name: &str, to: impl Into<FileTime>) -> Result<(), StoreError> {
        let opened = self.fs().open_read_write(self.data(), true_name);
        opened.and_then(|file| file.set_modified(to.into())).at("set the time of", self.data_path(), true_name)
    }

    /// Renames a file, whose new name must be free.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Disk`].
    pub fn rename_file(&self, old_name: &str, new_name: &str) -> Result<(), StoreError> {
        self.crcs().take(old_name);
        self.rename_new(old_name, new_name)
    }
}

/// Whether what has a name is a file or a link to one, as opposed to a directory, a device or a pipe.
#[must_use]
pub const fn is_file(stat: &FileStat) -> bool {
    matches!(stat.kind, FileKind::Regular | FileKind::Symlink)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealFs;
    use std::sync::Arc;

    #[test]
    fn bytes_that_have_come_in_are_compared_with_those_that_are_here() {
        let temp = tempfile::tempdir().unwrap();
        let path = Arc::new(StorePath::open(RealFs, 0, temp.path(), false, 4).unwrap().path);
        assert_eq!(path.find("00/00/none").unwrap(), None);
        let content: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
        path.place_whole("00/01/a", &content).unwrap();
        assert!(is_file(&path.find("00/01/a").unwrap().unwrap()) && !is_file(&path.find("00/01").unwrap().unwrap()));
        let mut spooled = NewFile::begin(path.clone(), "00/01").unwrap();
        spooled.write(&content[10..], 0).unwrap();
        let spooled = Incoming::Spooled(spooled);
        for (incoming, offset, is_equal) in [
            (&Incoming::Whole(&content[5..9]), 5, true),
            (&Incoming::Whole(&content[5..9]), 6, false),
            (&Incoming::Whole(b""), 5, true),
            (&Incoming::Whole(b"x"), 200_000, false),
            (&Incoming::Whole(b"x"), u64::MAX, false),
            (&spooled, 10, true),
            (&spooled, 11, false),
        ] {
            assert_eq!(
                path.has_bytes("00/01/a", incoming, offset).unwrap_or(false),
                is_equal,
                "{incoming:?}, {offset}"
            );
        }
        assert_eq!(spooled.crc32(), crc32fast::hash(&content[10..]));
        path.set_modified("00/01/a", 7).unwrap();
        assert_eq!(path.find("00/01/a").unwrap().unwrap().modified_unix_secs, 7);
        path.rename_file("00/01/a", "03/02/b").unwrap();
        path.place_whole("00/01/a", b"").unwrap();
        assert!(matches!(path.rename_file("00/01/a", "03/02/b"), Err(StoreError::Exists { .. })));
    }
}
