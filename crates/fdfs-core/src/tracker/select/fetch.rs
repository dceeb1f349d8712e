//! Downloads and changes: a storage that has the file. Source: behaviour, 3.13.

use fdfs_proto::{GroupName, IpText};

use super::{Endpoint, FileFacts};
use crate::tracker::cluster::Cluster;
use crate::tracker::error::ClusterError;
use crate::tracker::group::Group;
use crate::tracker::settings::{DownloadServer, Settings};
use crate::tracker::storage::Storage;
use crate::tracker::time::Now;

impl Storage {
    /// Whether it can be taken to have a normal file: it is the source, or the file is old enough to be everywhere,
    /// or everything up to the file's time has arrived here.
    fn has_synced(&self, file: &FileFacts, now: Now, settings: &Settings) -> bool {
        let (created, synced) = (file.created, self.last_synced());
        let age_secs = now.unix_secs.saturating_sub(created);
        self.is_source(file.source)
            || created < now.unix_secs.saturating_sub(settings.sync_file_max_delay_secs)
            || synced > created
            || (synced.saturating_add(1) >= created && age_secs > settings.sync_file_max_time_secs)
    }
}

impl Group {
    /// The source of a file, if it is among these storages.
    fn source_in(&self, file: &FileFacts, among: &[usize]) -> Option<usize> {
        file.source?;
        among.iter().copied().find(|&index| self.storages[index].is_source(file.source))
    }

    /// The preferred storage where nobody is known to have the file: it may have it.
    fn fallback(&self) -> Option<usize> {
        self.preferred.filter(|&index| self.storages[index].rw.can_read())
    }
}

