//! Small files that hold a server's state: written aside, synced, renamed; read whole; set aside when corrupt.

use std::io;
use std::path::Path;

use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};

/// The largest state file that is read: larger ones cannot be ours.
pub const STATE_FILE_MAX_BYTES: u64 = 64 << 20;

/// A folder with state files: an open directory and its path for messages.
#[derive(Debug)]
pub struct StateDir<F: Fs> {
    fs: F,
    dir: F::Dir,
    path: std::path::PathBuf,
}

impl<F: Fs> StateDir<F> {
    /// Opens a folder, making it (and those above it) when it is missing.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn open(fs: F, path: &Path) -> Result<Self, StoreError> {
        make_durable_dirs(&fs, path)?;
        let dir = fs.open_dir(path).at("open directory", path, "")?;
        Ok(Self { fs, dir, path: path.to_owned() })
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file system.
    #[must_use]
    pub const fn fs(&self) -> &F {
        &self.fs
    }

    /// The open directory.
    #[must_use]
    pub const fn dir(&self) -> &F::Dir {
        &self.dir
    }

    /// The number of the device it is on.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn device(&self) -> Result<u64, StoreError> {
        Ok(self.fs.stat(&self.dir, ".").at("stat", &self.path, "")?.device)
    }

    /// Reads a whole file; `None` when it is missing.
    ///
    /// # Errors
    /// [`StoreError::Disk`]; [`StoreError::Corrupt`] for a file that is too large to be a state file.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let file = match self.fs.open_read(&self.dir, name) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.at("open", &self.path, name)?,
        };
        let len = file.stat().at("stat", &self.path, name)?.len_bytes;
        if len > STATE_FILE_MAX_BYTES {
            return Err(StoreError::Corrupt {
                path: self.path.join(name),
                what: format!("{len} bytes are too many for a state file"),
            });
        }
        let mut bytes = Vec::new();
        let mut piece = [0; 8192];
        loop {
            match file.read_at(&mut piece, bytes.len() as u64) {
                Ok(0) => return Ok(Some(bytes)),
                Ok(n) => bytes.extend_from_slice(&piece[..n]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e).at("read", &self.path, name),
            }
        }
    }

    /// Replaces a file so that a crash at any moment leaves the old or the new one, never a torn one: written to
    /// `NAME.tmp`, synced, renamed, directory synced.
    ///
    /// # Errors
    /// [`StoreError::Disk`]; the old file is then still in place.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let aside = format!("{name}.tmp");
        let file = self.fs.create_or_empty(&self.dir, &aside).at("create", &self.path, &aside)?;
        file.write_all_at(bytes, 0).at("write", &self.path, &aside)?;
        file.sync().at("sync", &self.path, &aside)?;
        drop(file);
        self.fs.rename(&self.dir, &aside, name).at("rename", &self.path, &aside)?;
        self.fs.sync_dir(&self.dir, "").at("sync directory", &self.path, "")
    }

    /// Moves a corrupt file out of the way, under a name that says so, and returns that name.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn set_aside(&self, name: &str, now_unix_secs: i64) -> Result<String, StoreError> {
        for attempt in 0..100 {
            let aside = if attempt == 0 {
                format!("{name}.corrupt.{now_unix_secs}")
            } else {
                format!("{name}.corrupt.{now_unix_secs}-{attempt}")
            };
            match self.fs.rename_new(&self.dir, name, &aside) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                other => {
                    other.at("rename", &self.path, name)?;
                    self.fs.sync_dir(&self.dir, "").at("sync directory", &self.path, "")?;
                    return Ok(aside);
                }
            }
        }
        Err(StoreError::Exists { path: self.path.join(format!("{name}.corrupt.{now_unix_secs}")) })
    }

    /// Removes a file; a missing one is fine.
    ///
    /// # Errors
    /// [`StoreError::Disk`].
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        match self.fs.remove(&self.dir, name) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.at("remove", &self.path, name),
        }
    }
}

/// Makes a folder and those above it, and makes the names of the new ones durable: a state file that survives a power
/// cut in a folder that does not is lost all the same.
fn make_durable_dirs<F: Fs>(fs: &F, path: &Path) -> Result<(), StoreError> {
    let missing: Vec<_> = path.ancestors().take_while(|folder| fs.open_dir(folder).is_err()).collect();
    fs.make_dirs(path).at("make directory", path, "")?;
    for parent in missing.iter().filter_map(|folder| folder.parent()) {
        // A relative path ends in "", which is the working directory.
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let dir = fs.open_dir(parent).at("open directory", parent, "")?;
        fs.sync_dir(&dir, "").at("sync directory", parent, "")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealFs;
    use crate::sim_fs::{Fault, SimFs};

    #[test]
    fn a_new_folder_survives_a_power_cut_with_its_state() {
        let fs = SimFs::new(Fault::None);
        let path = Path::new("/a/b/data");
        StateDir::open(fs.clone(), path).unwrap().write("x.dat", b"one").unwrap();
        let after = StateDir::open(fs.after_power_cut(None), path).unwrap();
        assert_eq!(after.read("x.dat").unwrap().unwrap(), b"one");
    }

    #[test]
    fn a_state_file_is_replaced_read_back_and_set_aside() {
        let temp = tempfile::tempdir().unwrap();
        let state = StateDir::open(RealFs, &temp.path().join("data")).unwrap();
        assert_eq!(state.read("x.dat").unwrap(), None);
        state.write("x.dat", b"one").unwrap();
        state.write("x.dat", b"two").unwrap();
        assert_eq!(state.read("x.dat").unwrap().unwrap(), b"two");
        assert_eq!(state.set_aside("x.dat", 7).unwrap(), "x.dat.corrupt.7");
        state.write("x.dat", b"three").unwrap();
        assert_eq!(state.set_aside("x.dat", 7).unwrap(), "x.dat.corrupt.7-1");
        assert_eq!(state.read("x.dat").unwrap(), None);
        assert_eq!(state.read("x.dat.corrupt.7").unwrap().unwrap(), b"two");
        state.remove("x.dat").unwrap();
    }
}
