//! Rows of the core as the state files hold them, and back.

use fdfs_core::tracker::{GroupRow, ServerRow, TimestampRow};
use fdfs_proto::disk::sync_timestamps::{SyncRow, SyncTimestamps};
use fdfs_proto::disk::tracker_groups::{StoredGroup, TrackerGroups};
use fdfs_proto::disk::tracker_servers::{StoredStorage, TrackerServers};

pub(crate) fn groups_file(rows: &[GroupRow]) -> TrackerGroups {
    TrackerGroups { groups: rows.iter().map(stored_group).collect() }
}

pub(crate) fn servers_file(rows: &[ServerRow]) -> TrackerServers {
    TrackerServers { storages: rows.iter().map(stored_storage).collect() }
}

pub(crate) fn timestamps_file(rows: &[TimestampRow]) -> SyncTimestamps {
    let row = |row: &TimestampRow| SyncRow { group: row.group, source: row.source, timestamps: row.times.clone() };
    SyncTimestamps { rows: rows.iter().map(row).collect() }
}

fn stored_group(row: &GroupRow) -> StoredGroup {
    StoredGroup {
        name: row.group,
        storage_port: u16::try_from(row.storage_port).ok(),
        store_path_count: count(row.path_count),
        subdir_count_per_path: count(row.subdir_count),
        current_trunk_file_id: row.current_trunk_file_id,
        trunk_server: row.trunk_server,
        last_trunk_server: row.last_trunk_server,
    }
}

pub(crate) fn group_row(group: &StoredGroup) -> GroupRow {
    GroupRow {
        group: group.name,
        storage_port: group.storage_port.map_or(-1, i64::from),
        path_count: group.store_path_count as usize,
        subdir_count: group.subdir_count_per_path as usize,
        current_trunk_file_id: group.current_trunk_file_id,
        trunk_server: group.trunk_server,
        last_trunk_server: group.last_trunk_server,
    }
}

fn stored_storage(row: &ServerRow) -> StoredStorage {
    StoredStorage {
        id: row.id,
        group_name: row.group,
        ip_addr: row.ip,
        status: row.status,
        version: row.version,
        join_time: row.join_time,
        storage_port: row.storage_port,
        sync_src_server: row.sync_source,
        sync_until_timestamp: row.sync_until,
        total_mb: i64::try_from(row.total_mb).unwrap_or(i64::MAX),
        free_mb: i64::try_from(row.free_mb).unwrap_or(i64::MAX),
        changelog_offset: row.changelog_offset,
        store_path_count: count(row.path_count),
        subdir_count_per_path: count(row.subdir_count),
        // The file of the reference has 32 bits for it.
        upload_priority: row.upload_priority.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
        stat: row.stat,
    }
}

pub(crate) fn server_row(storage: &StoredStorage) -> ServerRow {
    ServerRow {
        id: storage.id,
        group: storage.group_name,
        ip: storage.ip_addr,
        status: storage.status,
        version: storage.version,
        join_time: storage.join_time,
        storage_port: storage.storage_port,
        sync_source: storage.sync_src_server,
        sync_until: storage.sync_until_timestamp,
        total_mb: u64::try_from(storage.total_mb).unwrap_or(0),
        free_mb: u64::try_from(storage.free_mb).unwrap_or(0),
        changelog_offset: storage.changelog_offset,
        path_count: storage.store_path_count as usize,
        subdir_count: storage.subdir_count_per_path as usize,
        upload_priority: storage.upload_priority.into(),
        stat: storage.stat,
    }
}

pub(crate) fn timestamp_row(row: &SyncRow) -> TimestampRow {
    TimestampRow { group: row.group, source: row.source, times: row.timestamps.clone() }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Groups as their storages remember them: what is left when the file of the groups is lost.
pub(crate) fn groups_of_servers(servers: &[ServerRow]) -> Vec<GroupRow> {
    let mut groups: Vec<GroupRow> = Vec::new();
    for server in servers {
        let port = i64::from(server.storage_port);
        match groups.iter_mut().find(|group| group.group == server.group) {
            None => groups.push(GroupRow {
                group: server.group,
                storage_port: port,
                path_count: server.path_count,
                subdir_count: server.subdir_count,
                current_trunk_file_id: 0,
                trunk_server: fdfs_proto::StorageId::EMPTY,
                last_trunk_server: fdfs_proto::StorageId::EMPTY,
            }),
            Some(group) => {
                // A group uses the paths that all its storages have.
                group.path_count = group.path_count.min(server.path_count);
                if group.storage_port != port {
                    group.storage_port = -1;
                }
            }
        }
    }
    groups
}
