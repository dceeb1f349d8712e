//! `REGENERATE_APPENDER_FILENAME` (38): an appender file that grows no more gets a regular name.

use std::sync::Arc;

use fdfs_proto::cmd::storage::RegenerateAppender;
use fdfs_proto::file_id::{FileId, FormattedExt, NewName};
use fdfs_proto::{FileName, Wire};
use fdfs_store::FileKind;

use super::appender::appender_name;
use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::names::{blank_name, in_name, now_unix_secs};
use crate::storage::Storage;

/// Serves the command. The new name has the store path, the sub directories and the last seven characters of the old one,
/// and says our id, the time now, the size and the CRC32 of the content. The old name is no more.
pub(super) async fn regenerate(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let RegenerateAppender(old) = exchange.decode().await?;
    let name = appender_name(storage, exchange, &old).await?;
    let ext = FormattedExt::of(&name).ok_or_else(|| RequestError::NotAppender { name: old.to_string() })?;
    let slot = storage.slot(name.store_path_index())?;
    let _file = storage.lock_file(&name).await;
    let permit = slot.permits.read().await;
    // A link cannot get the name of what it leads to.
    if slot.path.stat(name.true_name())?.kind != FileKind::Regular {
        return Err(RequestError::NotAppender { name: old.to_string() });
    }
    let (size, crc32) = slot.path.growing_file_crc32(name.true_name())?;
    drop(permit);
    let created = in_name(now_unix_secs());
    let blank = blank_name(name.store_path_index(), storage.identity.source, size);
    let facts = NewName { high: name.high(), low: name.low(), crc32, created, ext, ..blank };
    // Each try draws other random bits; two renames in the same second do not get in each other's way.
    let draw = || NewName { random: fastrand::u32(..), ..facts }.build();
    let new = storage.write_path.rename(slot, &name, created, draw).await?;
    exchange.log_name = FileName::new(format!("{old}=>{new}").as_bytes()).ok().or(Some(new));
    FileId { group: storage.group, name: new }.encode(exchange.answer);
    Ok(Reply::Body)
}
