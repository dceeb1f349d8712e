//! What a cluster consists of: addresses, folders and configuration files, before anything runs.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::daemon::Launch;
use crate::links::{Links, Node, Place};
use crate::loopback::{Loopback, free_port};
use crate::settings::Settings;

/// The first host number of storages; trackers are numbered from 1.
const FIRST_STORAGE_HOST: u8 = 11;
/// With proxies, the host that a server really is: so far behind the one that the others know.
const REAL_HOST_OFFSET: u8 = 100;
/// The first number of a storage in storage_ids.conf.
const FIRST_STORAGE_ID: u32 = 100_001;

/// A tracker to be run.
#[derive(Debug, Clone)]
pub struct TrackerPlan {
    /// Its number, from 0.
    pub index: usize,
    /// Where the others look for it.
    pub addr: SocketAddr,
    /// Where it listens: the same, or behind a proxy.
    pub real_addr: SocketAddr,
    /// Its `base_path`.
    pub base_path: PathBuf,
    /// Its configuration file, which is written already.
    pub conf_path: PathBuf,
    /// What the file says.
    pub settings: Settings,
}

/// A storage to be run.
#[derive(Debug, Clone)]
pub struct StoragePlan {
    /// Its group.
    pub group: String,
    /// Its number within the group, from 0.
    pub index: usize,
    /// Where the others look for it.
    pub addr: SocketAddr,
    /// Where it listens: the same, or behind a proxy.
    pub real_addr: SocketAddr,
    /// Its number in storage_ids.conf, where there is one.
    pub id: Option<u32>,
    /// Its `base_path`.
    pub base_path: PathBuf,
    /// Its store paths.
    pub store_paths: Vec<PathBuf>,
    /// Its configuration file, which is written already.
    pub conf_path: PathBuf,
    /// What the file says.
    pub settings: Settings,
    /// How it is run as a process.
    pub launch: Launch,
}

/// Writes a configuration file anew after `settings` were changed.
///
/// # Panics
/// When it cannot be written.
pub fn write_conf(conf_path: &Path, settings: &Settings) {
    fs::write(conf_path, settings.to_string()).unwrap();
}

/// A cluster to be run, in a temporary folder that goes with it.
#[derive(Debug)]
pub struct Layout {
    /// The trackers.
    pub trackers: Vec<TrackerPlan>,
    /// The storages, group by group.
    pub storages: Vec<StoragePlan>,
    /// Proxies between them, with [`LayoutBuilder::proxies`].
    pub links: Option<Links>,
    /// Where everything lies.
    pub dir: TempDir,
    /// Its addresses; the hosts from 200 on are not used.
    pub loopback: Loopback,
}

/// Describes a cluster. Without any word: one tracker, no storage.
#[derive(Debug, Clone)]
pub struct LayoutBuilder {
    tracker_count: usize,
    groups: Vec<(String, usize)>,
    store_path_count: usize,
    short_addresses: bool,
    proxies: bool,
    records: bool,
    ids: bool,
    more_id_lines: Vec<String>,
    tracker_keys: Vec<(String, String)>,
    storage_keys: Vec<(String, String)>,
}

impl Default for LayoutBuilder {
    fn default() -> Self {
        Self {
            tracker_count: 1,
            groups: Vec::new(),
            store_path_count: 1,
            short_addresses: false,
            proxies: false,
            records: false,
            ids: false,
            more_id_lines: Vec::new(),
            tracker_keys: Vec::new(),
            storage_keys: Vec::new(),
        }
    }
}

impl LayoutBuilder {
    /// So many trackers.
    #[must_use]
    pub fn trackers(mut self, count: usize) -> Self {
        self.tracker_count = count;
        self
    }

    /// One more group, of so many storages.
    #[must_use]
    pub fn group(mut self, name: &str, storage_count: usize) -> Self {
        self.groups.push((name.to_owned(), storage_count));
        self
    }

    /// So many store paths for each storage.
    #[must_use]
    pub fn store_paths(mut self, count: usize) -> Self {
        self.store_path_count = count;
        self
    }

    /// Addresses as short as `127.1.2.11`.
    #[must_use]
    pub fn short_addresses(mut self) -> Self {
        self.short_addresses = true;
        self
    }

