//! `UPLOAD_FILE` (11) and `UPLOAD_APPENDER_FILE` (23): a new file. Decode, place, write, commit, answer.

use std::sync::Arc;

use fdfs_core::placement::Subdir;
use fdfs_proto::cmd::storage::{ContentHead, UploadHead};
use fdfs_proto::file_id::{FileId, NewKind, NewName};
use fdfs_proto::{FileName, Wire};
use fdfs_store::NewFile;

use super::{duplicate, upload_in_slot};
use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::names::{blank_name, in_name, now_unix_secs, with_chance};
use crate::storage::Storage;
use crate::write_path::{Content, PathSlot};

/// Serves `UPLOAD_APPENDER_FILE`. Even a small one has no name until it is whole: its name does not tell its size, so that
/// after a crash nobody could see whether something is missing.
pub(super) async fn upload_appender(
    storage: &Arc<Storage>,
    exchange: &mut Exchange<'_>,
) -> Result<Reply, RequestError> {
    let head: UploadHead = exchange.decode_head(UploadHead::FIXED_LEN).await?;
    head.check(exchange.body_len())?;
    let index = storage.placing.choose_path(head.store_path, head.file_size)?;
    let slot = storage.slot(index)?;
    let blank = blank_name(index, storage.identity.source, head.file_size);
    let blank = NewName { kind: NewKind::Appender, ..blank };
    let subdir = storage.placing.draw_subdir();
    let (file, facts) = receive(storage, slot, subdir, exchange, blank).await?;
    let draw = || storage.placing.name(subdir, with_chance(facts, &head.ext));
    let name = storage.write_path.add_streamed(slot, file, facts.created, draw).await?;
    exchange.log_name = Some(name);
    FileId { group: storage.group, name }.encode(exchange.answer);
    Ok(Reply::Body)
}

/// Serves `UPLOAD_FILE`.
pub(super) async fn upload_file(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let head: UploadHead = exchange.decode_head(UploadHead::FIXED_LEN).await?;
    head.check(exchange.body_len())?;
    let chosen = storage.placing.choose_path(head.store_path, head.file_size);
    if storage.trunk.takes(head.file_size)
        && let Some(index) = chosen.as_ref().ok().copied().or(head.store_path)
        && let Some(name) = upload_in_slot::upload_in_slot(storage, exchange, &head, index).await?
    {
        return answer(storage, exchange, name);
    }
    let index = chosen?;
    let slot = storage.slot(index)?;
    let blank = facts_of(storage, index, &head);
    let subdir = storage.placing.draw_subdir();
    let draw = |name: NewName| move || storage.placing.name(subdir, with_chance(name, &head.ext));
    let name = match exchange.whole_content() {
        Some(content) => {
            let created = in_name(now_unix_secs());
            let facts = NewName { crc32: crc32fast::hash(content), created, ..blank };
            let here = Content::Here(content);
            let signature = duplicate::signature(storage, slot, &here).await?;
            let name = match duplicate::add_duplicate(storage, signature.as_ref(), &here, facts, draw).await? {
                Some(name) => name,
                None => storage.write_path.add_whole(slot, content, created, draw(facts)).await?,
            };
            storage.remember_content(signature.as_ref(), &name);
            name
        }
        None => {
            let (file, facts) = receive(storage, slot, subdir, exchange, blank).await?;
            let aside = Content::Aside(&file);
            let signature = duplicate::signature(storage, slot, &aside).await?;
            let name = match duplicate::add_duplicate(storage, signature.as_ref(), &aside, facts, draw).await? {
                Some(name) => name,
                None => storage.write_path.add_streamed(slot, file, facts.created, draw(facts)).await?,
            };
            storage.remember_content(signature.as_ref(), &name);
            name
        }
    };
    answer(storage, exchange, name)
}

/// What its name will tell of a file, as far as it is known before its content is here.
pub(super) fn facts_of(storage: &Storage, index: u8, head: &UploadHead) -> NewName {
    blank_name(index, storage.identity.source, head.file_size)
}

fn answer(storage: &Storage, exchange: &mut Exchange<'_>, name: FileName) -> Result<Reply, RequestError> {
    exchange.log_name = Some(name);
    FileId { group: storage.group, name }.encode(exchange.answer);
    Ok(Reply::Body)
}

/// A content that comes in piece by piece, without a name until it is whole, and what its name will tell. An upload that
/// is cut off leaves nothing.
async fn receive(
    storage: &Arc<Storage>,
    slot: &PathSlot,
    subdir: Subdir,
    exchange: &mut Exchange<'_>,
    blank: NewName,
) -> Result<(NewFile, NewName), RequestError> {
    let mut file = storage.write_path.begin(slot, &format!("{:02X}/{:02X}", subdir.high, subdir.low)).await?;
    storage.take_pieces(slot, &mut file, exchange).await?;
    let created = in_name(file.modified_unix_secs()?);
    let facts = NewName { crc32: file.crc32(), created, ..blank };
    Ok((file, facts))
}
