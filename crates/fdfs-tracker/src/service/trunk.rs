//! Trunk servers (72, 73, 74 of storages, 94 of the administrator).

use fdfs_core::tracker::TrunkRequest;
use fdfs_proto::cmd::tracker::{
    ReportTrunkFileId, ReportTrunkFree, SetTrunkServer, TrunkFileId, TrunkFileIdRequest, TrunkServerChosen,
};

use super::Call;
use crate::error::RequestError;
use crate::trunk_choice;

pub(super) fn fetch_file_id(call: &mut Call<'_>) -> Result<(), RequestError> {
    let TrunkFileIdRequest = call.decode_joined()?;
    let conn = call.peer.conn;
    let id = call.tracker.read(|cluster| cluster.trunk_file_id(conn))?;
    call.reply(&TrunkFileId { id });
    Ok(())
}

pub(super) fn report_file_id(call: &mut Call<'_>) -> Result<(), RequestError> {
    let ReportTrunkFileId { id } = call.decode_joined()?;
    let conn = call.peer.conn;
    let _ = call.tracker.change(|cluster| cluster.report_trunk_file_id(conn, id))?;
    Ok(())
}

pub(super) fn report_free(call: &mut Call<'_>) -> Result<(), RequestError> {
    let ReportTrunkFree { free_mb } = call.decode_joined()?;
    let conn = call.peer.conn;
    Ok(call.tracker.query(|cluster| cluster.report_trunk_free(conn, free_mb))?)
}

pub(super) async fn set_server(call: &mut Call<'_>) -> Result<(), RequestError> {
    let SetTrunkServer { group, id } = call.decode()?;
    let ip = call.peer.ip;
    let request = call.tracker.read(|cluster| cluster.request_trunk_server(&group, id.as_ref(), &ip))?;
    let id = match request {
        TrunkRequest::Keep(id) => id,
        TrunkRequest::Choose => trunk_choice::choose(call.tracker, &group).await?,
        TrunkRequest::Appoint(storage) => {
            let candidates = call.tracker.read(|cluster| cluster.trunk_candidates(&group, &ip));
            let last = candidates.and_then(|candidates| candidates.last);
            trunk_choice::appoint(call.tracker, &group, &storage, last).await?
        }
    };
    call.reply(&TrunkServerChosen { id });
    Ok(())
}
