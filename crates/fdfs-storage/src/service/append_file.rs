//! `APPEND_FILE` (24): more bytes at the end of an appender file.

use std::sync::Arc;

use fdfs_proto::cmd::storage::{AppendHead, ContentHead};

use super::appender::{appender_name, content, content_aside};
use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::names::{in_name, now_unix_secs};
use crate::storage::Storage;

/// Serves the command. Appends to one file come one after the other, each as a whole (behaviour, W-09).
///
/// Differs from C: the answer to an append of nothing is empty, where the reference echoes the request.
pub(super) async fn append_file(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let head: AppendHead = exchange.decode_head(AppendHead::MAX_HEAD_LEN).await?;
    head.check(exchange.body_len())?;
    let name = appender_name(storage, exchange, &head.name).await?;
    let slot = storage.slot(name.store_path_index())?;
    let aside = content_aside(storage, slot, &name, exchange).await?;
    let _file = storage.lock_file(&name).await;
    let now = in_name(now_unix_secs());
    storage.write_path.append(slot, &name, &content(exchange, aside.as_ref()), now).await?;
    Ok(Reply::Empty)
}
