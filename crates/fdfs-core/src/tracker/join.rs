//! A storage joins (81).

use fdfs_proto::limits::{GROUPS, STORAGES_PER_GROUP, STORE_PATHS, SUBDIRS, TRACKERS};
use fdfs_proto::shared::{RwMode, StorageStatus};
use fdfs_proto::{GroupName, IpText, StorageId, VersionText};

use super::addr::Addrs;
use super::cluster::{Cluster, ConnId, Joined};
use super::effect::{Cause, Effect, Event, Outcome, changed, save, save_members};
use super::error::ClusterError;
use super::group::{Group, GroupPort};
use super::ids::id_of_address;
use super::status::{self, StatusEvent};
use super::storage::Storage;
use super::terms::TERMS_PATIENCE_MS;
use super::time::Now;
use super::trackers::TrackerAddr;

/// What a storage tells when it joins; numbers as they came. Source: wire specification, 2.3.1.
#[derive(Debug, Clone)]
pub struct Join {
    /// Its group.
    pub group: GroupName,
    /// Its port.
    pub port: i64,
    /// Its store paths.
    pub path_count: i64,
    /// Its sub directories on each level.
    pub subdir_count: i64,
    /// Its upload priority; lower is preferred.
    pub upload_priority: i64,
    /// Its first start ever, unix seconds.
    pub join_time: i64,
    /// The start of its process, unix seconds.
    pub up_time: i64,
    /// Its version.
    pub version: VersionText,
    /// Whether it is new, without the old files of its group.
    pub init_flag: bool,
    /// The status that it last heard of itself, -1 for "never".
    pub own_status: i8,
    /// Its id with storage ids on; empty otherwise.
    pub id: StorageId,
    /// The tracker's address as the storage dialled it.
    pub dialled_ip: IpText,
    /// The trackers of its configuration.
    pub trackers: Vec<TrackerAddr>,
}

/// The connection of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinPeer {
    /// Its number.
    pub conn: ConnId,
    /// The storage's address.
    pub ip: IpText,
    /// The address that the storage connected to.
    pub local_ip: IpText,
}

/// What a storage is told when it has joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinAnswer {
    /// Its status now.
    pub status: StorageStatus,
    /// Who copies the old files to it, if that is decided.
    pub sync_source: Option<StorageId>,
    /// The id that it goes by here.
    pub id: StorageId,
}

/// The numbers of a join, checked.
#[derive(Debug, Clone, Copy)]
struct Shape {
    port: u16,
    path_count: usize,
    subdir_count: usize,
}

impl Shape {
    fn checked(join: &Join) -> Result<Self, ClusterError> {
        let bad = |field, value| Err(ClusterError::BadValue { field, value });
        if join.trackers.is_empty() || join.trackers.len() > TRACKERS {
            return bad("tracker count", join.trackers.len() as i64);
        }
        if join.group.is_empty() {
            return bad("group name length", 0);
        }
        let Some(port) = u16::try_from(join.port).ok().filter(|&port| port > 0) else {
            return bad("port", join.port);
        };
        let Some(path_count) = count_up_to(join.path_count, STORE_PATHS) else {
            return bad("store path count", join.path_count);
        };
        let Some(subdir_count) = count_up_to(join.subdir_count, SUBDIRS) else {
            return bad("sub directory count", join.subdir_count);
        };
        Ok(Self { port, path_count, subdir_count })
    }
}

fn count_up_to(value: i64, max: usize) -> Option<usize> {
    usize::try_from(value).ok().filter(|count| (1..=max).contains(count))
}

/// Who joins, as this tracker names it.
struct Identity {
    id: StorageId,
    addrs: Addrs,
    rw: RwMode,
}

/// The values of the group once the join is accepted.
struct GroupValues {
    port: GroupPort,
    path_count: usize,
    subdir_count: usize,
}

