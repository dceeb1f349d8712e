//! Downloads and changes: a storage that has the file. Source: behaviour, 3.13.

use fdfs_proto::{GroupName, IpText, StorageId};

use super::{Endpoint, FileFacts};
use crate::tracker::cluster::Cluster;
use crate::tracker::error::ClusterError;
use crate::tracker::group::Group;
use crate::tracker::settings::{DownloadServer, Settings, StoreServer};
use crate::tracker::storage::Storage;
use crate::tracker::time::Now;

/// What is known of a storage and a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Has {
    /// It cannot have it yet.
    No,
    /// The reference would send clients there; what the storage reported says that it is too early.
    Perhaps,
    /// It made the file, or has reported something newer of the same maker.
    Yes,
}

impl Storage {
    /// The reference's rules for a normal file: it is the source, or the file is old enough to be everywhere, or
    /// everything up to the file's time has arrived here.
    fn has_synced(&self, file: &FileFacts, now: Now, settings: &Settings) -> bool {
        let (created, synced) = (file.created, self.last_synced());
        let age_secs = now.unix_secs.saturating_sub(created);
        self.is_source(file.source)
            || is_old(file, now, settings)
            || synced > created
            || (synced.saturating_add(1) >= created && age_secs > settings.sync_file_max_time_secs)
    }

    /// Whether it has a file that the member `maker` made, as far as is known.
    ///
    /// Differs from C: what counts is how far this storage has come with the records of the one that made the file. The
    /// reference has one time for all makers, and takes every file of yesterday to be everywhere (behaviour, W-05).
    fn has(&self, file: &FileFacts, maker: Option<&StorageId>, now: Now, settings: &Settings) -> Has {
        if self.is_source(file.source) {
            return Has::Yes;
        }
        let by_rules = || if self.has_synced(file, now, settings) { Has::Perhaps } else { Has::No };
        let Some(maker) = maker.filter(|_| !self.synced_from.is_empty()) else {
            // Without a maker or any report the reference's rules are all there is.
            return if self.has_synced(file, now, settings) { Has::Yes } else { Has::No };
        };
        match self.synced_from.has(now, maker, file.created, settings.sync_file_max_time_secs) {
            Some(true) => Has::Yes,
            // Nothing of this maker was reported: its old files came with the others.
            None if is_old(file, now, settings) => Has::Yes,
            Some(false) | None => by_rules(),
        }
    }
}

/// Whether a file is so old that it is taken to be everywhere.
fn is_old(file: &FileFacts, now: Now, settings: &Settings) -> bool {
    file.created < now.unix_secs.saturating_sub(settings.sync_file_max_delay_secs)
}

impl Group {
    /// The source of a file, if it is among these storages.
    fn source_in(&self, file: &FileFacts, among: &[usize]) -> Option<usize> {
        file.source?;
        among.iter().copied().find(|&index| self.storages[index].is_source(file.source))
    }

    /// The member that made a file, whatever it is doing now.
    fn maker(&self, file: &FileFacts) -> Option<StorageId> {
        file.source?;
        self.storages.iter().find(|storage| storage.is_source(file.source)).map(|storage| storage.id)
    }

    /// The first of these storages that has a file, or else may have it.
    fn first_with(
        &self,
        places: &(impl Iterator<Item = usize> + Clone),
        file: &FileFacts,
        now: Now,
        settings: &Settings,
    ) -> Option<usize> {
        let maker = self.maker(file);
        let has = |index: usize| self.storages[index].has(file, maker.as_ref(), now, settings);
        let with = |wanted: Has| places.clone().find(|&index| has(index) == wanted);
        with(Has::Yes).or_else(|| with(Has::Perhaps))
    }

    /// The writable storage whose turn it is, or another one if that has the file and this one has not.
    ///
    /// Differs from C: there the one whose turn it is takes the change, whether or not it has the file.
    fn next_writable_with(&mut self, file: &FileFacts, now: Now, settings: &Settings) -> Option<usize> {
        let next = self.next_writable(settings)?;
        let others = self.writable_behind(next).collect::<Vec<_>>();
        let found = self.first_with(&std::iter::once(next).chain(others), file, now, settings);
        if let Some(found) = found.filter(|&found| found != next) {
            if settings.effective_store_server() == StoreServer::RoundRobin {
                self.took_turn(found);
            }
            return Some(found);
        }
        Some(next)
    }

