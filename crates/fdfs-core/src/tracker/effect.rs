//! What the shell must do after an event.

use std::fmt;

use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{GroupName, IpText, StorageId};

use super::addr::HostPort;

/// The answer to an event and what must happen before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the effects must be carried out"]
pub struct Outcome<T> {
    /// What the asker is told.
    pub answer: T,
    /// What the shell carries out, in this order, before it answers.
    pub effects: Vec<Effect>,
}

impl<T> Outcome<T> {
    pub(crate) const fn new(answer: T, effects: Vec<Effect>) -> Self {
        Self { answer, effects }
    }
}

/// One thing for the shell to do. Each `Save` and each `GroupChanged` stands at most once in an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write `storage_groups_new.dat` from [`Cluster::group_rows`](super::Cluster::group_rows).
    SaveGroups,
    /// Write `storage_servers_new.dat` from [`Cluster::server_rows`](super::Cluster::server_rows).
    SaveServers,
    /// Write `storage_sync_timestamp.dat` from [`Cluster::timestamp_rows`](super::Cluster::timestamp_rows).
    SaveTimestamps,
    /// Append exactly this text to `storage_changelog.dat`: read positions count its bytes.
    AppendChangelog(String),
    /// Make `storage_changelog.dat` this text: the state of another tracker was taken over.
    ReplaceChangelog(String),
    /// The group, or something that is told of it, changed: storages that watch it want to know.
    GroupChanged {
        /// The group.
        group: GroupName,
    },
    /// The list of trackers grew: a leader may have to be elected, or this tracker is alone and leads.
    TrackersChanged,
    /// This group needs a trunk server: ask the candidates, then appoint one.
    ChooseTrunkServer {
        /// The group.
        group: GroupName,
    },
    /// Something that an operator wants to read in the log.
    Log(Event),
}

/// What made a status change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The storage joined (81).
    Join,
    /// A beat or a disk report (83, 84).
    Beat,
    /// Its newest connection closed.
    Disconnect,
    /// It was silent for longer than `check_active_interval`.
    Silence,
    /// The storage asked who copies the old files to it (87).
    SyncDestRequest,
    /// The storage told who copies the old files to it (88).
    SyncNotify,
    /// A peer reported it (76, 85).
    PeerReport,
    /// The storage asked for it (59).
    OwnRequest,
    /// The administrator (93).
    Administrator,
    /// Its address changed (78).
    AddressChange,
}

/// Something worth a line in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The first storage of a group joined.
    GroupCreated {
        /// The group.
        group: GroupName,
    },
    /// A group was deleted.
    GroupDeleted {
        /// The group.
        group: GroupName,
    },
    /// A storage is new here.
    StorageAdded {
        /// Its group.
        group: GroupName,
        /// Its id.
        id: StorageId,
        /// Its address.
        ip: IpText,
        /// The status that it starts with.
        status: StorageStatus,
    },
    /// The status of a storage changed.
    StatusChanged {
        /// Its group.
        group: GroupName,
        /// Its id.
        id: StorageId,
        /// The status before.
        from: StorageStatus,
        /// The status now.
        to: StorageStatus,
        /// Why.
        cause: Cause,
    },
    /// A storage got a new address, which is its id.
    AddressChanged {
        /// Its group.
        group: GroupName,
        /// The address before.
        old: StorageId,
        /// The address now.
        new: StorageId,
    },
    /// All storages of a group have moved to other values.
    GroupChanged {
        /// The group.
        group: GroupName,
        /// Its port, -1 for different ports.
        port: i64,
        /// Store paths of each storage.
        path_count: usize,
        /// Sub directories on each level.
        subdir_count: usize,
    },
    /// A storage has more store paths than its group: only the first ones are used until all members have as many.
    MorePathsThanGroup {
        /// Its group.
        group: GroupName,
        /// Its id.
        id: StorageId,
        /// Its store paths.
        path_count: usize,
        /// Those of its group.
        group_path_count: usize,
    },
    /// A tracker was forgotten: no storage names it any more.
    TrackerForgotten {
        /// It.
        tracker: HostPort,
    },
    /// storage_ids.conf has other addresses, or another mode, for a storage.
    IdChanged {
        /// Its group.
        group: GroupName,
        /// Its id.
        id: StorageId,
        /// Its first address now.
        ip: IpText,
    },
    /// A storage takes no more uploads, or takes them again.
    Drained {
        /// Its group.
        group: GroupName,
        /// Its id.
        id: StorageId,
        /// Whether it takes none.
        drained: bool,
    },
    /// A group has another trunk server; also a line of `trunk_server_change.log`.
    TrunkServerChanged {
        /// The group.
        group: GroupName,
        /// The trunk server before.
        old: Option<StorageId>,
        /// The trunk server now.
        new: Option<StorageId>,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Join => "it joined",
            Self::Beat => "it is heard",
            Self::Disconnect => "its connection closed",
            Self::Silence => "it was silent for longer than check_active_interval",
            Self::SyncDestRequest => "it asked who copies the old files to it",
            Self::SyncNotify => "it told who copies the old files to it",
            Self::PeerReport => "a peer reported it",
            Self::OwnRequest => "it asked for that",
            Self::Administrator => "the administrator asked for that",
            Self::AddressChange => "its address changed",
        })
    }
}

