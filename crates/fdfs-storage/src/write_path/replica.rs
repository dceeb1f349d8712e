//! Whole files and deletions that other storages send, on their way to the disk.
//!
//! The caller holds the file's lock. What happens is decided in [`fdfs_core::sync::verdict`]; here it is done, in the same
//! order as a client's change: data, sync, name, record, sync.

use fdfs_core::sync::verdict::{
    By, Change, Content, DeleteVerdict, LastChange, NameFacts, NameUse, WholeFile, WholeVerdict, delete, whole_file,
};
use fdfs_proto::StorageId;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op, Origin, binlog_lines};
use fdfs_proto::file_id::LogicName;
use fdfs_store::replica_file::{Incoming, is_file};
use fdfs_store::{FileKind, FileStat, FileTime, Fs, NewFile, StoreError};

use super::{PathSlot, WritePath};
use crate::commit::CommitError;
use crate::error::RequestError;

/// How far from the end of the log the record of a change is looked for that is sent again, which happens after a break.
const SENT_AGAIN_WITHIN_BYTES: u64 = 64 << 10;

/// A change that another storage sends.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// The time in its record, unix seconds.
    pub at: u32,
    /// Who sends it, if that is known.
    pub sender: Option<StorageId>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is made.
    Applied,
    /// It had been made before.
    IsHere,
    /// What is here stays.
    Kept,
    /// Its file was deleted since.
    StaysDeleted,
    /// Its file is not here, or not as it was at the sender.
    NeedsWhole,
}

/// What is here of a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Here {
    pub(super) facts: NameFacts,
    /// The directory entry.
    pub(super) stat: Option<FileStat>,
    /// The last change of the file.
    pub(super) last: Option<LastChange>,
    pub(super) deleted: Option<LastChange>,
}

impl Here {
    /// What a change of a part of the file needs to be judged. Links are not changed: what they lead to has a name.
    pub(super) fn change(&self, sent: &Sent) -> Change {
        let regular = self.stat.filter(|stat| stat.kind == FileKind::Regular);
        let here = regular.and_then(|stat| Some((stat.len_bytes, self.last?)));
        Change { name: self.facts, at: sent.at, sender: sent.sender, here, deleted: self.deleted }
    }
}

/// A change that is here by replication.
pub(super) fn replica_record(sent: &Sent, name: &LogicName, op: Op) -> BinlogRecord {
    BinlogRecord { timestamp: sent.at, origin: Origin::Replica, name: name.text(), op }
}

impl<F: Fs> WritePath<F> {
    /// Looks at a name.
    pub(super) fn look(&self, slot: &PathSlot<F>, name: &LogicName) -> Result<Here, RequestError> {
        let stat = slot.path.find(name.true_name())?;
        if stat.is_some_and(|stat| !is_file(&stat)) {
            return Err(StoreError::NotRegular { path: slot.path.data_path().join(name.true_name()) }.into());
        }
        let last = stat.map(|stat| self.history.last(name, changed(&stat)));
        Ok(Here { facts: NameFacts::of(name), stat, last, deleted: self.history.deleted(name) })
    }

