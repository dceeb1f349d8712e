//! Who copies the old files to a new storage (79, 86, 87, 88). The storage keeps what was decided and tells it again after
//! each join (88), so nobody waits for a disk here.

use fdfs_core::tracker as core;
use fdfs_proto::cmd::tracker::{
    SyncDestQuery, SyncDestRequest, SyncNotify, SyncSource, SyncSourceAnswer, SyncSourceRequest,
};

use super::Call;
use crate::error::RequestError;

pub(super) fn dest_request(call: &mut Call<'_>) -> Result<(), RequestError> {
    let SyncDestRequest = call.decode_joined()?;
    let (now, conn) = (call.tracker.now(), call.peer.conn);
    let decided = call.tracker.decide(|cluster| cluster.sync_dest_request(now, conn))?;
    reply(call, decided.answer);
    Ok(())
}

pub(super) fn dest_query(call: &mut Call<'_>) -> Result<(), RequestError> {
    let SyncDestQuery = call.decode_joined()?;
    let conn = call.peer.conn;
    let source = call.tracker.read(|cluster| cluster.sync_dest_query(conn))?;
    reply(call, source);
    Ok(())
}

pub(super) fn notify(call: &mut Call<'_>) -> Result<(), RequestError> {
    let SyncNotify { source_id, until_secs } = call.decode_joined()?;
    let conn = call.peer.conn;
    let source = source_id.map(|id| core::SyncSource { id, until: until_secs });
    let _ = call.tracker.change(|cluster| cluster.sync_notify(conn, source))?;
    Ok(())
}

pub(super) fn source_request(call: &mut Call<'_>) -> Result<(), RequestError> {
    let SyncSourceRequest { group, dest_id } = call.decode()?;
    let asker = call.peer.ip;
    let decided = call.tracker.decide(|cluster| cluster.sync_source_request(&group, &dest_id, &asker))?;
    reply(call, decided.answer);
    Ok(())
}

fn reply(call: &mut Call<'_>, source: Option<core::SyncSource>) {
    let source = source.map(|source| SyncSource { id: source.id, until_secs: source.until });
    call.reply(&SyncSourceAnswer { source });
}
