//! `DELETE_FILE` (12): the file, and its metadata with it.

use std::sync::Arc;

use fdfs_proto::cmd::storage::TrunkInfo;
use fdfs_proto::file_id::{FileId, Kind, LogicName};

use crate::error::{RequestError, refuse_trunk_file};
use crate::exchange::{Exchange, Reply};
use crate::names::{in_name, now_unix_secs};
use crate::storage::Storage;
use crate::write_path::on_path;

/// Serves the command. A link goes, what it leads to stays; but the content of a slave that was stored as a link has no
/// name that anybody knows, and goes with it.
pub(super) async fn delete_file(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let file: FileId = exchange.decode().await?;
    let name = storage.own_name(&file)?;
    exchange.log_name = Some(file.name);
    refuse_trunk_file(&name)?;
    let slot = storage.slot(name.store_path_index())?;
    let now = in_name(now_unix_secs());
    if let Some(target) = storage.hidden_target(&name).await? {
        let _files = storage.write_path.locks.lock_two(name.as_str(), target.as_str()).await;
        storage.write_path.remove_linked_slave(slot, &name, &target, now).await?;
        return Ok(Reply::Empty);
    }
    let _file = storage.lock_file(&name).await;
    if let Some(block) = TrunkInfo::of(&name) {
        let mut freeing = None;
        let give_back = || freeing = Some(storage.trunk.begin_free(block));
        if storage.write_path.remove_in_slot(slot, &name, now, give_back).await? {
            if let Some(freeing) = freeing {
                storage.trunk.end_free(freeing).await;
            }
            storage.forget_content(&file.name);
            return Ok(Reply::Empty);
        }
    }
    let freed = storage.write_path.remove(slot, &name, now).await?;
    storage.forget_content(&file.name);
    if freed.is_some()
        && let Some(block) = TrunkInfo::of(&name)
    {
        storage.trunk.free(block).await;
    }
    Ok(Reply::Empty)
}

impl Storage {
    /// Whether slaves are stored as links to files that have no id (`store_slave_file_use_link` of the trackers).
    pub(crate) const fn has_hidden_targets(&self) -> bool {
        self.cluster.params.store_slave_file_use_link
    }

    /// The file that only this slave leads to, if it is stored so.
    async fn hidden_target(&self, name: &LogicName) -> Result<Option<LogicName>, RequestError> {
        if !self.has_hidden_targets() || name.kind() == Kind::Trunk || !is_slave(name) {
            return Ok(None);
        }
        let slot = self.slot(name.store_path_index())?;
        let _permit = slot.permits.read().await;
        match slot.path.link_target(name.true_name())? {
            Some(target) => Ok(Some(on_path(slot, &target)?)),
            None => Ok(None),
        }
    }
}

/// Whether a name can only be a slave's. (A short slave looks like a regular file.)
pub(super) fn is_slave(name: &LogicName) -> bool {
    name.kind() == Kind::Slave || (name.kind() == Kind::Appender && name.len_with_store_path() > 44)
}
