//! `TRUNCATE_FILE` (36): another length for an appender file.

use std::sync::Arc;

use fdfs_proto::cmd::storage::TruncateFile;

use super::appender::appender_name;
use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::names::{in_name, now_unix_secs};
use crate::storage::Storage;

/// Serves the command. A longer file grows by zeros.
pub(super) async fn truncate_file(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let request: TruncateFile = exchange.decode().await?;
    let name = appender_name(storage, exchange, &request.name).await?;
    let slot = storage.slot(name.store_path_index())?;
    let _file = storage.lock_file(&name).await;
    let now = in_name(now_unix_secs());
    storage.write_path.truncate(slot, &name, request.new_size, now).await?;
    Ok(Reply::Empty)
}
