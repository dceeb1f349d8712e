//! The recorded lists of the reference are read back into records, which must print as the same text again.

use std::collections::BTreeMap;

use fdfs_proto::shared::{ConnectionCounts, Counter, StorageStatus};

use super::*;

const GOLDEN: &str = include_str!("../../../tests/golden/monitor.txt");

/// A recorded list: the lines behind the tracker's name.
struct Recorded {
    title: &'static str,
    text: String,
}

/// Every record whose output holds a group.
fn recorded_lists() -> Vec<Recorded> {
    let mut lists = Vec::new();
    for record in GOLDEN.split("=== ").skip(1) {
        let title = record.lines().next().unwrap();
        let out: Vec<&str> = record.lines().filter_map(|line| line.strip_prefix("1| ")).collect();
        let first = out.iter().position(|line| line.starts_with("group count: ") || line.starts_with("group name = "));
        if let Some(first) = first {
            lists.push(Recorded { title, text: out[first..].join("\n") + "\n" });
        }
    }
    lists
}

type Fields<'a> = BTreeMap<&'a str, &'a str>;

fn fields<'a>(lines: &[&'a str]) -> Fields<'a> {
    lines
        .iter()
        .filter_map(|line| line.trim_start_matches('\t').split_once(" = "))
        .map(|(k, v)| (k.trim(), v))
        .collect()
}

fn number<T: std::str::FromStr>(fields: &Fields<'_>, key: &str) -> T {
    fields[key].parse().unwrap_or_else(|_| panic!("{key} = {}", fields[key]))
}

fn secs(text: &str) -> i64 {
    if text.is_empty() {
        return 0;
    }
    let time = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", text).unwrap();
    time.to_zoned(TimeZone::UTC).unwrap().timestamp().as_second()
}

/// Total, free and reserved MB that print as the recorded texts; the last is fixed by what is available.
fn space(fields: &Fields<'_>) -> (u64, u64, u64) {
    let shown = |key: &str| fields[key].trim_start().to_owned();
    let steps = || (0..300 * 1024).step_by(64);
    let find = |text: &str| steps().find(|&mb| human::megabytes(mb) == text).unwrap();
    let (total, reserved) = (find(&shown("disk total space")), find(&shown("disk reserved space")));
    let free = steps().find(|&mb| {
        human::megabytes(mb) == shown("disk free space")
            && human::megabytes(mb.saturating_sub(reserved)) == shown("disk available space")
    });
    (total, free.unwrap(), reserved)
}

fn storage(lines: &[&str]) -> StorageRecord {
    let fields = fields(lines);
    let (host, state) = fields["host"].split_once("  ").unwrap();
    let (ip, port) = host.rsplit_once(':').unwrap();
    let (total_mb, free_mb, reserved_mb) = space(&fields);
    let counter = |name: &str| Counter {
        total: fields
            .get(format!("total_{name}").as_str())
            .map_or_else(|| number(&fields, "stotal_download_bytes"), |v| v.parse().unwrap()),
        success: number(&fields, &format!("success_{name}")),
    };
    StorageRecord {
        status: StorageStatus::ALL.into_iter().find(|status| status.to_string() == state).unwrap(),
        rw_mode: [RwMode::None, RwMode::Read, RwMode::Write, RwMode::Both]
            .into_iter()
            .find(|&mode| mode_words(mode) == fields["read write mode"])
            .unwrap(),
        id: fields["id"].parse().unwrap(),
        ip: ip.parse().unwrap(),
        source_id: Some(fields["source storage id"]).filter(|id| !id.is_empty()).map(|id| id.parse().unwrap()),
        version: fields["version"].parse().unwrap(),
        join_time_secs: secs(fields["join time"]),
        up_time_secs: secs(fields["up time"]),
        total_mb,
        free_mb,
        reserved_mb,
        upload_priority: number(&fields, "upload priority"),
        store_path_count: number(&fields, "store_path_count"),
        subdir_count: number(&fields, "subdir_count_per_path"),
        current_write_path_index: number(&fields, "current_write_path"),
        port: port.parse().unwrap(),
        stat: StorageStat {
            connections: ConnectionCounts {
                alloc: number(&fields, "connection.alloc_count"),
                current: number(&fields, "connection.current_count"),
                max: number(&fields, "connection.max_count"),
            },
            upload_count: counter("upload_count"),
            append_count: counter("append_count"),
            modify_count: counter("modify_count"),
            truncate_count: counter("truncate_count"),
            set_meta_count: counter("set_meta_count"),
            delete_count: counter("delete_count"),
            download_count: counter("download_count"),
            get_meta_count: counter("get_meta_count"),
            create_link_count: counter("create_link_count"),
            delete_link_count: counter("delete_link_count"),
            upload_bytes: counter("upload_bytes"),
            append_bytes: counter("append_bytes"),
            modify_bytes: counter("modify_bytes"),
            download_bytes: counter("download_bytes"),
            sync_in_bytes: counter("sync_in_bytes"),
            sync_out_bytes: counter("sync_out_bytes"),
            file_open_count: counter("file_open_count"),
            file_read_count: counter("file_read_count"),
            file_write_count: counter("file_write_count"),
            last_source_update: secs(fields["last_source_update"]),
            last_sync_update: secs(fields["last_sync_update"]),
            last_synced_timestamp: secs(&fields["last_synced_timestamp"][..19]),
            last_heart_beat_time: secs(fields["last_heart_beat_time"]),
        },
        is_trunk_server: fields["if_trunk_server"] == "1",
    }
}

