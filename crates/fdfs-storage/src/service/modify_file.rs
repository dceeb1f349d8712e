//! `MODIFY_FILE` (34): other bytes inside an appender file.

use std::sync::Arc;

use fdfs_proto::cmd::storage::{ContentHead, ModifyHead};

use super::appender::{appender_name, content, content_aside};
use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::names::{in_name, now_unix_secs};
use crate::storage::Storage;

/// Serves the command. The file may grow, but has no gap: the offset is at most its length.
pub(super) async fn modify_file(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let head: ModifyHead = exchange.decode_head(ModifyHead::MAX_HEAD_LEN).await?;
    head.check(exchange.body_len())?;
    let name = appender_name(storage, exchange, &head.name).await?;
    let slot = storage.slot(name.store_path_index())?;
    let aside = content_aside(storage, slot, &name, exchange).await?;
    let _file = storage.lock_file(&name).await;
    let now = in_name(now_unix_secs());
    storage.write_path.modify(slot, &name, head.offset, &content(exchange, aside.as_ref()), now).await?;
    Ok(Reply::Empty)
}
