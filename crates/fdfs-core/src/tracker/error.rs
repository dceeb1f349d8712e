//! Why a tracker refuses.

use std::fmt;

use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{GroupName, IpText, Status, StorageId};

/// Why a tracker refuses an event or a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterError {
    /// The command needs a join on the same connection.
    NotJoined,
    /// No such group.
    NoGroup {
        /// The name asked for.
        group: GroupName,
    },
    /// There is no group at all.
    NoGroups,
    /// No such storage in the group.
    NoStorage {
        /// The group.
        group: GroupName,
        /// The id or address asked for.
        id: StorageId,
    },
    /// No storage of the group (or of any group) may take writes now.
    NoWritable {
        /// The group, if one was asked for.
        group: Option<GroupName>,
    },
    /// No storage of the group may serve reads now, or none is known to have the file.
    NoReadable {
        /// The group.
        group: GroupName,
    },
    /// The group has no store path.
    NoStorePaths {
        /// The group.
        group: GroupName,
    },
    /// Everything is filled up to the reserved space.
    NoSpace {
        /// The group, if one was asked for or found.
        group: Option<GroupName>,
    },
    /// A number or text of the request is outside of what is allowed.
    BadValue {
        /// Which.
        field: &'static str,
        /// Its value.
        value: i64,
    },
    /// The sender's tracker list does not name this tracker.
    NotInTrackerList,
    /// No join named a tracker with this address and port.
    UnknownTracker {
        /// Its address.
        ip: IpText,
        /// Its port.
        port: u16,
    },
    /// Storage ids are on and this storage is not in storage_ids.conf.
    UnknownId {
        /// The id sent, perhaps empty.
        id: StorageId,
        /// The address it came from.
        ip: IpText,
        /// The port it announced.
        port: u16,
    },
    /// storage_ids.conf puts the storage into another group.
    OtherGroup {
        /// The id.
        id: StorageId,
        /// The group that it belongs to.
        group: GroupName,
    },
    /// The port differs from that of the group's other storages.
    PortDiffers {
        /// The port announced.
        port: u16,
        /// That of the group.
        group_port: i64,
    },
    /// Fewer store paths than the group has.
    TooFewPaths {
        /// The count announced.
        path_count: usize,
        /// That of the group.
        group_path_count: usize,
    },
    /// Another sub directory count than the group has.
    SubdirsDiffer {
        /// The count announced.
        subdir_count: usize,
        /// That of the group.
        group_subdir_count: usize,
    },
    /// A storage that is unknown here says that it is not new, and its own status cannot be continued.
    BadOwnStatus {
        /// The status sent, -1 for "never known".
        status: i8,
    },
    /// The cluster or the group cannot have more members.
    Full {
        /// What there are too many of.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A disk report covers another number of store paths.
    BadPathReport {
        /// Paths reported.
        reported: usize,
        /// Paths expected.
        expected: usize,
    },
    /// The storage is alive and cannot be deleted or replaced.
    Live {
        /// Its id.
        id: StorageId,
        /// Its status.
        status: StorageStatus,
    },
    /// It is already as asked for.
    Already {
        /// The storage.
        id: StorageId,
    },
    /// The new address belongs to another storage, or another trunk server is alive.
    Taken {
        /// The storage that has it.
        id: StorageId,
    },
    /// The group still has storage entries; deleted ones count.
    GroupNotEmpty {
        /// Entries left.
        storage_count: usize,
    },
    /// The address told is not the one the request came from.
    NotPeerAddress {
        /// The address told.
        told: IpText,
        /// The address of the peer.
        peer: IpText,
    },
    /// Not with storage ids on.
    OnlyWithoutIds,
    /// Only with storage ids on.
    OnlyWithIds,
    /// Not the leader, or trunk files are off.
    NotLeaderOrNoTrunk,
    /// Only the leader answers this.
    NotLeader,
    /// No leader is known.
    NoLeader,
    /// Only the trunk server of the group may report this.
    NotTrunkServer {
        /// The sender.
        id: StorageId,
    },
    /// The storage to become trunk server is not ACTIVE.
    NotActive {
        /// Its id.
        id: StorageId,
        /// Its status.
        status: StorageStatus,
    },
    /// The storage to become trunk server may not be written to.
    NotWritable {
        /// Its id.
        id: StorageId,
    },
    /// There are other storages, but none that could copy the old files now.
    NoSyncSource,
    /// The system files of the other trackers must be fetched before storages may join.
    StateNotFetched,
}

