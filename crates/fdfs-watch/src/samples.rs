//! Rates and times to answer over the last hour. Pure: pictures come in, series come out; bounded.

use std::collections::{BTreeMap, VecDeque};

use fdfs_proto::shared::StorageStat;

use crate::picture::Picture;

/// Points that are kept: an hour of one every ten seconds.
pub const POINTS_MAX: usize = 360;
/// Storages whose rates are known; of more, the first ones by group and id.
pub const STORAGES_MAX: usize = 4096;

/// Rates by the second, and the time to answer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Point {
    /// When, unix seconds.
    pub unix_secs: i64,
    /// Bytes that clients sent.
    pub in_bytes: f64,
    /// Bytes that clients fetched.
    pub out_bytes: f64,
    /// Bytes that came from other storages.
    pub sync_bytes: f64,
    /// Uploads and changes.
    pub writes: f64,
    /// Downloads.
    pub reads: f64,
    /// Deletes.
    pub deletes: f64,
    /// Requests that failed.
    pub failures: f64,
    /// Milliseconds to answer a small question: the slowest storage. `None`: nobody answered.
    pub answer_ms_max: Option<f64>,
    /// The same in the middle of all storages.
    pub answer_ms_median: Option<f64>,
}

/// What was counted up to a beat.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Counts {
    /// When the storage told it, unix seconds.
    beat: i64,
    in_bytes: i64,
    out_bytes: i64,
    sync_bytes: i64,
    writes: i64,
    reads: i64,
    deletes: i64,
    failures: i64,
}

impl Counts {
    fn of(stat: &StorageStat) -> Self {
        let changes = [stat.upload_count, stat.append_count, stat.modify_count, stat.truncate_count];
        let all = [changes.as_slice(), &[stat.download_count, stat.delete_count]].concat();
        Self {
            beat: stat.last_heart_beat_time,
            in_bytes: stat.upload_bytes.success + stat.append_bytes.success + stat.modify_bytes.success,
            out_bytes: stat.download_bytes.success,
            sync_bytes: stat.sync_in_bytes.success,
            writes: changes.iter().map(|count| count.success).sum(),
            reads: stat.download_count.success,
            deletes: stat.delete_count.success,
            failures: all.iter().map(|count| count.total.saturating_sub(count.success)).sum(),
        }
    }

    /// Rates between two beats. Counters that went back (a storage that lost its state) give nothing.
    fn rates(&self, before: &Self) -> Point {
        let secs = self.beat.saturating_sub(before.beat).max(1) as f64;
        let rate = |now: i64, then: i64| now.saturating_sub(then).max(0) as f64 / secs;
        Point {
            in_bytes: rate(self.in_bytes, before.in_bytes),
            out_bytes: rate(self.out_bytes, before.out_bytes),
            sync_bytes: rate(self.sync_bytes, before.sync_bytes),
            writes: rate(self.writes, before.writes),
            reads: rate(self.reads, before.reads),
            deletes: rate(self.deletes, before.deletes),
            failures: rate(self.failures, before.failures),
            ..Point::default()
        }
    }
}

/// What is known of one storage.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    counts: Counts,
    rates: Point,
}

/// The last hour.
#[derive(Debug, Default)]
pub struct Samples {
    points: VecDeque<Point>,
    storages: BTreeMap<String, Known>,
}

impl Samples {
    /// Adds a picture.
    pub fn add(&mut self, picture: &Picture) {
        let mut storages = BTreeMap::new();
        let mut all = Point { unix_secs: picture.unix_secs, ..Point::default() };
        let mut answers: Vec<f64> = Vec::new();
        for group in &picture.groups {
            for storage in &group.storages {
                answers.extend(storage.answers_in.map(|took| took.as_secs_f64() * 1000.0));
                if storages.len() == STORAGES_MAX {
                    continue;
                }
                let key = key(group.record.group, &storage.record.id);
                let counts = Counts::of(&storage.record.stat);
                let known = match self.storages.get(&key) {
                    // Counters move with beats: between two of them the rate is the last one that is known.
                    Some(known) if known.counts.beat == counts.beat => *known,
                    Some(known) => Known { counts, rates: counts.rates(&known.counts) },
                    None => Known { counts, rates: Point::default() },
                };
                let Point { in_bytes, out_bytes, sync_bytes, writes, reads, deletes, failures, .. } = known.rates;
                all.in_bytes += in_bytes;
                all.out_bytes += out_bytes;
                all.sync_bytes += sync_bytes;
                all.writes += writes;
                all.reads += reads;
                all.deletes += deletes;
                all.failures += failures;
                storages.insert(key, known);
            }
        }
        answers.sort_by(f64::total_cmp);
        all.answer_ms_max = answers.last().copied();
        all.answer_ms_median = answers.get(answers.len().saturating_sub(1) / 2).copied();
        self.storages = storages;
        if self.points.len() == POINTS_MAX {
            self.points.pop_front();
        }
        self.points.push_back(all);
    }