    /// Whether the bytes of a whole file need not even be received: what is here stays, whatever they are.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn settle(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        op: Op,
        sent: &Sent,
    ) -> Result<Option<Outcome>, RequestError> {
        let permit = slot.permits.read().await;
        let here = self.look(slot, name)?;
        let Some(promised) = here.facts.promised else {
            let verdict = whole_file(&of_whole(&here, sent, Content { len_bytes: 0, crc32: 0 }, None));
            let is_dead = here.stat.is_none() && verdict == WholeVerdict::StaysDeleted;
            return Ok(is_dead.then_some(Outcome::StaysDeleted));
        };
        let content = content_here(slot, name, &here, promised)?;
        drop(permit);
        match whole_file(&of_whole(&here, sent, promised, content)) {
            WholeVerdict::IsHere => self.record_replica(slot, name, op, sent).await.map(|()| Some(Outcome::IsHere)),
            WholeVerdict::StaysDeleted => Ok(Some(Outcome::StaysDeleted)),
            WholeVerdict::Place | WholeVerdict::Replace { .. } | WholeVerdict::Keep => Ok(None),
        }
    }

    /// Takes in a whole file; `op` is that of its record.
    ///
    /// # Errors
    /// [`RequestError`]; what was here before is still here then.
    pub async fn take_whole(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        op: Op,
        sent: &Sent,
        incoming: Incoming<'_, F>,
    ) -> Result<Outcome, RequestError> {
        slot.check_writable()?;
        let content = Content { len_bytes: incoming.len_bytes(), crc32: incoming.crc32() };
        let permit = slot.permits.write().await;
        let here = self.look(slot, name)?;
        let content_here = content_here(slot, name, &here, content)?;
        drop(permit);
        let verdict = whole_file(&of_whole(&here, sent, content, content_here));
        match verdict {
            WholeVerdict::StaysDeleted => return Ok(Outcome::StaysDeleted),
            WholeVerdict::Keep => {
                self.answer_older(name, here.last, sent).await?;
                return Ok(Outcome::Kept);
            }
            WholeVerdict::IsHere => {
                self.note_same(slot, name, &here, sent).await?;
                self.record_replica(slot, name, op, sent).await?;
                return Ok(Outcome::IsHere);
            }
            WholeVerdict::Place | WholeVerdict::Replace { .. } => {}
        }
        let last = LastChange::after(here.last, sent.at, sent.sender);
        let is_new = here.stat.is_none();
        // Lists of files are made from the records of their beginnings.
        let op = if is_new && op == Op::Update { Op::Create } else { op };
        match incoming {
            // Only of such a file can a start after a crash tell whether it is whole.
            Incoming::Whole(bytes) if is_new && here.facts.promised == Some(content) => {
                self.place_at_once(slot, name, bytes, last).await?;
            }
            incoming => self.place_aside(slot, name, incoming, last, is_new).await?,
        }
        let recorded = self.commit.record(&[replica_record(sent, name, op)]).await;
        if is_new && matches!(recorded, Err(CommitError::Append(_) | CommitError::Record(_))) {
            // No record, no file.
            let _ = slot.path.remove(name.true_name());
        }
        recorded?;
        self.history.changed(name.as_str(), last);
        if verdict == (WholeVerdict::Replace { repair: true }) {
            self.repair(name, last).await?;
        }
        Ok(Outcome::Applied)
    }

    /// Under its name as soon as it is whole, since whoever knows the id from another storage may ask for it. It gets the
    /// time of its record only when it is durable, so that a start after a power cut looks at it.
    async fn place_at_once(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        bytes: &[u8],
        last: LastChange,
    ) -> Result<(), RequestError> {
        let permit = slot.permits.write().await;
        let mut file = NewFile::begin(slot.path.clone(), folder(name))?;
        file.write(bytes, 0)?;
        if slot.flusher.is_none() {
            file.set_modified(file_time(last))?;
            return Ok(file.name(name.true_name())?);
        }
        file.name(name.true_name())?;
        drop(permit);
        let flushed = slot.flush().await;
        let _permit = slot.permits.write().await;
        let timed = flushed.map_err(RequestError::from).and_then(|()| Ok(file.set_modified(file_time(last))?));
        if timed.is_err() {
            let _ = slot.path.remove(name.true_name());
        }
        timed
    }

    /// Without a name until it is whole and durable.
    async fn place_aside(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        incoming: Incoming<'_, F>,
        last: LastChange,
        is_new: bool,
    ) -> Result<(), RequestError> {
        let mut file = match incoming {
            Incoming::Spooled(file) => file,
            Incoming::Whole(bytes) => {
                let mut file = self.begin(slot, folder(name)).await?;
                self.write_piece(slot, &mut file, bytes).await?;
                file
            }
        };
        self.name_replica(slot, name, &mut file, last, is_new).await
    }

    async fn name_replica(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        file: &mut NewFile<F>,
        last: LastChange,
        is_new: bool,
    ) -> Result<(), RequestError> {
        file.set_modified(file_time(last))?;
        slot.flush().await?;
        let permit = slot.permits.write().await;
        if is_new {
            file.name(name.true_name())?;
        } else {
            file.replace(name.true_name())?;
        }
        drop(permit);
        if let Err(e) = slot.flush().await {
            if is_new {
                let _ = slot.path.remove(name.true_name());
            }
            return Err(e.into());
        }
        Ok(())
    }

    /// Deletes a file that was deleted elsewhere. That it was is remembered even if it is not here: it may still come.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn take_delete(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        sent: &Sent,
    ) -> Result<Outcome, RequestError> {
        slot.check_writable()?;
        let permit = slot.permits.write().await;
        let here = self.look(slot, name)?;
        if let Some(last) = here.last {
            if delete(&here.facts, sent.at, sent.sender, last) == DeleteVerdict::Keep {
                return Ok(Outcome::Kept);
            }
            slot.path.remove(name.true_name())?;
        } else if here.deleted.is_some_and(|deleted| deleted.at >= sent.at) {
            return Ok(Outcome::NeedsWhole);
        }
        let with_it = self.remove_meta_with(slot, name, sent)?;
        drop(permit);
        self.record_with_meta(slot, replica_record(sent, name, Op::Delete), with_it, sent).await?;
        Ok(if here.last.is_some() { Outcome::Applied } else { Outcome::NeedsWhole })
    }

    /// The metadata of a file go with it: whoever deleted it may not have had them. Gives the record of that; it is one
    /// for all others where they have or get metadata that the deletion knew nothing of.
    pub(super) fn remove_meta_with(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        sent: &Sent,
    ) -> Result<Option<BinlogRecord>, RequestError> {
        // Metadata have none, and neither have names that are too long for it.
        let Some(meta) = name.metadata_name().ok().and_then(|meta| LogicName::parse(&meta).ok()) else {
            return Ok(None);
        };
        let Some(stat) = slot.path.find(meta.true_name())? else { return Ok(None) };
        let last = self.history.last(&meta, stat.modified());
        slot.path.remove_meta(name.true_name())?;
        let is_news = last.by == By::Own || last.at > sent.at;
        let origin = if is_news { Origin::Source } else { Origin::Replica };
        Ok(Some(BinlogRecord { timestamp: last.at.max(sent.at), origin, name: meta.text(), op: Op::Delete }))
    }

    /// Makes a change durable that took metadata along, and records it.
    pub(super) async fn record_with_meta(
        &self,
        slot: &PathSlot<F>,
        record: BinlogRecord,
        with_it: Option<BinlogRecord>,
        sent: &Sent,
    ) -> Result<(), RequestError> {
        slot.flush().await?;
        let records: Vec<_> = std::iter::once(record).chain(with_it).collect();
        self.commit.record(&records).await?;
        let by_sender = By::sender(sent.sender);
        for record in &records {
            self.history.note(record, if record.origin == Origin::Source { By::Own } else { by_sender });
        }
        Ok(())
    }

    /// What is here is what was sent. A file that can change remembers the newer of both changes.
    pub(super) async fn note_same(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        here: &Here,
        sent: &Sent,
    ) -> Result<(), RequestError> {
        let last = LastChange::after(here.last, sent.at, sent.sender);
        let is_file = here.stat.is_some_and(|stat| stat.kind == FileKind::Regular);
        if !is_file || here.facts.promised.is_some() || here.last == Some(last) {
            return Ok(());
        }
        let permit = slot.permits.write().await;
        slot.path.set_modified(name.true_name(), file_time(last))?;
        drop(permit);
        self.history.changed(name.as_str(), last);
        Ok(())
    }

    /// What is here stays although something else came in: the others get it, unless they were sent it already.
    pub(super) async fn answer_older(
        &self,
        name: &LogicName,
        last: Option<LastChange>,
        sent: &Sent,
    ) -> Result<(), RequestError> {
        match last {
            Some(last) if !self.history.is_repaired_after(name, last, sent.at) => self.repair(name, last).await,
            _ => Ok(()),
        }
    }

    /// Sends a file that is here to the others, by a record as if a client had changed it.
    pub(super) async fn repair(&self, name: &LogicName, last: LastChange) -> Result<(), RequestError> {
        tracing::debug!("{name}: it was changed on two sides; what is here is newer, and is sent again");
        let op = Op::Update;
        let record = BinlogRecord { timestamp: last.at, origin: Origin::Source, name: name.text(), op };
        self.commit.record(&[record]).await?;
        self.history.repaired(name, last);
        Ok(())
    }

    /// Records a file that is here already. Tells whether it is.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn note_present(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        op: Op,
        sent: &Sent,
    ) -> Result<bool, RequestError> {
        slot.check_writable()?;
        let permit = slot.permits.read().await;
        let is_here = self.is_in_slot(slot, name)? || self.look(slot, name)?.stat.is_some();
        drop(permit);
        if is_here {
            self.record_replica(slot, name, op, sent).await?;
        }
        Ok(is_here)
    }

    /// Makes a change durable that was made here, and records it.
    pub(super) async fn record_replica(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        op: Op,
        sent: &Sent,
    ) -> Result<(), RequestError> {
        slot.flush().await?;
        let record = replica_record(sent, name, op);
        self.commit.record(&[record]).await?;
        if matches!(op, Op::Delete | Op::Rename { .. }) {
            self.history.note(&record, By::sender(sent.sender));
        }
        Ok(())
    }

    /// The same for what may have been made and not recorded: a change that is sent again is not recorded again, if its
    /// record is near the end of the log.
    pub(super) async fn record_replica_once(
        &self,
        slot: &PathSlot<F>,
        name: &LogicName,
        op: Op,
        sent: &Sent,
    ) -> Result<(), RequestError> {
        let record = replica_record(sent, name, op);
        let (end, _) = self.commit.tail(SENT_AGAIN_WITHIN_BYTES).await?;
        if binlog_lines(&end).any(|line| line.record == Ok(record)) {
            return Ok(());
        }
        self.record_replica(slot, name, op, sent).await
    }
}

