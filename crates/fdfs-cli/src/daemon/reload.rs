//! The signal HUP: the configuration is read again, and what can change while a daemon runs is taken over. The log says which
//! keys have changed, and which of them need a restart.
//!
//! Differs from C: there HUP only begins new log files. It still does; a configuration that is as it was changes nothing, and
//! one that is wrong is left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fdfs_conf::ini::Ini;
use fdfs_conf::{ConfError, Finding};

use super::conf::DaemonConf;
use super::logs::{DaemonLog, level_of};
use super::program::Program;
use super::server::Server;
use crate::conf_loader::{FileLoader, host_env};

/// Keys of tracker.conf that are taken over.
const OF_TRACKER: [&str; 12] = [
    "advertise",
    "check_active_interval",
    "download_server",
    "log_level",
    "reserved_storage_space",
    "storage_ids_filename",
    "storage_sync_file_max_delay",
    "storage_sync_file_max_time",
    "store_group",
    "store_lookup",
    "store_path",
    "store_server",
];
/// Keys of storage.conf that are taken over.
const OF_STORAGE: [&str; 3] = ["advertise", "log_level", "tracker_server"];

/// All values of all keys, by their names; those of a section as `section/name`.
type Values = BTreeMap<String, Vec<String>>;

/// What is needed to read a configuration again.
#[derive(Debug)]
pub(crate) struct Reloader {
    program: Program,
    path: PathBuf,
    /// Where the daemon was started: relative paths mean that.
    folder: PathBuf,
    values: Values,
}

impl Reloader {
    /// The configuration has just been read from `path`.
    ///
    /// # Errors
    /// When the current directory is gone.
    pub(crate) fn new(program: Program, path: &str) -> std::io::Result<Self> {
        let folder = std::env::current_dir()?;
        let path = folder.join(path);
        let values = values(&path).unwrap_or_default();
        Ok(Self { program, path, folder, values })
    }

    /// Reads it again, and lets the server and its log take over what they can.
    pub(crate) fn reload(&mut self, server: &Server, log: &DaemonLog) {
        let path = self.path.display().to_string();
        let read = || -> Result<(DaemonConf, Vec<Finding>, Values), ConfError> {
            let (conf, findings) = DaemonConf::load(self.program, &path)?;
            Ok((conf, findings, values(&self.path)?))
        };
        let (mut conf, findings, values) = match read() {
            Ok(read) => read,
            Err(error) => return tracing::error!("the configuration stays as it was: {error}"),
        };
        let changed = changed_keys(&self.values, &values);
        if !changed.is_empty() {
            super::serve::report_findings(&findings);
        }
        conf.make_absolute_in(&self.folder);
        // Also when no key has changed: storage_ids.conf is a file of its own.
        if let Err(error) = server.reload(&conf) {
            return tracing::error!("the configuration stays as it was: {error:#}");
        }
        log.log.set_level(level_of(conf.server().log_level));
        for key in changed {
            // A key that needs a restart stays changed until then.
            if self.is_live(&key) {
                tracing::info!("configuration: {key} is taken over");
                match values.get(&key) {
                    Some(value) => drop(self.values.insert(key, value.clone())),
                    None => drop(self.values.remove(&key)),
                }
            } else {
                tracing::warn!("configuration: {key} has changed, which needs a restart");
            }
        }
    }

    fn is_live(&self, key: &str) -> bool {
        match self.program {
            Program::Tracker => OF_TRACKER.contains(&key),
            Program::Storage => OF_STORAGE.contains(&key),
        }
    }
}

fn values(path: &Path) -> Result<Values, ConfError> {
    let ini = Ini::read(&path.display().to_string(), &FileLoader, &host_env())?;
    let mut values = Values::new();
    for item in &ini.items {
        let key = if item.section.is_empty() { item.name.clone() } else { format!("{}/{}", item.section, item.name) };
        values.entry(key).or_default().push(item.value.clone());
    }
    Ok(values)
}

fn changed_keys(old: &Values, new: &Values) -> Vec<String> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_came_went_or_changed_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let of = |text: &str| {
            let file = dir.path().join("storage.conf");
            std::fs::write(&file, text).unwrap();
            values(&file).unwrap()
        };
        let old = of("tracker_server = a\ntracker_server = b\nport = 1\nlog_level = info\n");
        let new = of("# other\ntracker_server = a\nport = 1\nadvertise = x\nlog_level=info\n");
        assert_eq!(changed_keys(&old, &new), ["advertise", "tracker_server"]);
        assert_eq!(changed_keys(&new, &new), [""; 0]);
    }

    #[test]
    fn keys_that_are_taken_over_are_keys() {
        let [of_tracker, of_storage] = fdfs_conf::docs::server_keys();
        for (known, keys) in [(of_tracker, &OF_TRACKER[..]), (of_storage, &OF_STORAGE)] {
            assert_eq!(keys.iter().filter(|key| !known.contains(key)).collect::<Vec<_>>(), [&""; 0]);
        }
    }
}
