//! The N x N sub directories of a store path.

use std::io;
use std::path::Path;

use crate::error::{At, StoreError};
use crate::fs::{FileKind, Fs};

fn make(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Whether the reference would take the sub directories as complete: the first and the last one exist.
///
/// Source: disk formats, A.1.2.
pub fn are_complete<F: Fs>(fs: &F, data: &F::Dir, count: u16) -> bool {
    let last = count.saturating_sub(1);
    let is_dir = |name: &str| fs.stat(data, name).is_ok_and(|stat| stat.kind == FileKind::Directory);
    is_dir("00/00") && is_dir(&format!("{last:02X}/{last:02X}"))
}

/// Makes all `count` x `count` sub directories. The last one comes last, so that a reader never takes a half-made
/// tree as complete.
///
/// # Errors
/// [`StoreError::Disk`].
pub fn make_all<F: Fs>(fs: &F, data: &F::Dir, root: &Path, count: u16) -> Result<(), StoreError> {
    for high in 0..count {
        let name = format!("{high:02X}");
        make(fs.make_dir(data, &name)).at("make directory", root, &name)?;
        for low in 0..count {
            let name = format!("{high:02X}/{low:02X}");
            make(fs.make_dir(data, &name)).at("make directory", root, &name)?;
        }
    }
    Ok(())
}

/// Makes the two directories of a true name (`HH/HH/NAME`) or folder (`HH/HH`), for a file that comes before [`make_all`]
/// got there.
pub(crate) fn make_parents<F: Fs>(fs: &F, data: &F::Dir, true_name: &str) -> io::Result<()> {
    for end in [2, 5] {
        if let Some(name) = true_name.get(..end) {
            make(fs.make_dir(data, name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealFs;

    #[test]
    fn a_tree_counts_as_complete_only_when_its_last_directory_exists() {
        let temp = tempfile::tempdir().unwrap();
        let dir = RealFs.open_dir(temp.path()).unwrap();
        make_parents(&RealFs, &dir, "00/00/x").unwrap();
        assert!(!are_complete(&RealFs, &dir, 4));
        make_all(&RealFs, &dir, temp.path(), 4).unwrap();
        assert!(are_complete(&RealFs, &dir, 4));
        assert!(temp.path().join("02/03").is_dir());
        assert!(!temp.path().join("04").exists());
    }
}