/// The line of the log, without time and level.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |id: &Option<StorageId>| id.map_or_else(|| "none".to_owned(), |id| id.to_string());
        match self {
            Self::GroupCreated { group } => write!(f, "group {group} is new"),
            Self::GroupDeleted { group } => write!(f, "group {group} is deleted"),
            Self::StorageAdded { group, id, ip, status } => {
                write!(f, "storage {id} of group {group} at {ip} is new, {status}")
            }
            Self::StatusChanged { group, id, from, to, cause } => {
                write!(f, "storage {id} of group {group}: {from} => {to}, because {cause}")
            }
            Self::AddressChanged { group, old, new } => {
                write!(f, "storage {old} of group {group} has the new address {new}")
            }
            Self::GroupChanged { group, port, path_count, subdir_count } => write!(
                f,
                "group {group} has changed: port {port}, {path_count} store paths, {subdir_count} sub directories"
            ),
            Self::MorePathsThanGroup { group, id, path_count, group_path_count } => write!(
                f,
                "storage {id} has {path_count} store paths, its group {group} {group_path_count}: the others wait until \
                 every storage of the group has as many"
            ),
            Self::TrackerForgotten { tracker } => {
                write!(f, "no storage names the tracker {tracker} any more: it does not count from here on")
            }
            Self::IdChanged { group, id, ip } => {
                write!(f, "storage {id} of group {group} has another line in storage_ids.conf: {ip}")
            }
            Self::Drained { group, id, drained: true } => {
                write!(f, "storage {id} of group {group} is drained: it takes no new uploads")
            }
            Self::Drained { group, id, drained: false } => {
                write!(f, "storage {id} of group {group} takes uploads again")
            }
            Self::TrunkServerChanged { group, old, new } => {
                write!(f, "trunk server of group {group}: {} => {}", shown(old), shown(new))
            }
        }
    }
}

/// Asks for a file to be written, once.
pub(crate) fn save(effects: &mut Vec<Effect>, effect: Effect) {
    if !effects.contains(&effect) {
        effects.push(effect);
    }
}

/// Notes that what is told of a group changed, once.
pub(crate) fn changed(effects: &mut Vec<Effect>, group: GroupName) {
    save(effects, Effect::GroupChanged { group });
}

/// Asks for both files that list the storages: the rows of one are matched with the rows of the other.
pub(crate) fn save_members(effects: &mut Vec<Effect>) {
    save(effects, Effect::SaveServers);
    save(effects, Effect::SaveTimestamps);
}
