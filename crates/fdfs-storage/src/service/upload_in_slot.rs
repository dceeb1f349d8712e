//! `UPLOAD_FILE` (11) of a small file, where the cluster has trunk files: lease a slot, fill it, have it confirmed, commit.
//!
//! Differs from C: where no slot can be had the file goes on its own, as if there were no trunk files; the reference
//! refuses it (behaviour, W-20).

use std::sync::Arc;

use fdfs_proto::cmd::storage::{TrunkInfo, UploadHead};
use fdfs_proto::file_id::{BlockType, LogicName, NewKind, NewName};
use fdfs_proto::{FileName, Status};
use fdfs_store::StoreError;
use fdfs_store::slot::{HEADER_LEN, SlotError};

use super::upload_file::facts_of;
use crate::error::RequestError;
use crate::exchange::Exchange;
use crate::names::{in_name, now_unix_secs, with_chance};
use crate::storage::Storage;
use crate::trunk::TrunkLease;
use crate::write_path::{PathSlot, logic_name};

/// Slots that are tried; each was found occupied.
const SLOT_TRIES: usize = 3;

/// What became of a leased slot.
enum Outcome {
    /// The file is in it, recorded.
    Stored(FileName),
    /// The file is elsewhere, recorded.
    StoredPlain(FileName),
    /// Something else was in it.
    Occupied,
    /// The trunk server did not confirm it. The content is still here.
    NotConfirmed,
}

/// Stores a file in a slot; `None` when there is no slot for it, and its content is still here.
pub(super) async fn upload_in_slot(
    storage: &Arc<Storage>,
    exchange: &mut Exchange<'_>,
    head: &UploadHead,
    index: u8,
) -> Result<Option<FileName>, RequestError> {
    let Ok(bytes) = u32::try_from(head.file_size + HEADER_LEN as u64) else { return Ok(None) };
    let slot = storage.slot(index)?;
    for _ in 0..SLOT_TRIES {
        let lease = match storage.trunk.lease(index, bytes).await {
            Ok(lease) => lease,
            Err(e) => {
                storage.plain_instead.because(&e);
                return Ok(None);
            }
        };
        storage.plain_instead.no_more();
        let is_usable = lease.block.store_path_index == index && lease.block.part.alloc_size >= bytes;
        if !is_usable {
            tracing::warn!(
                "the trunk server gave a block that does not fit {bytes} bytes on store path {index}, {:?}; the file goes on its \
                 own",
                lease.block
            );
            return Ok(None);
        }
        match into_slot(storage, exchange, head, slot, &lease).await {
            Ok(Outcome::Stored(name) | Outcome::StoredPlain(name)) => return Ok(Some(name)),
            Ok(Outcome::NotConfirmed) => return Ok(None),
            Ok(Outcome::Occupied) => {
                tracing::info!("slot {:?} is occupied; it is not used before that is gone", lease.block);
                storage.trunk.occupied(lease).await;
            }
            Err(e) => {
                // A hold that nobody ends ends by itself.
                let _ = storage.trunk.confirm(lease, e.status()).await;
                return Err(e);
            }
        }
    }
    Ok(None)
}

async fn into_slot(
    storage: &Arc<Storage>,
    exchange: &mut Exchange<'_>,
    head: &UploadHead,
    slot: &PathSlot,
    lease: &TrunkLease,
) -> Result<Outcome, RequestError> {
    let trunk_file_bytes = u64::from(storage.trunk.trunk_file_bytes());
    let created = in_name(now_unix_secs());
    let blank = name_in(storage, &lease.block, head, created);
    let name = match exchange.whole_content() {
        Some(content) => {
            let name = named(NewName { crc32: crc32fast::hash(content), ..blank }, head);
            let filled = storage.write_path.fill_slot(slot, &name, BlockType::Regular, content, trunk_file_bytes).await;
            match filled {
                Err(e) if is_occupied(&e) => return Ok(Outcome::Occupied),
                other => other?,
            }
            name
        }
        None => match receive(storage, exchange, head, slot, &lease.block, blank, trunk_file_bytes).await {
            Err(e) if is_occupied(&e) && exchange.left() == head.file_size => return Ok(Outcome::Occupied),
            other => other?,
        },
    };
    let note = if lease.is_own() { storage.write_path.note_upload(&name, created) } else { None };
    let outcome = confirm(storage, exchange, head, slot, lease, &name, created).await;
    note.into_iter().for_each(|note| storage.write_path.changes.strike(note));
    outcome
}