    /// All points, the oldest first.
    #[must_use]
    pub const fn points(&self) -> &VecDeque<Point> {
        &self.points
    }

    /// The rates of a storage now.
    #[must_use]
    pub fn rates(&self, group: fdfs_client::GroupName, id: &fdfs_client::StorageId) -> Point {
        self.storages.get(&key(group, id)).map(|known| known.rates).unwrap_or_default()
    }
}

fn key(group: fdfs_client::GroupName, id: &fdfs_client::StorageId) -> String {
    format!("{group}/{id}")
}

#[cfg(test)]
pub mod tests {
    //! What other tests of pictures use, too.
    use super::*;
    use crate::picture::{Group, Storage};
    use fdfs_client::{GroupRecord, StorageRecord};
    use fdfs_proto::shared::{Counter, RwMode, StorageStatus};
    use std::time::Duration;

    /// A group of one storage whose counters stand at `n` since a beat at `beat`.
    #[must_use]
    pub fn picture(unix_secs: i64, beat: i64, n: i64) -> Picture {
        let counter = Counter { total: n + 1, success: n };
        let stat = StorageStat {
            upload_count: counter,
            upload_bytes: Counter { total: n * 1000, success: n * 1000 },
            download_count: Counter { total: n, success: n },
            last_heart_beat_time: beat,
            ..StorageStat::default()
        };
        let record = StorageRecord {
            status: StorageStatus::Active,
            rw_mode: RwMode::Both,
            id: "10.0.0.5".parse().unwrap(),
            ip: "10.0.0.5".parse().unwrap(),
            source_id: None,
            version: "6.16.1".parse().unwrap(),
            join_time_secs: 1,
            up_time_secs: 2,
            total_mb: 1000,
            free_mb: 400,
            reserved_mb: 100,
            upload_priority: 10,
            store_path_count: 1,
            subdir_count: 256,
            current_write_path_index: 0,
            port: 23000,
            stat,
            is_trunk_server: false,
        };
        let group = GroupRecord {
            group: "group1".parse().unwrap(),
            total_mb: 1000,
            free_mb: 400,
            reserved_mb: 100,
            trunk_free_mb: 0,
            storage_count: 1,
            storage_port: Some(23000),
            readable_count: 1,
            writable_count: 1,
            current_write_server_index: 0,
            store_path_count: 1,
            subdir_count: 256,
            current_trunk_file_id: None,
        };
        let storage = Storage { record, answers_in: Some(Duration::from_micros(1500)) };
        Picture { unix_secs, trackers: Vec::new(), groups: vec![Group { record: group, storages: vec![storage] }] }
    }

    #[test]
    fn rates_are_what_came_between_two_beats() {
        let mut samples = Samples::default();
        samples.add(&picture(1000, 990, 100));
        assert_eq!(samples.points()[0].writes, 0.0, "nobody knows what was before");
        samples.add(&picture(1010, 990, 100));
        samples.add(&picture(1020, 1020, 160));
        let last = samples.points().back().unwrap();
        assert_eq!((last.writes, last.reads, last.in_bytes, last.failures), (2.0, 2.0, 2000.0, 0.0));
        assert_eq!((last.answer_ms_max, last.answer_ms_median), (Some(1.5), Some(1.5)));
        samples.add(&picture(1030, 1020, 160));
        assert_eq!(samples.points().back().unwrap().writes, 2.0, "until the next beat");
        samples.add(&picture(1050, 1050, 3));
        assert_eq!(samples.points().back().unwrap().writes, 0.0, "counters that went back");
        let group = "group1".parse().unwrap();
        assert_eq!(samples.rates(group, &"10.0.0.5".parse().unwrap()).writes, 0.0);
        assert_eq!(samples.rates(group, &"10.0.0.6".parse().unwrap()), Point::default());
    }

    #[test]
    fn an_hour_is_kept() {
        let mut samples = Samples::default();
        for second in 0..2 * POINTS_MAX as i64 {
            samples.add(&picture(second * 10, second, second));
        }
        assert_eq!(samples.points().len(), POINTS_MAX);
        assert_eq!(samples.points()[0].unix_secs, POINTS_MAX as i64 * 10);
    }
}
