//! Deletions by the administrator (93, 108) and changed addresses (78).

use fdfs_proto::limits::STORAGES_PER_GROUP;
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{GroupName, IpText, StorageId};

use super::addr::Addrs;
use super::cluster::Cluster;
use super::effect::{Cause, Effect, Event, changed, save, save_members};
use super::error::ClusterError;
use super::ids::id_of_address;
use super::status::{self, StatusEvent};
use super::storage::Storage;
use super::time::Now;

impl Cluster {
    /// Deletes a storage that does not serve (93). Its slot stays, DELETED, until the next restart.
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`]; [`ClusterError::NoStorage`], also for a changed address; [`ClusterError::Live`];
    /// [`ClusterError::Already`].
    pub fn delete_storage(&mut self, now: Now, group: &GroupName, id: &StorageId) -> Result<Vec<Effect>, ClusterError> {
        let group = self.require_group(group)?;
        let group = &mut self.groups[group];
        let index = group.require(id)?;
        match group.storages[index].status {
            StorageStatus::IpChanged => return Err(ClusterError::NoStorage { group: group.name, id: *id }),
            StorageStatus::Deleted => return Err(ClusterError::Already { id: *id }),
            live if status::is_live(live) => return Err(ClusterError::Live { id: *id, status: live }),
            _ => {}
        }
        let to = status::after(group.storages[index].status, StatusEvent::Deleted);
        let mut effects = Vec::new();
        let line = self.changelog.append(now.unix_secs, &group.name, id, StorageStatus::Deleted, None);
        effects.push(Effect::AppendChangelog(line));
        for storage in &mut group.storages {
            if storage.sync_source == Some(*id) {
                storage.forget_source();
            }
            storage.synced_from.remove(id);
            storage.sync_basis.remove(id);
        }
        group.storages[index].clear_numbers();
        if group.trunk_server == Some(*id) {
            group.trunk_server = None;
            group.trunk_chg_count += 1;
            self.trunk_chg_count += 1;
            let event = Event::TrunkServerChanged { group: group.name, old: Some(*id), new: None };
            effects.push(Effect::Log(event));
            save(&mut effects, Effect::SaveGroups);
        }
        group.set_status(index, to, Cause::Administrator, &self.settings, &mut effects);
        Ok(effects)
    }

    /// Deletes a group without storages (108).
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`]; [`ClusterError::GroupNotEmpty`]: deleted storages count until the next restart.
    pub fn delete_group(&mut self, group: &GroupName) -> Result<Vec<Effect>, ClusterError> {
        let index = self.require_group(group)?;
        let storage_count = self.groups[index].storages.len();
        if storage_count > 0 {
            return Err(ClusterError::GroupNotEmpty { storage_count });
        }
        Ok(self.remove_group(index))
    }

    /// Deletes a group in which there is nothing but the slots of deleted storages (our own command 249): the tracker need
    /// not be restarted first (behaviour, W-29).
    ///
    /// # Errors
    /// As [`Cluster::delete_group`], but deleted storages do not count.
    pub fn drop_group(&mut self, group: &GroupName) -> Result<Vec<Effect>, ClusterError> {
        let index = self.require_group(group)?;
        let is_left = |storage: &&Storage| status::is_stored(storage.status);
        let storage_count = self.groups[index].storages.iter().filter(is_left).count();
        if storage_count > 0 {
            return Err(ClusterError::GroupNotEmpty { storage_count });
        }
        Ok(self.remove_group(index))
    }

    fn remove_group(&mut self, index: usize) -> Vec<Effect> {
        let group = self.groups.remove(index).name;
        self.rebalance();
        let mut effects = vec![Effect::Log(Event::GroupDeleted { group }), Effect::SaveGroups];
        save_members(&mut effects);
        effects
    }

    /// A storage that is identified by its address has a new one (78). It keeps its data under the new address; an
    /// entry with the old address remains, IP_CHANGED, until the next restart.
    ///
    /// # Errors
    /// [`ClusterError::OnlyWithoutIds`]; [`ClusterError::NotPeerAddress`]; [`ClusterError::NoGroup`];
    /// [`ClusterError::NoStorage`], also for a deleted one; [`ClusterError::Live`]; [`ClusterError::Already`];
    /// [`ClusterError::Taken`].
    pub fn report_ip_changed(
        &mut self,
        now: Now,
        peer_ip: &IpText,
        group: &GroupName,
        old_ip: &IpText,
        new_ip: &IpText,
    ) -> Result<Vec<Effect>, ClusterError> {
        if self.settings.ids.is_some() {
            return Err(ClusterError::OnlyWithoutIds);
        }
        if new_ip != peer_ip {
            return Err(ClusterError::NotPeerAddress { told: *new_ip, peer: *peer_ip });
        }
        let (old, new) = (id_of_address(old_ip), id_of_address(new_ip));
        let group = self.require_group(group)?;
        let group = &mut self.groups[group];
        let mut index = group.require(&old)?;
        match group.storages[index].status {
            StorageStatus::Deleted => return Err(ClusterError::NoStorage { group: group.name, id: old }),
            StorageStatus::IpChanged => return Err(ClusterError::Already { id: old }),
            live if status::is_live(live) => return Err(ClusterError::Live { id: old, status: live }),
            _ => {}
        }
        if let Some(taken) = group.find(&new) {
            if group.storages[taken].status != StorageStatus::Deleted {
                return Err(ClusterError::Taken { id: new });
            }
            // Two entries must not go by one id: the deleted one makes room.
            group.storages.remove(taken);
            if taken < index {
                index -= 1;
            }
        }

        let mut effects = Vec::new();
        let line = self.changelog.append(now.unix_secs, &group.name, &old, StorageStatus::IpChanged, Some(&new));
        effects.push(Effect::AppendChangelog(line));
        let storage = &mut group.storages[index];
        let left = status::after(storage.status, StatusEvent::AddressLeft);
        let twin = Storage::new(old, storage.addrs, storage.port, left);
        storage.id = new;
        storage.addrs = Addrs::one(*new_ip);
        group.forget_former(new_ip.as_str());
        if let Ok(addr) = old_ip.as_str().parse() {
            group.note_former(index, addr);
        }
        for storage in &mut group.storages {
            if storage.sync_source == Some(old) {
                storage.sync_source = Some(new);
            }
            storage.synced_from.rename(&old, new);
            storage.sync_basis.rename(&old, new);
        }
        let trunk_role = group.trunk_server == Some(old);
        if trunk_role {
            group.trunk_server = Some(new);
            group.trunk_chg_count += 1;
            self.trunk_chg_count += 1;
        }
        if group.last_trunk_server == Some(old) {
            group.last_trunk_server = Some(new);
        }
        for joined in self.joined.values_mut() {
            if joined.group == group.name && joined.id == old {
                joined.id = new;
            }
        }
        if group.storages.len() < STORAGES_PER_GROUP {
            group.add(twin, &self.settings);
        } else {
            group.chg_count += 1;
            group.rebuild(&self.settings);
        }
        changed(&mut effects, group.name);
        effects.push(Effect::Log(Event::AddressChanged { group: group.name, old, new }));
        save(&mut effects, Effect::SaveGroups);
        save_members(&mut effects);
        Ok(effects)
    }
}
