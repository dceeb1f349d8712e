//! A tracker starts again from its state files.

use fdfs_proto::limits::{GROUPS, STORAGES_PER_GROUP, STORE_PATHS, SUBDIRS};
use fdfs_proto::shared::RwMode;
use fdfs_proto::{GroupName, IpText, StorageId};

use super::addr::Addrs;
use super::changelog::Changelog;
use super::cluster::Cluster;
use super::effect::{Effect, Outcome, save_members};
use super::group::{Group, GroupPort};
use super::ids::id_of_address;
use super::loss::Loss;
use super::settings::{Settings, StoreServer};
use super::snapshot::{GroupRow, ServerRow, TimestampRow};
use super::status::{self, StatusEvent};
use super::storage::Storage;
use super::time::Now;

/// The content of the state files; what a file lacks is empty.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// `storage_groups_new.dat`.
    pub groups: Vec<GroupRow>,
    /// `storage_servers_new.dat`.
    pub servers: Vec<ServerRow>,
    /// `storage_sync_timestamp.dat`.
    pub timestamps: Vec<TimestampRow>,
    /// `storage_changelog.dat`.
    pub changelog: String,
    /// `last_check_time` of `.tracker_status`, 0 when there is none.
    pub last_check_time: i64,
}

impl Cluster {
    /// A tracker with the state of its last run. Rows that fit nothing are left out and reported.
    ///
    /// Nobody is connected: every storage is OFFLINE, but for those whose old files are still to be copied.
    // Differs from C: the reference ends itself at the first row that does not fit (disk formats, B.2 to B.4).
    #[must_use]
    pub fn restore(settings: Settings, own_port: u16, now: Now, stored: Stored) -> (Self, Vec<Loss>) {
        let mut cluster = Self::new(settings, own_port);
        let mut losses = Vec::new();
        if stored.last_check_time > 0 {
            cluster.set_down_for(now.unix_secs.saturating_sub(stored.last_check_time));
        }
        for row in &stored.groups {
            cluster.restore_group(row, &mut losses);
        }
        // The columns of the sync times count every row of the servers file, also the ones left out here.
        let columns: Vec<(GroupName, Option<StorageId>)> =
            stored.servers.iter().map(|row| (row.group, cluster.restore_server(now, row, &mut losses))).collect();
        cluster.changelog = Changelog::from_text(stored.changelog);
        for row in &stored.groups {
            cluster.restore_trunk_server(row, &mut losses);
        }
        cluster.drop_unknown_sources(&mut losses);
        for row in &stored.timestamps {
            cluster.restore_timestamps(now, row, &columns, &mut losses);
        }
        cluster.recall_former_addresses();
        cluster.note_sync_bases();
        cluster.derive_last_synced();
        (cluster, losses)
    }

    /// Takes over the state of another tracker in the place of its own: everything but who the trackers are. `None`, and
    /// nothing is changed, once a storage has joined.
    #[must_use]
    pub fn take_over(&mut self, now: Now, stored: Stored) -> Option<Outcome<Vec<Loss>>> {
        if !self.joined.is_empty() {
            return None;
        }
        let (other, losses) = Self::restore(self.settings.clone(), 0, now, stored);
        // Whoever was told of the state before must see that it is another one.
        let trunk_chg_count = self.trunk_chg_count + other.trunk_chg_count;
        let Self { groups, changelog, .. } = other;
        (self.groups, self.changelog, self.write_group_cursor) = (groups, changelog, 0);
        self.trunk_chg_count = trunk_chg_count + 1;
        let mut effects = vec![Effect::ReplaceChangelog(self.changelog.text().to_owned()), Effect::SaveGroups];
        save_members(&mut effects);
        effects.extend(self.groups.iter().map(|group| Effect::GroupChanged { group: group.name }));
        Some(Outcome::new(losses, effects))
    }

    fn restore_group(&mut self, row: &GroupRow, losses: &mut Vec<Loss>) {
        if row.group.is_empty() || self.find_group(&row.group).is_some() || self.groups.len() >= GROUPS {
            losses.push(Loss::Group { group: row.group });
            return;
        }
        let mut group = Group::new(row.group);
        group.port = GroupPort::from_number(row.storage_port);
        group.path_count = row.path_count.min(STORE_PATHS);
        group.subdir_count = row.subdir_count.min(SUBDIRS);
        group.current_trunk_file_id = row.current_trunk_file_id;
        let index = self.groups.partition_point(|other| other.name < row.group);
        self.groups.insert(index, group);
    }

