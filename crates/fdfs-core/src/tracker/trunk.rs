//! Trunk servers: who may become one, who is one, and what it reports. The questions to storages are the shell's.

use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{GroupName, IpText, StorageId};

use super::cluster::{Cluster, ConnId};
use super::effect::{Effect, Event, save};
use super::error::ClusterError;
use super::select::Endpoint;
use super::time::Now;

/// A trunk server's process counts as young for this many intervals.
const YOUNG_INTERVALS: u64 = 10;

/// The storages to ask for the size of their trunk binlog (31).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkCandidates {
    /// The preferred storage of the group; it wins ties.
    pub preferred: Endpoint,
    /// The other writable ones, sorted by id.
    pub others: Vec<Endpoint>,
    /// The last trunk server: any other must drop its trunk marks (32) before it is appointed.
    pub last: Option<StorageId>,
}

/// A trunk server whose connection closed is replaced after this time, unless it is back: a restart takes less.
const GONE_MS: u64 = 3000;

/// What the administrator's request for a trunk server (94) comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrunkRequest {
    /// The live trunk server stays.
    Keep(StorageId),
    /// Choose one: [`Cluster::trunk_candidates`].
    Choose,
    /// Appoint this one.
    Appoint(Endpoint),
}

impl Cluster {
    /// The current trunk file id of the group (72).
    ///
    /// # Errors
    /// [`ClusterError::NotJoined`].
    pub fn trunk_file_id(&self, conn: ConnId) -> Result<u32, ClusterError> {
        let (group, _) = self.require_joined(conn)?;
        Ok(self.groups[group].current_trunk_file_id)
    }

    /// The trunk server tells its newest trunk file (73); the id only grows.
    ///
    /// # Errors
    /// [`ClusterError::NotJoined`], [`ClusterError::NotTrunkServer`].
    pub fn report_trunk_file_id(&mut self, conn: ConnId, id: u32) -> Result<Vec<Effect>, ClusterError> {
        let group = self.require_trunk_server(conn)?;
        let group = &mut self.groups[group];
        if id <= group.current_trunk_file_id {
            return Ok(Vec::new());
        }
        group.current_trunk_file_id = id;
        Ok(vec![Effect::SaveGroups])
    }

    /// The trunk server tells its free space inside trunk files (74).
    ///
    /// # Errors
    /// [`ClusterError::NotJoined`], [`ClusterError::NotTrunkServer`].
    pub fn report_trunk_free(&mut self, conn: ConnId, free_mb: u64) -> Result<(), ClusterError> {
        let group = self.require_trunk_server(conn)?;
        self.groups[group].trunk_free_mb = free_mb;
        self.rebalance();
        Ok(())
    }

    fn require_trunk_server(&self, conn: ConnId) -> Result<usize, ClusterError> {
        let (group, index) = self.require_joined(conn)?;
        let id = self.groups[group].storages[index].id;
        if self.groups[group].trunk_server != Some(id) {
            return Err(ClusterError::NotTrunkServer { id });
        }
        Ok(group)
    }

    /// Whom to ask when a group needs a trunk server; `None` when nobody may be written to.
    #[must_use]
    pub fn trunk_candidates(&self, group: &GroupName, asker: &IpText) -> Option<TrunkCandidates> {
        let group = self.group(group)?;
        let preferred = group.storages.get(group.preferred?)?;
        let others = group.writable().filter(|storage| storage.id != preferred.id);
        Some(TrunkCandidates {
            preferred: preferred.endpoint(asker, &self.settings),
            others: others.map(|storage| storage.endpoint(asker, &self.settings)).collect(),
            last: group.last_trunk_server,
        })
    }

    /// The candidate with the largest trunk binlog: it knows most. Ties go to the one that comes first.
    // Differs from C: the reference does not update the maximum while it looks (behaviour, W-23).
    #[must_use]
    pub fn choose_trunk_server(sizes: &[(StorageId, u64)]) -> Option<StorageId> {
        let mut best: Option<(StorageId, u64)> = None;
        for &(id, size) in sizes {
            if best.is_none_or(|(_, largest)| size > largest) {
                best = Some((id, size));
            }
        }
        best.map(|(id, _)| id)
    }

