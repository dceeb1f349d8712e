//! Our own command: what this storage says of itself to `fdfs monitor`.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use fdfs_proto::ours::{SelfReport, SelfReportRequest};

use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;

/// Serves the command.
pub(super) async fn self_report(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    exchange.decode::<SelfReportRequest>().await?;
    let mut report = SelfReport::default();
    report.push("program", concat!("fdfs ", env!("CARGO_PKG_VERSION")));
    report.push("group", storage.group.as_str());
    report.push("id", storage.identity.storage_id().as_str());
    report.push("durability", storage.conf.durability.word());
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    report.push("clock_ms", &clock.as_millis().to_string());
    let drained = storage.terms.drained();
    report.push("drained", if drained.storage { "yes" } else { "no" });
    for (name, value) in settings(storage) {
        report.push(name, &value);
    }
    report.push("workers", &storage.worker_count.to_string());
    report.push("requests_in_work", &storage.busy_count().to_string());
    let slots = &storage.write_path.slots;
    let out_of_service = slots.iter().filter(|slot| slot.path.broken().is_some()).count();
    report.push("store_paths_out_of_service", &out_of_service.to_string());
    for slot in slots {
        if let Some(flusher) = &slot.flusher {
            let (asked, made) = flusher.counts();
            let index = slot.path.index();
            report.push(&format!("store_path{index}_flushes_asked"), &asked.to_string());
            report.push(&format!("store_path{index}_flushes_made"), &made.to_string());
        }
    }
    for slot in slots {
        let state = match slot.path.broken() {
            Some(why) => why,
            None if slot.path.is_readonly() => "readonly",
            None if drained.store_paths.contains(&slot.path.index()) => "drained",
            None => "ok",
        };
        report.push(&format!("store_path{}", slot.path.index()), state);
    }
    report.push("quarantined", &storage.sync.quarantine_count().to_string());
    report.push("in_doubt", &storage.doubts.count().to_string());
    for (index, progress) in storage.recovery.snapshot() {
        for (key, value) in progress.entries() {
            report.push(&format!("store_path{index}_recovery{key}"), &value);
        }
    }
    report.encode(exchange.answer);
    Ok(Reply::Body)
}

/// What the storages of a group should have in common, or at least the operator know of.
fn settings(storage: &Storage) -> [(&'static str, String); 5] {
    let conf = &storage.conf;
    let mut trackers: Vec<String> = storage.trackers.all().iter().map(|(_, tracker)| tracker.to_string()).collect();
    trackers.sort();
    [
        ("heart_beat_interval", conf.heart_beat_interval_secs.to_string()),
        ("sync_window", format!("{} {}", clock(conf.sync_start_time), clock(conf.sync_end_time))),
        ("check_file_duplicate", conf.check_file_duplicate.to_string()),
        ("advertise", storage.terms.advertise().len().to_string()),
        ("trackers", trackers.join(" ")),
    ]
}

fn clock(time: fdfs_conf::TimeOfDay) -> String {
    format!("{:02}:{:02}", time.hour, time.minute)
}
