//! The metrics, to the letter as the reference writes them: all of them gauges, `HELP` and `TYPE` again for every group.

use std::fmt::{Display, Write as _};

use fdfs_client::{Client, ClientError};
use fdfs_proto::cmd::tracker::{GroupRecord, StorageRecord, TrackerClusterRow, TrackerClusterStatRequest};

/// Asks the trackers for all of it. `now` is in unix seconds.
///
/// # Errors
/// What asking trackers can give.
pub async fn collect(client: &Client, now: i64) -> Result<String, ClientError> {
    let trackers = client.tracker_cluster(&TrackerClusterStatRequest::default()).await?.trackers;
    let mut groups = Vec::new();
    for group in client.groups().await? {
        groups.push((group, client.storages(group.group, None).await?));
    }
    Ok(text(&trackers, &groups, now))
}

/// All of them.
#[must_use]
pub fn text(trackers: &[TrackerClusterRow], groups: &[(GroupRecord, Vec<StorageRecord>)], now: i64) -> String {
    let mut out = Text(String::new());
    for (index, tracker) in trackers.iter().enumerate() {
        let (labels, is_first) = (format!("host=\"{}\"", tracker.host), index == 0);
        let counts = tracker.connections;
        out.put(is_first, &labels, "tracker_is_leader", "Is leader", u8::from(tracker.is_leader));
        out.put(is_first, &labels, "tracker_is_active", "Is active", u8::from(tracker.is_active));
        out.put(is_first, &labels, "tracker_connections_alloc", "Alloc connection count", counts.alloc);
        out.put(is_first, &labels, "tracker_connections_current", "Current connection count", counts.current);
        out.put(is_first, &labels, "tracker_connections_max", "Maximum connection count", counts.max);
    }
    for (group, storages) in groups {
        put_group(&mut out, group);
        for (index, storage) in storages.iter().enumerate() {
            let newest = newest_source_update_of_others(storages, index);
            put_storage(&mut out, group, storage, index == 0, newest, now);
        }
    }
    out.0
}