    /// Every connection to a server goes through a proxy, see [`Links`].
    #[must_use]
    pub fn proxies(mut self) -> Self {
        self.proxies = true;
        self
    }

    /// With [proxies](Self::proxies) that keep what goes over them, and let pass of servers only what the reference
    /// knows.
    #[must_use]
    pub fn recording(mut self) -> Self {
        (self.proxies, self.records) = (true, true);
        self
    }

    /// With storage_ids.conf: the storages are 100001, 100002, ...; `more_lines` stand behind them.
    #[must_use]
    pub fn storage_ids(mut self, more_lines: &[&str]) -> Self {
        self.ids = true;
        self.more_id_lines = more_lines.iter().map(|line| (*line).to_owned()).collect();
        self
    }

    /// A key of every tracker.conf.
    #[must_use]
    pub fn tracker_key(mut self, key: &str, value: impl ToString) -> Self {
        self.tracker_keys.push((key.to_owned(), value.to_string()));
        self
    }

    /// A key of every storage.conf.
    #[must_use]
    pub fn storage_key(mut self, key: &str, value: impl ToString) -> Self {
        self.storage_keys.push((key.to_owned(), value.to_string()));
        self
    }

    /// Chooses addresses and ports, makes the folders and writes the files.
    ///
    /// # Panics
    /// When the temporary folder cannot be written.
    #[must_use]
    pub fn lay_out(&self) -> Layout {
        let dir = tempfile::Builder::new().prefix("fdfs-test-").tempdir().unwrap();
        let loopback = if self.short_addresses { Loopback::short() } else { Loopback::claim() };
        let storages = self.storages(dir.path(), loopback);
        let ids_path = self.ids.then(|| self.write_ids(dir.path(), &storages));
        let trackers = self.trackers_of(dir.path(), loopback, ids_path.as_deref());
        let tracker_addrs: Vec<_> = trackers.iter().map(|tracker| tracker.addr).collect();
        let storages =
            storages.into_iter().map(|storage| self.with_settings(storage, &tracker_addrs)).collect::<Vec<_>>();
        let start = if self.records { Links::start_recording } else { Links::start };
        let links = self.proxies.then(|| start(places(&trackers, &storages)));
        Layout { trackers, storages, links, dir, loopback }
    }

    fn storages(&self, dir: &Path, loopback: Loopback) -> Vec<StoragePlan> {
        let mut plans = Vec::new();
        let mut host = FIRST_STORAGE_HOST;
        let mut id = FIRST_STORAGE_ID;
        for (group, count) in &self.groups {
            let hosts = host..host + *count as u8;
            let both = hosts.clone().flat_map(|host| [loopback.ip(host), loopback.ip(self.real_host(host))]);
            let port = free_port(&distinct(both));
            for (index, host) in hosts.enumerate() {
                let home = dir.join(format!("{group}-storage{index}"));
                let store_paths: Vec<_> = (0..self.store_path_count).map(|i| home.join(format!("path{i}"))).collect();
                store_paths.iter().for_each(|path| fs::create_dir_all(path).unwrap());
                plans.push(StoragePlan {
                    group: group.clone(),
                    index,
                    addr: SocketAddr::from((loopback.ip(host), port)),
                    real_addr: SocketAddr::from((loopback.ip(self.real_host(host)), port)),
                    id: self.ids.then_some(id),
                    base_path: home.join("base"),
                    store_paths,
                    conf_path: home.join("storage.conf"),
                    settings: Settings::default(),
                    launch: Launch::default(),
                });
                id += 1;
            }
            host += *count as u8;
        }
        plans
    }

    fn real_host(&self, told_host: u8) -> u8 {
        if self.proxies { told_host + REAL_HOST_OFFSET } else { told_host }
    }

    fn write_ids(&self, dir: &Path, storages: &[StoragePlan]) -> PathBuf {
        let lines =
            storages.iter().filter_map(|storage| Some(format!("{} {} {}", storage.id?, storage.group, storage.addr)));
        let text: String = lines.chain(self.more_id_lines.clone()).map(|line| line + "\n").collect();
        let path = dir.join("storage_ids.conf");
        fs::write(&path, text).unwrap();
        path
    }