/// Has the slot of a file confirmed that is in there, and records the file.
async fn confirm(
    storage: &Arc<Storage>,
    exchange: &Exchange<'_>,
    head: &UploadHead,
    slot: &PathSlot,
    lease: &TrunkLease,
    name: &LogicName,
    created: u32,
) -> Result<Outcome, RequestError> {
    if let Err(e) = storage.trunk.confirm(*lease, Status::OK).await {
        storage.plain_instead.because(&e);
        return move_out(storage, exchange, slot, name, head).await;
    }
    match storage.write_path.commit_slot(slot, name, created).await {
        Ok(()) => Ok(Outcome::Stored(name.text())),
        Err(e) => {
            // Confirmed, but nobody's: where the record is not in the log the slot is free again.
            if storage.write_path.slot_is_empty(slot, name).await {
                storage.trunk.free(lease.block).await;
            }
            Err(e)
        }
    }
}

/// The slot is not ours, whatever is in it: the file goes elsewhere.
async fn move_out(
    storage: &Arc<Storage>,
    exchange: &Exchange<'_>,
    slot: &PathSlot,
    name: &LogicName,
    head: &UploadHead,
) -> Result<Outcome, RequestError> {
    if exchange.left() == head.file_size {
        storage.write_path.leave_slot(slot, name).await;
        return Ok(Outcome::NotConfirmed);
    }
    let subdir = storage.placing.draw_subdir();
    let folder = format!("{:02X}/{:02X}", subdir.high, subdir.low);
    let copied = storage.write_path.copy_out_of_slot(slot, name, &folder).await;
    storage.write_path.leave_slot(slot, name).await;
    let file = copied?;
    let created = in_name(file.modified_unix_secs()?);
    let facts = NewName { crc32: file.crc32(), created, ..facts_of(storage, slot.path.index(), head) };
    let draw = || storage.placing.name(subdir, with_chance(facts, &head.ext));
    Ok(Outcome::StoredPlain(storage.write_path.add_streamed(slot, file, created, draw).await?))
}

/// A file larger than the buffer: piece by piece. It is none before its last piece; an upload that is cut off leaves zeros.
async fn receive(
    storage: &Arc<Storage>,
    exchange: &mut Exchange<'_>,
    head: &UploadHead,
    slot: &PathSlot,
    block: &TrunkInfo,
    blank: NewName,
    trunk_file_bytes: u64,
) -> Result<LogicName, RequestError> {
    let mut file = storage.write_path.begin_slot(slot, (*block).into(), trunk_file_bytes).await?;
    while exchange.left() > 0 {
        let len = exchange.next_piece().await?;
        storage.write_path.write_slot_piece(slot, &mut file, exchange.piece(len)).await?;
        exchange.consume(len);
    }
    let name = named(NewName { crc32: file.crc32(), ..blank }, head);
    storage.write_path.finish_slot(slot, file, &name).await?;
    Ok(name)
}

fn is_occupied(error: &RequestError) -> bool {
    matches!(error, RequestError::Store(StoreError::Slot { error: SlotError::Occupied, .. }))
}

fn name_in(storage: &Storage, block: &TrunkInfo, head: &UploadHead, created: u32) -> NewName {
    let (high, low) = (block.high, block.low);
    let blank = facts_of(storage, block.store_path_index, head);
    NewName { high, low, created, kind: NewKind::Trunk(block.part), ..blank }
}

fn named(facts: NewName, head: &UploadHead) -> LogicName {
    logic_name(&with_chance(facts, &head.ext).build())
}
