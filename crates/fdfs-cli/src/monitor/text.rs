//! The text of `fdfs_monitor`: pure functions from the trackers' records to the lines of the reference.
//!
//! Scripts parse these lines, so every blank and the odd spelling `stotal_download_bytes` stay as they are.
//!
//! Source: tools, 6.1 and 6.2.

use std::fmt::Write as _;

pub(crate) use fdfs_http::admin::cluster::newest_source_update_of_others;
use fdfs_proto::cmd::tracker::{GroupRecord, StorageRecord};
use fdfs_proto::shared::{RwMode, StorageStat};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::human;

/// Appends one line. Writing to a string cannot fail.
macro_rules! line {
    ($out:expr, $($format:tt)*) => {{
        let _ = writeln!($out, $($format)*);
    }};
}

/// The lines of all groups, with their count in front.
#[must_use]
pub(crate) fn groups(groups: &[(GroupRecord, Vec<StorageRecord>)], zone: &TimeZone) -> String {
    let mut out = format!("group count: {}\n", groups.len());
    for (index, (record, storages)) in groups.iter().enumerate() {
        line!(out, "\nGroup {}:", index + 1);
        out.push_str(&group(record, storages, zone));
    }
    out
}

/// The block of one group: its own lines, then its storages.
#[must_use]
pub(crate) fn group(group: &GroupRecord, storages: &[StorageRecord], zone: &TimeZone) -> String {
    let mut out = String::new();
    line!(out, "group name = {}", group.group);
    put_space(&mut out, "", group.total_mb, group.free_mb, group.reserved_mb);
    if group.current_trunk_file_id.is_some() {
        line!(out, "trunk free space = {:>7}", human::megabytes(group.trunk_free_mb));
    }
    line!(out, "storage server count = {}", group.storage_count);
    line!(out, "readable server count = {}", group.readable_count);
    line!(out, "writable server count = {}", group.writable_count);
    line!(out, "storage server port = {}", group.storage_port.map_or(-1, i32::from));
    line!(out, "store path count = {}", group.store_path_count);
    line!(out, "subdir count per path = {}", group.subdir_count);
    line!(out, "current write server index = {}", group.current_write_server_index);
    let trunk_server = storages.iter().find(|storage| storage.is_trunk_server);
    if let (Some(file_id), Some(server)) = (group.current_trunk_file_id, trunk_server) {
        line!(out, "current trunk server = {} ({})", server.id, server.ip);
        line!(out, "current trunk file id = {file_id}");
    }
    out.push('\n');
    for (index, storage) in storages.iter().enumerate() {
        line!(out, "\tStorage {}:", index + 1);
        put_storage(&mut out, storage, newest_source_update_of_others(storages, index), zone);
    }
    out
}

fn put_space(out: &mut String, indent: &str, total_mb: u64, free_mb: u64, reserved_mb: u64) {
    let available_mb = free_mb.saturating_sub(reserved_mb);
    line!(out, "{indent}disk total space     = {:>7}", human::megabytes(total_mb));
    line!(out, "{indent}disk free space      = {:>7}", human::megabytes(free_mb));
    line!(out, "{indent}disk reserved space  = {:>7}", human::megabytes(reserved_mb));
    line!(out, "{indent}disk available space = {:>7}", human::megabytes(available_mb));
}

