//! What of tracker.conf and storage_ids.conf may become another thing while the tracker runs: because a host name leads
//! somewhere else, or because the files were read again.

use super::cluster::Cluster;
use super::effect::{Effect, Event, changed, save};
use super::ids::IdTable;
use super::routes::Advertise;
use super::settings::Settings;

impl Cluster {
    /// `advertise` of tracker.conf says something else: its host names lead to other addresses.
    pub fn set_advertise(&mut self, advertise: Vec<Advertise>) -> Vec<Effect> {
        self.settings.advertise = advertise;
        self.rework_routes()
    }

    /// storage_ids.conf has other lines, or its names other addresses. Storages that are known keep their place; whoever
    /// has no line any more stays until it joins again, which is refused then. Without storage ids nothing happens: with
    /// or without is decided at the start.
    pub fn set_ids(&mut self, ids: IdTable) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.settings.ids.is_none() {
            return effects;
        }
        for group in &mut self.groups {
            let mut is_other = false;
            for storage in &mut group.storages {
                let Some(entry) = ids.by_id(&storage.id).filter(|entry| entry.group == group.name) else { continue };
                if (storage.addrs, storage.rw) != (entry.addrs, entry.rw) {
                    (storage.addrs, storage.rw) = (entry.addrs, entry.rw);
                    is_other = true;
                    let ip = *entry.addrs.first();
                    effects.push(Effect::Log(Event::IdChanged { group: group.name, id: storage.id, ip }));
                }
            }
            if is_other {
                group.chg_count += 1;
                changed(&mut effects, group.name);
                save(&mut effects, Effect::SaveServers);
            }
        }
        self.settings.ids = Some(ids);
        for group in &mut self.groups {
            group.rebuild(&self.settings);
        }
        self.rebalance();
        effects.extend(self.rework_routes());
        effects
    }

    /// tracker.conf was read again. Taken over is what only this tracker's own choices depend on; the rest needs a
    /// restart, because storages and file names rely on it.
    pub fn set_choices(&mut self, new: &Settings) {
        let kept = std::mem::take(&mut self.settings);
        self.settings = Settings {
            store_lookup: new.store_lookup,
            store_server: new.store_server,
            download_server: new.download_server,
            store_path: new.store_path,
            reserved: new.reserved,
            check_active_interval_secs: new.check_active_interval_secs,
            sync_file_max_delay_secs: new.sync_file_max_delay_secs,
            sync_file_max_time_secs: new.sync_file_max_time_secs,
            ..kept
        };
        for group in &mut self.groups {
            group.rebuild(&self.settings);
        }
        self.rebalance();
    }

    fn rework_routes(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for group in &mut self.groups {
            let mut has_changed = false;
            for storage in &mut group.storages {
                has_changed |= storage.set_routes(&group.name, &self.settings);
            }
            if has_changed {
                group.chg_count += 1;
                changed(&mut effects, group.name);
            }
        }
        effects
    }
}

#[cfg(test)]
mod tests {
    use fdfs_proto::shared::RwMode;

    use super::*;
    use crate::tracker::tests_support::{active, cluster_of, id, ip, join, name, now, peer};
    use crate::tracker::{Addrs, IdEntry, Reserved, StoreServer};

    fn entry(of: &str, address: &str, rw: RwMode) -> IdEntry {
        IdEntry { id: id(of), group: name("g"), addrs: Addrs::one(ip(address)), port: None, rw }
    }

    #[test]
    fn a_line_with_another_address_lets_its_storage_join_from_there() {
        let mut cluster = cluster_of(Settings::default(), &[("g", &[active("7", 5000), active("8", 5000)])]);
        assert!(cluster.join(now(2), &peer(9, "10.5.5.5"), &join("g")).is_err());
        let lines = vec![entry("7", "10.5.5.5", RwMode::Both), entry("8", "10.1.0.8", RwMode::Read)];
        let effects = cluster.set_ids(IdTable::new(lines.clone()).unwrap());
        assert!(effects.contains(&Effect::GroupChanged { group: name("g") }), "storages and watchers hear of it");
        assert_eq!(cluster.join(now(2), &peer(9, "10.5.5.5"), &join("g")).unwrap().answer.id, id("7"));
        assert_eq!(cluster.query_store_one(None, &ip("10.0.0.9")).unwrap().storage.id, id("7"), "8 is read-only now");
        assert_eq!(cluster.set_ids(IdTable::new(lines).unwrap()), [], "nothing new");
    }

    #[test]
    fn a_line_more_is_a_storage_more() {
        let mut cluster = cluster_of(Settings::default(), &[("g", &[active("7", 5)])]);
        assert!(cluster.join(now(2), &peer(9, "10.1.0.9"), &join("g")).is_err());
        let lines = vec![entry("7", "10.1.0.7", RwMode::Both), entry("9", "10.1.0.9", RwMode::Both)];
        let _ = cluster.set_ids(IdTable::new(lines).unwrap());
        assert_eq!(cluster.join(now(2), &peer(9, "10.1.0.9"), &join("g")).unwrap().answer.id, id("9"));
    }

    #[test]
    fn without_ids_there_are_none_later() {
        let mut cluster = cluster_of(Settings::default(), &[("g", &[active("10.0.0.1", 5)])]);
        let _ = cluster.set_ids(IdTable::new(vec![entry("7", "10.0.0.1", RwMode::Both)]).unwrap());
        assert!(cluster.settings().ids.is_none());
    }

    #[test]
    fn choices_are_taken_over_and_the_rest_is_not() {
        let mut cluster = cluster_of(Settings::default(), &[("g", &[active("10.0.0.1", 5000)])]);
        assert!(cluster.query_store_one(None, &ip("10.0.0.9")).is_ok());
        let new = Settings {
            reserved: Reserved::Mb(6000),
            store_server: StoreServer::FirstById,
            use_trunk_file: true,
            ..Settings::default()
        };
        cluster.set_choices(&new);
        assert!(cluster.query_store_one(None, &ip("10.0.0.9")).is_err(), "too little is free now");
        let settings = cluster.settings();
        assert_eq!((settings.store_server, settings.use_trunk_file), (StoreServer::FirstById, false));
    }
}
