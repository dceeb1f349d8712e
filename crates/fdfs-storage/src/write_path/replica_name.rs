//! Links and new names that other storages send, on their way to the disk.
//!
//! As in `replica.rs`; the caller holds the locks of both names.

use fdfs_core::sync::verdict::{Content, LastChange, NameFacts, NameUse, link_replaces};
use fdfs_proto::disk::binlog_record::Op;
use fdfs_proto::file_id::LogicName;
use fdfs_store::{Fs, StoreError};

use super::replica::{Outcome, Sent, replica_record};
use super::{PathSlot, WritePath};
use crate::error::RequestError;

impl<F: Fs> WritePath<F> {
    /// Makes a link that was made elsewhere.
    ///
    /// Differs from C: also without its target, which may be made anew, and does nothing only on another store path.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn take_link(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        target: &LogicName,
        sent: &Sent,
    ) -> Result<Outcome, RequestError> {
        slot.check_writable()?;
        let permit = slot.permits.write().await;
        let here = self.look(slot, name)?;
        let last = LastChange::after(here.last, sent.at, sent.sender);
        if let Some(last_here) = here.last {
            let is_same = slot.path.link_target(name.true_name())?.as_deref() == Some(target.true_name());
            if is_same || here.facts.used == NameUse::Once {
                drop(permit);
                if is_same {
                    self.record_replica_once(slot, name, Op::Link { source: Some(target.text()) }, sent).await?;
                }
                self.history.changed(name.as_str(), last);
                return Ok(Outcome::IsHere);
            }
            if !link_replaces(&here.facts, sent.at, sent.sender, last_here) {
                drop(permit);
                self.answer_older(name, here.last, sent).await?;
                return Ok(Outcome::Kept);
            }
        } else if here.deleted.is_some_and(|deleted| here.facts.used == NameUse::Once || deleted.at >= sent.at) {
            return Ok(Outcome::StaysDeleted);
        }
        if target.store_path_index() != name.store_path_index() {
            return Ok(Outcome::NeedsWhole);
        }
        if here.last.is_some() {
            // Its deletion was not sent, as the name is there again. Without a record the link is sent again.
            slot.path.remove(name.true_name())?;
        }
        slot.path.make_link(target.true_name(), name.true_name())?;
        drop(permit);
        self.record_replica(slot, name, Op::Link { source: Some(target.text()) }, sent).await?;
        self.history.changed(name.as_str(), last);
        Ok(Outcome::Applied)
    }

    /// Renames a file that was renamed elsewhere: an appender file that became a regular one.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn take_rename(
        &self,
        slot: &PathSlot<F>,
        new_name: &LogicName,
        old_name: &LogicName,
        sent: &Sent,
    ) -> Result<Outcome, RequestError> {
        slot.check_writable()?;
        let permit = slot.permits.write().await;
        let here = self.look(slot, new_name)?;
        if here.stat.is_some() {
            drop(permit);
            let op = Op::Rename { old_name: Some(old_name.text()) };
            self.record_replica_once(slot, new_name, op, sent).await?;
            return Ok(Outcome::IsHere);
        }
        if here.deleted.is_some_and(|_| here.facts.used == NameUse::Once) {
            return Ok(Outcome::StaysDeleted);
        }
        let is_same_path = old_name.store_path_index() == new_name.store_path_index();
        if !is_same_path || slot.path.find(old_name.true_name())?.is_none() {
            return Ok(Outcome::NeedsWhole);
        }
        if !keeps_promise(slot, old_name, &here.facts)? {
            // It was changed here meanwhile. At the sender its old name is gone; the whole file comes by the new one.
            slot.path.remove(old_name.true_name())?;
            let with_it = self.remove_meta_with(slot, old_name, sent)?;
            drop(permit);
            self.record_with_meta(slot, replica_record(sent, old_name, Op::Delete), with_it, sent).await?;
            return Ok(Outcome::NeedsWhole);
        }
        slot.path.rename_file(old_name.true_name(), new_name.true_name())?;
        // Metadata that the sender knew come by the new name.
        let with_it = self.remove_meta_with(slot, old_name, sent)?;
        drop(permit);
        let record = replica_record(sent, new_name, Op::Rename { old_name: Some(old_name.text()) });
        self.record_with_meta(slot, record, with_it, sent).await?;
        Ok(Outcome::Applied)
    }
}

/// Whether a file is what its new name promises.
fn keeps_promise<F: Fs>(slot: &PathSlot<F>, name: &LogicName, facts: &NameFacts) -> Result<bool, StoreError> {
    let Some(promised) = facts.promised else { return Ok(true) };
    let len_bytes = slot.path.file_info(name.true_name())?.len_bytes;
    if len_bytes != promised.len_bytes {
        return Ok(false);
    }
    Ok(Content { len_bytes, crc32: slot.path.file_crc32(name.true_name())? } == promised)
}
