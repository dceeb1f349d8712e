//! Contents that are stored already: a new file is one more name of the old one.
//!
//! The file system counts the names, so that the bytes go with the last of them, whatever crashes in between. Replicas get
//! a record as for any new file ([decision 0005](../../../../docs/decisions/0005-duplicates.md)).

use fdfs_proto::FileName;
use fdfs_proto::disk::binlog_record::Op;
use fdfs_proto::file_id::{Kind, LogicName};
use fdfs_store::{Fs, StoreError};

use super::{Content, NAME_TRIES, PathSlot, WritePath, source_record, true_name};
use crate::commit::CommitError;
use crate::error::RequestError;

/// How much is compared at once.
const PIECE_BYTES: usize = 256 << 10;

impl<F: Fs> WritePath<F> {
    /// Gives a file one more name, made by `new_name` from fresh random bits, if it has exactly this content. `None`: it
    /// has not, or is gone, or cannot have more names; then the content is to be stored as any other.
    ///
    /// # Errors
    /// [`RequestError`]; the new name is not there then.
    pub async fn add_duplicate(
        &self,
        slot: &PathSlot<F>,
        source: &LogicName,
        content: &Content<'_, F>,
        created: u32,
        mut new_name: impl FnMut() -> FileName,
    ) -> Result<Option<FileName>, RequestError> {
        // Only what is never changed in place may be shared.
        if source.kind() != Kind::Regular || !self.has_content(slot, source, content).await? {
            return Ok(None);
        }
        slot.check_writable()?;
        for _ in 0..NAME_TRIES {
            let name = new_name();
            // The file's own time is old: without a note nobody would look for a name that has no record.
            let note = self.note(&source_record(created, name, Op::Create)).await?;
            let permit = slot.permits.write().await;
            let added = slot.path.add_name(source.true_name(), true_name(&name));
            drop(permit);
            match added {
                Ok(()) => {}
                Err(e) => {
                    self.changes.strike(note);
                    match e {
                        StoreError::Exists { .. } => continue,
                        e if !e.is_not_found() => tracing::debug!("{e}; stored as a file of its own"),
                        _ => {}
                    }
                    return Ok(None);
                }
            }
            let committed = self.commit_new(slot, name, created).await;
            // A record that may not be durable: the next start looks.
            if !matches!(committed, Err(RequestError::Commit(CommitError::Flush(_)))) {
                self.changes.strike(note);
            }
            return committed.map(Some);
        }
        Err(RequestError::NoFreeName)
    }

    /// Whether a file has exactly this content, byte for byte.
    async fn has_content(
        &self,
        slot: &PathSlot<F>,
        source: &LogicName,
        content: &Content<'_, F>,
    ) -> Result<bool, RequestError> {
        let opened = {
            let _permit = slot.permits.read().await;
            if slot.path.link_target(source.true_name()).ok() != Some(None) {
                return Ok(false);
            }
            match slot.path.open_file(source.true_name()) {
                Ok(opened) if opened.len_bytes == content.len() => opened,
                _ => return Ok(false),
            }
        };
        let size = PIECE_BYTES.min(usize::try_from(content.len()).unwrap_or(PIECE_BYTES));
        let (mut there, mut here) = (vec![0; size], vec![0; size]);
        let mut at = 0;
        while at < content.len() {
            let _permit = slot.permits.read().await;
            let have = slot.path.read_some(&opened, &mut there, at, source.true_name())?;
            if have == 0 || content.read(&mut here[..have], at)? != have || there[..have] != here[..have] {
                return Ok(false);
            }
            at += have as u64;
        }
        Ok(true)
    }
}
