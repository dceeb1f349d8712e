//! `SYNC_CREATE_FILE` (16) and `SYNC_UPDATE_FILE` (18): a whole file, or the metadata of one.

use std::sync::Arc;

use fdfs_proto::Status;
use fdfs_proto::cmd::storage::{ContentHead, SyncFileHead};
use fdfs_proto::disk::binlog_record::Op;
use fdfs_proto::file_id::{Kind, LogicName};

use super::{arrived, count_bytes, incoming, sent, slot_file, spool};
use crate::error::{RequestError, refuse_trunk_file};
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;
use crate::write_path::{Outcome, Sent};

/// Serves `SYNC_CREATE_FILE`.
pub(super) async fn create_file(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    whole_file(storage, exchange, Op::Create, Status::EEXIST).await
}

/// Serves `SYNC_UPDATE_FILE`. Its senders do not know `EEXIST` for an answer: nothing to do is success.
pub(super) async fn update_file(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    whole_file(storage, exchange, Op::Update, Status::OK).await
}

async fn whole_file(
    storage: &Arc<Storage>,
    exchange: &mut Exchange<'_>,
    op: Op,
    nothing_to_do: Status,
) -> Result<Reply, RequestError> {
    let head: SyncFileHead = exchange.decode_head(SyncFileHead::MAX_HEAD_LEN).await?;
    let has_content = exchange.flags() == 0;
    if has_content {
        head.check(exchange.body_len())?;
    } else {
        head.check_without_content(exchange.body_len())?;
    }
    let name = storage.own_name(&head.file)?;
    refuse_trunk_file(&name)?;
    if name.kind() == Kind::Trunk && storage.recovery.is_under_way(name.store_path_index()) {
        // The trunk file comes as a whole; made here before, it would lack all else that is in it.
        return Err(RequestError::BeingRecovered { index: name.store_path_index() });
    }
    let sent = sent(storage, exchange, head.timestamp);
    let outcome = if has_content {
        let received = receive(storage, exchange, &name, op, &sent).await;
        count_bytes(storage, head.file_size, received.is_ok());
        received?
    } else {
        note_what_is_here(storage, exchange, &name, op, &sent).await?
    };
    arrived(storage, exchange, &sent);
    storage.doubts.settle(name.text());
    Ok(if outcome == Outcome::Applied { Reply::Empty } else { Reply::Status(nothing_to_do) })
}

async fn receive(
    storage: &Arc<Storage>,
    exchange: &mut Exchange<'_>,
    name: &LogicName,
    op: Op,
    sent: &Sent,
) -> Result<Outcome, RequestError> {
    let slot = storage.slot(name.store_path_index())?;
    let write_path = &storage.write_path;
    if name.kind() == Kind::Trunk
        && let Some(outcome) = slot_file::receive(storage, exchange, name, op, sent).await?
    {
        return Ok(outcome);
    }
    let mut spooled = None;
    if exchange.whole_content().is_none() {
        // A large file is looked at before its bytes are written.
        let file = storage.lock_file(name).await;
        let settled = write_path.settle(slot, name, op, sent).await?;
        drop(file);
        if let Some(outcome) = settled {
            exchange.drain().await?;
            return Ok(outcome);
        }
        let folder = name.true_name().get(..5).unwrap_or_default();
        spooled = Some(spool(storage, slot, folder, exchange).await?);
    }
    let _file = storage.lock_file(name).await;
    write_path.take_whole(slot, name, op, sent, incoming(spooled, exchange)).await
}

/// "You have it already": of a file that is here only the record is written.
async fn note_what_is_here(
    storage: &Arc<Storage>,
    exchange: &Exchange<'_>,
    name: &LogicName,
    op: Op,
    sent: &Sent,
) -> Result<Outcome, RequestError> {
    let slot = storage.slot(name.store_path_index())?;
    let _file = storage.lock_file(name).await;
    if !storage.write_path.note_present(slot, name, op, sent).await? && storage.doubts.add(name.text()) {
        tracing::warn!(
            "{name}: {} says that it is here, and it is not: look for it on the other storages",
            exchange.peer()
        );
    }
    Ok(Outcome::IsHere)
}
