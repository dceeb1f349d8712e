//! `SYNC_CREATE_LINK` (19): a link was made elsewhere.

use std::sync::Arc;

use fdfs_proto::cmd::storage::SyncTwoNames;
use fdfs_proto::file_id::FileId;

use super::{arrived, sent, slot_file};
use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;
use crate::write_path::Outcome;

/// Serves the command. A link that is there already is success without effect, as in the reference.
///
/// Differs from C: a link is made although its target is missing here, as it would be missing at the sender; and the
/// reference writes a record without the link's name, which stops its own senders.
pub(super) async fn create_link(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let request: SyncTwoNames = exchange.decode().await?;
    let own_name = |name| storage.own_name(&FileId { group: request.group, name });
    let (name, target) = (own_name(request.destination)?, own_name(request.source)?);
    let sent = sent(storage, exchange, request.timestamp);
    let slot = storage.slot(name.store_path_index())?;
    let _files = storage.write_path.locks.lock_two(name.as_str(), target.as_str()).await;
    let outcome = match slot_file::take_link(storage, &name, &target, &sent).await? {
        Some(outcome) => outcome,
        None => storage.write_path.take_link(slot, &name, &target, &sent).await?,
    };
    if outcome == Outcome::NeedsWhole {
        tracing::info!("{name}: the link from {} leads to {target}, on another store path", exchange.peer());
    }
    arrived(storage, exchange, &sent);
    Ok(Reply::Empty)
}