fn group_of(lines: &[&str]) -> (GroupRecord, Vec<StorageRecord>) {
    let starts: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].starts_with("\tStorage ")).collect();
    let ends = starts.iter().copied().skip(1).chain([lines.len()]);
    let storages = starts.iter().zip(ends).map(|(&start, end)| storage(&lines[start..end])).collect();
    let own = fields(&lines[..starts[0]]);
    let (total_mb, free_mb, reserved_mb) = space(&own);
    let record = GroupRecord {
        group: own["group name"].parse().unwrap(),
        total_mb,
        free_mb,
        reserved_mb,
        trunk_free_mb: own
            .get("trunk free space")
            .map_or(0, |text| (0..1024).find(|&mb| human::megabytes(mb) == text.trim_start()).unwrap()),
        storage_count: number(&own, "storage server count"),
        storage_port: number::<i32>(&own, "storage server port").try_into().ok(),
        readable_count: number(&own, "readable server count"),
        writable_count: number(&own, "writable server count"),
        current_write_server_index: number(&own, "current write server index"),
        store_path_count: number(&own, "store path count"),
        subdir_count: number(&own, "subdir count per path"),
        current_trunk_file_id: own.get("current trunk file id").map(|id| id.parse().unwrap()),
    };
    (record, storages)
}

#[test]
fn every_recorded_list_prints_again_as_the_reference_printed_it() {
    let lists = recorded_lists();
    for Recorded { title, text } in &lists {
        let lines: Vec<&str> = text.lines().collect();
        let printed = if lines[0].starts_with("group count") {
            let starts: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].starts_with("Group ")).collect();
            let ends = starts.iter().skip(1).map(|start| start - 1).chain([lines.len()]);
            let all: Vec<_> = starts.iter().zip(ends).map(|(&start, end)| group_of(&lines[start + 1..end])).collect();
            groups(&all, &TimeZone::UTC)
        } else {
            let (record, storages) = group_of(&lines);
            group(&record, &storages, &TimeZone::UTC)
        };
        assert_eq!(&printed, text, "{title}");
    }
    assert_eq!(lists.len(), 7, "lists in the recorded file");
}

#[test]
fn the_delay_compares_with_the_others() {
    assert_eq!(delay(0, None), "");
    assert_eq!(delay(100, None), "");
    assert_eq!(delay(0, Some(100)), "(never synced)");
    assert_eq!(delay(100, Some(100)), "(0 second delay)");
    assert_eq!(delay(200, Some(100)), "(0 second delay)");
    assert_eq!(delay(100, Some(225)), "(2 minutes 5 seconds delay)");
}

#[test]
fn an_ipv6_host_stands_in_brackets_and_absurd_times_stay_numbers() {
    assert_eq!(host_port("10.0.0.1", 23000), "10.0.0.1:23000");
    assert_eq!(host_port("fe80::1", 23000), "[fe80::1]:23000");
    assert_eq!(time(0, &TimeZone::UTC), "1970-01-01 00:00:00");
    assert_eq!(time(i64::MAX, &TimeZone::UTC), i64::MAX.to_string());
}

#[test]
fn a_group_with_several_ports_and_no_storage_is_shown() {
    let record = GroupRecord {
        group: "group1".parse().unwrap(),
        total_mb: 1,
        free_mb: 0,
        reserved_mb: 5,
        trunk_free_mb: 0,
        storage_count: 0,
        storage_port: None,
        readable_count: 0,
        writable_count: 0,
        current_write_server_index: 0,
        store_path_count: 0,
        subdir_count: 0,
        current_trunk_file_id: Some(3),
    };
    let text = group(&record, &[], &TimeZone::UTC);
    assert!(text.contains("storage server port = -1\n"), "{text}");
    assert!(text.contains("disk available space =    0  B\ntrunk free space =    0  B\n"), "{text}");
    assert!(!text.contains("current trunk server"), "{text}");
    assert!(text.ends_with("\n\n"), "{text}");
}