    /// Makes a storage the trunk server of its group, or takes the role away; also what a follower hears from the
    /// leader (65).
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`], [`ClusterError::NoStorage`].
    pub fn set_trunk_server(&mut self, group: &GroupName, id: Option<StorageId>) -> Result<Vec<Effect>, ClusterError> {
        let group = self.require_group(group)?;
        let group = &mut self.groups[group];
        if let Some(id) = &id {
            group.require(id)?;
        }
        if group.trunk_server == id {
            return Ok(Vec::new());
        }
        let old = std::mem::replace(&mut group.trunk_server, id);
        if id.is_some() {
            group.last_trunk_server = id;
        }
        group.trunk_chg_count += 1;
        self.trunk_chg_count += 1;
        let event = Event::TrunkServerChanged { group: group.name, old, new: id };
        Ok(vec![Effect::Log(event), Effect::SaveGroups, Effect::GroupChanged { group: group.name }])
    }

    /// The trunk server of every group, in group order: the answer to a follower's ping (65).
    pub fn trunk_servers(&self) -> impl Iterator<Item = (GroupName, Option<StorageId>)> {
        self.groups.iter().map(|group| (group.name, group.trunk_server))
    }

    /// The administrator asks for a trunk server (94), by id or whichever is best.
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`]; [`ClusterError::NotLeaderOrNoTrunk`]; [`ClusterError::Already`] or
    /// [`ClusterError::Taken`] when one is alive; [`ClusterError::NoStorage`], [`ClusterError::NotActive`],
    /// [`ClusterError::NotWritable`]; [`ClusterError::NoWritable`] when there is none to choose from.
    pub fn request_trunk_server(
        &self,
        group: &GroupName,
        id: Option<&StorageId>,
        asker: &IpText,
    ) -> Result<TrunkRequest, ClusterError> {
        let group = &self.groups[self.require_group(group)?];
        if !self.trackers.is_leader() || !self.settings.use_trunk_file {
            return Err(ClusterError::NotLeaderOrNoTrunk);
        }
        let current = group.trunk_server.and_then(|id| group.storage(&id));
        let live = current.filter(|storage| storage.status == StorageStatus::Active).map(|storage| storage.id);
        match (id, live) {
            (None, Some(live)) => Ok(TrunkRequest::Keep(live)),
            (None, None) if group.preferred.is_some() => Ok(TrunkRequest::Choose),
            (None, None) => Err(ClusterError::NoWritable { group: Some(group.name) }),
            (Some(id), Some(live)) if *id == live => Err(ClusterError::Already { id: live }),
            (Some(_), Some(live)) => Err(ClusterError::Taken { id: live }),
            (Some(id), None) => {
                let storage = &group.storages[group.require(id)?];
                if storage.status != StorageStatus::Active {
                    return Err(ClusterError::NotActive { id: *id, status: storage.status });
                }
                if !storage.is_writable() {
                    return Err(ClusterError::NotWritable { id: *id });
                }
                Ok(TrunkRequest::Appoint(storage.endpoint(asker, &self.settings)))
            }
        }
    }

    /// The leader asks for a new choice where a trunk server is missing or was silent for too long; one whose process
    /// is young gets more time, because it may be loading its free blocks. Source: behaviour, 3.16.
    // Differs from C: one whose connection closed is given up after seconds (behaviour, W-20).
    pub(crate) fn supervise_trunk_servers(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if !self.settings.use_trunk_file || !self.trackers.is_leader() {
            return;
        }
        let interval_secs = self.settings.check_active_interval_secs;
        for group in self.groups.iter_mut().filter(|group| group.preferred.is_some()) {
            let server = group.trunk_server;
            let lost = match group.storages.iter_mut().find(|storage| server == Some(storage.id)) {
                None => true,
                Some(storage) if storage.status == StorageStatus::Active => false,
                Some(storage) if storage.is_gone => {
                    now.since_ms(*storage.gone_since_mono_ms.get_or_insert(now.mono_ms)) >= GONE_MS
                }
                Some(storage) => {
                    let age_secs = now.unix_secs.saturating_sub(storage.up_time);
                    let young_secs = i64::try_from(interval_secs.saturating_mul(YOUNG_INTERVALS)).unwrap_or(i64::MAX);
                    let mut intervals = match age_secs < young_secs {
                        true if self.settings.trunk_init_check_occupying => 5,
                        true => 3,
                        false => 2,
                    };
                    if age_secs < young_secs && self.settings.trunk_init_reload_from_binlog {
                        intervals *= 2;
                    }
                    let patience_ms = self.settings.check_active_interval_ms().saturating_mul(intervals);
                    now.since_ms(storage.last_beat_mono_ms) > patience_ms
                }
            };
            if lost {
                save(effects, Effect::ChooseTrunkServer { group: group.name });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fdfs_proto::Status;

    use super::*;
    use crate::tracker::tests_support::{active, cluster_of, id, ip, join, name, now, peer};
    use crate::tracker::{HostPort, PathSpace, Settings};

    fn leading(settings: Settings) -> Cluster {
        let mut cluster = cluster_of(settings, &[("g", &[active("10.0.0.1", 50), active("10.0.0.2", 50)])]);
        cluster.set_leader(Some(HostPort { ip: ip("10.0.0.100"), port: 22122 }));
        cluster
    }

    fn trunk() -> Settings {
        Settings { use_trunk_file: true, ..Settings::default() }
    }

    #[test]
    fn w23_the_largest_binlog_wins() {
        for (sizes, expected) in [
            (vec![], None),
            (vec![5], Some("0")),
            (vec![5, 9, 7], Some("1")),
            (vec![5, 7, 9], Some("2")),
            (vec![9, 9], Some("0")),
        ] {
            let sizes: Vec<_> = sizes.iter().enumerate().map(|(n, &size)| (id(&n.to_string()), size)).collect();
            assert_eq!(Cluster::choose_trunk_server(&sizes), expected.map(id), "{sizes:?}");
        }
    }

    #[test]
    fn a_trunk_server_is_chosen_told_and_reports() {
        let mut cluster = leading(trunk());
        let choose = Effect::ChooseTrunkServer { group: name("g") };
        assert_eq!(cluster.tick(now(2)), [choose]);
        let candidates = cluster.trunk_candidates(&name("g"), &ip("10.0.0.9")).unwrap();
        assert_eq!((candidates.preferred.id, candidates.others.len()), (id("10.0.0.1"), 1));
        let _ = cluster.beat(now(2), ConnId(1), None).unwrap();

        let effects = cluster.set_trunk_server(&name("g"), Some(id("10.0.0.2"))).unwrap();
        assert_eq!(effects[1], Effect::SaveGroups);
        assert_eq!(cluster.set_trunk_server(&name("g"), Some(id("10.0.0.2"))), Ok(vec![]));
        assert!(cluster.set_trunk_server(&name("g"), Some(id("10.0.0.7"))).is_err());
        assert_eq!(cluster.tick(now(2)), []);
        let news = cluster.beat(now(2), ConnId(1), None).unwrap().answer;
        assert_eq!((news.trunk_server.unwrap().id, news.storages), (id("10.0.0.2"), None));

        assert_eq!(cluster.report_trunk_file_id(ConnId(1), 5).unwrap_err().status(), Status::EINVAL);
        assert_eq!(cluster.report_trunk_file_id(ConnId(2), 5), Ok(vec![Effect::SaveGroups]));
        assert_eq!(cluster.report_trunk_file_id(ConnId(2), 4), Ok(vec![]), "the id only grows");
        assert_eq!(cluster.trunk_file_id(ConnId(1)), Ok(5));
        assert_eq!(cluster.report_trunk_free(ConnId(2), 77), Ok(()));
        assert_eq!(cluster.list_group(&name("g")).unwrap().trunk_free_mb, 77);
    }

    #[test]
    fn the_administrator_may_appoint_only_when_none_is_alive() {
        let mut cluster = leading(trunk());
        let ask = |cluster: &Cluster, group: &str, wanted: &str| {
            let wanted = Some(id(wanted)).filter(|id| !id.is_empty());
            cluster.request_trunk_server(&name(group), wanted.as_ref(), &ip("10.0.0.9"))
        };
        let status = |result: Result<TrunkRequest, ClusterError>| result.map_err(|error| error.status());
        assert_eq!(ask(&cluster, "g", ""), Ok(TrunkRequest::Choose));
        assert!(matches!(ask(&cluster, "g", "10.0.0.2"), Ok(TrunkRequest::Appoint(_))));
        assert_eq!(status(ask(&cluster, "g", "10.9.9.9")), Err(Status::ENOENT));
        let _ = cluster.set_trunk_server(&name("g"), Some(id("10.0.0.1"))).unwrap();
        assert_eq!(ask(&cluster, "g", ""), Ok(TrunkRequest::Keep(id("10.0.0.1"))));
        assert_eq!(status(ask(&cluster, "g", "10.0.0.1")), Err(Status::EALREADY));
        assert_eq!(status(ask(&cluster, "g", "10.0.0.2")), Err(Status::EEXIST));
        assert_eq!(status(ask(&cluster, "g", "10.9.9.9")), Err(Status::EEXIST), "as recorded");
        let _ = cluster.disconnect(ConnId(1));
        assert_eq!(status(ask(&cluster, "g", "10.0.0.1")), Err(Status::ENONET));
        assert_eq!(status(ask(&cluster, "nosuch", "")), Err(Status::ENOENT));
        for cluster in [leading(Settings::default()), {
            cluster.set_leader(None);
            cluster
        }] {
            assert_eq!(status(ask(&cluster, "g", "")), Err(Status::EOPNOTSUPP));
            assert_eq!(status(ask(&cluster, "nosuch", "")), Err(Status::ENOENT), "the group is looked for first");
        }
    }

    #[test]
    fn w20_a_trunk_server_whose_connection_closed_is_replaced_after_seconds() {
        let mut cluster = leading(trunk());
        let _ = cluster.set_trunk_server(&name("g"), Some(id("10.0.0.1"))).unwrap();
        for conn in [1, 2] {
            let _ = cluster.beat(now(9_000), ConnId(conn), None).unwrap();
        }
        let _ = cluster.disconnect(ConnId(1));
        let choose = Effect::ChooseTrunkServer { group: name("g") };
        let asks = |cluster: &mut Cluster, secs| cluster.tick(now(secs)).contains(&choose);
        assert_eq!([9_001, 9_003, 9_004].map(|secs| asks(&mut cluster, secs)), [false, false, true]);
        // One that is back in time keeps its role.
        let _ = cluster.join(now(9_005), &peer(7, "10.0.0.1"), &join("g")).unwrap();
        let _ = cluster.disk_usage(now(9_005), ConnId(7), &[PathSpace::default()]).unwrap();
        let _ = cluster.beat(now(9_005), ConnId(7), None).unwrap();
        assert!(!asks(&mut cluster, 9_006));
        let _ = cluster.disconnect(ConnId(7));
        assert_eq!([9_007, 9_009, 9_010].map(|secs| asks(&mut cluster, secs)), [false, false, true]);
    }

    #[test]
    fn a_silent_trunk_server_is_replaced_after_its_patience() {
        // check_active_interval is 100 s; a process counts as young for 1000 s.
        for (occupying, reload, started, patience_secs) in [
            (false, false, 1, 200),
            (false, false, 9_000, 300),
            (true, false, 9_000, 500),
            (false, true, 9_000, 600),
            (true, true, 1, 200),
        ] {
            let settings =
                Settings { trunk_init_check_occupying: occupying, trunk_init_reload_from_binlog: reload, ..trunk() };
            let mut cluster = leading(settings);
            let _ = cluster.set_trunk_server(&name("g"), Some(id("10.0.0.1"))).unwrap();
            for conn in [1, 2] {
                let _ = cluster.beat(now(9_000), ConnId(conn), None).unwrap();
            }
            cluster.groups[0].storages[0].up_time = started;
            let mut asked = Vec::new();
            for secs in 0..700 {
                let _ = cluster.disk_usage(now(9_000 + secs), ConnId(2), &[PathSpace::default()]).unwrap();
                let _ = cluster.beat(now(9_000 + secs), ConnId(2), None).unwrap();
                let effects = cluster.tick(now(9_000 + secs));
                asked.extend(effects.contains(&Effect::ChooseTrunkServer { group: name("g") }).then_some(secs));
            }
            assert_eq!(asked.first(), Some(&(patience_secs + 1)), "{occupying} {reload} {started}");
        }
    }
}