impl ClusterError {
    /// The status byte of the answer.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::NotJoined | Self::NotWritable { .. } => Status::EACCES,
            Self::NoGroup { .. }
            | Self::NoGroups
            | Self::NoStorage { .. }
            | Self::NoWritable { .. }
            | Self::NoReadable { .. }
            | Self::NoStorePaths { .. }
            | Self::NotInTrackerList
            | Self::UnknownTracker { .. }
            | Self::UnknownId { .. }
            | Self::NoLeader
            | Self::NoSyncSource => Status::ENOENT,
            Self::NoSpace { .. } | Self::Full { .. } => Status::ENOSPC,
            Self::BadValue { .. }
            | Self::OtherGroup { .. }
            | Self::PortDiffers { .. }
            | Self::TooFewPaths { .. }
            | Self::SubdirsDiffer { .. }
            | Self::BadPathReport { .. }
            | Self::NotPeerAddress { .. }
            | Self::NotTrunkServer { .. } => Status::EINVAL,
            Self::BadOwnStatus { .. } => Status::EFAULT,
            Self::Live { .. } | Self::GroupNotEmpty { .. } => Status::EBUSY,
            Self::Already { .. } => Status::EALREADY,
            Self::Taken { .. } => Status::EEXIST,
            Self::OnlyWithoutIds | Self::OnlyWithIds | Self::NotLeaderOrNoTrunk | Self::NotLeader => Status::EOPNOTSUPP,
            Self::NotActive { .. } => Status::ENONET,
            Self::StateNotFetched => Status::EAGAIN,
        }
    }
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJoined => f.write_str("no storage joined on this connection"),
            Self::NoGroup { group } => write!(f, "no group {group}"),
            Self::NoGroups => f.write_str("no group has joined yet"),
            Self::NoStorage { group, id } => write!(f, "no storage {id} in group {group}"),
            Self::NoWritable { group: Some(group) } => write!(f, "group {group}: no storage may take writes now"),
            Self::NoWritable { group: None } => f.write_str("no storage of any group may take writes now"),
            Self::NoReadable { group } => write!(f, "group {group}: no storage can serve this file now"),
            Self::NoStorePaths { group } => write!(f, "group {group} has no store path"),
            Self::NoSpace { group: Some(group) } => write!(f, "group {group}: filled up to reserved_storage_space"),
            Self::NoSpace { group: None } => f.write_str("all groups are filled up to reserved_storage_space"),
            Self::BadValue { field, value } => write!(f, "{field}: {value} is not allowed"),
            Self::NotInTrackerList => f.write_str("the storage's list of trackers does not name this tracker"),
            Self::UnknownTracker { ip, port } => write!(f, "no tracker {ip} with port {port} is known"),
            Self::UnknownId { id, ip, port } => {
                write!(f, "storage {ip}:{port} with id {:?} is not in storage_ids.conf", id.as_str())
            }
            Self::OtherGroup { id, group } => write!(f, "storage id {id} belongs to group {group}"),
            Self::PortDiffers { port, group_port } => write!(f, "port {port}: the group's port is {group_port}"),
            Self::TooFewPaths { path_count, group_path_count } => {
                write!(f, "{path_count} store paths: the group has {group_path_count}")
            }
            Self::SubdirsDiffer { subdir_count, group_subdir_count } => {
                write!(f, "{subdir_count} sub directories per level: the group has {group_subdir_count}")
            }
            Self::BadOwnStatus { status } => {
                write!(f, "unknown here, says it is not new, and its own status {status} cannot be continued")
            }
            Self::Full { what, limit } => write!(f, "at most {limit} {what}"),
            Self::BadPathReport { reported, expected } => {
                write!(f, "disk report of {reported} store paths, expected {expected}")
            }
            Self::Live { id, status } => write!(f, "storage {id} is {status}"),
            Self::Already { id } => write!(f, "storage {id} already is what was asked for"),
            Self::Taken { id } => write!(f, "storage {id} holds that place"),
            Self::GroupNotEmpty { storage_count } => write!(f, "the group still has {storage_count} storage entries"),
            Self::NotPeerAddress { told, peer } => write!(f, "address {told} told by {peer}"),
            Self::OnlyWithoutIds => f.write_str("not with use_storage_id"),
            Self::OnlyWithIds => f.write_str("only with use_storage_id"),
            Self::NotLeaderOrNoTrunk => f.write_str("not the leader, or use_trunk_file is off"),
            Self::NotLeader => f.write_str("not the leader"),
            Self::NoLeader => f.write_str("no leader is known"),
            Self::NotTrunkServer { id } => write!(f, "storage {id} is not the trunk server of its group"),
            Self::NotActive { id, status } => write!(f, "storage {id} is {status}, not ACTIVE"),
            Self::NotWritable { id } => write!(f, "storage {id} may not be written to"),
            Self::NoSyncSource => f.write_str("no writable storage can copy the old files now"),
            Self::StateNotFetched => f.write_str("the state of the other trackers is not fetched yet"),
        }
    }
}

impl std::error::Error for ClusterError {}
