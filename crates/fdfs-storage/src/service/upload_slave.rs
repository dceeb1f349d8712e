//! `UPLOAD_SLAVE_FILE` (21): a file beside its master, under a name that the client chooses.

use std::sync::Arc;

use fdfs_proto::Wire;
use fdfs_proto::cmd::storage::{ContentHead, UploadSlaveHead};
use fdfs_proto::file_id::{FileId, LogicName, NewName, slave_name};
use fdfs_store::StoreError;

use super::delete_file::is_slave;
use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::names::{blank_name, in_name, with_chance};
use crate::storage::Storage;

/// Serves the command.
pub(super) async fn upload_slave(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let head: UploadSlaveHead = exchange.decode_head(UploadSlaveHead::MAX_HEAD_LEN).await?;
    head.check(exchange.body_len())?;
    exchange.content_len = head.file_size;
    let master = storage.logic_name(&head.master)?;
    let index = master.store_path_index();
    let slot = storage.slot(index)?;
    storage.placing.check_space(index, head.file_size)?;
    storage.check_exists(&master).await?;
    let slave = LogicName::parse(&slave_name(&master, &head.prefix, &head.ext)?)?;
    let permit = slot.permits.read().await;
    // Of two that come at the same time one fails only when it is all here (behaviour, W-15).
    if slot.path.stat(slave.true_name()).is_ok() {
        let path = slot.path.data_path().join(slave.true_name());
        return Err(StoreError::Exists { path }.into());
    }
    drop(permit);
    let mut file = storage.write_path.begin(slot, &format!("{:02X}/{:02X}", slave.high(), slave.low())).await?;
    storage.take_pieces(slot, &mut file, exchange).await?;
    let _file = storage.lock_file(&slave).await;
    if storage.has_hidden_targets() && is_slave(&slave) {
        let created = in_name(file.modified_unix_secs()?);
        let blank = blank_name(index, storage.identity.source, file.len_bytes());
        let facts = NewName { high: slave.high(), low: slave.low(), crc32: file.crc32(), created, ..blank };
        let draw = || with_chance(facts, &head.ext).build();
        storage.write_path.add_linked_slave(slot, file, &slave, draw).await?;
    } else {
        storage.write_path.add_slave(slot, file, &slave).await?;
    }
    exchange.log_name = Some(slave.text());
    FileId { group: storage.group, name: slave.text() }.encode(exchange.answer);
    Ok(Reply::Body)
}

impl Storage {
    /// Checks that a file is there.
    ///
    /// # Errors
    /// [`RequestError`] with the status `ENOENT`, or `EISDIR` for what is no file.
    pub(crate) async fn check_exists(&self, name: &LogicName) -> Result<(), RequestError> {
        self.write_path.content_info(name).await.map(|_| ())
    }
}