    fn restore_server(&mut self, now: Now, row: &ServerRow, losses: &mut Vec<Loss>) -> Option<StorageId> {
        let Some(group) = self.find_group(&row.group) else {
            losses.push(Loss::ServerGroup { group: row.group, ip: row.ip });
            return None;
        };
        let group = &mut self.groups[group];
        let port = match (row.storage_port, group.port) {
            (0, GroupPort::One(port)) => port,
            (port, _) => port,
        };
        let (id, addrs, rw) = match &self.settings.ids {
            None => (row.id.unwrap_or_else(|| id_of_address(&row.ip)), Addrs::one(row.ip), RwMode::Both),
            Some(ids) => {
                let by_addr = || ids.by_group_addr(&row.group, &row.ip, port);
                let entry = row.id.map_or_else(by_addr, |id| ids.by_id(&id).filter(|e| e.group == row.group));
                let Some(entry) = entry else {
                    losses.push(Loss::ServerId { group: row.group, id: row.id, ip: row.ip });
                    return None;
                };
                (entry.id, entry.addrs, entry.rw)
            }
        };
        if !status::is_stored(row.status) {
            return None;
        }
        let status = status::after(row.status, StatusEvent::Restart);
        if group.find(&id).is_some() {
            losses.push(Loss::ServerTwice { group: row.group, id });
            return None;
        }
        if group.storages.len() >= STORAGES_PER_GROUP {
            losses.push(Loss::ServerGroup { group: row.group, ip: row.ip });
            return None;
        }
        let mut storage = Storage::new(id, addrs, port, status);
        storage.rw = rw;
        storage.version = row.version;
        storage.join_time = row.join_time;
        storage.sync_source = Some(row.sync_source).filter(|source| !source.is_empty());
        storage.sync_until = row.sync_until;
        storage.total_mb = row.total_mb;
        storage.free_mb = row.free_mb;
        storage.changelog_offset = row.changelog_offset;
        storage.path_count = row.path_count.min(STORE_PATHS);
        storage.subdir_count = row.subdir_count.min(SUBDIRS);
        storage.upload_priority = row.upload_priority;
        storage.stat = row.stat;
        // It was alive when this process started, as far as anybody knows.
        storage.last_beat_mono_ms = now.mono_ms;
        group.add(storage, &self.settings);
        Some(id)
    }

    /// Ids of a time before storage ids were switched on are addresses.
    fn id_of_text(&self, group: &Group, id: StorageId) -> Option<StorageId> {
        if group.find(&id).is_some() {
            return Some(id);
        }
        let ip = IpText::new(id.as_bytes()).ok()?;
        group.storages.iter().find(|storage| storage.addrs.contains(&ip)).map(|storage| storage.id)
    }

    fn restore_trunk_server(&mut self, row: &GroupRow, losses: &mut Vec<Loss>) {
        let Some(index) = self.find_group(&row.group) else {
            return;
        };
        let group = &self.groups[index];
        let stored = |id: StorageId| self.id_of_text(group, id);
        let mut last = stored(row.last_trunk_server);
        let mut current = None;
        if !row.trunk_server.is_empty() && self.settings.use_trunk_file {
            current =
                stored(row.trunk_server).filter(|id| group.storage(id).is_some_and(|storage| storage.rw.can_write()));
            if current.is_none() {
                losses.push(Loss::TrunkServer { group: row.group, id: row.trunk_server });
            }
            last = last.or(current);
        }
        let group = &mut self.groups[index];
        group.trunk_server = current;
        group.last_trunk_server = last;
        // One change, so that storages are told of a trunk server that was chosen in an earlier run.
        group.trunk_chg_count = u64::from(current.is_some());
        self.trunk_chg_count += u64::from(current.is_some());
    }

    fn drop_unknown_sources(&mut self, losses: &mut Vec<Loss>) {
        for index in 0..self.groups.len() {
            let group = &self.groups[index];
            let mapped: Vec<Option<StorageId>> = group
                .storages
                .iter()
                .map(|storage| storage.sync_source.and_then(|id| self.id_of_text(group, id)))
                .collect();
            let group = &mut self.groups[index];
            for (storage, source) in group.storages.iter_mut().zip(mapped) {
                if let (Some(lost), None) = (storage.sync_source, source) {
                    losses.push(Loss::SyncSource { group: group.name, id: storage.id, source: lost });
                    storage.sync_until = 0;
                }
                storage.sync_source = source;
            }
        }
    }

