//! What a run found, for scripts.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::failure::Cause;
use super::plan::Work;
use super::result::{QUANTILES, Summary, sorted};
use super::sizes::Sizes;
use super::tally::Tally;

/// The result as one object. Latencies are in microseconds, MB are 1,000,000 bytes.
pub(crate) fn of(summary: &Summary) -> Value {
    let plan = &summary.plan;
    let (operation, mix) = match plan.work {
        Work::Only(kind) => (kind.name(), Value::Null),
        Work::Mixed(mix) => ("mixed", mix.to_string().into()),
    };
    let size = match plan.sizes {
        _ if !plan.uploads() => Value::Null,
        Sizes::Fixed(bytes) => bytes.into(),
        Sizes::Realistic => "mix".into(),
    };
    let operations: Map<String, Value> =
        summary.tallies.iter().map(|(kind, tally)| (kind.name().to_owned(), counted(summary, tally))).collect();
    let servers = summary.servers.as_ref().map(|servers| {
        json!({
            "pids": servers.pids,
            "cpu_us": servers.cpu_us,
            "cpu_us_per_op": summary.cpu_us_per_op().map(rounded),
            "resident_bytes": servers.resident_bytes,
        })
    });
    let clean_up =
        summary.clean_up.map(|done| json!({ "deleted_count": done.deleted_count, "left_count": done.left_count }));
    let ids = summary.ids.as_ref().map(|(path, count)| json!({ "file": path.display().to_string(), "count": count }));
    json!({
        "operation": operation,
        "mix": mix,
        "size": size,
        "connections": plan.connection_count,
        "storages": summary.way,
        "verify": plan.verify,
        "elapsed_secs": rounded(summary.elapsed.as_secs_f64()),
        "interrupted": summary.is_interrupted,
        "total": counted(summary, &summary.total()),
        "operations": operations,
        "servers": servers,
        "clean_up": clean_up,
        "ids": ids,
    })
}

fn counted(summary: &Summary, tally: &Tally) -> Value {
    let us = |latency: Duration| rounded(latency.as_secs_f64() * 1e6);
    let latencies = &tally.latencies;
    let mut latency_us: Map<String, Value> =
        QUANTILES.iter().map(|&(name, per_mille)| (name.to_owned(), us(latencies.per_mille(per_mille)))).collect();
    latency_us.insert("max".to_owned(), us(latencies.max()));
    latency_us.insert("mean".to_owned(), us(latencies.mean()));
    json!({
        "done_count": tally.success_count(),
        "failed_count": tally.failure_count(),
        "bytes": tally.bytes,
        "ops_per_sec": rounded(summary.per_sec(tally.success_count())),
        "mb_per_sec": rounded(summary.per_sec(tally.bytes) / 1e6),
        "latency_us": latency_us,
        "failures": sorted(&tally.failures).into_iter().map(failed).collect::<Vec<_>>(),
    })
}

fn failed((cause, count): (Cause, u64)) -> Value {
    json!({
        "cause": cause.word(),
        "server": cause.server().name(),
        "status": cause.status().map(|status| status.0),
        "name": cause.status().and_then(|status| status.name()),
        "text": cause.to_string(),
        "count": count,
    })
}

/// Three digits behind the point are more than anything here is exact to.
fn rounded(value: f64) -> Value {
    ((value * 1e3).round() / 1e3).into()
}

#[cfg(test)]
mod tests {
    use super::super::result::tests::summary;
    use super::*;

    #[test]
    fn scripts_find_the_same_figures() {
        let json = of(&summary());
        assert_eq!(json["operation"], "mixed");
        assert_eq!((&json["size"], &json["connections"]), (&4096.into(), &16.into()));
        assert_eq!((&json["total"]["done_count"], &json["total"]["failed_count"]), (&1001.into(), &3.into()));
        let upload = &json["operations"]["upload"];
        assert_eq!((&upload["ops_per_sec"], &upload["mb_per_sec"]), (&500.0.into(), &2.048.into()));
        let latency = &upload["latency_us"];
        for name in ["p50", "p95", "p99", "p99_9", "max", "mean"] {
            assert!((latency[name].as_f64().unwrap() - 1000.0).abs() < 10.0, "{name}: {latency}");
        }
        let failure = &json["operations"]["delete"]["failures"][0];
        assert_eq!((&failure["name"], &failure["count"]), (&"ENOENT".into(), &2.into()));
        assert_eq!((&failure["cause"], &failure["server"]), (&"answer".into(), &"storage".into()));
        assert_eq!(json["servers"]["cpu_us_per_op"], 50.0);
        assert_eq!(json["clean_up"]["left_count"], 0);
        assert!(json["ids"].is_null());
    }
}
