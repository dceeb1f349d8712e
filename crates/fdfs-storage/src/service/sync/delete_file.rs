//! `SYNC_DELETE_FILE` (17): a file, link or metadata was deleted elsewhere.

use std::sync::Arc;

use fdfs_proto::Status;
use fdfs_proto::cmd::storage::{SyncDeleteFile, TrunkInfo};
use fdfs_proto::file_id::Kind;

use super::{arrived, sent};
use crate::error::{RequestError, refuse_trunk_file};
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;
use crate::write_path::Outcome;

/// Serves the command.
pub(super) async fn delete_file(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let request: SyncDeleteFile = exchange.decode().await?;
    let name = storage.own_name(&request.file)?;
    refuse_trunk_file(&name)?;
    if name.kind() == Kind::Trunk && storage.recovery.is_under_way(name.store_path_index()) {
        // The trunk file comes as a whole, and may have been read when this file was still in it.
        return Err(RequestError::BeingRecovered { index: name.store_path_index() });
    }
    let sent = sent(storage, exchange, request.timestamp);
    let slot = storage.slot(name.store_path_index())?;
    let _file = storage.lock_file(&name).await;
    let outcome = match storage.write_path.take_delete_in_slot(slot, &name, &sent).await? {
        Some(outcome) => {
            if let Some(block) = TrunkInfo::of(&name) {
                storage.trunk.is_gone(block).await;
            }
            outcome
        }
        None => storage.write_path.take_delete(slot, &name, &sent).await?,
    };
    arrived(storage, exchange, &sent);
    storage.doubts.settle(name.text());
    // The sender takes a missing file for a deleted one.
    Ok(if outcome == Outcome::NeedsWhole { Reply::Status(Status::ENOENT) } else { Reply::Empty })
}
