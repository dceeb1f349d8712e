//! Everything that the dashboard shows, as one object.
//!
//! `{now, error, period_secs, trackers, groups: [{..., storages}], lag, series, findings}`; unknown values are null.

use fdfs_client::TrackerClusterRow;
use fdfs_proto::ours::PeerStatus;

use crate::findings::Finding;
use crate::lag::Row;
use crate::picture::{Group, Picture, Storage, host_port};
use crate::samples::{Point, Samples};
use crate::value::{Value, list, object};

/// The whole.
#[must_use]
pub fn all(
    picture: &Picture,
    samples: &Samples,
    lag: &[Row],
    findings: Option<&[Finding]>,
    error: Option<&str>,
    period_secs: u64,
) -> Value {
    object([
        ("now", picture.unix_secs.into()),
        ("error", error.into()),
        ("period_secs", period_secs.into()),
        ("trackers", list(picture.trackers.iter().map(tracker))),
        ("groups", list(picture.groups.iter().map(|group| self::group(group, samples, picture.unix_secs)))),
        ("lag", list(lag.iter().map(row))),
        ("series", series(samples)),
        ("findings", findings.map(|all| list(all.iter().map(finding))).into()),
    ])
}

fn tracker(tracker: &TrackerClusterRow) -> Value {
    object([
        ("host", tracker.host.to_string().into()),
        ("is_leader", tracker.is_leader.into()),
        ("is_active", tracker.is_active.into()),
        ("connections", tracker.connections.current.into()),
        ("version", tracker.version.to_string().into()),
    ])
}

fn group(group: &Group, samples: &Samples, now: i64) -> Value {
    let record = &group.record;
    object([
        ("name", record.group.to_string().into()),
        ("total_mb", record.total_mb.into()),
        ("free_mb", record.free_mb.into()),
        ("reserved_mb", record.reserved_mb.into()),
        ("trunk_free_mb", record.trunk_free_mb.into()),
        ("storage_count", record.storage_count.into()),
        ("readable_count", record.readable_count.into()),
        ("writable_count", record.writable_count.into()),
        ("storages", list(group.storages.iter().map(|storage| self::storage(group, storage, samples, now)))),
    ])
}

fn storage(group: &Group, storage: &Storage, samples: &Samples, now: i64) -> Value {
    let record = &storage.record;
    let rates = samples.rates(group.record.group, &record.id);
    object([
        ("id", record.id.to_string().into()),
        ("addr", host_port(record.ip.as_str(), record.port).into()),
        ("status", record.status.to_string().into()),
        ("version", record.version.to_string().into()),
        ("total_mb", record.total_mb.into()),
        ("free_mb", record.free_mb.into()),
        ("is_trunk_server", record.is_trunk_server.into()),
        ("connections", record.stat.connections.current.into()),
        ("beat_age_secs", now.saturating_sub(record.stat.last_heart_beat_time).max(0).into()),
        ("up_time_secs", record.up_time_secs.into()),
        ("answer_ms", storage.answers_in.map(|took| took.as_secs_f64() * 1000.0).into()),
        ("in_bytes", rates.in_bytes.into()),
        ("out_bytes", rates.out_bytes.into()),
        ("writes", rates.writes.into()),
        ("reads", rates.reads.into()),
        ("failures", rates.failures.into()),
    ])
}

fn row(row: &Row) -> Value {
    let peer = |peer: &PeerStatus| {
        object([
            ("id", peer.id.as_str().into()),
            ("records", peer.records_behind.into()),
            ("secs", peer.secs_behind.into()),
            ("set_aside", peer.set_aside.into()),
            ("error", peer.error.as_deref().into()),
        ])
    };
    object([
        ("group", row.group.as_str().into()),
        ("id", row.id.as_str().into()),
        ("peers", row.peers.as_ref().ok().map(|peers| list(peers.iter().map(peer))).into()),
        ("error", row.peers.as_ref().err().map(String::as_str).into()),
    ])
}

/// One list for each value: shorter than a list of objects.
fn series(samples: &Samples) -> Value {
    let each = |value: fn(&Point) -> Value| list(samples.points().iter().map(value));
    object([
        ("t", each(|point| point.unix_secs.into())),
        ("in_bytes", each(|point| point.in_bytes.round().into())),
        ("out_bytes", each(|point| point.out_bytes.round().into())),
        ("sync_bytes", each(|point| point.sync_bytes.round().into())),
        ("writes", each(|point| hundredths(point.writes))),
        ("reads", each(|point| hundredths(point.reads))),
        ("deletes", each(|point| hundredths(point.deletes))),
        ("failures", each(|point| hundredths(point.failures))),
        ("answer_ms_max", each(|point| point.answer_ms_max.map(hundredths).into())),
        ("answer_ms_median", each(|point| point.answer_ms_median.map(hundredths).into())),
    ])
}

fn hundredths(value: f64) -> Value {
    ((value * 100.0).round() / 100.0).into()
}

fn finding(finding: &Finding) -> Value {
    let Finding { severity, code, about, what, advice } = finding;
    object([
        ("severity", severity.word().into()),
        ("code", (*code).into()),
        ("about", about.as_str().into()),
        ("what", what.as_str().into()),
        ("advice", advice.as_str().into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::tests::picture;

    #[test]
    fn the_whole_is_one_object() {
        let picture = picture(1000, 990, 100);
        let mut samples = Samples::default();
        samples.add(&picture);
        let row = Row { group: "group1".into(), id: "10.0.0.5".into(), peers: Err("it is of the reference".into()) };
        let value = all(&picture, &samples, &[row], None, Some("no tracker answers"), 10);
        let of_storage = |name| value.at(&["groups", "0", "storages", "0", name]).unwrap().to_string();
        assert_eq!((of_storage("status"), of_storage("addr")), ("\"ACTIVE\"".into(), "\"10.0.0.5:23000\"".into()));
        assert_eq!((of_storage("beat_age_secs"), of_storage("answer_ms")), ("10".into(), "1.5".into()));
        assert_eq!(value.at(&["series", "answer_ms_max", "0"]), Some(&1.5.into()));
        assert_eq!(value.at(&["lag", "0", "peers"]), Some(&Value::Null));
        assert_eq!(
            (value.at(&["findings"]), value.at(&["error"])),
            (Some(&Value::Null), Some(&"no tracker answers".into()))
        );
    }
}
