//! Appended, modified and truncated files that other storages send, on their way to the disk.
//!
//! As in `replica.rs` the caller holds the file's lock. A change that is cut off by a crash has no record and was not
//! acknowledged: the sender sends it again, and where half of it shows the whole file follows.

use fdfs_core::sync::verdict::{ChangeVerdict, LastChange, append, modify, truncate};
use fdfs_proto::disk::binlog_record::Op;
use fdfs_proto::file_id::LogicName;
use fdfs_store::replica_file::Incoming;
use fdfs_store::{ChangedFile, Fs, StoreError};

use super::replica::{Here, Outcome, Sent, file_time};
use super::{PathSlot, WritePath};
use crate::error::RequestError;

impl<F: Fs> WritePath<F> {
    /// Takes in appended bytes.
    ///
    /// # Errors
    /// [`RequestError`]; the file is as it was then.
    pub async fn take_append(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        sent: &Sent,
        offset: u64,
        incoming: Incoming<'_, F>,
    ) -> Result<Outcome, RequestError> {
        slot.check_writable()?;
        let permit = slot.permits.write().await;
        let here = self.look(slot, name)?;
        let length = incoming.len_bytes();
        let is_equal = || slot.path.has_bytes(name.true_name(), &incoming, offset);
        let verdict = append(&here.change(sent), offset, length, is_equal)?;
        if let ChangeVerdict::Apply { .. } = verdict {
            change(slot, name, &here, sent, |file| write(file, &incoming, offset))?;
        }
        drop(permit);
        self.finish(slot, name, Op::Append { offset, length }, sent, &here, verdict).await
    }

    /// Takes in overwritten bytes.
    ///
    /// # Errors
    /// [`RequestError`]; the file has its old length then.
    pub async fn take_modify(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        sent: &Sent,
        offset: u64,
        incoming: Incoming<'_, F>,
    ) -> Result<Outcome, RequestError> {
        slot.check_writable()?;
        let permit = slot.permits.write().await;
        let here = self.look(slot, name)?;
        let length = incoming.len_bytes();
        let verdict = modify(&here.change(sent), offset);
        if let ChangeVerdict::Apply { .. } = verdict {
            change(slot, name, &here, sent, |file| write(file, &incoming, offset))?;
        }
        drop(permit);
        self.finish(slot, name, Op::Modify { offset, length }, sent, &here, verdict).await
    }

    /// Takes in another size.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn take_truncate(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        sent: &Sent,
        old_size: u64,
        new_size: u64,
    ) -> Result<Outcome, RequestError> {
        slot.check_writable()?;
        let permit = slot.permits.write().await;
        let here = self.look(slot, name)?;
        let verdict = truncate(&here.change(sent), old_size, new_size);
        if let ChangeVerdict::Apply { .. } = verdict {
            change(slot, name, &here, sent, |file| file.set_len(new_size))?;
        }
        drop(permit);
        self.finish(slot, name, Op::Truncate { old_size, new_size }, sent, &here, verdict).await
    }

    /// Makes it durable, and records it.
    async fn finish(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        op: Op,
        sent: &Sent,
        here: &Here,
        verdict: ChangeVerdict,
    ) -> Result<Outcome, RequestError> {
        let last = LastChange::after(here.last, sent.at, sent.sender);
        match verdict {
            ChangeVerdict::StaysDeleted => Ok(Outcome::StaysDeleted),
            ChangeVerdict::NeedsWhole => Ok(Outcome::NeedsWhole),
            ChangeVerdict::Keep => {
                self.answer_older(name, here.last, sent).await?;
                Ok(Outcome::Kept)
            }
            ChangeVerdict::IsHere => {
                self.note_same(slot, name, here, sent).await?;
                Ok(Outcome::IsHere)
            }
            ChangeVerdict::Apply { repair } => {
                self.record_replica(slot, name, op, sent).await?;
                self.history.changed(name.as_str(), last);
                if repair {
                    self.repair(name, last).await?;
                }
                Ok(Outcome::Applied)
            }
        }
    }
}

/// Changes a file in place; the time of its last change becomes its modification time. After an error it has its old
/// length again.
fn change<F: Fs>(
    slot: &PathSlot<F>,
    name: &LogicName,
    here: &Here,
    sent: &Sent,
    make: impl FnOnce(&ChangedFile<F>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let file = slot.path.open_to_change(name.true_name())?;
    let last = LastChange::after(here.last, sent.at, sent.sender);
    let made = make(&file).and_then(|()| file.set_modified(file_time(last)));
    if made.is_err() {
        // The error of the change is what matters; what is left of it does not fit the next try, and is replaced then.
        let _ = file.set_len(file.len_bytes());
    }
    made
}

fn write<F: Fs>(file: &ChangedFile<F>, incoming: &Incoming<'_, F>, offset: u64) -> Result<(), StoreError> {
    match incoming {
        Incoming::Whole(bytes) => file.write(bytes, offset),
        Incoming::Spooled(spooled) => {
            let mut done = 0;
            while done < spooled.len_bytes() {
                done += file.write_from(spooled, done, spooled.len_bytes() - done, offset + done)?;
            }
            Ok(())
        }
    }
}