impl Cluster {
    /// One storage to read a file from (102).
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`], [`ClusterError::NoReadable`].
    pub fn query_fetch_one(
        &mut self,
        now: Now,
        group: &GroupName,
        file: &FileFacts,
        asker: &IpText,
    ) -> Result<Endpoint, ClusterError> {
        let index = self.require_readable(group)?;
        let (group, settings) = (&mut self.groups[index], &self.settings);
        let from_source = !file.normal || settings.download_server == DownloadServer::Source;
        let mut found = if from_source { group.source_in(file, &group.readable) } else { None };
        if found.is_none() && file.normal {
            let count = group.readable.len();
            for place in (group.read_cursor..count).chain(0..group.read_cursor.min(count)) {
                let index = group.readable[place];
                if group.storages[index].has_synced(file, now, settings) {
                    group.read_cursor = (place + 1) % count;
                    found = Some(index);
                    break;
                }
            }
        }
        let found = found.or_else(|| group.fallback()).ok_or(ClusterError::NoReadable { group: group.name })?;
        Ok(group.storages[found].endpoint(asker))
    }

    /// Every storage that a file can be read from (105); at least one.
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`], [`ClusterError::NoReadable`].
    pub fn query_fetch_all(
        &self,
        now: Now,
        group: &GroupName,
        file: &FileFacts,
        asker: &IpText,
    ) -> Result<Vec<Endpoint>, ClusterError> {
        let group = &self.groups[self.require_readable(group)?];
        let has_it = |storage: &&Storage| {
            if file.normal { storage.has_synced(file, now, &self.settings) } else { storage.is_source(file.source) }
        };
        let mut found: Vec<Endpoint> = group.readable().filter(has_it).map(|storage| storage.endpoint(asker)).collect();
        if !file.normal {
            found.truncate(1);
        }
        if found.is_empty() {
            let fallback = group.fallback().ok_or(ClusterError::NoReadable { group: group.name })?;
            found.push(group.storages[fallback].endpoint(asker));
        }
        Ok(found)
    }

    /// The storage that shall change a file (103): its source, else any writable one.
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`], [`ClusterError::NoWritable`].
    pub fn query_update(
        &mut self,
        group: &GroupName,
        file: &FileFacts,
        asker: &IpText,
    ) -> Result<Endpoint, ClusterError> {
        let index = self.require_group(group)?;
        let (group, settings) = (&mut self.groups[index], &self.settings);
        let found = match group.source_in(file, &group.writable) {
            Some(source) => Some(source),
            None => group.next_writable(settings),
        };
        let found = found.ok_or(ClusterError::NoWritable { group: Some(group.name) })?;
        Ok(group.storages[found].endpoint(asker))
    }

    fn require_readable(&self, group: &GroupName) -> Result<usize, ClusterError> {
        let index = self.require_group(group)?;
        if self.groups[index].readable.is_empty() {
            return Err(ClusterError::NoReadable { group: *group });
        }
        Ok(index)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use fdfs_proto::shared::RwMode;

    use super::*;
    use crate::tracker::tests_support::{active, cluster_of, ip, name, now};
    use crate::tracker::{Source, StoreServer};

    const NOW: i64 = 1_000_000;

    /// Storages 10.0.0.1 (source), .2 and .3, which have synced up to these times.
    fn synced(settings: Settings, times: [i64; 3]) -> Cluster {
        let storages = [active("10.0.0.1", 5000), active("10.0.0.2", 5000), active("10.0.0.3", 5000)];
        let mut cluster = cluster_of(settings, &[("g", &storages)]);
        for (storage, time) in cluster.groups[0].storages.iter_mut().zip(times) {
            storage.stat.last_synced_timestamp = time;
        }
        cluster
    }

    fn file(normal: bool, created: i64) -> FileFacts {
        FileFacts { normal, source: Some(Source::Ip(Ipv4Addr::new(10, 0, 0, 1))), created }
    }

    fn last_digits(found: &[Endpoint]) -> String {
        found.iter().map(|endpoint| endpoint.ip.as_str().chars().last().unwrap()).collect()
    }

    fn all(cluster: &Cluster, file: &FileFacts) -> String {
        let found = cluster.query_fetch_all(now(NOW), &name("g"), file, &ip("10.9.9.9"));
        found.map_or_else(|_| "none".into(), |found| last_digits(&found))
    }

    fn ones(cluster: &mut Cluster, file: &FileFacts, count: usize) -> String {
        let one = |cluster: &mut Cluster| cluster.query_fetch_one(now(NOW), &name("g"), file, &ip("10.9.9.9"));
        (0..count).map(|_| one(cluster).map_or_else(|_| "!".into(), |found| last_digits(&[found]))).collect()
    }

    #[test]
    fn a_storage_is_eligible_by_one_of_four_rules() {
        for (why, created, times, expected) in [
            ("a: the source, right after the upload", NOW, [0, 0, 0], "1"),
            ("b: exactly max_delay old is not enough", NOW - 86_400, [0, 0, 0], "1"),
            ("b: older than max_delay", NOW - 86_401, [0, 0, 0], "123"),
            ("c: synced past the file", NOW - 10, [0, NOW - 9, NOW - 10], "12"),
            ("d: synced to the file's second, but it is young", NOW - 300, [0, NOW - 300, 0], "1"),
            ("d: synced to the file's second, and copying takes no longer", NOW - 301, [0, NOW - 301, 0], "12"),
            ("d: synced to one second before", NOW - 301, [0, NOW - 302, NOW - 303], "12"),
        ] {
            let cluster = synced(Settings::default(), times);
            assert_eq!(all(&cluster, &file(true, created)), expected, "{why}");
        }
    }

    #[test]
    fn downloads_go_round_the_eligible_storages() {
        let mut cluster = synced(Settings::default(), [NOW, NOW, 0]);
        let young = file(true, NOW - 10);
        assert_eq!(ones(&mut cluster, &young, 4), "1212");
        let old = file(true, 5);
        assert_eq!(ones(&mut cluster, &old, 4), "3123");
    }

    #[test]
    fn the_source_serves_alone_where_it_must_or_shall() {
        let settings = Settings { download_server: DownloadServer::Source, ..Settings::default() };
        let mut cluster = synced(settings, [0, 0, 0]);
        assert_eq!(ones(&mut cluster, &file(true, 5), 3), "111");
        let mut cluster = synced(Settings::default(), [0, 0, 0]);
        assert_eq!(ones(&mut cluster, &file(false, 5), 3), "111");
        assert_eq!(all(&cluster, &file(false, 5)), "1");
    }

    #[test]
    fn without_its_source_a_file_falls_back() {
        let settings = Settings { store_server: StoreServer::FirstById, ..Settings::default() };
        let mut cluster = synced(settings, [0, 0, 0]);
        let gone = cluster.groups[0].storages[0].connection().unwrap();
        let _ = cluster.disconnect(gone);
        for facts in [file(false, NOW), file(true, NOW)] {
            assert_eq!(ones(&mut cluster, &facts, 2), "22", "the preferred storage may have it");
            assert_eq!(all(&cluster, &facts), "2");
        }
        for storage in &mut cluster.groups[0].storages {
            storage.rw = RwMode::Read;
        }
        let settings = cluster.settings.clone();
        cluster.groups[0].rebuild(&settings);
        assert_eq!(ones(&mut cluster, &file(true, NOW), 1), "!", "nobody writable, nobody preferred");
        assert_eq!(ones(&mut cluster, &FileFacts::UNKNOWN, 2), "23", "an undecodable name is taken to be old");
    }

    #[test]
    fn changes_go_to_the_source_or_to_anybody_writable() {
        let mut cluster = synced(Settings::default(), [0, 0, 0]);
        let update = |cluster: &mut Cluster, file: &FileFacts| {
            let found = cluster.query_update(&name("g"), file, &ip("10.9.9.9"));
            found.map_or_else(|error| error.to_string(), |found| last_digits(&[found]))
        };
        assert_eq!(update(&mut cluster, &file(false, 5)), "1");
        let gone = cluster.groups[0].storages[0].connection().unwrap();
        let _ = cluster.disconnect(gone);
        assert_eq!(update(&mut cluster, &file(false, 5)), "2");
        assert_eq!(update(&mut cluster, &file(false, 5)), "3");
        for index in [1, 2] {
            let gone = cluster.groups[0].storages[index].connection().unwrap();
            let _ = cluster.disconnect(gone);
        }
        assert_eq!(update(&mut cluster, &file(false, 5)), "group g: no storage may take writes now");
        assert_eq!(ones(&mut cluster, &file(true, 5), 1), "!");
        assert!(cluster.query_fetch_one(now(NOW), &name("x"), &file(true, 5), &ip("1.1.1.1")).is_err());
    }
}
