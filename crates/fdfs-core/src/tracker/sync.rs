//! Who copies old files to whom, and what storages report of each other.

use fdfs_proto::limits::STORAGES_PER_GROUP;
use fdfs_proto::shared::{RwMode, StorageBrief, StorageStatus};
use fdfs_proto::{GroupName, IpText, StorageId};

use super::addr::Addrs;
use super::cluster::{Cluster, ConnId};
use super::effect::{Cause, Effect, Event, Outcome, changed, save, save_members};
use super::error::ClusterError;
use super::group::GroupPort;
use super::status::{self, StatusEvent};
use super::storage::Storage;
use super::time::Now;

/// Who copies the old files to a storage, and up to which time. Source: wire specification, 2.1.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncSource {
    /// The source.
    pub id: StorageId,
    /// Files written before this come from the source, unix seconds.
    pub until: i64,
}

impl Cluster {
    /// A new storage asks who copies the old files to it (87); `None`: nobody has any.
    ///
    /// # Errors
    /// [`ClusterError::NotJoined`]; [`ClusterError::NoSyncSource`] when others exist, but none is writable now.
    pub fn sync_dest_request(&mut self, now: Now, conn: ConnId) -> Result<Outcome<Option<SyncSource>>, ClusterError> {
        let (group, index) = self.require_joined(conn)?;
        let group = &mut self.groups[group];
        let mut effects = Vec::new();
        let has_others =
            group.storages.iter().enumerate().any(|(other, storage)| other != index && storage.status.is_available());
        let answer = if has_others {
            let source = group.writable.iter().copied().chain(group.drained()).find(|&other| other != index);
            let id = group.storages[source.ok_or(ClusterError::NoSyncSource)?].id;
            Some(SyncSource { id, until: now.unix_secs })
        } else {
            None
        };
        let event = match answer {
            Some(source) => {
                group.set_source(index, Some(source));
                StatusEvent::SourceChosen
            }
            None => StatusEvent::NobodyElse,
        };
        let to = status::after(group.storages[index].status, event);
        changed(&mut effects, group.name);
        group.set_status(index, to, Cause::SyncDestRequest, &self.settings, &mut effects);
        save(&mut effects, Effect::SaveServers);
        Ok(Outcome::new(answer, effects))
    }

    /// A storage tells what another tracker decided for it (88); `None`: nobody copies old files to it.
    ///
    /// # Errors
    /// [`ClusterError::NotJoined`]; [`ClusterError::NoStorage`] when it still waits for a source that is unknown or
    /// gone: it then asks for another one.
    // Differs from C: without a join the reference crashes on this command (behaviour, W-31).
    pub fn sync_notify(&mut self, conn: ConnId, source: Option<SyncSource>) -> Result<Vec<Effect>, ClusterError> {
        let (group, index) = self.require_joined(conn)?;
        let group = &mut self.groups[group];
        let mut effects = Vec::new();
        let from = group.storages[index].status;
        let to = match source {
            None => status::after(from, StatusEvent::ToldNoSource),
            Some(source) => {
                if status::is_joining(from) {
                    let found = group.require(&source.id)?;
                    if !status::is_stored(group.storages[found].status) {
                        return Err(ClusterError::NoStorage { group: group.name, id: source.id });
                    }
                    let storage = &group.storages[index];
                    // Differs from C: a later choice replaces an earlier one, so that trackers agree on it.
                    if storage.sync_source.is_none() || source.until > storage.sync_until {
                        group.set_source(index, Some(source));
                        changed(&mut effects, group.name);
                        save(&mut effects, Effect::SaveServers);
                    }
                }
                status::after(from, StatusEvent::ToldSource)
            }
        };
        if from != to {
            group.set_status(index, to, Cause::SyncNotify, &self.settings, &mut effects);
            save(&mut effects, Effect::SaveServers);
        }
        Ok(effects)
    }

    /// Who copies old files to the asking storage (79).
    ///
    /// # Errors
    /// [`ClusterError::NotJoined`].
    // Differs from C: without a join the reference crashes on this command (behaviour, W-31).
    pub fn sync_dest_query(&self, conn: ConnId) -> Result<Option<SyncSource>, ClusterError> {
        let (group, index) = self.require_joined(conn)?;
        let storage = &self.groups[group].storages[index];
        Ok(storage.sync_source.map(|id| SyncSource { id, until: storage.sync_until }))
    }

