//! `QUERY_FILE_INFO` (22): size, time, CRC32 and source of a file.

use std::sync::Arc;

use fdfs_proto::IpText;
use fdfs_proto::cmd::storage::{FileInfo, InfoFlags};
use fdfs_proto::file_id::{FileId, Kind, LogicName, Source};

use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;
use crate::write_path::PathSlot;

/// Serves the command.
pub(super) async fn query_file_info(
    storage: &Arc<Storage>,
    exchange: &mut Exchange<'_>,
) -> Result<Reply, RequestError> {
    let file: FileId = exchange.decode().await?;
    let flags = InfoFlags::from_byte(exchange.flags());
    let name = storage.own_name(&file)?;
    exchange.log_name = Some(file.name);
    let slot = storage.slot(name.store_path_index())?;
    let mut info = storage.write_path.content_info(&name).await?;
    let fields = name.fields();
    let crc32 = match (name.kind(), &fields) {
        (Kind::Appender | Kind::Slave, _) | (_, None) if flags.without_crc => 0,
        (Kind::Appender, _) => {
            let _permit = slot.permits.read().await;
            let (len_bytes, crc32) = slot.path.growing_file_crc32(name.true_name())?;
            // It may have grown since; size and CRC32 must be of the same moment.
            info.len_bytes = len_bytes;
            crc32
        }
        (Kind::Slave, _) | (_, None) => crc_of_content(slot, &name).await?,
        (Kind::Regular | Kind::Trunk, Some(fields)) => fields.crc32,
    };
    let source = match fields.map(|fields| fields.source) {
        Some(Source::Ip(ip)) => ip.to_string().parse().unwrap_or_default(),
        Some(Source::Id(id)) => storage.cluster.address_of(id),
        None => IpText::EMPTY,
    };
    let info = FileInfo { file_size: info.len_bytes, mtime: info.modified_unix_secs, crc32, source };
    info.encode(exchange.answer, storage.cluster.addr_size());
    Ok(Reply::Body)
}

async fn crc_of_content(slot: &PathSlot, name: &LogicName) -> Result<u32, RequestError> {
    let _permit = slot.permits.read().await;
    Ok(slot.path.file_crc32(name.true_name())?)
}
