//! Notes of changes that are about to begin: what the next start looks at when this run ends in the middle of them.

use fdfs_proto::disk::binlog_record::{BinlogRecord, Op};
use fdfs_proto::file_id::LogicName;
use fdfs_store::Fs;
use fdfs_store::changes::ChangeNote;

use super::{WritePath, source_record};
use crate::commit::{CommitError, Durability};
use crate::error::RequestError;

impl<F: Fs> WritePath<F> {
    /// Notes a change that is about to begin, as durably as the policy asks.
    ///
    /// # Errors
    /// [`RequestError`]; the change must not begin then.
    pub(super) async fn note(&self, record: &BinlogRecord) -> Result<ChangeNote, RequestError> {
        // What no reader of the log would take must not happen at all.
        record.encode(&mut Vec::new()).map_err(CommitError::from)?;
        let note = self.changes.note(record)?;
        match self.save_notes(&note).await {
            Ok(()) => Ok(note),
            Err(e) => {
                self.changes.strike(note);
                Err(e)
            }
        }
    }

    /// Notes an upload whose slot this storage, which gives out the slots, is about to confirm. The note goes to the disk
    /// with the log of the slots, before what is confirmed: so a slot whose file has no record after a crash is known to
    /// be nobody's. `None` when there is no room for it; then such a slot is lost space.
    #[must_use]
    pub fn note_upload(&self, name: &LogicName, created: u32) -> Option<ChangeNote> {
        self.changes.note(&source_record(created, name.text(), Op::Create)).ok()
    }

    /// Notes changes that are about to begin together.
    ///
    /// # Errors
    /// As [`WritePath::note`].
    pub(super) async fn note_all(&self, records: &[BinlogRecord]) -> Result<Vec<ChangeNote>, RequestError> {
        let mut notes = Vec::with_capacity(records.len());
        let mut noted = Ok(());
        for record in records {
            match self.changes.note(record) {
                Ok(note) => notes.push(note),
                Err(e) => noted = Err(e.into()),
            }
        }
        if let (Ok(()), Some(last)) = (&noted, notes.last()) {
            noted = self.save_notes(last).await;
        }
        match noted {
            Ok(()) => Ok(notes),
            Err(e) => {
                notes.into_iter().for_each(|note| self.changes.strike(note));
                Err(e)
            }
        }
    }

    /// Writes a note and those before it.
    async fn save_notes(&self, last: &ChangeNote) -> Result<(), RequestError> {
        // The requests that are ready on this worker come first: their notes then go in with the same write.
        tokio::task::yield_now().await;
        self.changes.save(last)?;
        match self.durability {
            Durability::Disk => Ok(self.commit.flushed().await?),
            Durability::None => Ok(()),
        }
    }
}
