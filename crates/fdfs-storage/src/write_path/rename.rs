//! An appender file becomes a regular one: it gets a name that tells its size and CRC32.

use fdfs_proto::FileName;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op};
use fdfs_proto::file_id::LogicName;
use fdfs_store::meta_file::meta_name;
use fdfs_store::{Fs, StoreError};

use super::{NAME_TRIES, PathSlot, WritePath, source_record, true_name};
use crate::commit::CommitError;
use crate::error::RequestError;

impl<F: Fs> WritePath<F> {
    /// Renames a file to a name that `new_name` makes from fresh random bits; its metadata go with it. The caller holds
    /// the file's lock.
    ///
    /// Differs from C: the reference leaves the metadata behind under the old name, where nobody finds them.
    ///
    /// # Errors
    /// [`RequestError`]; the file has its old name then, unless a flush failed.
    pub async fn rename(
        &self,
        slot: &PathSlot<F>,
        old: &LogicName,
        now: u32,
        mut new_name: impl FnMut() -> FileName,
    ) -> Result<FileName, RequestError> {
        slot.check_writable()?;
        for _ in 0..NAME_TRIES {
            let new = new_name();
            let record = source_record(now, new, Op::Rename { old_name: Some(old.text()) });
            let note = self.note(&record).await?;
            let permit = slot.permits.write().await;
            match slot.path.rename_file(old.true_name(), true_name(&new)) {
                Ok(()) => {}
                Err(e) => {
                    self.changes.strike(note);
                    match e {
                        StoreError::Exists { .. } => continue,
                        e => return Err(e.into()),
                    }
                }
            }
            let moved = move_meta(slot, old.true_name(), true_name(&new));
            drop(permit);
            let error = match moved {
                Err(e) => e.into(),
                Ok(has_meta) => match self.commit_rename(slot, &records(&record, &old.text(), has_meta)).await {
                    Ok(()) => {
                        self.changes.strike(note);
                        return Ok(new);
                    }
                    // In the log or not: the next start looks.
                    Err(e @ CommitError::Flush(_)) => return Err(e.into()),
                    Err(e) => e.into(),
                },
            };
            let permit = slot.permits.write().await;
            let undone = slot
                .path
                .rename_file(true_name(&new), old.true_name())
                .and_then(|()| move_meta(slot, true_name(&new), old.true_name()));
            drop(permit);
            match undone {
                Ok(_) if slot.flush().await.is_ok() => self.changes.strike(note),
                Ok(_) => {}
                Err(e) => tracing::error!("{e}; the file is {new} now, and the next start records it"),
            }
            return Err(error);
        }
        Err(RequestError::NoFreeName)
    }

    async fn commit_rename(&self, slot: &PathSlot<F>, records: &[BinlogRecord]) -> Result<(), CommitError> {
        slot.flush().await?;
        self.record_own(records).await
    }
}

/// Moves the metadata of a file; whether there were any.
fn move_meta<F: Fs>(slot: &PathSlot<F>, from: &str, to: &str) -> Result<bool, StoreError> {
    match slot.path.rename_file(&meta_name(from), &meta_name(to)) {
        Err(e) if e.is_not_found() => Ok(false),
        other => other.map(|()| true),
    }
}

/// All records of a rename: replicas do not move metadata with a file, so theirs are made anew and removed.
pub(super) fn records(rename: &BinlogRecord, old: &FileName, has_meta: bool) -> Vec<BinlogRecord> {
    let mut records = vec![*rename];
    let meta = |name: &FileName| LogicName::parse(name).and_then(|name| name.metadata_name());
    if let (true, Ok(new_meta), Ok(old_meta)) = (has_meta, meta(&rename.name), meta(old)) {
        records.push(BinlogRecord { name: new_meta, op: Op::Create, ..*rename });
        records.push(BinlogRecord { name: old_meta, op: Op::Delete, ..*rename });
    }
    records
}
