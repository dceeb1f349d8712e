//! A storage joins (81).

use fdfs_core::tracker::{Addrs, ClusterError, Join, TrackerAddr};
use fdfs_proto::StorageId;
use fdfs_proto::cmd::tracker::{self as cmd, JoinAnswer, TrackerLine};
use tracing::warn;

use super::Call;
use crate::error::RequestError;
use crate::state_fetch;

/// A storage that is new here is on stable storage before it hears that it joined.
pub(super) async fn join(call: &mut Call<'_>) -> Result<(), RequestError> {
    let body: cmd::Join = call.decode()?;
    let (now, peer, join) = (call.tracker.now(), call.peer.joining(), join_of(&body));
    state_fetch::before_join(call.tracker, &peer, &join).await;
    let decided = call.tracker.decide(|cluster| cluster.join(now, &peer, &join)).inspect_err(|error| {
        warn!("storage {} cannot join group {}: {error}", call.peer.addr, join.group);
        if matches!(error, ClusterError::UnknownId { .. }) {
            // Its name may have another address now; it tries again.
            call.tracker.lookups.notify_one();
        }
    })?;
    if let Err(error) = call.tracker.saver.saved(decided.ticket).await {
        // It would join again anyway; a disk that is full must not keep storages from serving.
        warn!("storage {} of group {} has joined, but was {error}", decided.answer.id, join.group);
    }
    call.reply(&JoinAnswer { status: decided.answer.status, source_id: decided.answer.sync_source });
    Ok(())
}

fn join_of(body: &cmd::Join) -> Join {
    Join {
        group: body.group,
        port: body.port.into(),
        path_count: body.store_path_count.into(),
        subdir_count: body.subdir_count.into(),
        upload_priority: body.upload_priority,
        join_time: body.join_time_secs,
        up_time: body.up_time_secs,
        version: body.version,
        init_flag: body.is_first_start,
        own_status: body.status.map_or(-1, |status| i8::try_from(status.number()).unwrap_or(-1)),
        id: body.id.unwrap_or(StorageId::EMPTY),
        dialled_ip: body.tracker_ip,
        trackers: body.trackers.iter().map(tracker_addr).collect(),
    }
}

fn tracker_addr(line: &TrackerLine) -> TrackerAddr {
    TrackerAddr { addrs: Addrs::new(line.addrs.first, line.addrs.second), port: line.port }
}
