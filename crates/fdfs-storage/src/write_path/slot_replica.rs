//! Files in slots that come in from other storages.
//!
//! The trunk server gives each slot to one file only, but what is known here may lag behind: a slot that was freed and
//! given out again can come in with its new file before the deletion of the old one does. And if a trunk server ever
//! gave a slot to two files, both were acknowledged. So a file that is in a slot is never overwritten by another: the
//! newcomer is kept as a plain file under its own name, where every reader of ours looks next.
//!
//! Differs from C: the reference writes over whatever is in the slot (behaviour, 4.12, W-21).

use fdfs_proto::file_id::LogicName;
use fdfs_store::slot::SlotState;
use fdfs_store::{Fs, Slot};

use super::{PathSlot, WritePath};
use crate::error::RequestError;

/// Where a file that comes in goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incoming {
    /// It is in its slot already, byte for byte: the content can be dropped.
    IsThere,
    /// Into its slot, which is free.
    Slot(Slot),
    /// To a plain file under its name: it is none of a slot, or its slot holds another file.
    Plain,
}

impl<F: Fs> WritePath<F> {
    /// Where a file of this name and length goes. What is left of it in its slot from an earlier try is removed. The caller
    /// holds the file's lock.
    ///
    /// # Errors
    /// [`RequestError`] of the disk.
    pub async fn place_of_incoming(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        len_bytes: u64,
    ) -> Result<Incoming, RequestError> {
        let told = name.fields().map(|fields| fields.size_word.size());
        let Some(at) = Slot::of(name).filter(|_| told == Some(len_bytes)) else { return Ok(Incoming::Plain) };
        slot.check_writable()?;
        let _permit = slot.permits.write().await;
        match slot.path.slot_state(&at, name)? {
            SlotState::Free => Ok(Incoming::Slot(at)),
            SlotState::This => {
                if slot.path.is_slot_content_right(name)? || slot.path.open_content(name)?.is_link() {
                    return Ok(Incoming::IsThere);
                }
                // Cut by a crash, or written over: what is there may be somebody else's by now and is left alone.
                tracing::warn!("{name} is not whole in its slot; it is kept as a plain file");
                slot.path.remove_from_slot(name)?;
                Ok(Incoming::Plain)
            }
            SlotState::Other(_) => {
                tracing::info!("{name}: another file is in its slot; it is kept as a plain file");
                Ok(Incoming::Plain)
            }
        }
    }
}