/// The same metrics with all samples of one together behind its `HELP` and `TYPE`, which stand there once: strict readers
/// (promtool, the protocol buffers of other collectors) refuse what the reference writes for a second group.
#[must_use]
pub fn families(text: &str) -> String {
    let mut families: Vec<(&str, Vec<&str>, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        let about = line.strip_prefix("# ").and_then(|rest| rest.split(' ').nth(1));
        let name = about.or_else(|| line.split(['{', ' ']).next()).unwrap_or_default();
        let at = families.iter().position(|family| family.0 == name).unwrap_or_else(|| {
            families.push((name, Vec::new(), Vec::new()));
            families.len() - 1
        });
        match about {
            None => families[at].2.push(line),
            Some(_) if families[at].1.contains(&line) => {}
            Some(_) => families[at].1.push(line),
        }
    }
    let lines = families.iter().flat_map(|(_, about, samples)| about.iter().chain(samples));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The newest change by a client on the other storages of the group; `None` when there was none.
#[must_use]
pub fn newest_source_update_of_others(storages: &[StorageRecord], index: usize) -> Option<i64> {
    let others = storages.iter().enumerate().filter(|&(other, _)| other != index);
    others.map(|(_, storage)| storage.stat.last_source_update).max().filter(|&newest| newest > 0)
}

struct Text(String);

impl Text {
    /// One sample, announced if `is_first`. Writing to a string cannot fail.
    fn put(&mut self, is_first: bool, labels: &str, name: &str, help: &str, value: impl Display) {
        if is_first {
            let _ = writeln!(self.0, "# HELP fastdfs_{name} {help}\n# TYPE fastdfs_{name} gauge");
        }
        let _ = writeln!(self.0, "fastdfs_{name}{{{labels}}} {value}");
    }
}

fn put_group(out: &mut Text, group: &GroupRecord) {
    let labels = format!("group=\"{}\"", group.group);
    let available_mb = group.free_mb.saturating_sub(group.reserved_mb);
    let mut put = |name: &str, help: &str, value: u64| out.put(true, &labels, name, help, value);
    put("group_total_mb", "Disk total space in MB", group.total_mb);
    put("group_free_mb", "Disk free space in MB", group.free_mb);
    put("group_reserved_mb", "Disk reserved space in MB", group.reserved_mb);
    put("group_available_mb", "Disk available space in MB", available_mb);
    if group.current_trunk_file_id.is_some() {
        put("group_trunk_free_mb", "Trunk free space in MB", group.trunk_free_mb);
    }
    put("group_storage_count", "Number of storage servers in group", group.storage_count);
    put("group_readable_server_count", "Number of readable storage servers", group.readable_count);
    put("group_writable_server_count", "Number of writable storage servers", group.writable_count);
}

fn put_storage(
    out: &mut Text,
    group: &GroupRecord,
    storage: &StorageRecord,
    is_first: bool,
    newest_update_of_others: Option<i64>,
    now: i64,
) {
    let (group, status) = (group.group, storage.status.number());
    let labels = format!("group=\"{group}\",storage_id=\"{}\",ip=\"{}\",status=\"{status}\"", storage.id, storage.ip);
    let space = |mb: u64| i64::try_from(mb).unwrap_or(i64::MAX);
    let mut put = |name: &str, help: &str, value: i64| out.put(is_first, &labels, name, help, value);
    put("storage_total_mb", "Disk total space in MB", space(storage.total_mb));
    put("storage_free_mb", "Disk free space in MB", space(storage.free_mb));
    put("storage_reserved_mb", "Disk reserved space in MB", space(storage.reserved_mb));
    let available_mb = storage.free_mb.saturating_sub(storage.reserved_mb);
    put("storage_available_mb", "Disk available space in MB", space(available_mb));
    let stat = &storage.stat;
    put("storage_upload_total", "Total upload operations", stat.upload_count.total);
    put("storage_upload_success", "Successful upload operations", stat.upload_count.success);
    put("storage_upload_bytes_total", "Total uploaded bytes", stat.upload_bytes.total);
    put("storage_download_total", "Total download operations", stat.download_count.total);
    put("storage_download_success", "Successful download operations", stat.download_count.success);
    put("storage_download_bytes_total", "Total downloaded bytes", stat.download_bytes.total);
    put("storage_delete_total", "Total delete operations", stat.delete_count.total);
    put("storage_delete_success", "Successful delete operations", stat.delete_count.success);
    put("storage_append_total", "Total append operations", stat.append_count.total);
    put("storage_append_success", "Successful append operations", stat.append_count.success);
    put("storage_modify_total", "Total modify operations", stat.modify_count.total);
    put("storage_modify_success", "Successful modify operations", stat.modify_count.success);
    put("storage_connections_alloc", "Alloc connection count", stat.connections.alloc.into());
    put("storage_connections_current", "Current connection count", stat.connections.current.into());
    put("storage_connections_max", "Maximum connection count", stat.connections.max.into());
    put("storage_last_heartbeat", "Last heartbeat timestamp", stat.last_heart_beat_time);
    let silent_secs = now.saturating_sub(stat.last_heart_beat_time);
    put("storage_heartbeat_delay_seconds", "Seconds since last heartbeat", silent_secs);
    put("storage_last_synced_timestamp", "Last synced timestamp", stat.last_synced_timestamp);
    let delay_secs = match newest_update_of_others {
        None => 0,
        Some(_) if stat.last_synced_timestamp == 0 => -1,
        Some(newest) => newest.saturating_sub(stat.last_synced_timestamp).max(0),
    };
    put("storage_synced_delay_seconds", "Synced delay seconds", delay_secs);
    put("storage_sync_in_bytes_total", "Total sync in bytes", stat.sync_in_bytes.total);
    put("storage_sync_out_bytes_total", "Total sync out bytes", stat.sync_out_bytes.total);
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_proto::shared::{ConnectionCounts, Counter, RwMode, StorageStat, StorageStatus};

    const RECORDED: &str = include_str!("../../../fdfs-cli/tests/golden/exporter.txt");

    /// The recorded answer without its head, and the number of bytes that its head says.
    fn recorded() -> (String, usize) {
        let (_, record) = RECORDED.split_once("=== GET /metrics: whole answer").unwrap();
        let lines = record.lines().filter_map(|line| line.strip_prefix('|').map(str::trim_start));
        let len = lines.clone().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap().parse().unwrap();
        let body = lines.skip_while(|line| !line.is_empty()).skip(1).filter(|line| !line.starts_with("<<"));
        (body.map(|line| format!("{line}\n")).collect(), len)
    }

    /// The value of a sample whose labels hold `label`.
    fn sample(body: &str, name: &str, label: &str) -> i64 {
        let start = format!("fastdfs_{name}{{");
        let line = body.lines().find(|line| line.starts_with(&start) && line.contains(label));
        line.unwrap_or_else(|| panic!("{name} of {label}")).rsplit(' ').next().unwrap().parse().unwrap()
    }

    fn group(body: &str, name: &str) -> GroupRecord {
        let value = |metric: &str| sample(body, metric, &format!("group=\"{name}\"")).try_into().unwrap();
        GroupRecord {
            group: name.parse().unwrap(),
            total_mb: value("group_total_mb"),
            free_mb: value("group_free_mb"),
            reserved_mb: value("group_reserved_mb"),
            trunk_free_mb: value("group_trunk_free_mb"),
            storage_count: value("group_storage_count"),
            storage_port: Some(23000),
            readable_count: value("group_readable_server_count"),
            writable_count: value("group_writable_server_count"),
            current_write_server_index: 0,
            store_path_count: 1,
            subdir_count: 256,
            current_trunk_file_id: Some(0),
        }
    }

    fn storage(body: &str, ip: &str) -> StorageRecord {
        let value = |metric: &str| sample(body, metric, &format!("ip=\"{ip}\""));
        let space = |metric: &str| value(metric).try_into().unwrap();
        let count = |metric: &str| value(metric).try_into().unwrap();
        let pair = |what: &str| Counter {
            total: value(&format!("storage_{what}_total")),
            success: value(&format!("storage_{what}_success")),
        };
        let total = |metric: &str| Counter { total: value(metric), success: 0 };
        let last_synced_timestamp = value("storage_last_synced_timestamp");
        let delay_secs = value("storage_synced_delay_seconds");
        StorageRecord {
            status: StorageStatus::Active,
            rw_mode: RwMode::Both,
            id: ip.parse().unwrap(),
            ip: ip.parse().unwrap(),
            source_id: None,
            version: "6.16.1".parse().unwrap(),
            join_time_secs: 0,
            up_time_secs: 0,
            total_mb: space("storage_total_mb"),
            free_mb: space("storage_free_mb"),
            reserved_mb: space("storage_reserved_mb"),
            upload_priority: 10,
            store_path_count: 1,
            subdir_count: 256,
            current_write_path_index: 0,
            port: 23000,
            stat: StorageStat {
                connections: ConnectionCounts {
                    alloc: count("storage_connections_alloc"),
                    current: count("storage_connections_current"),
                    max: count("storage_connections_max"),
                },
                upload_count: pair("upload"),
                download_count: pair("download"),
                delete_count: pair("delete"),
                append_count: pair("append"),
                modify_count: pair("modify"),
                upload_bytes: total("storage_upload_bytes_total"),
                download_bytes: total("storage_download_bytes_total"),
                sync_in_bytes: total("storage_sync_in_bytes_total"),
                sync_out_bytes: total("storage_sync_out_bytes_total"),
                last_heart_beat_time: value("storage_last_heartbeat"),
                last_synced_timestamp,
                // What the other storage must have, for this one to be so far behind it.
                last_source_update: if delay_secs > 0 { last_synced_timestamp + delay_secs } else { 0 },
                ..StorageStat::default()
            },
            is_trunk_server: false,
        }
    }

    #[test]
    fn the_recorded_answer_comes_out_byte_by_byte() {
        let (body, len) = recorded();
        let host = "host=\"10.78.4.1:22122\"";
        let count = |name: &str| sample(&body, name, host).try_into().unwrap();
        let tracker = TrackerClusterRow {
            host: "10.78.4.1:22122".parse().unwrap(),
            is_leader: sample(&body, "tracker_is_leader", host) == 1,
            is_active: sample(&body, "tracker_is_active", host) == 1,
            connections: ConnectionCounts {
                alloc: count("tracker_connections_alloc"),
                current: count("tracker_connections_current"),
                max: count("tracker_connections_max"),
            },
            version: "6.16.1".parse().unwrap(),
            up_time_secs: 0,
            last_heart_beat_secs: 0,
        };
        let mut first = [storage(&body, "10.78.4.11"), storage(&body, "10.78.4.12")];
        // Each is measured by the other.
        let [one, two] = &mut first;
        std::mem::swap(&mut one.stat.last_source_update, &mut two.stat.last_source_update);
        let groups =
            [(group(&body, "group1"), first.to_vec()), (group(&body, "group2"), vec![storage(&body, "10.78.4.13")])];
        let beat = sample(&body, "storage_last_heartbeat", "ip=\"10.78.4.11\"");
        let now = beat + sample(&body, "storage_heartbeat_delay_seconds", "ip=\"10.78.4.11\"");
        let text = text(&[tracker], &groups, now);
        for (line, recorded) in text.lines().zip(body.lines()) {
            assert_eq!(line, recorded);
        }
        assert_eq!((text.len(), text == body), (len, true));
        // In families: the same samples, each name announced once and before all of its samples.
        let grouped = families(&text);
        let samples = |text: &str| {
            let mut lines: Vec<String> =
                text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
            lines.sort_unstable();
            lines
        };
        assert_eq!(samples(&grouped), samples(&text));
        let mut seen = Vec::new();
        let mut lines = grouped.lines().peekable();
        while let Some(help) = lines.next() {
            let name = help.strip_prefix("# HELP ").and_then(|rest| rest.split(' ').next()).unwrap();
            assert!(!seen.contains(&name), "{name} twice");
            assert_eq!(lines.next(), Some(format!("# TYPE {name} gauge").as_str()));
            let start = format!("{name}{{");
            assert!(lines.next_if(|line| line.starts_with(&start)).is_some(), "{name}");
            while lines.next_if(|line| line.starts_with(&start)).is_some() {}
            seen.push(name);
        }
        assert!(seen.len() > 30);
    }
}