    fn trackers_of(&self, dir: &Path, loopback: Loopback, ids_path: Option<&Path>) -> Vec<TrackerPlan> {
        let plan = |index: usize| {
            let host = 1 + index as u8;
            let (ip, real_ip) = (loopback.ip(host), loopback.ip(self.real_host(host)));
            let port = free_port(&distinct([ip, real_ip]));
            let home = dir.join(format!("tracker{index}"));
            fs::create_dir_all(home.join("base")).unwrap();
            let mut plan = TrackerPlan {
                index,
                addr: SocketAddr::from((ip, port)),
                real_addr: SocketAddr::from((real_ip, port)),
                base_path: home.join("base"),
                conf_path: home.join("tracker.conf"),
                settings: Settings::default(),
            };
            let settings = &mut plan.settings;
            settings.set("base_path", plan.base_path.display());
            settings.set("bind_addr", real_ip);
            settings.set("port", port);
            settings.set("connect_timeout", 2);
            settings.set("network_timeout", 10);
            settings.set("reserved_storage_space", 0);
            if let Some(path) = ids_path {
                settings.set("use_storage_id", true);
                settings.set("storage_ids_filename", path.display());
                settings.set("id_type_in_filename", "id");
            }
            settings.set_all(&self.tracker_keys);
            write_conf(&plan.conf_path, settings);
            plan
        };
        (0..self.tracker_count).map(plan).collect()
    }

    fn with_settings(&self, mut plan: StoragePlan, trackers: &[SocketAddr]) -> StoragePlan {
        fs::create_dir_all(&plan.base_path).unwrap();
        let settings = &mut plan.settings;
        settings.set("group_name", &plan.group);
        settings.set("base_path", plan.base_path.display());
        settings.set("bind_addr", plan.real_addr.ip());
        // The trackers tell storages by the address that they come from.
        settings.set("client_bind", true);
        settings.set("port", plan.addr.port());
        settings.set("connect_timeout", 2);
        settings.set("network_timeout", 10);
        settings.set("heart_beat_interval", 1);
        settings.set("stat_report_interval", 1);
        settings.set("subdir_count_per_path", 4);
        settings.set("durability", "none");
        settings.set("store_path_count", plan.store_paths.len());
        for (i, path) in plan.store_paths.iter().enumerate() {
            settings.set(&format!("store_path{i}"), path.display());
        }
        trackers.iter().for_each(|tracker| settings.add("tracker_server", tracker));
        settings.set_all(&self.storage_keys);
        write_conf(&plan.conf_path, settings);
        plan
    }
}

/// Both addresses of a server are the same without proxies, and can be tried once.
fn distinct(ips: impl IntoIterator<Item = Ipv4Addr>) -> Vec<Ipv4Addr> {
    let mut ips: Vec<_> = ips.into_iter().collect();
    ips.sort();
    ips.dedup();
    ips
}

fn places(trackers: &[TrackerPlan], storages: &[StoragePlan]) -> Vec<Place> {
    let trackers = trackers.iter().map(|plan| (Node::Tracker(plan.index), plan.addr, plan.real_addr));
    let storages = storages.iter().enumerate().map(|(i, plan)| (Node::Storage(i), plan.addr, plan.real_addr));
    trackers.chain(storages).map(|(node, told, real)| Place { node, told, real }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_conf::{Env, FileKind, LoadError, check};

    #[test]
    fn the_files_have_no_error_and_no_warning() {
        let builder = LayoutBuilder::default().trackers(2).group("group1", 2).group("group2", 1).store_paths(2);
        let layout =
            builder.storage_ids(&["100009 group1 [fe80::9]:23000"]).storage_key("access-log.enabled", true).lay_out();
        let loader = |path: &str| fs::read(path).map_err(|e| LoadError::from_io(&e));
        let trackers = layout.trackers.iter().map(|plan| (FileKind::Tracker, &plan.conf_path));
        let storages = layout.storages.iter().map(|plan| (FileKind::Storage, &plan.conf_path));
        for (kind, path) in trackers.chain(storages) {
            let report = check(Some(kind), path.to_str().unwrap(), &loader, &Env::default());
            assert_eq!(report.findings, [], "{report}\n{}", fs::read_to_string(path).unwrap());
        }
        let ports: Vec<_> = layout.storages.iter().map(|plan| plan.addr.port()).collect();
        assert_eq!((ports.len(), ports[0]), (3, ports[1]), "one port for each group");
        assert_eq!(layout.storages[2].id, Some(100_003));
    }
}