fn put_storage(out: &mut String, storage: &StorageRecord, newest_update_of_others: Option<i64>, zone: &TimeZone) {
    const TABS: &str = "\t\t";
    line!(out, "{TABS}id = {}", storage.id);
    line!(out, "{TABS}host = {}  {}", host_port(storage.ip.as_str(), storage.port), storage.status);
    line!(out, "{TABS}read write mode = {}", mode_words(storage.rw_mode));
    line!(out, "{TABS}version = {}", storage.version);
    line!(out, "{TABS}join time = {}", time(storage.join_time_secs, zone));
    // Only the up time is left empty when it is not known.
    let up_time = (storage.up_time_secs != 0).then(|| time(storage.up_time_secs, zone));
    line!(out, "{TABS}up time = {}", up_time.unwrap_or_default());
    put_space(out, TABS, storage.total_mb, storage.free_mb, storage.reserved_mb);
    line!(out, "{TABS}upload priority = {}", storage.upload_priority);
    line!(out, "{TABS}store_path_count = {}", storage.store_path_count);
    line!(out, "{TABS}subdir_count_per_path = {}", storage.subdir_count);
    line!(out, "{TABS}current_write_path = {}", storage.current_write_path_index);
    line!(out, "{TABS}source storage id = {}", storage.source_id.unwrap_or_default());
    line!(out, "{TABS}if_trunk_server = {}", u8::from(storage.is_trunk_server));
    let stat = &storage.stat;
    line!(out, "{TABS}connection.alloc_count = {}", stat.connections.alloc);
    line!(out, "{TABS}connection.current_count = {}", stat.connections.current);
    line!(out, "{TABS}connection.max_count = {}", stat.connections.max);
    put_counters(out, TABS, stat);
    line!(out, "{TABS}last_heart_beat_time = {}", time(stat.last_heart_beat_time, zone));
    line!(out, "{TABS}last_source_update = {}", time(stat.last_source_update, zone));
    line!(out, "{TABS}last_sync_update = {}", time(stat.last_sync_update, zone));
    let synced = stat.last_synced_timestamp;
    line!(out, "{TABS}last_synced_timestamp = {} {}", time(synced, zone), delay(synced, newest_update_of_others));
}

fn put_counters(out: &mut String, indent: &str, stat: &StorageStat) {
    let counters = [
        ("total", "upload_count", stat.upload_count),
        ("total", "append_count", stat.append_count),
        ("total", "modify_count", stat.modify_count),
        ("total", "truncate_count", stat.truncate_count),
        ("total", "set_meta_count", stat.set_meta_count),
        ("total", "delete_count", stat.delete_count),
        ("total", "download_count", stat.download_count),
        ("total", "get_meta_count", stat.get_meta_count),
        ("total", "create_link_count", stat.create_link_count),
        ("total", "delete_link_count", stat.delete_link_count),
        ("total", "upload_bytes", stat.upload_bytes),
        ("total", "append_bytes", stat.append_bytes),
        ("total", "modify_bytes", stat.modify_bytes),
        ("stotal", "download_bytes", stat.download_bytes),
        ("total", "sync_in_bytes", stat.sync_in_bytes),
        ("total", "sync_out_bytes", stat.sync_out_bytes),
        ("total", "file_open_count", stat.file_open_count),
        ("total", "file_read_count", stat.file_read_count),
        ("total", "file_write_count", stat.file_write_count),
    ];
    for (total_word, name, counter) in counters {
        line!(out, "{indent}{total_word}_{name} = {}", counter.total);
        line!(out, "{indent}success_{name} = {}", counter.success);
    }
}

/// `IP:PORT`, an IPv6 address in brackets.
#[must_use]
pub(crate) fn host_port(ip: &str, port: u16) -> String {
    if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

/// The words for what a storage may be used for.
#[must_use]
pub(crate) const fn mode_words(mode: RwMode) -> &'static str {
    match mode {
        RwMode::None => "none (disabled)",
        RwMode::Read => "readonly",
        RwMode::Write => "writeonly",
        RwMode::Both => "both (normal)",
    }
}

/// Local time `YYYY-mm-dd HH:MM:SS`.
fn time(unix_secs: i64, zone: &TimeZone) -> String {
    // A peer may send any number; what no calendar holds is shown as it came.
    match Timestamp::from_second(unix_secs) {
        Ok(at) => at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => unix_secs.to_string(),
    }
}

/// How far a storage is behind the others, in brackets; empty when the others have nothing it could lack.
fn delay(synced: i64, newest_update_of_others: Option<i64>) -> String {
    match newest_update_of_others {
        None => String::new(),
        Some(_) if synced == 0 => "(never synced)".to_owned(),
        Some(newest) => format!("({} delay)", human::duration(newest.saturating_sub(synced))),
    }
}

#[cfg(test)]
mod tests;
