//! Deletions of files in slots, where nothing has to outlast a power cut: as few calls as can be.

use fdfs_proto::disk::binlog_record::Op;
use fdfs_proto::file_id::LogicName;
use fdfs_store::slot::Cleared;
use fdfs_store::{Fs, Slot};

use super::in_slots::log_cleared;
use super::{PathSlot, WritePath, source_record};
use crate::commit::Durability;
use crate::error::RequestError;

impl<F: Fs> WritePath<F> {
    /// Deletes a file that is in its slot, and its metadata; `false`: it is to be deleted in the usual way
    /// ([`WritePath::remove`]). `give_back` is called once the slot is all zero and before the record is written, which
    /// gives time to whoever writes both. The caller holds the file's lock.
    ///
    /// With `durability = disk` header, record and content are written one after the other, so that a power cut leaves the
    /// file whole or none. What a process leaves that is killed is the same here: the note, and with it the record at the
    /// next start.
    ///
    /// # Errors
    /// As [`WritePath::remove`].
    pub async fn remove_in_slot(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        now: u32,
        give_back: impl FnOnce() + Send,
    ) -> Result<bool, RequestError> {
        if Slot::of(name).is_none() || self.durability != Durability::None {
            return Ok(false);
        }
        slot.check_writable()?;
        let permit = slot.permits.write().await;
        // Whoever writes metadata holds the file's lock as well: what is not there now does not come.
        if slot.path.has_meta_in_busy_folder(name.true_name())? {
            return Ok(false);
        }
        drop(permit);
        let record = source_record(now, name.text(), Op::Delete);
        let note = self.note(&record).await?;
        let permit = slot.permits.write().await;
        let removed = slot.path.remove_and_clear(name);
        drop(permit);
        let cleared = match removed {
            Ok(Some((_, cleared))) => cleared,
            other => {
                self.changes.strike(note);
                return other.map(|_| false).map_err(RequestError::from);
            }
        };
        if matches!(cleared, Cleared::Yes) {
            give_back();
        }
        // Without a record the next start finds the note, and writes one.
        self.record_own(&[record]).await?;
        self.changes.strike(note);
        log_cleared(name, cleared);
        Ok(true)
    }
}