    fn restore_timestamps(
        &mut self,
        now: Now,
        row: &TimestampRow,
        columns: &[(GroupName, Option<StorageId>)],
        losses: &mut Vec<Loss>,
    ) {
        let source = self.find_group(&row.group).and_then(|index| {
            let group = &self.groups[index];
            Some((index, self.id_of_text(group, row.source)?))
        });
        let Some((index, source)) = source else {
            if row.times.iter().any(|time| *time > 0) {
                losses.push(Loss::TimestampSource { group: row.group, source: row.source });
            }
            return;
        };
        let dests: Vec<_> = columns.iter().filter(|(group, _)| *group == row.group).map(|(_, id)| *id).collect();
        if row.times.len() > dests.len() {
            let (columns, storages) = (row.times.len(), dests.len());
            losses.push(Loss::TimestampColumns { group: row.group, source: row.source, columns, storages });
        }
        let group = &mut self.groups[index];
        for (dest, &time) in dests.iter().zip(&row.times) {
            if let Some(dest) = dest.filter(|dest| *dest != source && time > 0)
                && let Some(dest) = group.find(&dest)
            {
                group.storages[dest].synced_from.set(now, source, time);
            }
        }
    }

    /// How far each storage has come is not taken from its row, but from the sync times of its sources.
    fn derive_last_synced(&mut self) {
        let least = self.settings.effective_store_server() == StoreServer::RoundRobin;
        for storage in self.groups.iter_mut().flat_map(|group| &mut group.storages) {
            let times = storage.synced_from.iter().map(|(_, time)| time);
            let derived = if least { times.min() } else { times.max() };
            storage.stat.last_synced_timestamp = derived.unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use fdfs_proto::shared::StorageStatus;

    use super::*;
    use crate::tracker::tests_support::{active, cluster_of, id, ip, join, name, now, peer};
    use crate::tracker::{ConnId, IdEntry, IdTable};

    fn stored_of(cluster: &Cluster) -> Stored {
        Stored {
            groups: cluster.group_rows(),
            servers: cluster.server_rows(),
            timestamps: cluster.timestamp_rows(),
            changelog: cluster.changelog().text().to_owned(),
            last_check_time: 0,
        }
    }

    fn restored(settings: Settings, stored: Stored) -> (Cluster, Vec<Loss>) {
        Cluster::restore(settings, 22122, now(100), stored)
    }

    /// Two groups; in the first a storage that waits for its old files, a deleted one, and sync times.
    fn example() -> Cluster {
        let groups: [(&str, &[_]); 2] = [
            ("a", &[active("10.0.0.2", 5000), active("10.0.0.1", 5000), active("10.0.0.4", 5000)]),
            ("b", &[active("10.0.0.9", 5000)]),
        ];
        let mut cluster = cluster_of(Settings::default(), &groups);
        let _ = cluster.join(now(5), &peer(9, "10.0.0.3"), &join("a")).unwrap();
        let _ = cluster.sync_dest_request(now(5), ConnId(9)).unwrap();
        let _ = cluster.sync_report(now(5), ConnId(1), &[(id("10.0.0.1"), 70), (id("10.0.0.4"), 60)]).unwrap();
        let _ = cluster.sync_report(now(5), ConnId(2), &[(id("10.0.0.2"), 50)]).unwrap();
        let _ = cluster.disconnect(ConnId(3));
        let _ = cluster.delete_storage(now(6), &name("a"), &id("10.0.0.4")).unwrap();
        cluster
    }

    #[test]
    fn a_restart_brings_everything_back_but_the_connections() {
        let before = example();
        let stored = stored_of(&before);
        let (after, losses) = restored(Settings::default(), stored.clone());
        assert_eq!(losses, []);
        let order: Vec<_> = after.groups()[0].storages().iter().map(|s| s.id().to_string()).collect();
        assert_eq!(order, ["10.0.0.2", "10.0.0.1", "10.0.0.3"], "join order, without the deleted one");
        let statuses: Vec<_> = after.groups()[0].storages().iter().map(Storage::status).collect();
        assert_eq!(statuses, [StorageStatus::Offline, StorageStatus::Offline, StorageStatus::WaitSync]);
        assert_eq!(after.groups()[0].storages()[0].last_synced(), 70, "the deleted source no longer counts");
        assert_eq!(after.changelog(), before.changelog());
        // What is written next is what was read, but for the statuses.
        let again = stored_of(&after);
        assert_eq!((again.groups, again.timestamps), (stored.groups, stored.timestamps));
        for (again, stored) in again.servers.into_iter().zip(stored.servers) {
            let mut expected = stored;
            (expected.status, expected.stat.last_synced_timestamp) = (again.status, again.stat.last_synced_timestamp);
            assert_eq!(again, expected);
        }
    }

    #[test]
    fn rows_that_fit_nothing_are_left_out_and_reported() {
        let mut stored = stored_of(&example());
        stored.groups.push(stored.groups[0].clone());
        let mut foreign = stored.servers[0].clone();
        foreign.group = name("x");
        stored.servers[2].sync_source = id("10.7.7.7");
        stored.servers.insert(0, stored.servers[0].clone());
        stored.servers.push(foreign);
        stored.groups[1].trunk_server = id("10.7.7.7");
        // The doubled row is counted as a column as well.
        stored.timestamps[0].times = vec![0, 0, 50, 0, 9];
        stored.timestamps[1].times = vec![70];
        (stored.timestamps[2].source, stored.timestamps[2].times[0]) = (id("10.7.7.7"), 40);
        let settings = Settings { use_trunk_file: true, ..Settings::default() };
        let (after, losses) = restored(settings, stored);
        assert_eq!(after.groups().iter().map(|g| g.storages().len()).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(after.groups()[0].storages()[0].last_synced(), 70);
        assert_eq!(after.groups()[0].storages()[1].last_synced(), 50);
        let (a, b) = (name("a"), name("b"));
        let twice = id("10.0.0.2");
        assert_eq!(
            losses,
            [
                Loss::Group { group: a },
                Loss::ServerTwice { group: a, id: twice },
                Loss::ServerGroup { group: name("x"), ip: ip("10.0.0.2") },
                Loss::TrunkServer { group: b, id: id("10.7.7.7") },
                Loss::SyncSource { group: a, id: id("10.0.0.3"), source: id("10.7.7.7") },
                Loss::TimestampColumns { group: a, source: twice, columns: 5, storages: 4 },
                Loss::TimestampSource { group: a, source: id("10.7.7.7") },
            ]
        );
    }

    /// As a tracker of the reference lends it whose first storage joins just then: the matrix has it, the servers do not.
    #[test]
    fn sync_times_of_an_unknown_storage_that_say_nothing_are_no_loss() {
        let mut stored = stored_of(&example());
        stored.timestamps.push(TimestampRow { group: name("a"), source: id("10.7.7.7"), times: vec![0, 0, 0] });
        let (_, losses) = restored(Settings::default(), stored);
        assert_eq!(losses, []);
    }

    #[test]
    fn addresses_become_ids_when_storage_ids_are_switched_on() {
        let mut stored = stored_of(&example());
        stored.groups[0].trunk_server = id("10.0.0.1");
        let entry = |number: u32, address: &str| IdEntry {
            id: id(&number.to_string()),
            group: name("a"),
            addrs: Addrs::one(ip(address)),
            port: None,
            rw: RwMode::Both,
        };
        let ids = IdTable::new(vec![entry(1, "10.0.0.1"), entry(2, "10.0.0.2"), entry(3, "10.0.0.3")]).unwrap();
        let settings = Settings { ids: Some(ids), use_trunk_file: true, ..Settings::default() };
        let (after, losses) = restored(settings, stored);
        assert_eq!(losses[0], Loss::ServerId { group: name("b"), id: None, ip: ip("10.0.0.9") });
        let group = &after.groups()[0];
        assert_eq!(group.sorted().map(|s| s.id().to_string()).collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!(group.trunk_server(), Some(&id("1")));
        assert_eq!(group.storage(&id("3")).unwrap().sync_source, Some(id("1")));
        assert_eq!(group.storage(&id("2")).unwrap().last_synced(), 70);
    }

    #[test]
    fn the_state_of_another_tracker_is_taken_over_only_before_anybody_joined() {
        use crate::tracker::tests_support::{active, cluster_of, id, ip, join, name, now, peer};
        use crate::tracker::{ConnId, Effect};
        let mut other = cluster_of(Settings::default(), &[("g", &[active("10.0.0.1", 5), active("10.0.0.2", 5)])]);
        let _ = other.disconnect(ConnId(2));
        let _ = other.delete_storage(now(5), &name("g"), &id("10.0.0.2")).unwrap();
        let stored = Stored {
            groups: other.group_rows(),
            servers: other.server_rows(),
            timestamps: other.timestamp_rows(),
            changelog: other.changelog().text().to_owned(),
            last_check_time: 0,
        };
        let mut cluster = Cluster::new(Settings::default(), 22122);
        let taken = cluster.take_over(now(9), stored.clone()).unwrap();
        assert_eq!(taken.answer, []);
        assert!(taken.effects.contains(&Effect::ReplaceChangelog("5 g 10.0.0.2 4 \n".into())));
        assert!(taken.effects.contains(&Effect::SaveServers));
        let listed = cluster.list_storages(&name("g"), None, &ip("10.0.0.9")).unwrap();
        assert_eq!((listed.len(), listed[0].status), (1, fdfs_proto::shared::StorageStatus::Offline));
        let _ = cluster.join(now(9), &peer(1, "10.0.0.1"), &join("g")).unwrap();
        assert!(cluster.take_over(now(9), stored).is_none());
    }
}
