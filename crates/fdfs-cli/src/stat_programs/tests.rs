//! Every recorded run of the three programs again: the options are read, the rows that they choose are told, and the
//! text is that of the reference.

use fdfs_proto::cmd::tracker::{StorageClusterRow, StorageClusterStat, TrackerClusterRow, VolumeRow, VolumeStat};
use fdfs_proto::shared::{ConnectionCounts, StorageStatus};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::storage_stat::{self, StorageStat};
use super::tracker_stat::{self, TrackerStat};
use super::volumn_stat::{self, VolumnStat};
use super::{Line, Stat};

/// A recorded run: its words behind the program's name, its lines.
struct Run {
    title: &'static str,
    words: Vec<String>,
    stdout: String,
    stderr: String,
}

fn runs(recording: &'static str) -> impl Iterator<Item = Run> {
    recording.strip_prefix("=== ").unwrap().split("\n=== ").map(|record| {
        let stream = |mark: &str| -> String {
            record.lines().filter_map(|line| line.strip_prefix(mark)).map(|line| format!("{line}\n")).collect()
        };
        let command = record.lines().nth(1).unwrap().strip_prefix("$ ").unwrap();
        let words = command.split_ascii_whitespace().skip(1).map(str::to_owned).collect();
        Run { title: record.lines().next().unwrap(), words, stdout: stream("1| "), stderr: stream("2| ") }
    })
}

/// Repeats all runs; `text` tells the chosen rows, made of what was recorded. Gives the number of runs.
fn repeat<S: Stat>(recording: &'static str, name: &str, text: impl Fn(&S, &Run) -> String) -> usize {
    let mut count = 0;
    for run in runs(recording) {
        count += 1;
        match Line::<S>::parse(&run.words) {
            Ok(None) => assert_eq!(format!("{}\n", S::usage(name)), run.stderr, "{}", run.title),
            Err(wrong) => {
                assert_eq!(format!("{name}: {wrong}\n{}\n", S::usage(name)), run.stderr, "{}", run.title);
            }
            // No configuration.
            Ok(Some(line)) if line.conf == super::DEFAULT_CONF => assert_eq!(run.stdout, "", "{}", run.title),
            Ok(Some(line)) => assert_eq!(text(&line.stat, &run), run.stdout, "{}", run.title),
        }
    }
    count
}

/// What stands behind `label` up to a comma, a brace or the line's end.
fn value<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(label)?;
    rest.split([',', '}']).next()
}

fn counts(line: &str) -> ConnectionCounts {
    let count = |label: &str| value(line, label).unwrap().parse().unwrap();
    ConnectionCounts { alloc: count("alloc: "), current: count("current: "), max: count("max: ") }
}

fn secs(details: Option<&str>, label: &str) -> i64 {
    let Some(text) = details.and_then(|line| value(line, label)) else { return 0 };
    text.parse::<DateTime>().unwrap().to_zoned(TimeZone::UTC).unwrap().timestamp().as_second()
}

/// The lines that tell of one row, each with its details.
fn rows(stdout: &str) -> Vec<(&str, Option<&str>)> {
    let lines: Vec<_> = stdout.lines().collect();
    let told = lines.iter().enumerate().filter(|(_, line)| line.contains("connections {"));
    told.map(|(at, line)| (*line, lines.get(at + 1).copied().filter(|next| next.starts_with("  version")))).collect()
}

fn tracker(line: &str, details: Option<&str>) -> TrackerClusterRow {
    TrackerClusterRow {
        host: line.split(',').next().unwrap().parse().unwrap(),
        is_leader: value(line, "is_leader: ") == Some("1"),
        is_active: value(line, "is_active: ") == Some("1"),
        connections: counts(line),
        version: details.and_then(|line| value(line, "version: ")).unwrap_or_default().parse().unwrap(),
        up_time_secs: secs(details, "up_time: "),
        last_heart_beat_secs: secs(details, "last_heartbeat_time: "),
    }
}

