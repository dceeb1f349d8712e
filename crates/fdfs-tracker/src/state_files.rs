//! The files below `data/` (disk formats, B): loaded at the start, replaced as a whole, the changelog appended to.
//!
//! Differs from C: a file that cannot be read is moved aside and reported, and the tracker starts with what is left;
//! storages that are missing join again. The reference ends itself.

use std::path::Path;

use fdfs_core::tracker::{GroupRow, ServerRow, Stored, TimestampRow};
use fdfs_proto::disk::sync_timestamps::SyncTimestamps;
use fdfs_proto::disk::tracker_groups::TrackerGroups;
use fdfs_proto::disk::tracker_servers::TrackerServers;
use fdfs_proto::disk::tracker_status::TrackerStatus;
use fdfs_proto::disk::{DiskError, StateFile, changelog, tracker_old};
use fdfs_store::fs::{Fs, FsFile as _};
use fdfs_store::state_file::StateDir;
use fdfs_store::{RealFs, StoreError};
use tracing::{error, info, warn};

use crate::stored_rows;

/// The files below `data/`.
#[derive(Debug)]
pub(crate) struct StateFiles<F: Fs = RealFs> {
    dir: StateDir<F>,
    /// Where the next line of the changelog goes.
    changelog_len: u64,
}

/// What the files held.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) stored: Stored,
    /// Whether the files must be written anew: they were in an old form, or some were lost.
    pub(crate) outdated: bool,
    /// Whether files in an old form were taken over, and are to be removed then.
    pub(crate) old_forms: bool,
}

impl<F: Fs> StateFiles<F> {
    /// Opens the folder, making it when it is missing, and reads what is there.
    ///
    /// # Errors
    /// [`StoreError::Disk`]: the folder or a file in it cannot be used. Corrupt files are no error.
    pub(crate) fn load(fs: F, data: &Path, now_unix_secs: i64) -> Result<(Self, Loaded), StoreError> {
        let mut files = Self { dir: StateDir::open(fs, data)?, changelog_len: 0 };
        files.keep_folder();
        let mut loading = Loading { dir: &files.dir, now_unix_secs, outdated: false, old_forms: false };
        let mut groups = loading.groups()?;
        let servers = loading.servers()?;
        let timestamps = loading.file::<SyncTimestamps>()?.map(|file| file.rows).unwrap_or_default();
        let changelog = loading.changelog()?;
        let status = loading.file::<TrackerStatus>()?.unwrap_or_default();
        if groups.is_empty() && !servers.is_empty() {
            // Differs from C: without the file of the groups the reference reads none of the others.
            warn!("the groups are taken from {}: their own file is missing or empty", TrackerServers::FILE);
            groups = stored_rows::groups_of_servers(&servers);
            loading.outdated = true;
        }
        let stored = Stored {
            groups,
            servers,
            timestamps: timestamps.iter().map(stored_rows::timestamp_row).collect(),
            changelog,
            last_check_time: status.last_check_time,
        };
        let loaded = Loaded { outdated: loading.outdated, old_forms: loading.old_forms, stored };
        files.changelog_len = loaded.stored.changelog.len() as u64;
        // Made empty at the first start. It also shows now whether the folder can be written to.
        files.append_changelog("")?;
        Ok((files, loaded))
    }

    /// Makes the folder itself durable, which may have been made just now, in a `base_path` that was made, too.
    fn keep_folder(&self) {
        let fs = self.dir.fs();
        for above in self.dir.path().ancestors().skip(1).take(2) {
            // Folders above may not be readable for this user; then they were there before.
            let _ = fs.open_dir(above).and_then(|dir| fs.sync_dir(&dir, ""));
        }
    }

    pub(crate) fn write_groups(&self, rows: &[GroupRow]) -> Result<(), StoreError> {
        self.write(&stored_rows::groups_file(rows))
    }

    pub(crate) fn write_servers(&self, rows: &[ServerRow]) -> Result<(), StoreError> {
        self.write(&stored_rows::servers_file(rows))
    }

    pub(crate) fn write_timestamps(&self, rows: &[TimestampRow]) -> Result<(), StoreError> {
        self.write(&stored_rows::timestamps_file(rows))
    }

    /// Differs from C: not even this file is ever torn.
    pub(crate) fn write_status(&self, up_time: i64, last_check_time: i64) -> Result<(), StoreError> {
        self.write(&TrackerStatus { up_time, last_check_time })
    }

