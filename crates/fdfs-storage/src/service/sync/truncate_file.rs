//! `SYNC_TRUNCATE_FILE` (37): another size that an appender file got elsewhere.

use std::sync::Arc;

use fdfs_proto::cmd::storage::SyncTruncateFile;

use super::{change_reply, sent};
use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;
use crate::write_path::Outcome;

/// Serves the command. After `ENOENT` a sender of ours sends the whole file.
///
/// Differs from C: a sender of the reference repeats the request for ever after `ENOENT` (behaviour, W-08), so it is told
/// that there is nothing to do, and the file is in doubt until it comes whole.
pub(super) async fn truncate_file(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let request: SyncTruncateFile = exchange.decode().await?;
    let name = storage.own_name(&request.file)?;
    let sent = sent(storage, exchange, request.timestamp);
    let slot = storage.slot(name.store_path_index())?;
    let _file = storage.lock_file(&name).await;
    let (old, new) = (request.old_size, request.new_size);
    let mut outcome = storage.write_path.take_truncate(slot, &name, &sent, old, new).await?;
    if outcome == Outcome::NeedsWhole && !exchange.sync_peer.is_ours {
        if storage.doubts.add(name.text()) {
            tracing::warn!(
                "{name}: {} cut it from {old} to {new} bytes; it is not so here: compare it on all storages",
                exchange.peer()
            );
        }
        outcome = Outcome::Kept;
    }
    Ok(change_reply(storage, exchange, &sent, outcome))
}