/// The sub directories of a name, `HH/HH`.
fn folder(name: &LogicName) -> &str {
    name.true_name().get(..5).unwrap_or_default()
}

/// The time of a file is that of its last change, and tells who made it. That of a link is when it was made here, which
/// tells nothing.
fn changed(stat: &FileStat) -> FileTime {
    if stat.kind == FileKind::Symlink { FileTime::default() } else { stat.modified() }
}

/// The time that a file gets.
pub(super) fn file_time(last: LastChange) -> FileTime {
    FileTime { unix_secs: last.at.into(), nanos: last.by.nanos() }
}

fn of_whole(here: &Here, sent: &Sent, incoming: Content, content: Option<Content>) -> WholeFile {
    WholeFile {
        name: here.facts,
        at: sent.at,
        sender: sent.sender,
        incoming,
        here: content.zip(here.last),
        deleted: here.deleted,
    }
}

/// What is here of a name, to be compared with `incoming`. The file is read only when the lengths do not tell. A link
/// that leads nowhere is nothing.
fn content_here<F: Fs>(
    slot: &PathSlot<F>,
    name: &LogicName,
    here: &Here,
    incoming: Content,
) -> Result<Option<Content>, RequestError> {
    let Some(stat) = here.stat else { return Ok(None) };
    if stat.kind == FileKind::Symlink && here.facts.used == NameUse::Again {
        // A file that has come in is another thing than a link to one, even with the same bytes: what a link leads to may go.
        return Ok(Some(Content { len_bytes: 0, crc32: u32::MAX }));
    }
    let len_bytes = match slot.path.file_info(name.true_name()) {
        Err(e) if e.is_not_found() => return Ok(None),
        other => other?.len_bytes,
    };
    let lens = [Some(incoming.len_bytes), here.facts.promised.map(|promised| promised.len_bytes)];
    let crc32 = if lens.contains(&Some(len_bytes)) { slot.path.file_crc32(name.true_name())? } else { 0 };
    Ok(Some(Content { len_bytes, crc32 }))
}
