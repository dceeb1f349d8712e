//! How a change reaches the disk: placed, made durable as the policy asks, recorded, and only then answered.
//!
//! With `durability = disk` the order on disk is: data, sync, name, sync of the directory, binlog, sync. So no record is
//! ever there without its file, and no file has its name before it is whole.

mod appender;
mod contents;
mod delete;
mod delete_in_slot;
mod duplicate;
mod file_locks;
mod history;
mod in_slots;
mod link;
mod notes;
mod recover;
mod rename;
mod replica;
mod replica_change;
mod replica_name;
mod restore;
mod slot_replica;

use std::sync::Arc;

use fdfs_core::sync::verdict::{By, NameFacts};
use fdfs_proto::FileName;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op, Origin};
use fdfs_proto::file_id::LogicName;
use fdfs_store::{Changes, Fs, NewFile, RealFs, Slot, StoreError, StorePath};

use crate::commit::{Commit, CommitError, Durability};
use crate::error::RequestError;
use crate::flusher::Flusher;
use crate::permits::PathPermits;

pub use appender::Content;
pub use file_locks::{FileGuard, FileLocks};
pub use history::{History, TAIL_BYTES};
pub use in_slots::logic_name;
pub(crate) use link::on_path;
pub use recover::{LogEnd, Recovered};
pub use replica::{Outcome, Sent};
pub use restore::{Restored, RestoredFile};
pub use slot_replica::SlotPlace;

/// Names that are tried before an upload fails; each has new random bits.
const NAME_TRIES: usize = 10;

/// A store path with all that guards it.
#[derive(Debug)]
pub struct PathSlot<F: Fs = RealFs> {
    /// The store path.
    pub path: Arc<StorePath<F>>,
    /// Who may make a disk call on it.
    pub permits: PathPermits,
    /// Flushes its file system; shared by the paths of one device. `None` when the policy asks for no flushes.
    pub flusher: Option<Arc<Flusher>>,
}

impl<F: Fs> PathSlot<F> {
    fn check_writable(&self) -> Result<(), RequestError> {
        match self.path.broken() {
            None => Ok(()),
            Some(why) => Err(RequestError::PathBroken { index: self.path.index(), why: why.to_owned() }),
        }
    }

    async fn flush(&self) -> Result<(), CommitError> {
        match &self.flusher {
            Some(flusher) => Ok(flusher.flush().await?),
            None => Ok(()),
        }
    }
}

/// The way of all changes.
#[derive(Debug)]
pub struct WritePath<F: Fs = RealFs> {
    /// Store paths by index.
    pub slots: Vec<PathSlot<F>>,
    /// The commit stage.
    pub commit: Commit<F>,
    /// What an OK means.
    pub durability: Durability,
    /// `fsync_after_written_bytes`; 0 = never.
    pub sync_every_bytes: u64,
    /// Keep changes of one file apart.
    pub locks: FileLocks,
    /// What happened last to names.
    pub history: History,
    /// Changes in place that are under way.
    pub changes: Arc<Changes<F>>,
}

/// A change by a client, made now.
fn source_record(timestamp: u32, name: FileName, op: Op) -> BinlogRecord {
    BinlogRecord { timestamp, origin: Origin::Source, name, op }
}

/// The part of a generated name below the store path's data folder.
fn true_name(name: &FileName) -> &str {
    name.as_str().get(4..).unwrap_or_default()
}

impl<F: Fs> WritePath<F> {
    /// Records changes by clients of this storage, and remembers them.
    pub(crate) async fn record_own(&self, records: &[BinlogRecord]) -> Result<(), CommitError> {
        let recorded = self.commit.record(records).await;
        if matches!(recorded, Ok(()) | Err(CommitError::Flush(_))) {
            records.iter().for_each(|record| self.history.note(record, By::Own));
        }
        recorded
    }

    /// Makes durable what a process that was killed has left with the kernel: it may be found here, and told to be here,
    /// without being written again.
    ///
    /// # Errors
    /// [`CommitError`].
    pub async fn flush_all(&self) -> Result<(), CommitError> {
        for slot in &self.slots {
            slot.flush().await?;
        }
        Ok(())
    }

    /// The time for the record of a change of a file that a client makes now: not before its last change, whichever clock
    /// that was made by. The caller holds the file's lock and a permit.
    ///
    /// # Errors
    /// [`RequestError`].
    pub(crate) fn own_time(&self, slot: &PathSlot<F>, name: &LogicName, now: u32) -> Result<u32, RequestError> {
        if NameFacts::of(name).promised.is_some() {
            // It never changes.
            return Ok(now);
        }
        let stat = slot.path.find(name.true_name())?;
        Ok(self.history.own_time(name, stat.map(|stat| stat.modified()), now))
    }

    /// Stores a regular file whose content is all here, under a name that `new_name` makes from fresh random bits.
    ///
    /// # Errors
    /// [`RequestError`]; the file is not there then.
    pub async fn add_whole(
        &self,
        slot: &PathSlot<F>,
        content: &[u8],
        created: u32,
        mut new_name: impl FnMut() -> FileName,
    ) -> Result<FileName, RequestError> {
        slot.check_writable()?;
        let permit = slot.permits.write().await;
        let name = free_name(&mut new_name, |name| slot.path.place_whole(true_name(name), content))?;
        drop(permit);
        self.commit_new(slot, name, created).await
    }