    /// A drained storage, where no other may change files: one that has the file, else any.
    fn drained_with(&self, file: &FileFacts, now: Now, settings: &Settings) -> Option<usize> {
        let drained: Vec<usize> = self.drained().collect();
        self.first_with(&drained.iter().copied(), file, now, settings).or_else(|| drained.first().copied())
    }

    /// The preferred storage where nobody is known to have the file: it may have it.
    ///
    /// Differs from C: where no storage takes files, and so none is preferred, it is the one that has come furthest with
    /// what the file's maker did. The reference then gives no file that is younger than five minutes (behaviour, W-46).
    fn fallback(&self, file: &FileFacts) -> Option<usize> {
        let maker = self.maker(file);
        let reached = |index: usize| self.storages[index].synced_from.get(maker.as_ref()?);
        let furthest = || self.readable.iter().copied().max_by_key(|&index| reached(index));
        self.preferred.filter(|&index| self.storages[index].rw.can_read()).or_else(furthest)
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
            let (before, behind) = group.readable.split_at(group.read_cursor.min(group.readable.len()));
            found = group.first_with(&behind.iter().chain(before).copied(), file, now, settings);
            let place = found.and_then(|found| group.readable.iter().position(|&index| index == found));
            if let Some(place) = place {
                group.read_cursor = (place + 1) % group.readable.len();
            }
        } else if found.is_none() {
            // Differs from C: a storage that has at least the beginning of the file's story is better than any.
            found = group.first_with(&group.readable.iter().copied(), file, now, settings);
        }
        let found = found.or_else(|| group.fallback(file)).ok_or(ClusterError::NoReadable { group: group.name })?;
        Ok(group.storages[found].endpoint(asker, settings))
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
        let maker = group.maker(file);
        let has = |storage: &Storage| match file.normal {
            true => storage.has(file, maker.as_ref(), now, &self.settings),
            false if storage.is_source(file.source) => Has::Yes,
            false => Has::No,
        };
        let best = group.readable().map(has).max().unwrap_or(Has::No);
        let with = |storage: &&Storage| best > Has::No && has(storage) == best;
        let mut found: Vec<Endpoint> =
            group.readable().filter(with).map(|storage| storage.endpoint(asker, &self.settings)).collect();
        if !file.normal {
            found.truncate(1);
        }
        if found.is_empty() {
            let likely = group.first_with(&group.readable.iter().copied(), file, now, &self.settings);
            let fallback =
                likely.or_else(|| group.fallback(file)).ok_or(ClusterError::NoReadable { group: group.name })?;
            found.push(group.storages[fallback].endpoint(asker, &self.settings));
        }
        Ok(found)
    }

    /// The storage that shall change a file (103): its source, else a writable one that has the file, else any.
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`], [`ClusterError::NoWritable`].
    pub fn query_update(
        &mut self,
        now: Now,
        group: &GroupName,
        file: &FileFacts,
        asker: &IpText,
    ) -> Result<Endpoint, ClusterError> {
        let index = self.require_group(group)?;
        let (group, settings) = (&mut self.groups[index], &self.settings);
        let found = match group.source_in(file, &group.writable) {
            Some(source) => Some(source),
            None => group.next_writable_with(file, now, settings).or_else(|| group.drained_with(file, now, settings)),
        };
        let found = found.ok_or(ClusterError::NoWritable { group: Some(group.name) })?;
        Ok(group.storages[found].endpoint(asker, settings))
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
    use crate::tracker::{ConnId, Source};

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

    /// Of which time each storage has records of .1 and of .2; 0 reports nothing.
    fn reported(settings: Settings, of_first: [u32; 3], of_second: [u32; 3]) -> Cluster {
        let mut cluster = synced(settings, [0; 3]);
        let ids = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse().unwrap());
        for (conn, (first, second)) in (1..).zip(of_first.into_iter().zip(of_second)) {
            let _ = cluster.sync_report(now(NOW), ConnId(conn), &[(ids[0], first), (ids[1], second)]).unwrap();
        }
        cluster
    }

    #[test]
    fn w05_what_counts_is_how_far_a_storage_is_with_the_maker_of_the_file() {
        use crate::tracker::StoreServer::{FirstById, RoundRobin};
        let day = 86_400;
        let late = NOW as u32;
        for store_server in [RoundRobin, FirstById] {
            for (why, created, of_first, of_second, expected) in [
                ("progress with others says nothing", NOW - 10, [0, 50, 0], [0, 0, late], "1"),
                ("newer records of its maker came in", NOW - 10, [0, late, late - 11], [0, 0, late], "12"),
                (
                    "stopped for a day: the file is not everywhere",
                    NOW - 2 * day,
                    [0, late - 300_000, late],
                    [0; 3],
                    "13",
                ),
                ("nothing was ever said of the maker, and it is old", NOW - 2 * day, [0; 3], [0, 0, late], "123"),
                ("nothing was ever said of the maker, and it is young", NOW - 10, [0; 3], [0, 0, late], "1"),
            ] {
                let settings = Settings { store_server, ..Settings::default() };
                let mut cluster = reported(settings, of_first, of_second);
                assert_eq!(all(&cluster, &file(true, created)), expected, "{why}");
                let mut round: Vec<char> = ones(&mut cluster, &file(true, created), 6).chars().collect();
                round.sort_unstable();
                round.dedup();
                assert_eq!(round.iter().collect::<String>(), expected, "{why}, one by one");
            }
        }
    }

    #[test]
    fn w05_where_the_maker_is_gone_the_rules_of_the_reference_are_better_than_nothing() {
        let late = NOW as u32;
        let mut cluster = reported(Settings::default(), [0, late - 300_000, 0], [0, 0, late]);
        let gone = cluster.groups[0].storages[0].connection().unwrap();
        let _ = cluster.disconnect(gone);
        let old = file(true, NOW - 2 * 86_400);
        assert_eq!(all(&cluster, &old), "3", ".2 has nothing so new");
        let gone = cluster.groups[0].storages[2].connection().unwrap();
        let _ = cluster.disconnect(gone);
        assert_eq!(all(&cluster, &old), "2", "it may have it");
        assert_eq!(ones(&mut cluster, &old, 2), "22");
    }

    #[test]
    fn changes_follow_their_file_where_the_source_is_gone() {
        let late = NOW as u32;
        for (normal, created, expected) in
            [(true, NOW - 10, "3333"), (false, NOW - 10, "3333"), (true, NOW + 10, "2323"), (true, 5, "2323")]
        {
            let mut cluster = reported(Settings::default(), [0, late - 11, late], [0; 3]);
            let gone = cluster.groups[0].storages[0].connection().unwrap();
            let _ = cluster.disconnect(gone);
            let mut update = || {
                let found = cluster.query_update(now(NOW), &name("g"), &file(normal, created), &ip("10.9.9.9"));
                last_digits(&[found.unwrap()])
            };
            assert_eq!((0..4).map(|_| update()).collect::<String>(), expected, "normal: {normal}, created {created}");
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
        let source = cluster.groups[0].storages[0].id;
        cluster.groups[0].storages[1].synced_from.set(now(NOW), source, NOW - 5);
        assert_eq!(ones(&mut cluster, &file(true, NOW), 2), "22", "W-46: nobody preferred, the furthest is asked");
        assert_eq!(ones(&mut cluster, &FileFacts::UNKNOWN, 2), "23", "an undecodable name is taken to be old");
    }

    #[test]
    fn changes_go_to_the_source_or_to_anybody_writable() {
        let mut cluster = synced(Settings::default(), [0, 0, 0]);
        let update = |cluster: &mut Cluster, file: &FileFacts| {
            let found = cluster.query_update(now(NOW), &name("g"), file, &ip("10.9.9.9"));
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
