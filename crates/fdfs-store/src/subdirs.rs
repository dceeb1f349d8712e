//! The N x N sub directories of a store path.
//!
//! They are made while a storage serves already. One that is stopped in the middle has lost nothing: a note on the path tells that
//! they were not all there yet. The note goes with the disk, so that an empty new disk is still known for what it is.

use std::io;
use std::path::Path;

use crate::error::{At, StoreError};
use crate::fs::{FileKind, Fs, FsFile as _};

/// In the `data` directory of a store path, as long as its sub directories are being made.
const NOTE_FILE: &str = ".fdfs_making_subdirs";

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

/// Whether [`make_all`] did not come to its end after [`begin`].
pub fn are_being_made<F: Fs>(fs: &F, data: &F::Dir) -> io::Result<bool> {
    match fs.stat(data, NOTE_FILE) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        found => found.map(|_| true),
    }
}

/// Notes that they are about to be made.
///
/// # Errors
/// [`StoreError::Disk`].
pub fn begin<F: Fs>(fs: &F, data: &F::Dir, root: &Path) -> Result<(), StoreError> {
    let note = fs.create_or_empty(data, NOTE_FILE).at("create", root, NOTE_FILE)?;
    note.sync().at("sync", root, NOTE_FILE)?;
    fs.sync_dir(data, "").at("sync directory", root, "")
}

/// Makes all `count` x `count` sub directories, and takes the note away. The last one comes last, so that a reader never takes a half-made
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
    match fs.remove(data, NOTE_FILE) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.at("remove", root, NOTE_FILE),
    }
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
