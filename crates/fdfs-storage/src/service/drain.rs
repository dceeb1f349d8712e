//! Our own command 248: an administrator drains this storage, or one of its store paths, or ends that.

use std::sync::Arc;

use fdfs_proto::ours::Drain;

use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;

/// Serves the command.
pub(super) async fn drain(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let order: Drain = exchange.decode().await?;
    if let Some(index) = order.store_path {
        storage.slot(index)?;
    }
    storage.terms.drain(&storage.state_dir, order)?;
    let what = order.store_path.map_or_else(|| "the storage".to_owned(), |index| format!("store path {index}"));
    let does = if order.drained { "takes no new uploads" } else { "takes uploads again" };
    tracing::info!("{what} {does}, as {} asked", exchange.connection().peer());
    storage.note_drained_paths();
    Ok(Reply::Empty)
}

impl Storage {
    /// Keeps uploads away from store paths that are drained, from now on.
    fn note_drained_paths(&self) {
        for (index, mut facts) in self.placing.paths().into_iter().enumerate() {
            let Ok(slot) = self.slot(u8::try_from(index).unwrap_or(u8::MAX)) else { continue };
            let is_drained = self.terms.is_path_drained(slot.path.index());
            // The next look at the disk says more; here only what certainly holds.
            let is_usable = slot.path.broken().is_none() && !self.recovery.is_under_way(slot.path.index());
            facts.writable = !is_drained && !slot.path.is_readonly() && is_usable;
            self.placing.update_path(index, facts);
        }
    }
}
