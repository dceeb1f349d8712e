//! Files that go, with all that goes with them.

use fdfs_proto::disk::binlog_record::Op;
use fdfs_proto::file_id::LogicName;
use fdfs_store::{Fs, Slot};

use super::in_slots::clear;
use super::{PathSlot, WritePath, source_record};
use crate::error::RequestError;

impl<F: Fs> WritePath<F> {
    /// Deletes a slave that is a link, the file that only it leads to, and its metadata. The caller holds both locks.
    ///
    /// # Errors
    /// As [`WritePath::remove`].
    pub async fn remove_linked_slave(
        &self,
        slot: &PathSlot<F>,
        slave: &LogicName,
        target: &LogicName,
        now: u32,
    ) -> Result<(), RequestError> {
        // The link first: what is left by a crash in between is a file that nobody sees, not a name that leads nowhere.
        self.remove_all(slot, &[slave, target], now).await.map(|_| ())
    }

    /// Deletes files that belong together, the one that was asked for first, and its metadata. The records stand in the
    /// other order, as the reference writes them: what was led to, the file, its metadata. Gives the slot of a trunk file
    /// that somebody else may have now.
    ///
    /// # Errors
    /// [`RequestError`]; that of the first file: nothing is deleted. Any other: the first file is gone.
    pub(super) async fn remove_all(
        &self,
        slot: &PathSlot<F>,
        names: &[&LogicName],
        now: u32,
    ) -> Result<Option<Slot>, RequestError> {
        let Some((asked, others)) = names.split_first() else { return Ok(None) };
        slot.check_writable()?;
        let permit = slot.permits.write().await;
        let at = self.own_time(slot, asked, now)?;
        // Whoever writes metadata holds the file's lock as well: what is not there now does not come.
        let meta_name = if slot.path.has_meta(asked.true_name())? { Some(asked.metadata_name()?) } else { None };
        drop(permit);
        let texts = names.iter().map(|name| name.text()).chain(meta_name);
        let noted: Vec<_> = texts.map(|name| source_record(at, name, Op::Delete)).collect();
        let notes = self.note_all(&noted).await?;
        let permit = slot.permits.write().await;
        let removed = match slot.path.remove_from_slot(asked) {
            Ok(Some(removed)) => Ok(Some(removed)),
            Ok(None) => slot.path.remove(asked.true_name()).map(|()| None).map_err(RequestError::from),
            Err(e) => Err(e.into()),
        };
        let removed = match removed {
            Ok(removed) => removed,
            Err(e) => {
                notes.into_iter().for_each(|note| self.changes.strike(note));
                return Err(e);
            }
        };
        let mut records = Vec::with_capacity(3);
        let mut failure = None;
        for other in others {
            match slot.path.remove(other.true_name()) {
                Ok(()) => records.push(source_record(at, other.text(), Op::Delete)),
                Err(e) if e.is_not_found() => {}
                Err(e) => failure = Some(e),
            }
        }
        records.push(source_record(at, asked.text(), Op::Delete));
        if let Some(meta_name) = meta_name {
            match slot.path.remove_meta(asked.true_name()) {
                Ok(true) => records.push(source_record(at, meta_name, Op::Delete)),
                Ok(false) => {}
                Err(e) => failure = Some(e),
            }
        }
        drop(permit);
        slot.flush().await?;
        // Without a record the next start finds the notes, and writes one.
        self.record_own(&records).await?;
        notes.into_iter().for_each(|note| self.changes.strike(note));
        let freed = match &removed {
            Some(removed) => clear(slot, asked, removed).await,
            None => None,
        };
        // The file is gone and recorded; that something of it could not be removed is still the client's to know.
        failure.map_or(Ok(freed), |e| Err(e.into()))
    }
}
