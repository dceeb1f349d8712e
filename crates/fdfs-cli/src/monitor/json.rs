//! The trackers' records as JSON, for scripts that would rather not parse text.
//!
//! Times are unix seconds, spaces are MB, as the trackers send them.

use fdfs_proto::cmd::tracker::{GroupRecord, StorageRecord};
use fdfs_proto::shared::{Counter, StorageStat};
use serde_json::{Map, Value, json};

use super::text::{mode_words, newest_source_update_of_others};

/// A group with its storages.
#[must_use]
pub(crate) fn group(group: &GroupRecord, storages: &[StorageRecord]) -> Value {
    let storages: Vec<Value> = storages
        .iter()
        .enumerate()
        .map(|(index, record)| storage(record, newest_source_update_of_others(storages, index)))
        .collect();
    json!({
        "name": group.group.as_str(),
        "total_mb": group.total_mb,
        "free_mb": group.free_mb,
        "reserved_mb": group.reserved_mb,
        "available_mb": group.free_mb.saturating_sub(group.reserved_mb),
        "trunk_free_mb": group.current_trunk_file_id.map(|_| group.trunk_free_mb),
        "current_trunk_file_id": group.current_trunk_file_id,
        "storage_count": group.storage_count,
        "readable_count": group.readable_count,
        "writable_count": group.writable_count,
        "storage_port": group.storage_port,
        "store_path_count": group.store_path_count,
        "subdir_count_per_path": group.subdir_count,
        "current_write_server_index": group.current_write_server_index,
        "storages": storages,
    })
}

fn storage(storage: &StorageRecord, newest_update_of_others: Option<i64>) -> Value {
    let stat = &storage.stat;
    json!({
        "id": storage.id.as_str(),
        "ip": storage.ip.as_str(),
        "port": storage.port,
        "status": storage.status.to_string(),
        "read_write_mode": mode_words(storage.rw_mode),
        "version": storage.version.as_str(),
        "join_time": storage.join_time_secs,
        "up_time": storage.up_time_secs,
        "total_mb": storage.total_mb,
        "free_mb": storage.free_mb,
        "reserved_mb": storage.reserved_mb,
        "available_mb": storage.free_mb.saturating_sub(storage.reserved_mb),
        "upload_priority": storage.upload_priority,
        "store_path_count": storage.store_path_count,
        "subdir_count_per_path": storage.subdir_count,
        "current_write_path": storage.current_write_path_index,
        "source_storage_id": storage.source_id.as_ref().map(|id| id.as_str()),
        "is_trunk_server": storage.is_trunk_server,
        "connections": {
            "alloc": stat.connections.alloc,
            "current": stat.connections.current,
            "max": stat.connections.max,
        },
        "counters": counters(stat),
        "last_heart_beat_time": stat.last_heart_beat_time,
        "last_source_update": stat.last_source_update,
        "last_sync_update": stat.last_sync_update,
        "last_synced_timestamp": stat.last_synced_timestamp,
        "sync_delay_secs": delay_secs(stat.last_synced_timestamp, newest_update_of_others),
    })
}

/// Seconds behind the newest change on the others; null when nothing was ever synced, 0 when there is nothing to sync.
fn delay_secs(synced: i64, newest_update_of_others: Option<i64>) -> Option<i64> {
    match newest_update_of_others {
        None => Some(0),
        Some(_) if synced == 0 => None,
        Some(newest) => Some(newest.saturating_sub(synced).max(0)),
    }
}

fn counters(stat: &StorageStat) -> Value {
    let all = [
        ("upload_count", stat.upload_count),
        ("append_count", stat.append_count),
        ("modify_count", stat.modify_count),
        ("truncate_count", stat.truncate_count),
        ("set_meta_count", stat.set_meta_count),
        ("delete_count", stat.delete_count),
        ("download_count", stat.download_count),
        ("get_meta_count", stat.get_meta_count),
        ("create_link_count", stat.create_link_count),
        ("delete_link_count", stat.delete_link_count),
        ("upload_bytes", stat.upload_bytes),
        ("append_bytes", stat.append_bytes),
        ("modify_bytes", stat.modify_bytes),
        ("download_bytes", stat.download_bytes),
        ("sync_in_bytes", stat.sync_in_bytes),
        ("sync_out_bytes", stat.sync_out_bytes),
        ("file_open_count", stat.file_open_count),
        ("file_read_count", stat.file_read_count),
        ("file_write_count", stat.file_write_count),
    ];
    let pair = |Counter { total, success }| json!({ "total": total, "success": success });
    Value::Object(all.into_iter().map(|(name, counter)| (name.to_owned(), pair(counter))).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_is_null_only_when_something_never_came() {
        assert_eq!(delay_secs(0, None), Some(0));
        assert_eq!(delay_secs(0, Some(5)), None);
        assert_eq!(delay_secs(3, Some(5)), Some(2));
        assert_eq!(delay_secs(9, Some(5)), Some(0));
    }

    #[test]
    fn a_group_without_trunk_files_has_null_in_their_place() {
        let record = GroupRecord {
            group: "group1".parse().unwrap(),
            total_mb: 10,
            free_mb: 8,
            reserved_mb: 1,
            trunk_free_mb: 0,
            storage_count: 0,
            storage_port: None,
            readable_count: 0,
            writable_count: 0,
            current_write_server_index: 0,
            store_path_count: 1,
            subdir_count: 16,
            current_trunk_file_id: None,
        };
        let value = group(&record, &[]);
        assert_eq!(value["available_mb"], 7);
        assert_eq!(value["trunk_free_mb"], Value::Null);
        assert_eq!(value["storages"], json!([]));
    }
}
