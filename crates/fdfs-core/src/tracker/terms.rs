//! What storages of ours tell beyond their join (our own command 247).

use fdfs_proto::ours::StorageTerms;

use super::cluster::{Cluster, ConnId};
use super::effect::{Effect, Event, changed};
use super::error::ClusterError;
use super::time::Now;

/// How long a storage that joined on another connection may take to tell its terms; until then the earlier ones hold. One
/// of the reference never tells any.
pub(crate) const TERMS_PATIENCE_MS: u64 = 5000;

impl Cluster {
    /// A joined storage tells its terms; they hold until it tells others, or joins on another connection.
    ///
    /// # Errors
    /// [`ClusterError::NotJoined`].
    pub fn set_terms(&mut self, conn: ConnId, terms: &StorageTerms) -> Result<Vec<Effect>, ClusterError> {
        let (group, index) = self.require_joined(conn)?;
        let mut effects = Vec::new();
        self.take_terms(group, index, terms, &mut effects);
        Ok(effects)
    }

    /// It beats, and did not tell its terms for a while after it joined: it has none any more.
    pub(crate) fn expire_terms(&mut self, now: Now, group: usize, index: usize, effects: &mut Vec<Effect>) {
        if self.groups[group].storages[index].terms_due_mono_ms.is_some_and(|due| due <= now.mono_ms) {
            self.take_terms(group, index, &StorageTerms::default(), effects);
        }
    }

    fn take_terms(&mut self, group: usize, index: usize, terms: &StorageTerms, effects: &mut Vec<Effect>) {
        let group = &mut self.groups[group];
        let storage = &mut group.storages[index];
        storage.terms_due_mono_ms = None;
        storage.own_routes.clone_from(&terms.routes);
        if storage.set_routes(&group.name, &self.settings) {
            group.chg_count += 1;
            changed(effects, group.name);
        }
        let storage = &mut group.storages[index];
        if storage.drained != terms.drained {
            storage.drained = terms.drained;
            effects.push(Effect::Log(Event::Drained { group: group.name, id: storage.id, drained: terms.drained }));
            group.rebuild(&self.settings);
            self.rebalance();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::tests_support::{active, cluster_of, id, ip, join, name, now, peer};
    use crate::tracker::{FileFacts, Settings, Source};
    use fdfs_proto::shared::RwMode;

    fn drain(cluster: &mut Cluster, conn: u64, drained: bool) {
        let _ = cluster.set_terms(ConnId(conn), &StorageTerms { drained, routes: Vec::new() }).unwrap();
    }

    fn uploads(cluster: &mut Cluster) -> Vec<String> {
        let mut ids: Vec<_> = (0..4)
            .filter_map(|_| Some(cluster.query_store_one(None, &ip("10.0.0.9")).ok()?.storage.id.to_string()))
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }

    #[test]
    fn a_drained_storage_takes_no_uploads_and_is_read_from() {
        let members = [active("10.0.0.1", 5000), active("10.0.0.2", 5000)];
        let mut cluster = cluster_of(Settings::default(), &[("g", &members)]);
        drain(&mut cluster, 1, true);
        assert_eq!(uploads(&mut cluster), ["10.0.0.2"]);
        let storages = cluster.list_storages(&name("g"), None, &ip("10.0.0.9")).unwrap();
        assert_eq!(storages.iter().map(|storage| storage.rw).collect::<Vec<_>>(), [RwMode::Read, RwMode::Both]);
        let file = FileFacts { normal: true, source: Some(Source::Ip([10, 0, 0, 1].into())), created: 1 };
        let (group, asker) = (name("g"), ip("10.0.0.9"));
        let fetched = cluster.query_fetch_all(now(2), &group, &file, &asker).unwrap();
        assert_eq!(fetched[0].id, id("10.0.0.1"), "reads go on");
        drain(&mut cluster, 1, false);
        assert_eq!(uploads(&mut cluster), ["10.0.0.1", "10.0.0.2"]);
    }

    #[test]
    fn what_only_drained_storages_can_do_they_do() {
        let mut cluster = cluster_of(Settings::default(), &[("g", &[active("10.0.0.1", 5000)])]);
        drain(&mut cluster, 1, true);
        assert_eq!(uploads(&mut cluster), [""; 0]);
        let file = FileFacts { normal: true, source: Some(Source::Ip([10, 0, 0, 1].into())), created: 1 };
        let changed = cluster.query_update(now(2), &name("g"), &file, &ip("10.0.0.9")).unwrap();
        assert_eq!(changed.id, id("10.0.0.1"), "files can still be deleted");
        let _ = cluster.join(now(2), &peer(2, "10.0.0.2"), &join("g")).unwrap();
        let source = cluster.sync_dest_request(now(2), ConnId(2)).unwrap().answer.unwrap();
        assert_eq!(source.id, id("10.0.0.1"), "whoever takes its place gets its files");
    }

    #[test]
    fn terms_outlive_a_connection_but_not_for_long() {
        let mut cluster = cluster_of(Settings::default(), &[("g", &[active("10.0.0.1", 5000)])]);
        drain(&mut cluster, 1, true);
        let _ = cluster.join(now(3), &peer(7, "10.0.0.1"), &join("g")).unwrap();
        let _ = cluster.beat(now(4), ConnId(7), None).unwrap();
        assert_eq!(uploads(&mut cluster), [""; 0], "a storage of ours will tell in a moment");
        let _ = cluster.beat(now(9), ConnId(7), None).unwrap();
        assert_eq!(uploads(&mut cluster), ["10.0.0.1"], "a storage of the reference does not drain");
    }
}