fn storage(line: &str, details: Option<&str>) -> StorageClusterRow {
    let words: Vec<&str> = line.split(',').next().unwrap().split(' ').collect();
    let [.., host, status] = words.as_slice() else { panic!("{line}") };
    let statuses = [StorageStatus::Active, StorageStatus::Offline];
    let host: fdfs_proto::cmd::tracker::HostPort = host.parse().unwrap();
    StorageClusterRow {
        id: if words.len() == 3 { words[0].parse().unwrap() } else { host.ip.as_str().parse().unwrap() },
        host,
        is_trunk_server: value(line, "is_trunk_server: ") == Some("1"),
        status: statuses.into_iter().find(|known| known.to_string() == *status).unwrap(),
        connections: counts(line),
        version: details.and_then(|line| value(line, "version: ")).unwrap_or_default().parse().unwrap(),
        up_time_secs: secs(details, "up_time: "),
        last_heart_beat_secs: secs(details, "last_heartbeat_time: "),
    }
}

#[test]
fn every_recorded_run_of_fdfs_tracker_stat_agrees() {
    let recording = include_str!("../../tests/golden/tracker_stat.txt");
    let count = repeat(recording, "fdfs_tracker_stat", |stat: &TrackerStat, run| {
        let trackers: Vec<_> = rows(&run.stdout).into_iter().map(|(line, details)| tracker(line, details)).collect();
        for row in &trackers {
            assert!(stat.which.is_active.is_none_or(|wanted| wanted == row.is_active), "{}", run.title);
            assert!(stat.which.is_leader.is_none_or(|wanted| wanted == row.is_leader), "{}", run.title);
        }
        tracker_stat::lines(&trackers, stat.with_details, &TimeZone::UTC)
    });
    assert_eq!(count, 12);
}

#[test]
fn every_recorded_run_of_fdfs_storage_stat_agrees() {
    let recording = include_str!("../../tests/golden/storage_stat.txt");
    let count = repeat(recording, "fdfs_storage_stat", |stat: &StorageStat, run| {
        let storages: Vec<_> = rows(&run.stdout).into_iter().map(|(line, details)| storage(line, details)).collect();
        for row in &storages {
            assert!(stat.which.status.is_none_or(|wanted| wanted.matches(row.status)), "{}", run.title);
            assert!(stat.which.is_trunk_server.is_none_or(|is| is == row.is_trunk_server), "{}", run.title);
        }
        let of_second_cluster = run.words.iter().any(|word| word == "client2.conf");
        let stat_of_all =
            StorageClusterStat { use_storage_id: of_second_cluster, use_trunk_file: !of_second_cluster, storages };
        storage_stat::lines(&stat_of_all, stat.with_details, &TimeZone::UTC)
    });
    assert_eq!(count, 12);
}

#[test]
fn every_recorded_run_of_fdfs_volumn_stat_agrees() {
    let recording = include_str!("../../tests/golden/volumn_stat.txt");
    let count = repeat(recording, "fdfs_volumn_stat", |stat: &VolumnStat, run| {
        let is_second = run.words.iter().any(|word| word == "client2.conf");
        let group = |name: &str| VolumeRow {
            group: name.parse().unwrap(),
            total_mb: 258_019,
            free_mb: if is_second { 75_329 } else { 75_055 },
            reserved_mb: 2580,
            available_mb: if is_second { 72_749 } else { 72_475 },
            trunk_free_mb: 63,
            is_disk_available: true,
            is_trunk_available: !is_second,
        };
        let names: &[&str] = if is_second { &["group1"] } else { &["group1", "group2"] };
        let fits = |row: &VolumeRow| {
            let space = row.is_disk_available || row.is_trunk_available;
            stat.which.is_disk_available.is_none_or(|wanted| wanted == row.is_disk_available)
                && stat.which.is_trunk_available.is_none_or(|wanted| wanted == row.is_trunk_available)
                && stat.which.is_space_available.is_none_or(|wanted| wanted == space)
        };
        let groups = names.iter().map(|name| group(name)).filter(fits).collect();
        volumn_stat::lines(&VolumeStat { use_trunk_file: !is_second, groups })
    });
    assert_eq!(count, 9);
}

#[test]
fn a_disk_without_space_divides_by_nothing() {
    let empty = VolumeRow {
        group: "g".parse().unwrap(),
        total_mb: 0,
        free_mb: 0,
        reserved_mb: 5,
        available_mb: -5,
        trunk_free_mb: 0,
        is_disk_available: false,
        is_trunk_available: false,
    };
    let text = volumn_stat::lines(&VolumeStat { use_trunk_file: true, groups: vec![empty] });
    assert!(text.contains("avail: 0  B, util: 0.00%}") && text.contains("ratio: 0.00%}"), "{text}");
}
