//! What joined storages report again and again: beats (83), space (84), sync times (89). All have the same answer.

use fdfs_core::tracker::{self as core, PathSpace};
use fdfs_proto::StorageId;
use fdfs_proto::cmd::tracker::{Beat, BeatAnswer, DiskUsage, SyncReport};

use super::Call;
use crate::error::RequestError;
use crate::tracker::Decided;

pub(super) fn beat(call: &mut Call<'_>) -> Result<(), RequestError> {
    let Beat { stat } = call.decode_joined()?;
    let (now, conn) = (call.tracker.now(), call.peer.conn);
    let decided = call.tracker.decide(|cluster| cluster.beat(now, conn, stat.as_ref()))?;
    reply(call, decided);
    Ok(())
}

pub(super) fn disk_usage(call: &mut Call<'_>) -> Result<(), RequestError> {
    let DiskUsage { paths } = call.decode_joined()?;
    let (now, conn) = (call.tracker.now(), call.peer.conn);
    let space =
        |path: &fdfs_proto::cmd::tracker::PathSpace| PathSpace { total_mb: path.total_mb, free_mb: path.free_mb };
    let paths: Vec<PathSpace> = paths.iter().map(space).collect();
    let decided = call.tracker.decide(|cluster| cluster.disk_usage(now, conn, &paths))?;
    reply(call, decided);
    Ok(())
}

pub(super) fn sync_report(call: &mut Call<'_>) -> Result<(), RequestError> {
    let SyncReport { sources } = call.decode_joined()?;
    let (now, conn) = (call.tracker.now(), call.peer.conn);
    let times: Vec<(StorageId, u32)> = sources.iter().map(|s| (s.source_id, s.timestamp_secs)).collect();
    let decided = call.tracker.decide(|cluster| cluster.sync_report(now, conn, &times))?;
    reply(call, decided);
    Ok(())
}

/// The news. What a beat changes is written at leisure: a storage will report it again.
fn reply(call: &mut Call<'_>, decided: Decided<core::BeatAnswer>) {
    let core::BeatAnswer { leader, trunk_server, storages } = decided.answer;
    call.reply(&BeatAnswer { leader, trunk_server, storages });
}
