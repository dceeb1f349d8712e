//! `SYNC_REACHED` (242), our own: up to which time all files of the sender are here.

use fdfs_proto::ours::SyncReached;

use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;

/// Serves the command.
pub(super) async fn reached(storage: &Storage, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let SyncReached { unix_secs } = exchange.decode().await?;
    if let Some(source) = exchange.sync_peer.told {
        storage.received.set(source, unix_secs);
    }
    Ok(Reply::Empty)
}
