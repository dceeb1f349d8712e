//! Up to which time each storage gets its old files from its source: a question of our own (241), that only a tracker of
//! ours answers.

use std::time::Duration;

use fdfs_client::Tracker;
use fdfs_net::{CallOptions, Caller};
use fdfs_proto::cmd::tracker::StorageRecord;
use fdfs_proto::ours::{GroupView, WatchGroup};
use fdfs_proto::{Command, GroupName, Status, Wire};
use serde_json::{Value, json};

/// How long the tracker may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest answer: 32 storages.
const VIEW_MAX_BYTES: usize = 8 << 10;

/// For each storage unix seconds; null where there is no source, and for all of them where the tracker does not know the
/// question.
pub(crate) async fn ask_all(tracker: &Tracker, group: GroupName, storages: &[StorageRecord]) -> Vec<Value> {
    let known = known(tracker, group, storages).await.unwrap_or_default();
    storages.iter().enumerate().map(|(index, _)| known.get(index).cloned().unwrap_or(Value::Null)).collect()
}

async fn known(tracker: &Tracker, group: GroupName, storages: &[StorageRecord]) -> Option<Vec<Value>> {
    let addr = *tracker.addrs().await.ok()?.first()?;
    let options = CallOptions { connect_timeout: PATIENCE, network_timeout: PATIENCE, bind: None };
    let mut caller = Caller::connect(addr, &options).await.ok()?;
    let mut known = Vec::with_capacity(storages.len());
    for storage in storages {
        let request = WatchGroup { group, id: storage.id, seen: 0, patience_ms: 0 };
        let answer = caller.call(Command::WatchGroup, 0, &request.to_bytes(), VIEW_MAX_BYTES).await.ok()?;
        let view = Some(answer).filter(|answer| answer.status == Status::OK)?;
        known.push(until(&GroupView::from_bytes(&view.body).ok()?));
    }
    Some(known)
}

fn until(view: &GroupView) -> Value {
    if view.source.is_empty() { Value::Null } else { json!(view.until_secs) }
}
