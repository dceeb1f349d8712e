//! The directory of a development cluster.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fdfs_proto::Status;
use rustix::fs::{FlockOperation, flock};

use crate::exit::failure;

/// The file whose lock says that a cluster runs in its directory.
const LOCK_NAME: &str = ".lock";

/// The directory, locked for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its absolute path.
    pub(crate) root: PathBuf,
    /// Whether its files are there from an earlier run.
    pub(crate) is_old: bool,
    _lock: File,
    /// Removed last.
    temp: Option<tempfile::TempDir>,
}

impl Place {
    /// The directory `dir`; made if it is missing.
    ///
    /// # Errors
    /// `EEXIST` when another cluster runs in it, and what the file system gives.
    pub(crate) fn at(dir: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("make the directory {}", dir.display()))?;
        Self::lock(dir, None)
    }

    /// A temporary directory.
    ///
    /// # Errors
    /// As the file system gives.
    pub(crate) fn temporary() -> anyhow::Result<Self> {
        let temp = tempfile::Builder::new().prefix("fdfs-dev-").tempdir().context("make a temporary directory")?;
        let path = temp.path().to_owned();
        Self::lock(&path, Some(temp))
    }

    fn lock(dir: &Path, temp: Option<tempfile::TempDir>) -> anyhow::Result<Self> {
        let path = dir.join(LOCK_NAME);
        let is_old = path.exists();
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.with_context(|| format!("open {}", path.display()))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let what = format!(
                    "another fdfs dev is running in {}: stop it, or take --dir DIR or --temp for a second one",
                    dir.display()
                );
                return Err(failure(Status::EEXIST, what));
            }
            Err(error) => return Err(error).with_context(|| format!("lock {}", path.display())),
        }
        let root = fs::canonicalize(dir).with_context(|| dir.display().to_string())?;
        Ok(Self { root, is_old, _lock: file, temp })
    }

    /// Whether it goes away at the end.
    pub(crate) const fn is_temporary(&self) -> bool {
        self.temp.is_some()
    }

    /// The directory of one server; made if it is missing.
    ///
    /// # Errors
    /// As the file system gives.
    pub(crate) fn server_dir(&self, name: &str) -> anyhow::Result<PathBuf> {
        let dir = self.root.join(name);
        fs::create_dir_all(dir.join("logs")).with_context(|| format!("make the directory {}", dir.display()))?;
        Ok(dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_cluster_in_one_directory_is_refused_and_a_later_one_finds_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("a/b");
        let first = Place::at(&root).unwrap();
        assert!(!first.is_old && !first.is_temporary());
        let error = Place::at(&root).unwrap_err();
        assert_eq!(crate::exit::code_of(&error), 17);
        drop(first);
        assert!(Place::at(&root).unwrap().is_old);
    }

    #[test]
    fn a_temporary_place_is_gone_at_the_end() {
        let place = Place::temporary().unwrap();
        let root = place.root.clone();
        place.server_dir("tracker").unwrap();
        assert!(place.is_temporary() && root.join("tracker/logs").is_dir());
        drop(place);
        assert!(!root.exists());
    }
}
