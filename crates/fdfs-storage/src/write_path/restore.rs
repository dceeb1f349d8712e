//! Files that a recovery brings back. They have records already, in the logs of the storages that have them, and get none
//! here; what clients and senders have done to a name meanwhile is never undone.

use fdfs_core::sync::verdict::{Content, NameFacts};
use fdfs_proto::file_id::LogicName;
use fdfs_store::replica_file::is_file;
use fdfs_store::{Fs, NewFile, RealFs};

use super::{PathSlot, WritePath};
use crate::error::RequestError;

/// A file that has come in and has no name yet.
#[derive(Debug)]
pub struct RestoredFile<F: Fs = RealFs> {
    /// Its name to be.
    pub name: LogicName,
    /// Its modification time, unix seconds.
    pub at: i64,
    /// Its bytes.
    pub file: NewFile<F>,
}

/// What became of something that was to be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restored {
    /// It is in its place.
    Placed,
    /// The name was used or deleted meanwhile.
    Kept,
    /// What the link leads to is not here.
    NoTarget,
}

impl<F: Fs> WritePath<F> {
    /// The length that a name promises.
    #[must_use]
    pub fn promised_len(&self, name: &LogicName) -> Option<u64> {
        NameFacts::of(name).promised.map(|promised| promised.len_bytes)
    }

    /// Whether a file that came in is what its name promises, if that promises anything.
    #[must_use]
    pub fn is_as_named(&self, name: &LogicName, file: &NewFile<F>) -> bool {
        let found = Content { len_bytes: file.len_bytes(), crc32: file.crc32() };
        NameFacts::of(name).promised.is_none_or(|promised| promised == found)
    }

    /// Whether a file is to be fetched: it is not here, and was not deleted since `at`.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn needs_restoring(&self, slot: &PathSlot<F>, name: &LogicName, at: u32) -> Result<bool, RequestError> {
        let _permit = slot.permits.read().await;
        Ok(slot.path.find(name.true_name())?.is_none() && !self.was_deleted(name, at))
    }

    fn was_deleted(&self, name: &LogicName, at: u32) -> bool {
        self.history.deleted(name).is_some_and(|deleted| deleted.at >= at)
    }

    /// Gives files their names, after one flush for all of them, and makes the names durable. A name that was used
    /// meanwhile stays as it is. Gives the length of each and what became of it.
    ///
    /// # Errors
    /// [`RequestError`]; those that have no name then are gone.
    pub async fn name_restored(
        &self,
        slot: &PathSlot<F>,
        files: Vec<RestoredFile<F>>,
    ) -> Result<Vec<(u64, Restored)>, RequestError> {
        slot.check_writable()?;
        for restored in &files {
            restored.file.set_modified(restored.at)?;
        }
        slot.flush().await?;
        let mut named = Vec::with_capacity(files.len());
        for RestoredFile { name, at, mut file } in files {
            let _file = self.locks.lock(name.as_str()).await;
            let _permit = slot.permits.write().await;
            let at = u32::try_from(at).unwrap_or(0);
            let is_taken = slot.path.find(name.true_name())?.is_some() || self.was_deleted(&name, at);
            if !is_taken {
                file.name(name.true_name())?;
            }
            named.push((file.len_bytes(), if is_taken { Restored::Kept } else { Restored::Placed }));
        }
        slot.flush().await?;
        Ok(named)
    }

    /// Makes a link again. The caller holds the locks of both names.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn restore_link(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        target: &LogicName,
    ) -> Result<Restored, RequestError> {
        slot.check_writable()?;
        let _permit = slot.permits.write().await;
        if slot.path.find(name.true_name())?.is_some() || self.history.deleted(name).is_some() {
            return Ok(Restored::Kept);
        }
        let is_here = slot.path.find(target.true_name())?.is_some_and(|stat| is_file(&stat));
        if !is_here || target.store_path_index() != name.store_path_index() {
            return Ok(Restored::NoTarget);
        }
        slot.path.make_link(target.true_name(), name.true_name())?;
        Ok(Restored::Placed)
    }
}
