//! What storages say about states, their own and those of peers (59, 76, 85).

use fdfs_proto::cmd::tracker::{ChangeStatus, ReplicaChange, ReportStatus};

use super::Call;
use crate::error::RequestError;

pub(super) fn change_status(call: &mut Call<'_>) -> Result<(), RequestError> {
    let ChangeStatus { status } = call.decode_joined()?;
    let conn = call.peer.conn;
    let _ = call.tracker.change(|cluster| cluster.change_status(conn, status))?;
    Ok(())
}

/// On stable storage before it is answered: the report that all old files are there is made once, and a tracker that forgot
/// it would leave a storage waiting for ever. What storages say of themselves they say again after each join.
pub(super) async fn report_status(call: &mut Call<'_>) -> Result<(), RequestError> {
    let ReportStatus { group, storage } = call.decode()?;
    let now = call.tracker.now();
    let ticket = call.tracker.change(|cluster| cluster.report_status(now, &group, &storage))?;
    call.tracker.saver.saved(ticket).await
}

pub(super) fn replica_change(call: &mut Call<'_>) -> Result<(), RequestError> {
    let ReplicaChange { storages } = call.decode_joined()?;
    let (now, conn) = (call.tracker.now(), call.peer.conn);
    let _ = call.tracker.change(|cluster| cluster.replica_change(now, conn, &storages))?;
    Ok(())
}
