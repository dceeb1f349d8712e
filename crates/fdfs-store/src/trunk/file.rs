//! Trunk files: large files that small ones lie in, all of one size, made in advance and sparse.

use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};
use crate::slot::TrunkFileId;
use crate::store_path::StorePath;

/// The name of a trunk file below `data`: `HH/HH/` and its number with at least six digits.
///
/// Source: disk formats, A.6.1.
#[must_use]
pub fn trunk_file_name(high: u8, low: u8, id: u32) -> String {
    format!("{high:02X}/{low:02X}/{id:06}")
}

impl<F: Fs> StorePath<F> {
    /// Makes a new trunk file of its full size, without using up the space of it.
    ///
    /// # Errors
    /// [`StoreError::Exists`] for a number that is taken; [`StoreError::Disk`], and nothing is left behind then.
    pub fn create_trunk_file(&self, id: TrunkFileId, bytes: u32) -> Result<(), StoreError> {
        let name = id.true_name();
        let file = self.create_new(&name)?;
        let extended = file.set_len(u64::from(bytes)).at("extend", self.data_path(), &name);
        match &extended {
            Ok(()) => self.keep_new(id, file, bytes.into()),
            // The error above is what matters.
            Err(_) => drop(self.fs().remove(self.data(), &name)),
        }
        extended
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::sim_fs::{Fault, SimFs};

    #[test]
    fn numbers_have_six_digits_or_more() {
        assert_eq!(trunk_file_name(0, 0x0A, 1), "00/0A/000001");
        assert_eq!(trunk_file_name(255, 1, 12_345_678), "FF/01/12345678");
    }

    #[test]
    fn a_trunk_file_is_whole_or_not_there() {
        let fs = SimFs::new(Fault::None);
        let path = StorePath::open(fs.clone(), 0, Path::new("/p"), false, 2).unwrap().path;
        let id = |id| TrunkFileId { high: 0, low: 0, id };
        path.create_trunk_file(id(1), 4096).unwrap();
        assert_eq!(path.stat("00/00/000001").unwrap().len_bytes, 4096);
        assert!(matches!(path.create_trunk_file(id(1), 4096), Err(StoreError::Exists { .. })));
        fs.set_fault(Fault::FailsAt(2, 28));
        assert!(path.create_trunk_file(id(2), 4096).is_err());
        assert!(path.stat("00/00/000002").unwrap_err().is_not_found());
    }
}
