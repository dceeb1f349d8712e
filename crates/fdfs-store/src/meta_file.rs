//! Metadata files: `<name>-m` beside the file.

use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};
use crate::store_path::StorePath;

/// The largest metadata file that is read; the reference bounds it by its buffer of 256 KB.
pub const META_MAX_BYTES: u64 = 1 << 20;

/// What metadata of a file is called: `<true name>-m`.
#[must_use]
pub fn meta_name(name: &str) -> String {
    format!("{name}-m")
}

impl<F: Fs> StorePath<F> {
    /// Reads the metadata of a file; `None` when it has none.
    ///
    /// # Errors
    /// [`StoreError::Disk`], [`StoreError::NotRegular`]; [`StoreError::Corrupt`] when it is far too large.
    pub fn read_meta(&self, true_name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = meta_name(true_name);
        let opened = match self.open_file(&name) {
            Err(e) if e.is_not_found() => return Ok(None),
            other => other?,
        };
        if opened.len_bytes > META_MAX_BYTES {
            return Err(StoreError::Corrupt {
                path: self.data_path().join(&name),
                what: format!("{} bytes are too many for metadata", opened.len_bytes),
            });
        }
        let mut bytes = vec![0; opened.len_bytes as usize];
        let mut have = 0;
        while have < bytes.len() {
            match opened.file.read_at(&mut bytes[have..], have as u64) {
                Ok(0) => break,
                Ok(n) => have += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e).at("read", self.data_path(), &name),
            }
        }
        bytes.truncate(have);
        Ok(Some(bytes))
    }

    /// Replaces the metadata of a file: written aside, synced when asked, renamed. It gets the modification time
    /// `modified_unix_secs`, that of its record.
    ///
    /// Differs from C: the reference empties and rewrites the file in place, so that a crash leaves half of it
    /// (behaviour, W-13).
    ///
    /// # Errors
    /// [`StoreError::Disk`]; the old metadata is then still there.
    pub fn write_meta(
        &self,
        true_name: &str,
        bytes: &[u8],
        modified_unix_secs: i64,
        is_synced: bool,
    ) -> Result<(), StoreError> {
        let name = meta_name(true_name);
        let temp_name = self.temp_name();
        let written = (|| {
            let file = self.fs().create_new(self.data(), &temp_name)?;
            file.write_all_at(bytes, 0)?;
            file.set_modified(modified_unix_secs.into())?;
            if is_synced {
                file.sync()?;
            }
            self.fs().rename(self.data(), &temp_name, &name)
        })();
        self.meta_folders().made(&name);
        if written.is_err() {
            let _ = self.fs().remove(self.data(), &temp_name);
        }
        written.at("write", self.data_path(), &name)
    }

    /// Removes the metadata of a file; tells whether there was any.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn remove_meta(&self, true_name: &str) -> Result<bool, StoreError> {
        // Most files have none, and looking is cheaper than a removal that fails.
        Ok(self.has_meta(true_name)? && self.remove(&meta_name(true_name)).map(|()| true)?)
    }

    /// Whether a file has metadata.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn has_meta(&self, true_name: &str) -> Result<bool, StoreError> {
        match self.stat(&meta_name(true_name)) {
            Err(e) if e.is_not_found() => Ok(false),
            other => other.map(|_| true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealFs;

    #[test]
    fn w13_metadata_is_replaced_as_a_whole() {
        let temp = tempfile::tempdir().unwrap();
        let path = StorePath::open(RealFs, 0, temp.path(), false, 4).unwrap().path;
        path.place_whole("00/00/a", b"x").unwrap();
        assert_eq!(path.read_meta("00/00/a").unwrap(), None);
        path.write_meta("00/00/a", b"w\x02160", 7, true).unwrap();
        path.write_meta("00/00/a", b"w\x02161", 8, false).unwrap();
        assert_eq!(path.read_meta("00/00/a").unwrap().unwrap(), b"w\x02161");
        assert_eq!(path.stat("00/00/a-m").unwrap().modified_unix_secs, 8);
        assert!(path.remove_meta("00/00/a").unwrap());
        assert!(!path.remove_meta("00/00/a").unwrap());
    }
}
