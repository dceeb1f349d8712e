//! `SYNC_RENAME_FILE` (40): an appender file became a regular one elsewhere.

use std::sync::Arc;

use fdfs_proto::cmd::storage::SyncTwoNames;
use fdfs_proto::file_id::FileId;

use super::{change_reply, sent};
use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;

/// Serves the command. After `ENOENT` the sender sends the file under its new name.
///
/// Differs from C: the answer has no body; the reference sends the request back, which its own senders take for an error.
pub(super) async fn rename_file(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let request: SyncTwoNames = exchange.decode().await?;
    let own_name = |name| storage.own_name(&FileId { group: request.group, name });
    let (new_name, old_name) = (own_name(request.destination)?, own_name(request.source)?);
    let sent = sent(storage, exchange, request.timestamp);
    let slot = storage.slot(new_name.store_path_index())?;
    let _files = storage.write_path.locks.lock_two(new_name.as_str(), old_name.as_str()).await;
    let outcome = storage.write_path.take_rename(slot, &new_name, &old_name, &sent).await?;
    Ok(change_reply(storage, exchange, &sent, outcome))
}
