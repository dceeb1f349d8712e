//! `SYNC_APPEND_FILE` (25) and `SYNC_MODIFY_FILE` (35): bytes that were written elsewhere.

use std::sync::Arc;

use fdfs_proto::cmd::storage::{ContentHead, SyncWriteHead};

use super::{change_reply, count_bytes, incoming, sent, spool};
use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;
use crate::write_path::Outcome;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Append,
    Modify,
}

/// Serves `SYNC_APPEND_FILE`. After `ENOENT` the sender sends the whole file.
pub(super) async fn append_file(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    change_file(storage, exchange, Change::Append).await
}

/// Serves `SYNC_MODIFY_FILE`. After `ENOENT` the sender sends the whole file.
pub(super) async fn modify_file(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    change_file(storage, exchange, Change::Modify).await
}

async fn change_file(
    storage: &Arc<Storage>,
    exchange: &mut Exchange<'_>,
    change: Change,
) -> Result<Reply, RequestError> {
    let head: SyncWriteHead = exchange.decode_head(SyncWriteHead::MAX_HEAD_LEN).await?;
    head.check(exchange.body_len())?;
    let sent = sent(storage, exchange, head.timestamp);
    let received = receive(storage, exchange, &head, change, &sent).await;
    count_bytes(storage, head.len, received.is_ok());
    Ok(change_reply(storage, exchange, &sent, received?))
}

async fn receive(
    storage: &Arc<Storage>,
    exchange: &mut Exchange<'_>,
    head: &SyncWriteHead,
    change: Change,
    sent: &crate::write_path::Sent,
) -> Result<Outcome, RequestError> {
    let name = storage.own_name(&head.file)?;
    let slot = storage.slot(name.store_path_index())?;
    let mut spooled = None;
    if exchange.whole_content().is_none() {
        let folder = name.true_name().get(..5).unwrap_or_default();
        spooled = Some(spool(storage, slot, folder, exchange).await?);
    }
    let _file = storage.lock_file(&name).await;
    let content = incoming(spooled, exchange);
    match change {
        Change::Append => storage.write_path.take_append(slot, &name, sent, head.offset, content).await,
        Change::Modify => storage.write_path.take_modify(slot, &name, sent, head.offset, content).await,
    }
}
