//! Everything that the dashboard shows, as one object.
//!
//! `{now, error, period_secs, trackers, groups: [{..., storages}], lag, series, findings}`; unknown values are null.

use serde_json::{Value, json};

use crate::findings::Finding;
use crate::lag::Row;
use crate::picture::{Group, Picture, Storage, host_port};
use crate::samples::{Point, Samples};

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
    let trackers = picture.trackers.iter().map(|tracker| {
        json!({
            "host": tracker.host.to_string(),
            "is_leader": tracker.is_leader,
            "is_active": tracker.is_active,
            "connections": tracker.connections.current,
            "version": tracker.version.to_string(),
        })
    });
    json!({
        "now": picture.unix_secs,
        "error": error,
        "period_secs": period_secs,
        "trackers": trackers.collect::<Vec<_>>(),
        "groups": picture.groups.iter().map(|g| group(g, samples, picture.unix_secs)).collect::<Vec<_>>(),
        "lag": lag.iter().map(row).collect::<Vec<_>>(),
        "series": series(samples),
        "findings": findings.map(|all| all.iter().map(finding).collect::<Vec<_>>()),
    })
}

fn group(group: &Group, samples: &Samples, now: i64) -> Value {
    let record = &group.record;
    json!({
        "name": record.group.to_string(),
        "total_mb": record.total_mb,
        "free_mb": record.free_mb,
        "reserved_mb": record.reserved_mb,
        "trunk_free_mb": record.trunk_free_mb,
        "storage_count": record.storage_count,
        "readable_count": record.readable_count,
        "writable_count": record.writable_count,
        "storages": group.storages.iter().map(|s| storage(group, s, samples, now)).collect::<Vec<_>>(),
    })
}

fn storage(group: &Group, storage: &Storage, samples: &Samples, now: i64) -> Value {
    let record = &storage.record;
    let rates = samples.rates(group.record.group, &record.id);
    json!({
        "id": record.id.to_string(),
        "addr": host_port(record.ip.as_str(), record.port),
        "status": record.status.to_string(),
        "version": record.version.to_string(),
        "total_mb": record.total_mb,
        "free_mb": record.free_mb,
        "is_trunk_server": record.is_trunk_server,
        "connections": record.stat.connections.current,
        "beat_age_secs": now.saturating_sub(record.stat.last_heart_beat_time).max(0),
        "up_time_secs": record.up_time_secs,
        "answer_ms": storage.answers_in.map(|took| took.as_secs_f64() * 1000.0),
        "in_bytes": rates.in_bytes,
        "out_bytes": rates.out_bytes,
        "writes": rates.writes,
        "reads": rates.reads,
        "failures": rates.failures,
    })
}

fn row(row: &Row) -> Value {
    let peers = row.peers.as_ref().map(|peers| {
        let peer = |peer: &fdfs_proto::ours::PeerStatus| {
            json!({
                "id": peer.id,
                "records": peer.records_behind,
                "secs": peer.secs_behind,
                "set_aside": peer.set_aside,
                "error": peer.error,
            })
        };
        peers.iter().map(peer).collect::<Vec<_>>()
    });
    json!({ "group": row.group, "id": row.id, "peers": peers.as_ref().ok(), "error": peers.as_ref().err() })
}

/// One list for each value: shorter than a list of objects.
fn series(samples: &Samples) -> Value {
    let list = |value: fn(&Point) -> Value| samples.points().iter().map(value).collect::<Vec<_>>();
    json!({
        "t": list(|point| point.unix_secs.into()),
        "in_bytes": list(|point| point.in_bytes.round().into()),
        "out_bytes": list(|point| point.out_bytes.round().into()),
        "sync_bytes": list(|point| point.sync_bytes.round().into()),
        "writes": list(|point| hundredths(point.writes)),
        "reads": list(|point| hundredths(point.reads)),
        "deletes": list(|point| hundredths(point.deletes)),
        "failures": list(|point| hundredths(point.failures)),
        "answer_ms_max": list(|point| point.answer_ms_max.map_or(Value::Null, hundredths)),
        "answer_ms_median": list(|point| point.answer_ms_median.map_or(Value::Null, hundredths)),
    })
}

fn hundredths(value: f64) -> Value {
    ((value * 100.0).round() / 100.0).into()
}

fn finding(finding: &Finding) -> Value {
    let Finding { severity, code, about, what, advice } = finding;
    json!({ "severity": severity.word(), "code": code, "about": about, "what": what, "advice": advice })
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
        let storage = &value["groups"][0]["storages"][0];
        assert_eq!((&storage["status"], &storage["addr"]), (&"ACTIVE".into(), &"10.0.0.5:23000".into()));
        assert_eq!((&storage["beat_age_secs"], &storage["answer_ms"]), (&10.into(), &1.5.into()));
        assert_eq!(value["series"]["answer_ms_max"][0], 1.5);
        assert_eq!((&value["lag"][0]["peers"], &value["findings"]), (&Value::Null, &Value::Null));
    }
}
