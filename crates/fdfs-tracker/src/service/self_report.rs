//! Our own command 240: what this tracker says of itself to `fdfs doctor`.

use std::time::{SystemTime, UNIX_EPOCH};

use fdfs_core::tracker::Cluster;
use fdfs_proto::ours::{Network, SelfReport, SelfReportRequest};

use super::Call;
use crate::error::RequestError;

pub(super) fn report(call: &mut Call<'_>) -> Result<(), RequestError> {
    let SelfReportRequest = call.decode()?;
    let mut report = SelfReport::default();
    report.push("program", concat!("fdfs ", env!("CARGO_PKG_VERSION")));
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    report.push("clock_ms", &clock.as_millis().to_string());
    report.push("you_are", call.peer.ip.as_str());
    let leader = call.tracker.read(|cluster| cluster.trackers().leader().copied());
    report.push("leader", &leader.map_or_else(|| "none".to_owned(), |leader| leader.to_string()));
    for line in call.tracker.read(told) {
        report.push("told", &line);
    }
    report.encode(call.answer);
    Ok(())
}

/// `GROUP/ID NETWORK ADDRESS PORT` for each route of each storage and for its second address, in the order in which they
/// count; `else` for all others. Nothing for a storage that all are told the same of.
fn told(cluster: &Cluster) -> Vec<String> {
    let mut lines = Vec::new();
    for group in cluster.groups() {
        for storage in group.sorted() {
            let (name, id) = (group.name(), storage.id());
            for route in storage.routes() {
                let port = route.port.unwrap_or(storage.port());
                lines.push(format!("{name}/{id} {} {} {port}", route.network, route.ip));
            }
            let has_last_word = storage.routes().iter().any(|route| route.network == Network::EVERYBODY);
            let second = storage.addrs().second_with_kind().filter(|_| !has_last_word);
            if let Some((kind, ip)) = second {
                lines.push(format!("{name}/{id} {kind} {ip} {}", storage.port()));
            }
            if !has_last_word && (second.is_some() || !storage.routes().is_empty()) {
                lines.push(format!("{name}/{id} else {} {}", storage.addrs().first(), storage.port()));
            }
        }
    }
    lines
}
