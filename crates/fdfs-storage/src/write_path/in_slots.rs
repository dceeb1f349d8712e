//! Changes of files in slots of trunk files.
//!
//! A new file goes this way (see [`crate::trunk::leases`] for the trunk server's side): its slot is filled and flushed
//! ([`WritePath::fill_slot`], [`WritePath::finish_slot`]), the trunk server confirms that the slot is this file's, and
//! only then comes the record ([`WritePath::commit_slot`]). A crash before the record leaves a file that nobody was told
//! of. Where this storage gave out the slot the next start takes it back ([`WritePath::note_upload`]); else it is found
//! occupied when it is given out again.

use fdfs_proto::FileName;
use fdfs_proto::disk::binlog_record::Op;
use fdfs_proto::file_id::{BlockType, LogicName};
use fdfs_store::slot::{Cleared, Removed, SlotState, SlotWriter};
use fdfs_store::{Fs, Slot};

use super::{PathSlot, WritePath, source_record};
use crate::commit::CommitError;
use crate::error::RequestError;

impl<F: Fs> WritePath<F> {
    /// Stores a file whose content is all here in its slot, and makes it durable as the policy asks. Nobody is told of it
    /// yet. `trunk_file_bytes` is the size of a trunk file that has to be made.
    ///
    /// # Errors
    /// [`RequestError`], among them [`fdfs_store::slot::SlotError::Occupied`]; the file is not there then.
    pub async fn fill_slot(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        block_type: BlockType,
        content: &[u8],
        trunk_file_bytes: u64,
    ) -> Result<(), RequestError> {
        slot.check_writable()?;
        let permit = slot.permits.write().await;
        slot.path.place_in_slot(name, block_type, content, trunk_file_bytes)?;
        drop(permit);
        self.flush_slot(slot, name).await
    }

    /// Begins a file in a slot that comes in pieces.
    ///
    /// # Errors
    /// As [`WritePath::fill_slot`].
    pub async fn begin_slot(
        &self,
        slot: &PathSlot<F>,
        at: Slot,
        trunk_file_bytes: u64,
    ) -> Result<SlotWriter<F>, RequestError> {
        slot.check_writable()?;
        let _permit = slot.permits.write().await;
        Ok(SlotWriter::begin(slot.path.clone(), at, trunk_file_bytes)?)
    }

    /// Writes a piece.
    ///
    /// # Errors
    /// [`RequestError`]; a failed sync takes the store path out of service.
    pub async fn write_slot_piece(
        &self,
        slot: &PathSlot<F>,
        file: &mut SlotWriter<F>,
        piece: &[u8],
    ) -> Result<(), RequestError> {
        let _permit = slot.permits.write().await;
        let result = file.write(piece, self.sync_every_bytes);
        if let Err(fdfs_store::StoreError::Disk { action: "sync", .. }) = &result {
            self.mark_broken(slot, &result);
        }
        Ok(result?)
    }

    /// Makes a file of what came in pieces, and makes it durable as the policy asks. Nobody is told of it yet.
    ///
    /// # Errors
    /// As [`WritePath::fill_slot`].
    pub async fn finish_slot(
        &self,
        slot: &PathSlot<F>,
        file: SlotWriter<F>,
        name: &LogicName,
    ) -> Result<(), RequestError> {
        let permit = slot.permits.write().await;
        file.finish(name)?;
        drop(permit);
        self.flush_slot(slot, name).await
    }

    async fn flush_slot(&self, slot: &PathSlot<F>, name: &LogicName) -> Result<(), RequestError> {
        if let Err(e) = slot.flush().await {
            self.leave_slot(slot, name).await;
            return Err(e.into());
        }
        Ok(())
    }

    /// Takes a file out of its slot that nobody was told of: the trunk server did not confirm the slot. Tells whether the
    /// slot is free now.
    pub async fn leave_slot(&self, slot: &PathSlot<F>, name: &LogicName) -> bool {
        let removed = {
            let _permit = slot.permits.write().await;
            slot.path.remove_from_slot(name)
        };
        match removed {
            Ok(Some(removed)) => clear(slot, name, &removed).await.is_some(),
            Ok(None) => false,
            Err(e) => {
                tracing::error!("{e}; what is left of an upload that failed stays in its slot");
                false
            }
        }
    }

    /// Records a file that is in its slot, which the trunk server has confirmed.
    ///
    /// # Errors
    /// [`RequestError`]. After [`CommitError::Append`] the file is not there, and its slot is to be given back.
    pub async fn commit_slot(&self, slot: &PathSlot<F>, name: &LogicName, created: u32) -> Result<(), RequestError> {
        match self.commit.record(&[source_record(created, name.text(), Op::Create)]).await {
            Ok(()) => Ok(()),
            // The record is in the log, durable or not: the file stays with it.
            Err(e @ CommitError::Flush(_)) => Err(e.into()),
            Err(e) => {
                self.leave_slot(slot, name).await;
                Err(e.into())
            }
        }
    }

    /// Whether a slot whose file could not be recorded is free.
    pub async fn slot_is_empty(&self, slot: &PathSlot<F>, name: &LogicName) -> bool {
        let _permit = slot.permits.read().await;
        let state = Slot::of(name).map(|at| slot.path.slot_state(&at, name));
        matches!(state, Some(Ok(SlotState::Free)))
    }

    /// The content of a file in a slot, as a plain file to be: its slot could not be had in the end.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn copy_out_of_slot(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        folder: &str,
    ) -> Result<fdfs_store::NewFile<F>, RequestError> {
        let mut copy = self.begin(slot, folder).await?;
        let mut piece = vec![0; COPY_PIECE_BYTES];
        let source = self.open_content(name).await?;
        let mut at = 0;
        while at < source.len_bytes {
            let want = usize::try_from(source.len_bytes - at).unwrap_or(usize::MAX).min(piece.len());
            let permit = slot.permits.read().await;
            let have = source.read_at(&mut piece[..want], at)?;
            drop(permit);
            self.write_piece(slot, &mut copy, &piece[..have]).await?;
            at += have as u64;
        }
        Ok(copy)
    }
}

/// A file is copied in pieces of this size.
const COPY_PIECE_BYTES: usize = 64 << 10;

/// The name of a file in a slot that this storage has just made.
///
/// # Panics
/// Never: such names are well formed.
#[must_use]
pub fn logic_name(name: &FileName) -> LogicName {
    LogicName::parse(name).expect("a name that was built here is well formed")
}

/// Fills the slot of a file that was deleted with zeros, after the record of that is in the log. Gives the slot when
/// somebody else may have it now; what goes wrong costs its space, and nothing else.
pub(super) async fn clear<F: Fs>(slot: &PathSlot<F>, name: &LogicName, removed: &Removed<F>) -> Option<Slot> {
    let _permit = slot.permits.write().await;
    let cleared = match slot.path.clear_slot(removed) {
        Ok(true) => Cleared::Yes,
        Ok(false) => Cleared::HeldOther,
        Err(e) => Cleared::Failed(e),
    };
    log_cleared(name, cleared).then_some(removed.slot)
}

/// Tells whether a slot is free now; logs why not.
pub(super) fn log_cleared(name: &LogicName, cleared: Cleared) -> bool {
    match cleared {
        Cleared::Yes => return true,
        Cleared::HeldOther => {
            tracing::error!(
                "{name} is deleted, but its slot held something else, which stays: was it given out twice?"
            );
        }
        Cleared::Failed(e) => tracing::error!("{e}; {name} is deleted, its slot is not used again"),
    }
    false
}
