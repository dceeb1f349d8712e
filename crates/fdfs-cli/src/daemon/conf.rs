//! The configuration of a daemon, ready to be served: loaded, with absolute paths, its directories made.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fdfs_conf::ini::Ini;
use fdfs_conf::{ConfError, Finding, LogConf, ServerConf, StorageConf, TrackerConf};
use fdfs_proto::Status;

use super::program::Program;
use crate::conf_loader::{FileLoader, host_env};

/// The configuration of one of the two daemons.
#[derive(Debug, Clone)]
pub(crate) enum DaemonConf {
    /// tracker.conf.
    Tracker(Box<TrackerConf>),
    /// storage.conf.
    Storage(Box<StorageConf>),
}

impl DaemonConf {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// The first thing that keeps the daemon from starting.
    pub(crate) fn load(program: Program, path: &str) -> Result<(Self, Vec<Finding>), ConfError> {
        Ok(match program {
            Program::Tracker => {
                let parsed = TrackerConf::parse(path, &FileLoader, &host_env())?;
                (Self::Tracker(Box::new(parsed.conf)), parsed.findings)
            }
            Program::Storage => {
                let parsed = StorageConf::parse(path, &FileLoader, &host_env())?;
                (Self::Storage(Box::new(parsed.conf)), parsed.findings)
            }
        })
    }

    /// What both have in common.
    pub(crate) fn server(&self) -> &ServerConf {
        match self {
            Self::Tracker(conf) => &conf.server,
            Self::Storage(conf) => &conf.server,
        }
    }

    /// The error log.
    pub(crate) fn log(&self) -> &LogConf {
        match self {
            Self::Tracker(conf) => &conf.log,
            Self::Storage(conf) => &conf.log,
        }
    }

    /// Makes every path absolute, because a daemon changes its working directory.
    ///
    /// # Errors
    /// When the current directory is gone.
    pub(crate) fn make_absolute(&mut self) -> io::Result<()> {
        self.make_absolute_in(&std::env::current_dir()?);
        Ok(())
    }

    /// The same for paths that are meant from `folder`.
    pub(crate) fn make_absolute_in(&mut self, folder: &Path) {
        // Without asking the system, which would say where it is now.
        let absolute = |path: &mut PathBuf| *path = folder.join(&*path).components().collect();
        match self {
            Self::Tracker(conf) => {
                absolute(&mut conf.server.base_path);
                if let Some(name) = conf.storage_ids_filename.as_mut().filter(|name| !name.contains("://")) {
                    *name = folder.join(&*name).to_string_lossy().into_owned();
                }
            }
            Self::Storage(conf) => {
                absolute(&mut conf.server.base_path);
                conf.store_paths.iter_mut().for_each(|store_path| absolute(&mut store_path.path));
            }
        }
    }

    /// The directory where a daemon stays: `/` for a tracker, the data directory of the last store path for a storage.
    /// Source: configuration, 2.
    pub(crate) fn working_dir(&self) -> PathBuf {
        match self {
            Self::Tracker(_) => PathBuf::from("/"),
            Self::Storage(conf) => {
                let last = conf.store_paths.last().map_or(&conf.server.base_path, |store_path| &store_path.path);
                last.join("data")
            }
        }
    }

    /// Every folder in which the daemon keeps files of its own.
    pub(crate) fn dirs(&self) -> Vec<PathBuf> {
        let base_path = &self.server().base_path;
        let mut dirs = vec![base_path.clone(), base_path.join("data"), base_path.join("logs")];
        if let Self::Storage(conf) = self {
            dirs.extend(conf.store_paths.iter().map(|store_path| store_path.path.join("data")));
        }
        dirs
    }

    /// Makes `base_path` and its two sub directories where they are missing. Store paths are left to the storage,
    /// which knows whether a missing one is a disk that is not mounted.
    ///
    /// # Errors
    /// `ENOTDIR` for a `base_path` that is no directory, and what the file system gives.
    pub(crate) fn make_base_dirs(&self) -> anyhow::Result<()> {
        let base_path = &self.server().base_path;
        make_dir(base_path, 0o775).with_context(|| format!("base_path = {}", base_path.display()))?;
        for name in ["data", "logs"] {
            let dir = base_path.join(name);
            make_dir(&dir, 0o755).with_context(|| format!("make the directory {}", dir.display()))?;
        }
        Ok(())
    }
}

fn make_dir(dir: &Path, mode: u32) -> io::Result<()> {
    match DirBuilder::new().mode(mode).create(dir) {
        // A missing parent is more often a typing error than a wish: as in C, only the last part is made.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(io::Error::from_raw_os_error(i32::from(Status::ENOTDIR.0)))
        }
        result => result,
    }
}

/// `base_path` of a configuration file that may be wrong otherwise: a daemon must be stoppable whatever was edited
/// since its start.
///
/// # Errors
/// When the file cannot be read, or has no `base_path`.
pub(crate) fn base_path_of(path: &str) -> Result<PathBuf, ConfError> {
    let ini = Ini::read(path, &FileLoader, &host_env())?;
    match ini.last("", "base_path").map(|item| item.value.trim_end_matches('/')) {
        Some("") | None => Err(ConfError::Missing {
            file: path.into(),
            key: "base_path".to_owned(),
            allowed: "a directory".to_owned(),
            status: Status::ENOENT,
        }),
        Some(base_path) => Ok(PathBuf::from(base_path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_base_path_is_found_in_a_file_that_no_daemon_would_take() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("t.conf");
        let path = file.to_str().unwrap();
        fs::write(&file, "work_threads = 0\nbase_path = t1/\n").unwrap();
        assert_eq!(base_path_of(path).unwrap(), Path::new("t1"));
        assert!(DaemonConf::load(Program::Tracker, path).is_err());
        fs::write(&file, "port = 1\n").unwrap();
        assert_eq!(base_path_of(path).unwrap_err().errno(), 2);
        assert_eq!(base_path_of("/no/such.conf").unwrap_err().errno(), 2);
    }

    #[test]
    fn base_path_is_made_but_not_its_parents_and_never_from_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let conf = |base_path: &str| {
            let mut conf = TrackerConf::default();
            conf.server.base_path = dir.path().join(base_path);
            DaemonConf::Tracker(Box::new(conf))
        };
        conf("new").make_base_dirs().unwrap();
        conf("new").make_base_dirs().unwrap();
        assert!(dir.path().join("new/data").is_dir() && dir.path().join("new/logs").is_dir());
        assert_eq!(crate::exit::code_of(&conf("no/parent").make_base_dirs().unwrap_err()), 2);
        fs::write(dir.path().join("file"), "").unwrap();
        assert_eq!(crate::exit::code_of(&conf("file").make_base_dirs().unwrap_err()), 20);
    }
}
