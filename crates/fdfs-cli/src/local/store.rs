//! The store paths that a storage.conf names, and the directories in them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fdfs_client::GroupName;
use fdfs_conf::StorageConf;
use fdfs_proto::Status;

use super::found::Found;
use crate::conf_loader::{FileLoader, host_env};
use crate::exit::failure;

/// Which storage is looked at.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// The storage's configuration file: it names the group and the store paths
    #[arg(value_name = "STORAGE_CONF")]
    pub(super) storage_conf: String,
    /// The group [else: group_name in the file]
    #[arg(long)]
    group: Option<GroupName>,
}

/// The store paths of a storage.
#[derive(Debug)]
pub(super) struct Store {
    group: GroupName,
    paths: Vec<PathBuf>,
    /// Where the replication log is.
    sync_dir: PathBuf,
    /// Where the storage listens: its port and addresses; none for all.
    own_place: (u16, Vec<IpAddr>),
}

/// One of the directories that files lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dir {
    path_index: u8,
    high: u8,
    low: u8,
}

impl Store {
    /// # Errors
    /// The configuration cannot be used.
    pub(super) fn open(args: &StoreArgs) -> anyhow::Result<Self> {
        let conf = StorageConf::parse(&args.storage_conf, &FileLoader, &host_env())?.conf;
        let sync_dir = Path::new(&conf.server.base_path).join("data/sync");
        let bound = conf.server.inner_bind_addrs.iter().filter_map(|addr| addr.parse().ok()).collect();
        let own_place = (conf.server.inner_port, bound);
        let paths = conf.store_paths.into_iter().map(|store_path| store_path.path).collect();
        let group = args.group.or(conf.group_name).ok_or_else(|| {
            failure(Status::EINVAL, format!("{} has no group_name: give --group NAME", args.storage_conf))
        })?;
        Ok(Self { group, paths, sync_dir, own_place })
    }

    #[cfg(test)]
    pub(super) fn of(group: GroupName, paths: Vec<PathBuf>) -> Self {
        let sync_dir = paths[0].join("data/sync");
        Self { group, paths, sync_dir, own_place: (23000, Vec::new()) }
    }

    /// All directories that are there, in the order of their names.
    ///
    /// # Errors
    /// A store path cannot be read: its disk may not be mounted.
    pub(super) fn dirs(&self) -> anyhow::Result<Vec<Dir>> {
        let mut dirs = Vec::new();
        for (index, path) in self.paths.iter().enumerate() {
            let Ok(path_index) = u8::try_from(index) else {
                return Err(failure(Status::EINVAL, "more than 256 store paths"));
            };
            let data = path.join("data");
            for high in hex_names(&data).with_context(|| format!("read the store path {}", data.display()))? {
                let folder = data.join(format!("{high:02X}"));
                let lows = hex_names(&folder).with_context(|| format!("read {}", folder.display()))?;
                dirs.extend(lows.into_iter().map(|low| Dir { path_index, high, low }));
            }
        }
        dirs.sort_unstable();
        Ok(dirs)
    }

    /// The group.
    pub(super) const fn group(&self) -> GroupName {
        self.group
    }

    /// Where the storage listens: its port and addresses; none for all.
    pub(super) fn own_place(&self) -> (u16, &[IpAddr]) {
        (self.own_place.0, &self.own_place.1)
    }

    /// Tells `each` of every file in a slot of a trunk file, in the order of the replication log; returns what of the log
    /// cannot be read.
    ///
    /// # Errors
    /// The log cannot be read; and what `each` returns.
    pub(super) fn each_in_slots(&self, each: impl FnMut(Found) -> anyhow::Result<()>) -> anyhow::Result<Vec<String>> {
        super::slots::each_in_slots(&self.sync_dir, &self.paths, self.group, each)
    }

    fn path_of(&self, dir: Dir) -> PathBuf {
        let data = self.paths[usize::from(dir.path_index)].join("data");
        data.join(format!("{:02X}", dir.high)).join(format!("{:02X}", dir.low))
    }

    /// How many names there are in a directory.
    pub(super) fn count(&self, dir: Dir) -> u64 {
        std::fs::read_dir(self.path_of(dir)).map_or(0, |entries| entries.count() as u64)
    }

    /// The files of a directory, sorted by name. What is no file of FastDFS is left out.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub(super) fn files(&self, dir: Dir) -> anyhow::Result<Vec<Found>> {
        let path = self.path_of(dir);
        let read = || format!("read {}", path.display());
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&path).with_context(read)? {
            let entry = entry.with_context(read)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let Dir { path_index, high, low } = dir;
            let id = format!("{}/M{path_index:02X}/{high:02X}/{low:02X}/{name}", self.group);
            files.extend(Found::of(&id, entry.path()));
        }
        files.sort_unstable_by(|a, b| a.id.name.as_str().cmp(b.id.name.as_str()));
        Ok(files)
    }
}

/// The numbers of the directories `00` to `FF`.
fn hex_names(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        let name = name.to_str().filter(|name| name.len() == 2 && !name.contains(|c: char| c.is_ascii_lowercase()));
        numbers.extend(name.and_then(|name| u8::from_str_radix(name, 16).ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}
