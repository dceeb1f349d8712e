//! `SET_METADATA` (13) and `GET_METADATA` (15).

use std::sync::Arc;

use fdfs_proto::cmd::storage::{ContentHead, MetadataChange, SetMetadataHead};
use fdfs_proto::file_id::FileId;
use fdfs_proto::{Reader, Wire};

use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::names::{in_name, now_unix_secs};
use crate::storage::Storage;

/// Serves `SET_METADATA`.
pub(super) async fn set_metadata(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let body_len = exchange.body_len();
    let body = exchange.whole_body().await?;
    let mut reader = Reader::new(body);
    let head = SetMetadataHead::decode(&mut reader)?;
    head.check(body_len)?;
    let text = reader.rest().to_vec();
    let name = storage.own_name(&head.file)?;
    exchange.log_name = name.metadata_name().ok();
    let slot = storage.slot(name.store_path_index())?;
    // Two merges into one file at the same time would lose the records of one of them.
    let _file = storage.lock_file(&name).await;
    storage.write_path.content_info(&name).await?;
    let permit = slot.permits.read().await;
    let old = slot.path.read_meta(name.true_name())?;
    drop(permit);
    let now = in_name(now_unix_secs());
    match MetadataChange::of(head.mode, old.as_deref(), &text) {
        MetadataChange::Keep => {}
        MetadataChange::Remove => storage.write_path.set_meta(slot, &name, None, now).await?,
        MetadataChange::Store(packed) => storage.write_path.set_meta(slot, &name, Some(&packed), now).await?,
    }
    Ok(Reply::Empty)
}

/// Serves `GET_METADATA`.
pub(super) async fn get_metadata(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let file: FileId = exchange.decode().await?;
    let name = storage.own_name(&file)?;
    exchange.log_name = Some(file.name);
    let slot = storage.slot(name.store_path_index())?;
    storage.write_path.content_info(&name).await?;
    let permit = slot.permits.read().await;
    let meta = slot.path.read_meta(name.true_name())?;
    drop(permit);
    let text = meta.ok_or_else(|| RequestError::NoMetadata { name: file.name.as_str().to_owned() })?;
    exchange.answer.extend_from_slice(&text);
    Ok(Reply::Body)
}
