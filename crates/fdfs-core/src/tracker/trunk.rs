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
            preferred: preferred.endpoint(asker),
            others: others.map(|storage| storage.endpoint(asker)).collect(),
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
        Ok(vec![Effect::Log(event), Effect::SaveGroups])
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
                if !storage.rw.can_write() {
                    return Err(ClusterError::NotWritable { id: *id });
                }
                Ok(TrunkRequest::Appoint(storage.endpoint(asker)))
            }
        }
    }

    /// The leader asks for a new choice where a trunk server is missing or was silent for too long; one whose process
    /// is young gets more time, because it may be loading its free blocks. Source: behaviour, 3.16.
    pub(crate) fn supervise_trunk_servers(&self, now: Now, effects: &mut Vec<Effect>) {
        if !self.settings.use_trunk_file || !self.trackers.is_leader() {
            return;
        }
        let interval_secs = self.settings.check_active_interval_secs;
        for group in self.groups.iter().filter(|group| group.preferred.is_some()) {
            let lost = match group.trunk_server.and_then(|id| group.storage(&id)) {
                None => true,
                Some(storage) if storage.status == StorageStatus::Active => false,
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
