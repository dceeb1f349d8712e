//! A storage waits for a change of its group (our own command 241).

use std::time::Duration;

use fdfs_proto::ours::WatchGroup;
use tokio::time::{Instant, sleep_until};

use super::Call;
use crate::error::RequestError;

/// The longest wait for a change: an asker that has gone is noticed by then.
const PATIENCE_MAX: Duration = Duration::from_secs(30);

/// Answers when the group looks otherwise than the asker has seen it, or when its patience ends.
pub(super) async fn watch(call: &mut Call<'_>) -> Result<(), RequestError> {
    let WatchGroup { group, id, seen, patience_ms } = call.decode()?;
    let (tracker, asker) = (call.tracker, call.peer.ip);
    let look = || tracker.read(|cluster| cluster.group_view(&group, &id, &asker));
    // Nobody waits for a group that does not exist.
    look()?;
    let mut changes = tracker.watchers.watch(group);
    let deadline = Instant::now() + Duration::from_millis(patience_ms.into()).min(PATIENCE_MAX);
    let view = loop {
        changes.borrow_and_update();
        let view = look()?;
        if view.stamp() != seen || Instant::now() >= deadline || tracker.shutdown.is_cancelled() {
            break view;
        }
        tokio::select! {
            () = sleep_until(deadline) => {}
            () = tracker.shutdown.cancelled() => {}
            // The sender lives as long as somebody watches.
            _ = changes.changed() => {}
        }
    };
    call.reply(&view);
    Ok(())
}
