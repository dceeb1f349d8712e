//! `CREATE_LINK` (20): one more name for a content that is there. Storages of the reference ask for it when they find
//! duplicates with FastDHT.

use std::sync::Arc;

use fdfs_proto::cmd::storage::CreateLink;
use fdfs_proto::file_id::{FileId, Kind, LogicName, NewName, slave_name};
use fdfs_proto::{FileName, Wire};
use fdfs_store::NewFile;

use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::names::{blank_name, in_name, now_unix_secs, with_chance};
use crate::storage::Storage;

/// Serves the command. The name is a new one on the store path of the source, which tells the source's size and a random
/// CRC32; or, with a master, that of a slave file.
///
/// Differs from C: of a source in a trunk file, and with `store_slave_file_use_link` for a slave, a copy is made instead of
/// a link. There deleting a slave deletes what it leads to, and this source has an id of its own.
pub(super) async fn create_link(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let request: CreateLink = exchange.decode().await?;
    let source = storage.own_name(&FileId { group: request.group, name: request.source })?;
    exchange.log_name = Some(request.source);
    let name = if request.master.is_empty() {
        new_link(storage, &source, &request).await?
    } else {
        slave_link(storage, &source, &request).await?
    };
    FileId { group: storage.group, name }.encode(exchange.answer);
    Ok(Reply::Body)
}

async fn new_link(storage: &Arc<Storage>, source: &LogicName, request: &CreateLink) -> Result<FileName, RequestError> {
    let slot = storage.slot(source.store_path_index())?;
    let _file = storage.lock_file(source).await;
    let size = storage.write_path.content_info(source).await?.len_bytes;
    let created = in_name(now_unix_secs());
    let blank = blank_name(source.store_path_index(), storage.identity.source, size);
    let subdir = storage.placing.draw_subdir();
    let draw = |crc32: fn(u32) -> u32, known: u32| {
        let facts = NewName { crc32: crc32(known), created, ..blank };
        storage.placing.name(subdir, with_chance(facts, &request.ext))
    };
    if is_in_slot(storage, source).await? {
        let copy = copy(storage, source).await?;
        let crc32 = copy.crc32();
        return storage.write_path.add_streamed(slot, copy, created, || draw(|known| known, crc32)).await;
    }
    storage.write_path.add_link(slot, source, created, || draw(|_| fastrand::u32(..), 0)).await
}

async fn slave_link(
    storage: &Arc<Storage>,
    source: &LogicName,
    request: &CreateLink,
) -> Result<FileName, RequestError> {
    let master = storage.logic_name(&request.master)?;
    let index = source.store_path_index();
    if master.store_path_index() != index {
        return Err(RequestError::OtherStorePath { index: master.store_path_index(), own: index });
    }
    let slave = LogicName::parse(&slave_name(&master, &request.prefix, &request.ext)?)?;
    let slot = storage.slot(index)?;
    let _files = storage.write_path.locks.lock_two(source.as_str(), slave.as_str()).await;
    storage.check_exists(source).await?;
    if storage.has_hidden_targets() || is_in_slot(storage, source).await? {
        let copy = copy(storage, source).await?;
        storage.write_path.add_slave(slot, copy, &slave).await?;
    } else {
        storage.write_path.add_slave_link(slot, source, in_name(now_unix_secs()), &slave).await?;
    }
    Ok(slave.text())
}

/// Whether a file that is there is in a trunk file, where no symbolic link can lead to.
async fn is_in_slot(storage: &Storage, name: &LogicName) -> Result<bool, RequestError> {
    if name.kind() != Kind::Trunk {
        return Ok(false);
    }
    let slot = storage.slot(name.store_path_index())?;
    let _permit = slot.permits.read().await;
    Ok(slot.path.stat(name.true_name()).is_err())
}

async fn copy(storage: &Storage, source: &LogicName) -> Result<NewFile, RequestError> {
    let slot = storage.slot(source.store_path_index())?;
    let folder = format!("{:02X}/{:02X}", source.high(), source.low());
    storage.write_path.copy_out_of_slot(slot, source, &folder).await
}
