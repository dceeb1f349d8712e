//! What a restart could not take over.

use std::fmt;

use fdfs_proto::{GroupName, IpText, StorageId};

/// A row that could not be used; the shell reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// The same group twice, or more groups than a cluster can have.
    Group {
        /// The group.
        group: GroupName,
    },
    /// A storage of a group that is not stored, or more than a group can have.
    ServerGroup {
        /// The group.
        group: GroupName,
        /// Its address.
        ip: IpText,
    },
    /// A storage that storage_ids.conf does not know in that group.
    ServerId {
        /// The group.
        group: GroupName,
        /// The id, if the file has one.
        id: Option<StorageId>,
        /// Its address.
        ip: IpText,
    },
    /// A storage that is there already.
    ServerTwice {
        /// The group.
        group: GroupName,
        /// The id.
        id: StorageId,
    },
    /// The sync source of a storage is not stored; the storage goes without one.
    SyncSource {
        /// The group.
        group: GroupName,
        /// The storage.
        id: StorageId,
        /// Its source.
        source: StorageId,
    },
    /// The trunk server of a group is not stored or not usable; the group goes without one.
    TrunkServer {
        /// The group.
        group: GroupName,
        /// The trunk server.
        id: StorageId,
    },
    /// Sync times of a source that is not stored at that place.
    TimestampSource {
        /// The group.
        group: GroupName,
        /// The source.
        source: StorageId,
    },
    /// More sync times than storages; those in excess are dropped.
    TimestampColumns {
        /// The group.
        group: GroupName,
        /// The source.
        source: StorageId,
        /// Columns of the row.
        columns: usize,
        /// Storages of the group.
        storages: usize,
    },
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group { group } => write!(f, "group {group} stands twice or is one too many"),
            Self::ServerGroup { group, ip } => write!(f, "storage {ip}: group {group} is not stored or is full"),
            Self::ServerId { group, id: Some(id), .. } => {
                write!(f, "storage {id}: storage_ids.conf has no such storage in group {group}")
            }
            Self::ServerId { group, id: None, ip } => {
                write!(f, "storage {ip}: storage_ids.conf has no such storage in group {group}")
            }
            Self::ServerTwice { group, id } => write!(f, "storage {id} of group {group} stands twice"),
            Self::SyncSource { group, id, source } => {
                write!(f, "storage {id} of group {group}: its sync source {source} is not stored")
            }
            Self::TrunkServer { group, id } => {
                write!(f, "group {group}: its trunk server {id} is not stored or may not be written to")
            }
            Self::TimestampSource { group, source } => {
                write!(f, "sync times of storage {source}: it is not stored in group {group}")
            }
            Self::TimestampColumns { group, source, columns, storages } => {
                write!(f, "sync times of storage {source}: {columns} columns, group {group} has {storages} storages")
            }
        }
    }
}
