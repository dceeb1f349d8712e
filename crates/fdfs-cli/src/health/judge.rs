//! How a storage is, and how the cluster is: pure functions of what trackers know.

use std::fmt;

use fdfs_log::Level;
use fdfs_proto::cmd::tracker::StorageRecord;
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{GroupName, StorageId};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A storage that was not heard of for longer is in trouble, in seconds.
const HEART_BEAT_SECS_MAX: i64 = 60;
/// Percent of the disk that should be free.
const CRITICAL_FREE_PERCENT: u64 = 10;
const WARNING_FREE_PERCENT: u64 = 20;
/// So many uploads are enough to judge the share of those that failed.
const UPLOADS_TO_JUDGE: i64 = 100;
const FAILED_PERCENT_MAX: i64 = 10;

/// How something is; the worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Health {
    #[default]
    Ok,
    Warning,
    Critical,
}

impl Health {
    pub(super) const fn level(self) -> Level {
        match self {
            Self::Critical => Level::Error,
            Self::Warning | Self::Ok => Level::Warning,
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        })
    }
}

/// A storage with a problem.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) health: Health,
    group: GroupName,
    storage: StorageId,
    text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Storage {}:{} - {}", self.group, self.storage, self.text)
    }
}

/// What one look found.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) problems: Vec<Problem>,
    group_count: usize,
    healthy_group_count: usize,
    storage_count: usize,
}

impl Report {
    /// Adds a group with its storages.
    pub(super) fn add(&mut self, group: GroupName, storages: &[StorageRecord], now: i64) {
        let before = self.count(Health::Critical);
        for storage in storages {
            self.storage_count += 1;
            if let Some((health, text)) = judge(storage, now) {
                self.problems.push(Problem { health, group, storage: storage.id, text });
            }
        }
        self.group_count += 1;
        self.healthy_group_count += usize::from(self.count(Health::Critical) == before);
    }

    fn count(&self, health: Health) -> usize {
        self.problems.iter().filter(|problem| problem.health == health).count()
    }

    /// The lines of the round.
    pub(super) fn text(&self, zone: &TimeZone, now: i64) -> String {
        let overall = self.problems.iter().map(|problem| problem.health).max().unwrap_or_default();
        let (warning, critical) = (self.count(Health::Warning), self.count(Health::Critical));
        let (healthy, total) = (self.storage_count - warning - critical, self.storage_count);
        let time = match Timestamp::from_second(now) {
            Ok(time) => time.to_zoned(zone.clone()).strftime("%a %b %e %H:%M:%S %Y").to_string(),
            Err(_) => now.to_string(),
        };
        format!(
            "\n=== FastDFS Cluster Health Check ===\nOverall Status: {overall}\n\
             Groups: {} total, {} healthy\n\
             Storage Servers: {total} total, {healthy} healthy, {warning} warning, {critical} critical\n\
             Timestamp: {time}\n=====================================\n\n",
            self.group_count, self.healthy_group_count
        )
    }
}

/// What is wrong with a storage; the first thing that is.
fn judge(storage: &StorageRecord, now: i64) -> Option<(Health, String)> {
    if storage.status != StorageStatus::Active {
        let number = storage.status.number();
        return Some((Health::Critical, format!("Storage server not active (status: {number})")));
    }
    let silent_secs = now.saturating_sub(storage.stat.last_heart_beat_time);
    if silent_secs > HEART_BEAT_SECS_MAX {
        return Some((Health::Critical, format!("No heartbeat for {silent_secs} seconds")));
    }
    if let Some(percent) = storage.free_mb.saturating_mul(100).checked_div(storage.total_mb) {
        if percent < CRITICAL_FREE_PERCENT {
            return Some((Health::Critical, format!("Critical: Only {percent}% disk space free")));
        }
        if percent < WARNING_FREE_PERCENT {
            return Some((Health::Warning, format!("Warning: Only {percent}% disk space free")));
        }
    }
    let uploads = storage.stat.upload_count;
    if uploads.total > UPLOADS_TO_JUDGE {
        let failed = uploads.total.saturating_sub(uploads.success).saturating_mul(100) / uploads.total;
        if failed > FAILED_PERCENT_MAX {
            return Some((Health::Warning, format!("High error rate: {failed}% upload failures")));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_proto::shared::{Counter, RwMode, StorageStat};

    const NOW: i64 = 1_795_166_807;

    fn storage() -> StorageRecord {
        StorageRecord {
            status: StorageStatus::Active,
            rw_mode: RwMode::Both,
            id: "100001".parse().unwrap(),
            ip: "10.78.4.13".parse().unwrap(),
            source_id: None,
            version: "6.16.1".parse().unwrap(),
            join_time_secs: 1,
            up_time_secs: 1,
            total_mb: 1000,
            free_mb: 200,
            reserved_mb: 10,
            upload_priority: 10,
            store_path_count: 1,
            subdir_count: 256,
            current_write_path_index: 0,
            port: 23000,
            stat: StorageStat { last_heart_beat_time: NOW - 60, ..StorageStat::default() },
            is_trunk_server: false,
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut StorageRecord), expected: Option<(Health, &str)>) {
        let mut storage = storage();
        change(&mut storage);
        let found = judge(&storage, NOW);
        assert_eq!(found.as_ref().map(|(health, text)| (*health, text.as_str())), expected);
    }

    #[test]
    fn the_first_thing_that_is_wrong_is_told() {
        use Health::{Critical, Warning};
        check(|_| {}, None);
        check(|s| s.status = StorageStatus::Offline, Some((Critical, "Storage server not active (status: 5)")));
        check(|s| s.stat.last_heart_beat_time -= 1, Some((Critical, "No heartbeat for 61 seconds")));
        check(|s| s.free_mb = 99, Some((Critical, "Critical: Only 9% disk space free")));
        check(|s| s.free_mb = 199, Some((Warning, "Warning: Only 19% disk space free")));
        check(|s| s.total_mb = 0, None);
        let uploads = |total, success| move |s: &mut StorageRecord| s.stat.upload_count = Counter { total, success };
        check(uploads(100, 0), None);
        check(uploads(101, 90), None);
        check(uploads(200, 178), Some((Warning, "High error rate: 11% upload failures")));
    }

    #[test]
    fn a_round_reads_as_the_reference_writes_it() {
        let mut report = Report::default();
        report.add("group1".parse().unwrap(), &[storage(), storage()], NOW);
        report.add("group2".parse().unwrap(), &[storage()], NOW);
        let recorded = include_str!("../../tests/golden/health_checker.txt");
        let text = report.text(&TimeZone::UTC, NOW);
        let lines: String = text.lines().map(|line| format!("1| {line}\n")).collect();
        assert!(recorded.contains(&lines), "{lines}");

        let offline = StorageRecord { status: StorageStatus::Offline, id: "100002".parse().unwrap(), ..storage() };
        let mut report = Report::default();
        report.add("group1".parse().unwrap(), &[storage(), offline], NOW - 75);
        let text = report.text(&TimeZone::UTC, NOW - 75);
        let lines: String = text.lines().map(|line| format!("1| {line}\n")).collect();
        assert!(recorded.contains(&lines), "{lines}");
        assert!(recorded.contains(&format!("ERROR - {}", report.problems[0])), "{}", report.problems[0]);
    }
}
