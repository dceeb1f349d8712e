//! Files in slots that come in from other storages.
//!
//! The trunk server gives each slot to one file only, but what is known here may lag behind: a slot that was freed and
//! given out again can come in with its new file before the deletion of the old one does. And if a trunk server ever
//! gave a slot to two files, both were acknowledged. So a file that is in a slot is never overwritten by another: the
//! newcomer is kept as a plain file under its own name, where every reader of ours looks next.
//!
//! Differs from C: the reference writes over whatever is in the slot (behaviour, 4.12, W-21).

use fdfs_proto::disk::binlog_record::Op;
use fdfs_proto::file_id::{BlockType, LogicName};
use fdfs_store::slot::{SlotError, SlotState, SlotWriter};
use fdfs_store::{Fs, Slot, StoreError};

use super::in_slots::clear;
use super::replica::{Outcome, Sent, replica_record};
use super::{PathSlot, WritePath};
use crate::error::RequestError;

/// Where a file goes that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotPlace {
    /// Nowhere: that is what became of it.
    Done(Outcome),
    /// Into its slot, which is free.
    Slot(Slot),
    /// To a plain file under its name: it is none of a slot, or its slot holds something else.
    Plain,
}

impl<F: Fs> WritePath<F> {
    /// Where a file of this name and length goes that another storage sends; of one that is in its slot already the record
    /// is written. The caller holds the file's lock.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn place_in_slot(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        op: Op,
        sent: &Sent,
        len_bytes: u64,
    ) -> Result<SlotPlace, RequestError> {
        let told = name.fields().map(|fields| fields.size_word.size());
        let Some(at) = Slot::of(name).filter(|_| told == Some(len_bytes)) else { return Ok(SlotPlace::Plain) };
        slot.check_writable()?;
        // The name of a file in a slot is used once.
        if self.history.deleted(name).is_some() {
            return Ok(SlotPlace::Done(Outcome::StaysDeleted));
        }
        let permit = slot.permits.write().await;
        match slot.path.slot_state(&at, name)? {
            // Its slot held another file when it came first: it stays where it is, or it would be in two places, and a
            // deletion of the one would show the other.
            SlotState::Free if slot.path.find(name.true_name())?.is_some() => Ok(SlotPlace::Plain),
            SlotState::Free => Ok(SlotPlace::Slot(at)),
            SlotState::This => {
                if slot.path.is_slot_content_right(name)? || slot.path.open_content(name)?.is_link() {
                    drop(permit);
                    self.record_replica(slot, name, op, sent).await?;
                    return Ok(SlotPlace::Done(Outcome::IsHere));
                }
                // Cut by a crash, or written over: what is there may be somebody else's by now and is left alone.
                tracing::warn!("{name} is not whole in its slot; it is kept as a plain file");
                slot.path.remove_from_slot(name)?;
                Ok(SlotPlace::Plain)
            }
            SlotState::Other(_) => {
                tracing::info!("{name}: another file is in its slot; it is kept as a plain file");
                Ok(SlotPlace::Plain)
            }
        }
    }

    /// Stores a file in its slot, which was free, and records it. `false` when the slot turns out not to be free: then the
    /// file is to be kept as a plain one. The caller holds the file's lock.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn take_into_slot(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        op: Op,
        sent: &Sent,
        (block_type, content): (BlockType, &[u8]),
        trunk_file_bytes: u64,
    ) -> Result<bool, RequestError> {
        match self.fill_slot(slot, name, block_type, content, trunk_file_bytes).await {
            Err(e) if is_unusable(&e) => {
                tracing::info!("{e}; {name} is kept as a plain file");
                return Ok(false);
            }
            other => other?,
        }
        self.record_in_slot(slot, name, op, sent).await.map(|()| true)
    }

    /// Makes a file of what came in pieces, and records it. The caller holds the file's lock.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn take_pieces_in_slot(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        op: Op,
        sent: &Sent,
        file: SlotWriter<F>,
    ) -> Result<Outcome, RequestError> {
        let at = Slot::of(name);
        match self.finish_slot(slot, file, name).await {
            // It came from two sides at the same time.
            Err(e)
                if is_unusable(&e)
                    && at.is_some_and(|at| slot.path.slot_state(&at, name).ok() == Some(SlotState::This)) =>
            {
                self.record_replica(slot, name, op, sent).await?;
                return Ok(Outcome::IsHere);
            }
            other => other?,
        }
        self.record_in_slot(slot, name, op, sent).await.map(|()| Outcome::Applied)
    }

    /// Records a file that is in its slot. No record, no file: the sender comes again.
    async fn record_in_slot(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        op: Op,
        sent: &Sent,
    ) -> Result<(), RequestError> {
        let recorded = self.record_replica(slot, name, op, sent).await;
        if let Err(RequestError::Commit(crate::commit::CommitError::Append(_))) = &recorded {
            self.leave_slot(slot, name).await;
        }
        recorded
    }

    /// Deletes a file in its slot that was deleted elsewhere; `None` when it is not in its slot. Its slot is not given back:
    /// that is the business of the storage that its client asked. The caller holds the file's lock.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn take_delete_in_slot(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        sent: &Sent,
    ) -> Result<Option<Outcome>, RequestError> {
        slot.check_writable()?;
        let permit = slot.permits.write().await;
        let Some(removed) = slot.path.remove_from_slot(name)? else { return Ok(None) };
        let with_it = self.remove_meta_with(slot, name, sent)?;
        drop(permit);
        self.record_with_meta(slot, replica_record(sent, name, Op::Delete), with_it, sent).await?;
        clear(slot, name, &removed).await;
        Ok(Some(Outcome::Applied))
    }

    /// Whether the file of a name is in its slot.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn is_in_slot(&self, slot: &PathSlot<F>, name: &LogicName) -> Result<bool, RequestError> {
        match Slot::of(name) {
            Some(at) => Ok(slot.path.slot_state(&at, name)? == SlotState::This),
            None => Ok(false),
        }
    }
}

/// Whether a slot cannot be had, whatever the disk does.
fn is_unusable(error: &RequestError) -> bool {
    let RequestError::Store(StoreError::Slot { error, .. }) = error else { return false };
    matches!(error, SlotError::Occupied | SlotError::OutsideOfFile { .. })
}