    fn write<T: StateFile>(&self, file: &T) -> Result<(), StoreError> {
        self.dir.write(T::FILE, &file.to_bytes())
    }

    /// Appends lines to the changelog, durably. After an error the same lines can be given again: they go to the same
    /// place.
    pub(crate) fn append_changelog(&mut self, lines: &str) -> Result<(), StoreError> {
        let disk = |action| {
            let path = self.dir.path().join(changelog::FILE);
            move |source| StoreError::Disk { action, path, source }
        };
        let fs = self.dir.fs();
        let file = fs.open_write(self.dir.dir(), changelog::FILE).map_err(disk("open"))?;
        file.write_all_at(lines.as_bytes(), self.changelog_len).map_err(disk("write"))?;
        file.sync().map_err(disk("sync"))?;
        fs.sync_dir(self.dir.dir(), "").map_err(disk("sync directory of"))?;
        self.changelog_len += lines.len() as u64;
        Ok(())
    }

    /// Makes the changelog this text.
    pub(crate) fn replace_changelog(&mut self, text: &str) -> Result<(), StoreError> {
        self.dir.write(changelog::FILE, text.as_bytes())?;
        self.changelog_len = text.len() as u64;
        Ok(())
    }

    /// Removes the files of V2 to V4, once their content is in the new ones.
    pub(crate) fn remove_old_forms(&self) -> Result<(), StoreError> {
        self.dir.remove(tracker_old::GROUPS_FILE)?;
        self.dir.remove(tracker_old::SERVERS_FILE)
    }
}

/// Reading all files.
struct Loading<'a, F: Fs> {
    dir: &'a StateDir<F>,
    now_unix_secs: i64,
    outdated: bool,
    old_forms: bool,
}