    /// A storage asks who copies old files to a peer (86); `None`: nobody does.
    ///
    /// A source that can no longer do it is forgotten. The time is that of [`Group::until_for`]: `asker` is the address of
    /// the peer that asks.
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`]; [`ClusterError::NoStorage`] also for INIT, DELETED and IP_CHANGED destinations.
    pub fn sync_source_request(
        &mut self,
        group: &GroupName,
        dest: &StorageId,
        asker: &IpText,
    ) -> Result<Outcome<Option<SyncSource>>, ClusterError> {
        let group = self.require_group(group)?;
        let group = &mut self.groups[group];
        let index = group.require(dest)?;
        let storage = &group.storages[index];
        if storage.status == StorageStatus::Init || !status::is_stored(storage.status) {
            return Err(ClusterError::NoStorage { group: group.name, id: *dest });
        }
        let Some(id) = storage.sync_source else {
            return Ok(Outcome::new(None, Vec::new()));
        };
        let until = group.until_for(index, asker);
        let source_status = group.storage(&id).map(|source| source.status);
        match source_status {
            Some(StorageStatus::Offline | StorageStatus::Online | StorageStatus::Active | StorageStatus::Recovery) => {
                Ok(Outcome::new(Some(SyncSource { id, until }), Vec::new()))
            }
            _ => {
                group.set_source(index, None);
                Ok(Outcome::new(None, vec![Effect::SaveServers, Effect::GroupChanged { group: group.name }]))
            }
        }
    }

    /// A storage asks for a status of its own, to make this tracker agree with the leader (59).
    ///
    /// # Errors
    /// [`ClusterError::NotJoined`].
    pub fn change_status(&mut self, conn: ConnId, asked: StorageStatus) -> Result<Vec<Effect>, ClusterError> {
        let (group, index) = self.require_joined(conn)?;
        let group = &mut self.groups[group];
        let mut effects = Vec::new();
        let from = group.storages[index].status;
        let to = status::after(from, StatusEvent::Asked(asked));
        if from != to {
            group.set_status(index, to, Cause::OwnRequest, &self.settings, &mut effects);
            save(&mut effects, Effect::SaveServers);
        }
        Ok(effects)
    }

    /// A storage reports the status of a peer (76); it need not have joined.
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`].
    pub fn report_status(
        &mut self,
        now: Now,
        group: &GroupName,
        brief: &StorageBrief,
    ) -> Result<Vec<Effect>, ClusterError> {
        let group = self.require_group(group)?;
        let mut effects = Vec::new();
        self.merge_brief(now, group, brief, &mut effects);
        Ok(effects)
    }

    /// A storage sends its own view of peers where it is ahead (85); the leader ignores it.
    ///
    /// # Errors
    /// [`ClusterError::NotJoined`]; [`ClusterError::BadValue`] for no or too many records.
    pub fn replica_change(
        &mut self,
        now: Now,
        conn: ConnId,
        briefs: &[StorageBrief],
    ) -> Result<Vec<Effect>, ClusterError> {
        let (group, _) = self.require_joined(conn)?;
        if briefs.is_empty() || briefs.len() > STORAGES_PER_GROUP {
            return Err(ClusterError::BadValue { field: "storage count", value: briefs.len() as i64 });
        }
        let mut effects = Vec::new();
        if !self.trackers.is_leader() {
            for brief in briefs {
                self.merge_brief(now, group, brief, &mut effects);
            }
        }
        Ok(effects)
    }

    fn merge_brief(&mut self, now: Now, group: usize, brief: &StorageBrief, effects: &mut Vec<Effect>) {
        let Some(index) = self.groups[group].find(&brief.id) else {
            return self.add_reported(now, group, brief, effects);
        };
        let group = &mut self.groups[group];
        let from = group.storages[index].status;
        let to = status::after(from, StatusEvent::Reported(brief.status));
        if from != to {
            // A storage that only others hear is given one interval to be heard here.
            group.storages[index].last_beat_mono_ms = now.mono_ms;
            if status::is_joining(from) && to.is_available() {
                group.note_old_files_came(now, index);
                save(effects, Effect::SaveTimestamps);
            }
            group.set_status(index, to, Cause::PeerReport, &self.settings, effects);
            save(effects, Effect::SaveServers);
        }
    }

    /// A peer names a storage that never joined here.
    fn add_reported(&mut self, now: Now, group: usize, brief: &StorageBrief, effects: &mut Vec<Effect>) {
        let Some(status) = status::on_first_report(brief.status) else {
            return;
        };
        let group = &mut self.groups[group];
        if brief.id.is_empty() || group.storages.len() >= STORAGES_PER_GROUP {
            return;
        }
        let entry = self.settings.ids.as_ref().map(|ids| ids.by_id(&brief.id));
        let (addrs, rw) = match entry {
            None => (Addrs::one(brief.ip), RwMode::Both),
            Some(Some(entry)) if entry.group == group.name => (entry.addrs, entry.rw),
            // With storage ids on, only those of the file exist.
            Some(_) => return,
        };
        let port = match (u16::try_from(brief.port), group.port) {
            (Ok(port), _) if port > 0 => port,
            (_, GroupPort::One(port)) => port,
            _ => 0,
        };
        let mut storage = Storage::new(brief.id, addrs, port, status);
        storage.rw = rw;
        storage.last_beat_mono_ms = now.mono_ms;
        storage.path_count = group.path_count;
        storage.subdir_count = group.subdir_count;
        storage.changelog_offset = self.changelog.len();
        let event = Event::StorageAdded { group: group.name, id: brief.id, ip: *addrs.first(), status };
        effects.push(Effect::Log(event));
        save_members(effects);
        changed(effects, group.name);
        group.add(storage, &self.settings);
    }
}