impl Cluster {
    /// A storage joins. Checks come in the reference's order; nothing is taken over unless all pass, but for the
    /// port and counts of a known member, which its group may be about to move to.
    ///
    /// # Errors
    /// [`ClusterError::BadValue`], [`ClusterError::NotInTrackerList`], [`ClusterError::UnknownId`],
    /// [`ClusterError::OtherGroup`], [`ClusterError::PortDiffers`], [`ClusterError::TooFewPaths`],
    /// [`ClusterError::SubdirsDiffer`], [`ClusterError::BadOwnStatus`], [`ClusterError::Full`].
    pub fn join(&mut self, now: Now, peer: &JoinPeer, join: &Join) -> Result<Outcome<JoinAnswer>, ClusterError> {
        let shape = Shape::checked(join)?;
        let news = self.hear_of_trackers(&join.trackers, peer.local_ip, join.dialled_ip)?;
        let who = self.identify(peer, join, shape.port)?;

        let known_group = self.find_group(&join.group);
        let known = known_group.and_then(|group| Some((group, self.groups[group].find(&who.id)?)));
        let values = self.judge_shape(known_group, known, shape).inspect_err(|_| self.remember_shape(known, shape))?;
        let first_status = match known {
            Some(_) => None,
            None => Some(self.judge_newcomer(known_group, join)?),
        };

        let mut effects = Vec::new();
        self.leave_other_storage(peer.conn, &join.group, &who.id, &mut effects);
        if self.learn_trackers(news) {
            effects.push(Effect::TrackersChanged);
        }
        // Differs from C: the group is created only now, so that a refused join leaves no empty group behind
        // (wire specification, 6, duty 14).
        let group = known_group.unwrap_or_else(|| self.create_group(join.group, &mut effects));
        self.set_group_values(group, &values, &mut effects);
        let storage = match (known, first_status) {
            (Some((_, storage)), _) => self.rejoin(group, storage, &who, shape.port, &mut effects),
            (None, status) => {
                let status = status.unwrap_or(StorageStatus::Init);
                self.add_storage(now, group, &who, shape.port, status, &mut effects)
            }
        };
        self.note_join(now, (group, storage), peer, join, &who, shape);
        self.forget_trackers((group, storage), &join.trackers, &mut effects);
        if shape.path_count > self.groups[group].path_count {
            effects.push(Effect::Log(Event::MorePathsThanGroup {
                group: join.group,
                id: who.id,
                path_count: shape.path_count,
                group_path_count: self.groups[group].path_count,
            }));
        }
        let storage = &self.groups[group].storages[storage];
        let answer = JoinAnswer { status: storage.status, sync_source: storage.sync_source, id: storage.id };
        Ok(Outcome::new(answer, effects))
    }

    fn identify(&self, peer: &JoinPeer, join: &Join, port: u16) -> Result<Identity, ClusterError> {
        let Some(ids) = &self.settings.ids else {
            return Ok(Identity { id: id_of_address(&peer.ip), addrs: Addrs::one(peer.ip), rw: RwMode::Both });
        };
        let entry = if self.settings.trust_storage_server_id && !join.id.is_empty() {
            ids.by_id(&join.id)
        } else {
            ids.by_group_addr(&join.group, &peer.ip, port)
        };
        let entry = entry.ok_or(ClusterError::UnknownId { id: join.id, ip: peer.ip, port })?;
        if entry.group != join.group {
            return Err(ClusterError::OtherGroup { id: entry.id, group: entry.group });
        }
        Ok(Identity { id: entry.id, addrs: entry.addrs, rw: entry.rw })
    }

    /// What the group's port and counts become, or why the storage does not fit. A group moves to other values when
    /// all its other members have announced them.
    fn judge_shape(
        &self,
        group: Option<usize>,
        known: Option<(usize, usize)>,
        shape: Shape,
    ) -> Result<GroupValues, ClusterError> {
        let Shape { port, path_count, subdir_count } = shape;
        let mut values = GroupValues { port: GroupPort::One(port), path_count, subdir_count };
        let Some(group) = group.map(|group| &self.groups[group]) else {
            return Ok(values);
        };
        let own_index = known.map(|(_, storage)| storage);
        let others = || {
            let others = group.storages.iter().enumerate().filter(move |(index, _)| Some(*index) != own_index);
            others.map(|(_, storage)| storage).filter(|storage| status::is_stored(storage.status))
        };
        let fits = match group.port {
            GroupPort::Unset => true,
            GroupPort::One(group_port) => group_port == port,
            GroupPort::Mixed => false,
        };
        if !fits {
            if self.settings.allows_mixed_ports() {
                values.port = GroupPort::Mixed;
            } else if !others().all(|storage| storage.port == port) {
                return Err(ClusterError::PortDiffers { port, group_port: group.port.number() });
            }
        }
        let paths_fit = group.path_count == 0 || others().all(|storage| storage.path_count == path_count);
        if path_count != group.path_count && !paths_fit {
            if path_count < group.path_count {
                return Err(ClusterError::TooFewPaths { path_count, group_path_count: group.path_count });
            }
            values.path_count = group.path_count;
        }
        let subdirs_fit = group.subdir_count == 0 || others().all(|storage| storage.subdir_count == subdir_count);
        if subdir_count != group.subdir_count && !subdirs_fit {
            return Err(ClusterError::SubdirsDiffer { subdir_count, group_subdir_count: group.subdir_count });
        }
        Ok(values)
    }

    /// Keeps what a known member announced although its join was refused: a group can only move to other values if
    /// the last member to come can see that all the others want them. A serving member keeps its port.
    fn remember_shape(&mut self, known: Option<(usize, usize)>, shape: Shape) {
        if let Some((group, storage)) = known {
            let storage = &mut self.groups[group].storages[storage];
            if !status::is_live(storage.status) {
                storage.port = shape.port;
                storage.path_count = shape.path_count;
                storage.subdir_count = shape.subdir_count;
            }
        }
    }

