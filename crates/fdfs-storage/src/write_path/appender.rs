//! Appender files: appended to, written into, cut.
//!
//! The caller holds the file's lock from its first look to the answer, so that no two changes of a file overlap and its
//! records stand in the order of the changes. The order on disk with `durability = disk`: note, sync, data, sync, record,
//! sync; then the note is struck out. A crash in between leaves the note, and the next start undoes or records the
//! change ([`recover`](super::recover)).

use fdfs_proto::disk::binlog_record::{BinlogRecord, Op};
use fdfs_proto::file_id::LogicName;
use fdfs_store::changes::ChangeNote;
use fdfs_store::{ChangedFile, Fs, NewFile, RealFs, StoreError};

use super::{PathSlot, WritePath, source_record};
use crate::commit::CommitError;
use crate::error::RequestError;

/// What is written into a file that is there.
#[derive(Debug)]
pub enum Content<'c, F: Fs = RealFs> {
    /// All bytes are in the buffer.
    Here(&'c [u8]),
    /// A content that is larger than the buffer lies aside, in a file without a name: it came in before the file was
    /// locked, so that a slow client holds up nobody, and one that goes away leaves the file as it was.
    Aside(&'c NewFile<F>),
}

impl<F: Fs> Content<'_, F> {
    /// Its bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Here(bytes) => bytes.len() as u64,
            Self::Aside(file) => file.len_bytes(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads bytes of it, as many as there are for `buf`.
    pub(super) fn read(&self, buf: &mut [u8], offset: u64) -> Result<usize, StoreError> {
        match self {
            Self::Here(bytes) => {
                let from = bytes.get(usize::try_from(offset).unwrap_or(usize::MAX)..).unwrap_or_default();
                let have = from.len().min(buf.len());
                buf[..have].copy_from_slice(&from[..have]);
                Ok(have)
            }
            Self::Aside(file) => file.read(buf, offset),
        }
    }

    fn crc32(&self) -> u32 {
        match self {
            Self::Here(bytes) => crc32fast::hash(bytes),
            Self::Aside(file) => file.crc32(),
        }
    }

    /// Writes all of it. Between the pieces of a large one the disk serves others.
    async fn write(&self, slot: &PathSlot<F>, file: &ChangedFile<F>, offset: u64) -> Result<(), StoreError> {
        match self {
            Self::Here(bytes) => {
                let _permit = slot.permits.write().await;
                file.write(bytes, offset)
            }
            Self::Aside(source) => {
                let mut done = 0;
                while done < self.len() {
                    let _permit = slot.permits.write().await;
                    done += file.write_from(source, done, self.len() - done, offset + done)?;
                }
                Ok(())
            }
        }
    }
}

impl<F: Fs> WritePath<F> {
    /// Appends to a file, all or nothing. No bytes: nothing happens.
    ///
    /// # Errors
    /// [`RequestError`]; the file is as it was, unless a flush failed.
    pub async fn append(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        content: &Content<'_, F>,
        now: u32,
    ) -> Result<(), RequestError> {
        let file = open(slot, name).await?;
        let (offset, length) = (file.len_bytes(), content.len());
        if length == 0 {
            return Ok(());
        }
        let record = source_record(self.own_time(slot, name, now)?, name.text(), Op::Append { offset, length });
        let note = self.note(&record).await?;
        if let Err(e) = content.write(slot, &file, offset).await {
            self.cut_back(slot, &file, note).await;
            return Err(e.into());
        }
        match self.commit_change(slot, &file, &record).await {
            Ok(()) => self.changes.strike(note),
            Err(e @ CommitError::Flush(_)) => return Err(e.into()),
            Err(e) => {
                self.cut_back(slot, &file, note).await;
                return Err(e.into());
            }
        }
        if file.has_known_crc() {
            file.appended(content.crc32(), length);
        }
        Ok(())
    }

    /// Writes into a file, from an offset inside of it or at its end on. No bytes: nothing happens.
    ///
    /// Differs from C: when only a part can be written, that part is recorded, so that replicas get it, too.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn modify(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        offset: u64,
        content: &Content<'_, F>,
        now: u32,
    ) -> Result<(), RequestError> {
        let file = open(slot, name).await?;
        let (len, length) = (file.len_bytes(), content.len());
        if offset > len {
            return Err(RequestError::OffsetBehindEnd { offset, len });
        }
        if length == 0 {
            return Ok(());
        }
        let record = source_record(self.own_time(slot, name, now)?, name.text(), Op::Modify { offset, length });
        let note = self.note(&record).await?;
        if let Err(e) = content.write(slot, &file, offset).await {
            // How far it came is not known; what lies in the file now is what counts.
            let there = open(slot, name).await.map_or(0, |file| file.len_bytes().saturating_sub(offset).min(length));
            let record = BinlogRecord { op: Op::Modify { offset, length: there }, ..record };
            if there == 0 || self.commit_change(slot, &file, &record).await.is_ok() {
                self.changes.strike(note);
            }
            return Err(e.into());
        }
        // Without a record the next start finds the note, and writes one.
        self.commit_change(slot, &file, &record).await?;
        self.changes.strike(note);
        if offset == len && file.has_known_crc() {
            file.appended(content.crc32(), length);
        }
        Ok(())
    }

    /// Gives a file another length; a longer one grows by zeros. The length that it has: nothing happens.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn truncate(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        new_size: u64,
        now: u32,
    ) -> Result<(), RequestError> {
        let file = open(slot, name).await?;
        let old_size = file.len_bytes();
        if new_size == old_size {
            return Ok(());
        }
        let record = source_record(self.own_time(slot, name, now)?, name.text(), Op::Truncate { old_size, new_size });
        let note = self.note(&record).await?;
        let permit = slot.permits.write().await;
        if let Err(e) = file.set_len(new_size) {
            self.changes.strike(note);
            return Err(e.into());
        }
        drop(permit);
        match self.commit_change(slot, &file, &record).await {
            Ok(()) => self.changes.strike(note),
            Err(e @ CommitError::Flush(_)) => return Err(e.into()),
            Err(e) => {
                // What was cut off is gone: the next start finds the note, and writes a record.
                if new_size > old_size {
                    self.cut_back(slot, &file, note).await;
                }
                return Err(e.into());
            }
        }
        if new_size == 0 {
            file.emptied();
        }
        Ok(())
    }

    /// Gives the file the time of its change, makes it durable as the policy asks, and records it.
    async fn commit_change(
        &self,
        slot: &PathSlot<F>,
        file: &ChangedFile<F>,
        record: &BinlogRecord,
    ) -> Result<(), CommitError> {
        let time: i64 = record.timestamp.into();
        let timed =
            file.modified_unix_secs().and_then(|now| if now == time { Ok(()) } else { file.set_modified(time) });
        timed.map_err(|e| CommitError::Append(std::sync::Arc::new(e)))?;
        slot.flush().await?;
        self.record_own(&[*record]).await
    }

    /// Undoes what made a file longer.
    async fn cut_back(&self, slot: &PathSlot<F>, file: &ChangedFile<F>, note: ChangeNote) {
        let permit = slot.permits.write().await;
        let cut = file.set_len(file.len_bytes());
        drop(permit);
        match cut {
            Ok(()) if slot.flush().await.is_ok() => self.changes.strike(note),
            Ok(()) => {}
            Err(e) => tracing::error!("{e}; what a failed request has left behind goes at the next start"),
        }
    }
}

/// Opens a file that is to be changed.
async fn open<F: Fs>(slot: &PathSlot<F>, name: &LogicName) -> Result<ChangedFile<F>, RequestError> {
    slot.check_writable()?;
    let _permit = slot.permits.write().await;
    match slot.path.open_to_change(name.true_name()) {
        Err(StoreError::NotRegular { .. }) => Err(RequestError::NotAppender { name: name.to_string() }),
        other => Ok(other?),
    }
}