impl<F: Fs> Loading<'_, F> {
    fn groups(&mut self) -> Result<Vec<GroupRow>, StoreError> {
        let groups = match self.file::<TrackerGroups>()? {
            Some(file) => file.groups,
            None => self.old_form(tracker_old::GROUPS_FILE, tracker_old::decode_groups)?,
        };
        Ok(groups.iter().map(stored_rows::group_row).collect())
    }

    fn servers(&mut self) -> Result<Vec<ServerRow>, StoreError> {
        let servers = match self.file::<TrackerServers>()? {
            Some(file) => file.storages,
            None => self.old_form(tracker_old::SERVERS_FILE, tracker_old::decode_servers)?,
        };
        Ok(servers.iter().map(stored_rows::server_row).collect())
    }

    fn changelog(&mut self) -> Result<String, StoreError> {
        let text = self.read(changelog::FILE, |bytes| String::from_utf8(bytes.to_vec()))?.unwrap_or_default();
        let bad = changelog::changelog_lines(text.as_bytes()).filter(|line| line.entry.is_err()).count();
        if bad > 0 {
            // They stay, because the read positions of storages count their bytes; storages skip them.
            warn!("{}: {bad} lines are no entries; storages pass over them", changelog::FILE);
        }
        Ok(text)
    }

    fn file<T: StateFile>(&mut self) -> Result<Option<T>, StoreError> {
        self.read(T::FILE, T::decode)
    }

    fn old_form<T>(
        &mut self,
        name: &'static str,
        decode: impl Fn(&[u8]) -> Result<Vec<T>, DiskError>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.read(name, decode)?;
        if rows.is_some() {
            info!("{name} is taken over from an old version");
            (self.outdated, self.old_forms) = (true, true);
        }
        Ok(rows.unwrap_or_default())
    }

    /// A file's content; `None` when it is missing, and when it is corrupt and was moved aside.
    fn read<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        decode: impl Fn(&[u8]) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError> {
        let what = match self.dir.read(name) {
            Ok(None) => return Ok(None),
            Ok(Some(bytes)) => match decode(&bytes) {
                Ok(content) => return Ok(Some(content)),
                Err(fault) => fault.to_string(),
            },
            Err(StoreError::Corrupt { what, .. }) => what,
            Err(other) => return Err(other),
        };
        let aside = self.dir.set_aside(name, self.now_unix_secs)?;
        let path = self.dir.path().join(name);
        error!("{} is corrupt and now called {aside}: {what}; going on without it", path.display());
        self.outdated = true;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use fdfs_core::tracker::{Cluster, Now, Settings};
    use fdfs_store::sim_fs::{Fault, SimFs};

    use super::*;

    const DATA: &str = "/base/data";

    fn load(fs: &SimFs) -> Result<(StateFiles<SimFs>, Loaded), StoreError> {
        StateFiles::load(fs.clone(), Path::new(DATA), 7)
    }

    /// A group with storages.
    fn rows(storages: &[&str]) -> (Vec<GroupRow>, Vec<ServerRow>, Vec<TimestampRow>) {
        let servers = storages.iter().map(|ip| ServerRow {
            id: None,
            group: "group1".parse().unwrap(),
            ip: ip.parse().unwrap(),
            status: fdfs_proto::shared::StorageStatus::Offline,
            version: "6.16.1".parse().unwrap(),
            join_time: 1,
            storage_port: 23000,
            sync_source: fdfs_proto::StorageId::EMPTY,
            sync_until: 0,
            total_mb: 5,
            free_mb: 4,
            changelog_offset: 0,
            path_count: 1,
            subdir_count: 256,
            upload_priority: 10,
            stat: Default::default(),
        });
        let servers: Vec<ServerRow> = servers.collect();
        let groups = stored_rows::groups_of_servers(&servers);
        let stored = Stored { groups, servers, ..Stored::default() };
        let (cluster, losses) = Cluster::restore(Settings::default(), 22122, Now::default(), stored);
        assert_eq!(losses, []);
        (cluster.group_rows(), cluster.server_rows(), cluster.timestamp_rows())
    }

    /// What a tracker writes when a storage is deleted; says whether all of it was written.
    fn delete(fs: &SimFs) -> Result<(), StoreError> {
        let (mut files, _) = load(fs)?;
        let (groups, servers, timestamps) = rows(&["10.0.0.1"]);
        files.append_changelog("1795167834 group1 10.0.0.2 4 \n")?;
        files.write_groups(&groups)?;
        files.write_servers(&servers)?;
        files.write_timestamps(&timestamps)?;
        files.write_status(5, 6)
    }

    #[test]
    fn a_deletion_cut_at_any_disk_call_leaves_whole_files_and_one_that_was_answered_stays() {
        for calls in 0.. {
            let fs = SimFs::new(Fault::None);
            let (files, _) = load(&fs).unwrap();
            let (groups, servers, timestamps) = rows(&["10.0.0.1", "10.0.0.2"]);
            files.write_groups(&groups).unwrap();
            files.write_servers(&servers).unwrap();
            files.write_timestamps(&timestamps).unwrap();

            fs.set_fault(Fault::StopsAfter(calls));
            let answered = delete(&fs).is_ok();
            for seed in [None, Some(calls), Some(calls + 1000)] {
                let after = fs.after_power_cut(seed);
                let (files, loaded) = load(&after).unwrap();
                assert!(!loaded.outdated, "calls {calls}, seed {seed:?}: nothing is corrupt");
                let stored = loaded.stored;
                assert_eq!(stored.groups.len(), 1, "calls {calls}, seed {seed:?}");
                assert!(matches!(stored.servers.len(), 1 | 2), "calls {calls}, seed {seed:?}");
                if stored.servers.len() == 1 {
                    assert!(stored.changelog.ends_with(" 4 \n"), "storages can be told of what is gone");
                }
                if answered {
                    assert_eq!((stored.servers.len(), stored.last_check_time), (1, 6));
                }
                drop(files);
            }
            if answered {
                return;
            }
        }
    }

    #[test]
    fn lines_that_could_not_be_appended_are_appended_once_when_tried_again() {
        for calls in 0..8 {
            for fault in [Fault::FailsAt(calls, 28), Fault::WritesShortAt(calls)] {
                let fs = SimFs::new(Fault::None);
                let (mut files, _) = load(&fs).unwrap();
                files.append_changelog("1 g a 4 \n").unwrap();
                fs.set_fault(fault);
                while files.append_changelog("2 g b 4 \n").is_err() {}
                let (_, loaded) = load(&fs.after_power_cut(None)).unwrap();
                assert_eq!(loaded.stored.changelog, "1 g a 4 \n2 g b 4 \n", "{fault:?}");
            }
        }
    }
}