    fn judge_newcomer(&self, group: Option<usize>, join: &Join) -> Result<StorageStatus, ClusterError> {
        let status = status::on_first_join(join.init_flag, join.own_status)
            .ok_or(ClusterError::BadOwnStatus { status: join.own_status })?;
        match group {
            None if self.groups.len() >= GROUPS => Err(ClusterError::Full { what: "groups", limit: GROUPS }),
            Some(group) if self.groups[group].is_full() => {
                Err(ClusterError::Full { what: "storages in a group", limit: STORAGES_PER_GROUP })
            }
            _ => Ok(status),
        }
    }

    /// A connection belongs to one storage: joining as another one leaves the first.
    fn leave_other_storage(&mut self, conn: ConnId, group: &GroupName, id: &StorageId, effects: &mut Vec<Effect>) {
        if let Some(joined) = self.joined.get(&conn)
            && (joined.group, joined.id) != (*group, *id)
        {
            effects.extend(self.disconnect(conn));
        }
    }

    fn create_group(&mut self, name: GroupName, effects: &mut Vec<Effect>) -> usize {
        let index = self.groups.partition_point(|group| group.name < name);
        self.groups.insert(index, Group::new(name));
        effects.push(Effect::Log(Event::GroupCreated { group: name }));
        save(effects, Effect::SaveGroups);
        index
    }

    fn set_group_values(&mut self, group: usize, values: &GroupValues, effects: &mut Vec<Effect>) {
        let group = &mut self.groups[group];
        let GroupValues { port, path_count, subdir_count } = *values;
        if (group.port, group.path_count, group.subdir_count) == (port, path_count, subdir_count) {
            return;
        }
        let is_new = group.path_count == 0;
        (group.port, group.path_count, group.subdir_count) = (port, path_count, subdir_count);
        save(effects, Effect::SaveGroups);
        if !is_new {
            let port = port.number();
            effects.push(Effect::Log(Event::GroupChanged { group: group.name, port, path_count, subdir_count }));
        }
    }

    fn add_storage(
        &mut self,
        now: Now,
        group: usize,
        who: &Identity,
        port: u16,
        status: StorageStatus,
        effects: &mut Vec<Effect>,
    ) -> usize {
        let mut storage = Storage::new(who.id, who.addrs, port, status);
        storage.last_beat_mono_ms = now.mono_ms;
        let group = &mut self.groups[group];
        effects.push(Effect::Log(Event::StorageAdded {
            group: group.name,
            id: who.id,
            ip: *who.addrs.first(),
            status,
        }));
        save_members(effects);
        changed(effects, group.name);
        group.forget_former(who.addrs.first().as_str());
        group.add(storage, &self.settings)
    }

    fn rejoin(&mut self, group: usize, index: usize, who: &Identity, port: u16, effects: &mut Vec<Effect>) -> usize {
        let group = &mut self.groups[group];
        let storage = &mut group.storages[index];
        if (storage.addrs, storage.port) != (who.addrs, port) {
            (storage.addrs, storage.port) = (who.addrs, port);
            group.chg_count += 1;
            changed(effects, group.name);
        }
        let from = storage.status;
        if !status::is_stored(from) {
            // A fresh life in the slot of a deleted storage.
            storage.clear_numbers();
        }
        group.set_status(index, status::after(from, StatusEvent::Join), Cause::Join, &self.settings, effects);
        index
    }

    /// What every accepted join takes over.
    fn note_join(
        &mut self,
        now: Now,
        (group, index): (usize, usize),
        peer: &JoinPeer,
        join: &Join,
        who: &Identity,
        shape: Shape,
    ) {
        let group = &mut self.groups[group];
        let storage = &mut group.storages[index];
        storage.rw = who.rw;
        storage.path_count = shape.path_count;
        storage.subdir_count = shape.subdir_count;
        storage.upload_priority = join.upload_priority;
        storage.join_time = join.join_time;
        storage.up_time = join.up_time;
        storage.version = join.version;
        if storage.status == StorageStatus::Init {
            storage.changelog_offset = self.changelog.len();
        }
        let told_leader_chg_count = match self.joined.get(&peer.conn) {
            Some(joined) if storage.connection == Some(peer.conn) => joined.told_leader_chg_count,
            _ => 0,
        };
        if storage.connection != Some(peer.conn) {
            // Differs from C: only the newest connection of a storage counts from here on, so that the end of an
            // older one cannot set a working storage OFFLINE (behaviour, W-33). It may be a new process as well,
            // which has to be told everything.
            storage.connection = Some(peer.conn);
            (storage.is_gone, storage.gone_since_mono_ms) = (false, None);
            (storage.told_chg_count, storage.told_trunk_chg_count) = (0, 0);
            storage.terms_due_mono_ms = Some(now.mono_ms.saturating_add(TERMS_PATIENCE_MS));
        }
        // Its id or addresses may be others, and so the rules of tracker.conf that are about it.
        storage.set_routes(&group.name, &self.settings);
        let joined = Joined { group: group.name, id: storage.id, peer_ip: peer.ip, told_leader_chg_count };
        self.joined.insert(peer.conn, joined);
        // The priority and the right to write decide who is preferred.
        group.rebuild(&self.settings);
    }
}
