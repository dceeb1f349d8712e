//! `DELETE_FILE` (12): the file, and its metadata with it.

use std::sync::Arc;

use fdfs_proto::cmd::storage::TrunkInfo;
use fdfs_proto::file_id::FileId;

use crate::error::{RequestError, refuse_trunk_file};
use crate::exchange::{Exchange, Reply};
use crate::names::{in_name, now_unix_secs};
use crate::storage::Storage;

/// Serves the command.
pub(super) async fn delete_file(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let file: FileId = exchange.decode().await?;
    let name = storage.own_name(&file)?;
    exchange.log_name = Some(file.name);
    refuse_trunk_file(&name)?;
    let _file = storage.lock_file(&name).await;
    let slot = storage.slot(name.store_path_index())?;
    let freed = storage.write_path.remove(slot, &name, in_name(now_unix_secs())).await?;
    if freed.is_some()
        && let Some(block) = TrunkInfo::of(&name)
    {
        storage.trunk.free(block).await;
    }
    Ok(Reply::Empty)
}
