//! What a watching storage is told of its group (our own command 241), between beats.

use fdfs_proto::ours::GroupView;
use fdfs_proto::shared::{StorageBrief, StorageStatus};
use fdfs_proto::{GroupName, IpText, StorageId};

use super::cluster::Cluster;
use super::error::ClusterError;
use super::ids::id_of_address;

impl Cluster {
    /// The group as this tracker sees it, with addresses for `asker`; the source and times are those of `id`.
    ///
    /// Followers answer, too: a storage must know what each tracker takes it for, to set those right that differ from
    /// the leader.
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`].
    pub fn group_view(&self, group: &GroupName, id: &StorageId, asker: &IpText) -> Result<GroupView, ClusterError> {
        let group = &self.groups[self.require_group(group)?];
        let storage = group.storage(id);
        let trunk_server = group.trunk_server.and_then(|id| group.storage(&id));
        Ok(GroupView {
            leads: self.trackers.is_leader(),
            leader: self.leader_brief(),
            trunk_server: trunk_server.map_or(StorageBrief::NONE, |storage| storage.brief_for(asker, id)),
            source: storage.and_then(|storage| storage.sync_source).unwrap_or(StorageId::EMPTY),
            until_secs: storage.map_or(0, |storage| storage.sync_until),
            synced_secs: storage.map_or(0, |storage| storage.last_synced()),
            storages: group.sorted().map(|storage| storage.brief_for(asker, id)).collect(),
        })
    }

    /// The leader as beats tell of it, all zero for none.
    pub(crate) fn leader_brief(&self) -> StorageBrief {
        self.trackers.leader().map_or(StorageBrief::NONE, |leader| StorageBrief {
            status: StorageStatus::Init,
            port: u32::from(leader.port),
            id: id_of_address(&leader.ip),
            ip: leader.ip,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::tests_support::{active, cluster_of, id, ip, join, name, now, peer};
    use crate::tracker::{ConnId, Effect, Settings};

    fn view(cluster: &Cluster, of: &str) -> GroupView {
        cluster.group_view(&name("g"), &id(of), &ip("10.0.0.9")).unwrap()
    }

    #[test]
    fn a_view_tells_what_beats_tell_and_the_source() {
        let mut cluster = cluster_of(Settings::default(), &[("g", &[active("10.0.0.1", 5), active("10.0.0.2", 5)])]);
        assert!(!view(&cluster, "10.0.0.1").leads, "followers answer, too");
        cluster.set_leader(cluster.trackers().alone());
        let seen = view(&cluster, "10.0.0.1");
        assert_eq!((seen.leads, seen.leader.ip, seen.storages.len()), (true, ip("10.0.0.100"), 2));
        let _ = cluster.join(now(7), &peer(3, "10.0.0.3"), &join("g")).unwrap();
        let _ = cluster.sync_dest_request(now(7), ConnId(3)).unwrap();
        let seen = view(&cluster, "10.0.0.3");
        assert_eq!((seen.source, seen.until_secs, seen.storages.len()), (id("10.0.0.1"), 7, 3));
        assert_eq!(view(&cluster, "10.0.0.1").source, StorageId::EMPTY);
        assert!(cluster.group_view(&name("x"), &id("10.0.0.1"), &ip("10.0.0.9")).is_err());
    }

    /// Whoever watches is woken by the effect, so each change of a view must have it.
    #[test]
    fn every_change_of_a_view_comes_with_its_effect() {
        let mut cluster = cluster_of(Settings::default(), &[("g", &[active("10.0.0.1", 5), active("10.0.0.2", 5)])]);
        let changed = Effect::GroupChanged { group: name("g") };
        let brief = |status| StorageBrief { status, ..view(&cluster, "10.0.0.1").storages[1] };
        let (syncing, offline) = (brief(StorageStatus::Syncing), brief(StorageStatus::Offline));
        let new = StorageBrief { id: id("10.0.0.7"), ip: ip("10.0.0.7"), ..syncing };
        type Step<'a> = (&'a str, Box<dyn FnMut(&mut Cluster) -> Vec<Effect> + 'a>);
        let group = name("g");
        let steps: Vec<Step<'_>> = vec![
            ("join of a new one", Box::new(|c| c.join(now(7), &peer(3, "10.0.0.3"), &join("g")).unwrap().effects)),
            ("dest request", Box::new(|c| c.sync_dest_request(now(7), ConnId(3)).unwrap().effects)),
            ("a later dest request", Box::new(|c| c.sync_dest_request(now(8), ConnId(3)).unwrap().effects)),
            ("disconnect", Box::new(|c| c.disconnect(ConnId(1)))),
            ("join of a known one", Box::new(|c| c.join(now(7), &peer(4, "10.0.0.1"), &join("g")).unwrap().effects)),
            ("beat", Box::new(|c| c.beat(now(8), ConnId(4), None).unwrap().effects)),
            ("silence", Box::new(|c| c.tick(now(500)))),
            ("report", Box::new(|c| c.report_status(now(500), &group, &new).unwrap())),
            ("own request", Box::new(|c| c.change_status(ConnId(4), StorageStatus::Syncing).unwrap())),
            ("notify", Box::new(|c| c.sync_notify(ConnId(4), None).unwrap())),
            ("no report", Box::new(|c| c.report_status(now(500), &group, &syncing).unwrap())),
            ("deletion", Box::new(|c| c.delete_storage(now(501), &group, &offline.id).unwrap())),
            ("trunk server", Box::new(|c| c.set_trunk_server(&group, Some(id("10.0.0.1"))).unwrap())),
        ];
        for (what, mut step) in steps {
            let before = ["10.0.0.1", "10.0.0.3"].map(|of| view(&cluster, of).stamp());
            let effects = step(&mut cluster);
            let after = ["10.0.0.1", "10.0.0.3"].map(|of| view(&cluster, of).stamp());
            assert_eq!(effects.contains(&changed), before != after, "{what}: {effects:?}");
        }
    }
}
