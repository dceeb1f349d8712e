//! Whole files that live in slots of trunk files, sent by other storages.

use std::sync::Arc;

use fdfs_proto::disk::binlog_record::Op;
use fdfs_proto::file_id::{BlockType, LogicName};
use fdfs_store::{Slot, StoreError};

use crate::error::RequestError;
use crate::exchange::Exchange;
use crate::storage::Storage;
use crate::write_path::{Outcome, Sent, SlotPlace};

/// Takes in a file whose name tells of a slot. `None`: it is to be kept as a plain file, and its content is still here.
pub(super) async fn receive(
    storage: &Arc<Storage>,
    exchange: &mut Exchange<'_>,
    name: &LogicName,
    op: Op,
    sent: &Sent,
) -> Result<Option<Outcome>, RequestError> {
    let slot = storage.slot(name.store_path_index())?;
    let write_path = &storage.write_path;
    let trunk_file_bytes = u64::from(storage.trunk.trunk_file_bytes());
    let len = exchange.left();
    let file_lock = storage.lock_file(name).await;
    let at = match write_path.place_in_slot(slot, name, op, sent, len).await? {
        SlotPlace::Slot(at) => at,
        SlotPlace::Plain => return Ok(None),
        SlotPlace::Done(outcome) => {
            drop(file_lock);
            exchange.drain().await?;
            return Ok(Some(outcome));
        }
    };
    if let Some(content) = exchange.whole_content() {
        if !is_promised(name, crc32fast::hash(content)) {
            // Whatever that is, it is not this file; the rules of plain files say what becomes of it.
            return Ok(None);
        }
        let content = (BlockType::Regular, content);
        let is_in = write_path.take_into_slot(slot, name, op, sent, content, trunk_file_bytes).await?;
        return Ok(is_in.then_some(Outcome::Applied));
    }
    drop(file_lock);
    let mut file = match write_path.begin_slot(slot, at, trunk_file_bytes).await {
        Err(RequestError::Store(StoreError::Slot { .. })) => return Ok(None),
        other => other?,
    };
    while exchange.left() > 0 {
        let len = exchange.next_piece().await?;
        write_path.write_slot_piece(slot, &mut file, exchange.piece(len)).await?;
        exchange.consume(len);
    }
    if !is_promised(name, file.crc32()) {
        return Err(RequestError::NotAsNamed { name: name.to_string() });
    }
    let _file = storage.lock_file(name).await;
    write_path.take_pieces_in_slot(slot, name, op, sent, file).await.map(Some)
}

/// Makes a link in a slot; whether it is one that lives there. The caller holds the locks of both names.
pub(super) async fn take_link(
    storage: &Arc<Storage>,
    name: &LogicName,
    target: &LogicName,
    sent: &Sent,
) -> Result<Option<Outcome>, RequestError> {
    if Slot::of(name).is_none() {
        return Ok(None);
    }
    let slot = storage.slot(name.store_path_index())?;
    let content = target.as_str().as_bytes();
    let op = Op::Link { source: Some(target.text()) };
    if storage.write_path.is_in_slot(slot, name)? {
        return Ok(Some(Outcome::IsHere));
    }
    match storage.write_path.place_in_slot(slot, name, op, sent, content.len() as u64).await? {
        SlotPlace::Done(outcome) => Ok(Some(outcome)),
        SlotPlace::Plain => Ok(None),
        SlotPlace::Slot(_) => {
            let trunk_file_bytes = u64::from(storage.trunk.trunk_file_bytes());
            let content = (BlockType::Link, content);
            let is_in = storage.write_path.take_into_slot(slot, name, op, sent, content, trunk_file_bytes).await?;
            Ok(is_in.then_some(Outcome::Applied))
        }
    }
}

fn is_promised(name: &LogicName, crc32: u32) -> bool {
    name.fields().is_some_and(|fields| fields.crc32 == crc32)
}