    /// Begins a file that comes in pieces, in the sub directories `folder` (`HH/HH`).
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn begin(&self, slot: &PathSlot<F>, folder: &str) -> Result<NewFile<F>, RequestError> {
        slot.check_writable()?;
        let _permit = slot.permits.write().await;
        Ok(NewFile::begin(slot.path.clone(), folder)?)
    }

    /// Writes a piece.
    ///
    /// # Errors
    /// [`RequestError`]; a failed sync takes the store path out of service.
    pub async fn write_piece(
        &self,
        slot: &PathSlot<F>,
        file: &mut NewFile<F>,
        piece: &[u8],
    ) -> Result<(), RequestError> {
        let _permit = slot.permits.write().await;
        let result = file.write(piece, self.sync_every_bytes);
        if let Err(StoreError::Disk { action: "sync", .. }) = &result {
            self.mark_broken(slot, &result);
        }
        Ok(result?)
    }

    fn mark_broken(&self, slot: &PathSlot<F>, result: &Result<(), StoreError>) {
        if let Err(e) = result
            && slot.path.mark_broken(&e.to_string())
        {
            tracing::error!(crit = true, "{e}; store path {} takes no more writes until a restart", slot.path.index());
        }
    }

    /// Gives a file that is all here its name, and commits it.
    ///
    /// # Errors
    /// [`RequestError`]; the file is not there then.
    pub async fn add_streamed(
        &self,
        slot: &PathSlot<F>,
        mut file: NewFile<F>,
        created: u32,
        mut new_name: impl FnMut() -> FileName,
    ) -> Result<FileName, RequestError> {
        slot.flush().await?;
        let permit = slot.permits.write().await;
        let name = free_name(&mut new_name, |name| file.name(true_name(name)))?;
        drop(file);
        drop(permit);
        self.commit_new(slot, name, created).await
    }

    /// Makes a placed file durable as the policy asks, and records it.
    async fn commit_new(&self, slot: &PathSlot<F>, name: FileName, created: u32) -> Result<FileName, RequestError> {
        if let Err(e) = slot.flush().await {
            // What of it is durable nobody knows; without a record it is nobody's, and the next start sorts it out.
            let _ = slot.path.remove(true_name(&name));
            return Err(e.into());
        }
        match self.record_own(&[source_record(created, name, Op::Create)]).await {
            Ok(()) => Ok(name),
            // The record is in the log, durable or not: the file stays with it. The client is told that nobody knows.
            Err(e @ CommitError::Flush(_)) => Err(e.into()),
            Err(e) => {
                // No record, no file: the client is told that the upload failed.
                let _ = slot.path.remove(true_name(&name));
                Err(e.into())
            }
        }
    }

    /// Deletes a file, plain or in a slot, and its metadata. Gives the slot that is free now. The caller holds the file's
    /// lock.
    ///
    /// # Errors
    /// [`RequestError`]; after a failed commit the file is gone here, and the error tells that peers may keep it.
    pub async fn remove(&self, slot: &PathSlot<F>, name: &LogicName, now: u32) -> Result<Option<Slot>, RequestError> {
        self.remove_all(slot, &[name], now).await
    }

    /// Replaces the metadata of a file; `None` removes it. The caller holds the file's lock.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn set_meta(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        packed: Option<&[u8]>,
        now: u32,
    ) -> Result<(), RequestError> {
        slot.check_writable()?;
        let meta = LogicName::parse(&name.metadata_name()?)?;
        let permit = slot.permits.write().await;
        let at = self.own_time(slot, &meta, now)?;
        drop(permit);
        let note = self.note(&source_record(at, meta.text(), Op::Update)).await?;
        let result = self.replace_meta(slot, name, &meta, packed, at).await;
        // A change that was made but not recorded is recorded at the next start.
        if !matches!(result, Err(RequestError::Commit(_))) {
            self.changes.strike(note);
        }
        result
    }

    async fn replace_meta(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        meta: &LogicName,
        packed: Option<&[u8]>,
        at: u32,
    ) -> Result<(), RequestError> {
        let permit = slot.permits.write().await;
        let existed = slot.path.stat(meta.true_name()).is_ok();
        let op = match packed {
            Some(bytes) => {
                slot.path.write_meta(name.true_name(), bytes, at.into(), self.durability == Durability::Disk)?;
                if existed { Op::Update } else { Op::Create }
            }
            None if existed => {
                slot.path.remove_meta(name.true_name())?;
                Op::Delete
            }
            None => return Ok(()),
        };
        drop(permit);
        slot.flush().await?;
        self.record_own(&[source_record(at, meta.text(), op)]).await?;
        Ok(())
    }
}

/// Tries names until one is free.
fn free_name(
    new_name: &mut impl FnMut() -> FileName,
    mut place: impl FnMut(&FileName) -> Result<(), StoreError>,
) -> Result<FileName, RequestError> {
    for _ in 0..NAME_TRIES {
        let name = new_name();
        match place(&name) {
            Ok(()) => return Ok(name),
            Err(StoreError::Exists { .. }) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Err(RequestError::NoFreeName)
}
