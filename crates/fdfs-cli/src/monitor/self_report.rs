//! What the storages say of themselves: a question of our own that only fdfs answers.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fdfs_net::{CallOptions, Caller};
use fdfs_proto::cmd::tracker::StorageRecord;
use fdfs_proto::ours::SelfReport;
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{Command, Status};
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use super::text::host_port;

/// How long a storage may take; the monitor waits for the slowest.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest report.
const REPORT_MAX_BYTES: usize = 256 << 10;

/// Asks all active storages at once. `None` for those that are not active, do not answer, or are of the reference, which
/// does not know the question.
pub(crate) async fn ask_all(storages: &[StorageRecord]) -> Vec<Option<SelfReport>> {
    let mut reports = vec![None; storages.len()];
    let mut asking = JoinSet::new();
    for (index, storage) in storages.iter().enumerate() {
        if let (StorageStatus::Active, Ok(ip)) = (storage.status, storage.ip.as_str().parse::<IpAddr>()) {
            let addr = SocketAddr::new(ip, storage.port);
            asking.spawn(async move { (index, ask(addr).await) });
        }
    }
    while let Some(answer) = asking.join_next().await {
        if let Ok((index, report)) = answer
            && let Some(place) = reports.get_mut(index)
        {
            *place = report;
        }
    }
    reports
}

async fn ask(addr: SocketAddr) -> Option<SelfReport> {
    let options = CallOptions { connect_timeout: PATIENCE, network_timeout: PATIENCE, bind: None };
    let mut caller = Caller::connect(addr, &options).await.ok()?;
    let answer = caller.call(Command::SelfReport, 0, &[], REPORT_MAX_BYTES).await.ok()?;
    if answer.status == Status::OK { SelfReport::decode(&answer.body).ok() } else { None }
}

/// One line for a storage: `HOST  key = value, ...`.
pub(crate) fn line(storage: &StorageRecord, report: Option<&SelfReport>) -> String {
    let host = host_port(storage.ip.as_str(), storage.port);
    match report {
        Some(report) => {
            let said: Vec<_> = report.entries.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            format!("{host}  {}", said.join(", "))
        }
        None => format!("{host}  says nothing: not active, not reachable from here, or not an fdfs storage"),
    }
}

/// The report as an object; null when there is none.
pub(crate) fn json(report: Option<&SelfReport>) -> Value {
    let object = |report: &SelfReport| {
        report.entries.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect::<Map<_, _>>()
    };
    report.map_or(Value::Null, |report| Value::Object(object(report)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_line_and_one_object() {
        let mut report = SelfReport::default();
        report.push("durability", "disk");
        report.push("store_path0", "ok");
        assert_eq!(json(Some(&report)), serde_json::json!({ "durability": "disk", "store_path0": "ok" }));
        assert_eq!(json(None), Value::Null);
    }
}
