//! What is kept for a peer that goes for good, has another address or an id: its marks in `sync` and in `trunk`, and what is
//! set aside for it. Source: disk formats, A.5.4 and A.6.3.

use std::sync::Arc;

use fdfs_core::tracker::id_of_address;
use fdfs_proto::StorageId;
use fdfs_proto::disk::sync_mark::MarkName;
use fdfs_proto::shared::StorageStatus;
use fdfs_store::marks::Marks;
use fdfs_store::state_file::StateDir;
use fdfs_store::{RealFs, StoreError};

use super::aside_file;
use crate::storage::Storage;

/// The peer was deleted: its marks get the time behind their names and stay, so that nobody goes on with them when it comes
/// back.
pub fn retire(storage: &Storage, id: StorageId) {
    let sync = &storage.sync;
    let stamp = jiff::Zoned::now().strftime("%Y%m%d%H%M%S").to_string();
    let trunk_mark = || trunk_marks(storage)?.map_or(Ok(false), |marks| marks.retire(id, &stamp));
    match sync.marks.retire(id, &stamp).and_then(|had| Ok(trunk_mark()? || had)) {
        Ok(true) => tracing::info!("to {id}: it was deleted, its mark is set aside"),
        Ok(false) => {}
        Err(e) => tracing::error!("to {id}: it was deleted; {e}"),
    }
    let forgotten = aside_file::save(&sync.dir, id, std::iter::empty()).and_then(|()| forget_source(storage, id));
    if let Err(e) = forgotten {
        tracing::error!("to {id}: it was deleted; {e}");
    }
}

/// It has copied the old files to this storage, which is no news any more. While they are on their way, the trackers are
/// asked for another source (`link/settle.rs`).
fn forget_source(storage: &Storage, id: StorageId) -> Result<(), StoreError> {
    let is_filled = storage.link.read(|roster| roster.own_status().is_some_and(StorageStatus::is_available));
    let mut flag = storage.lock_init_flag();
    if flag.sync_src_server != id || !is_filled {
        return Ok(());
    }
    (flag.sync_src_server, flag.sync_until_timestamp) = (StorageId::EMPTY, 0);
    drop(flag);
    storage.save_init_flag()
}

/// The peer has another address, which is its id. Whether there was a mark.
///
/// # Errors
/// [`StoreError`].
pub fn rename(storage: &Storage, old: StorageId, new: StorageId) -> Result<bool, StoreError> {
    if let Some(marks) = trunk_marks(storage)? {
        marks.rename_peer(old, new)?;
    }
    storage.sync.rename_peer(old, new)
}

/// Storage ids were switched on since the last run: the peer has an id, and its marks go by its address still.
///
/// # Errors
/// [`StoreError`].
pub fn name_by_id(storage: &Storage, id: StorageId) -> Result<(), StoreError> {
    if storage.identity.id.is_none() {
        return Ok(());
    }
    let trunk = trunk_marks(storage)?;
    for ip in storage.cluster.ids.iter().filter(|line| line.id == id).flat_map(|line| line.addrs.iter()) {
        let name = MarkName { id: id_of_address(&ip), port: Some(storage.addr.port()) };
        if storage.sync.marks.adopt(id, name)? {
            tracing::info!("to {id}: goes on with the mark of its address, {ip}");
        }
        if let Some(marks) = &trunk {
            marks.adopt(id, name)?;
        }
    }
    Ok(())
}

/// The marks of the trunk log; `None` where there is no such log.
fn trunk_marks(storage: &Storage) -> Result<Option<Marks>, StoreError> {
    let path = storage.state_dir.path().join("trunk");
    if !path.is_dir() {
        return Ok(None);
    }
    let port = storage.identity.id.is_none().then(|| storage.addr.port());
    Ok(Some(Marks::new(Arc::new(StateDir::open(RealFs, &path)?), port)))
}
