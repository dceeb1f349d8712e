//! One task of a recovery: works its list off, file by file, from one peer after the other.
//!
//! Files get their names in batches, after one flush for all of them; the mark moves on when their names are durable, too.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fdfs_net::{Backoff, Caller};
use fdfs_proto::cmd::storage::{DownloadFile, InfoFlags};
use fdfs_proto::disk::binlog_record::{BinlogRecord, LINE_MAX, Op, binlog_lines};
use fdfs_proto::file_id::{FileId, LogicName};
use fdfs_proto::{Command, FileName, Status, StorageId, Wire};
use fdfs_store::NewFile;
use fdfs_store::recovery_files::RecoveryFiles;
use fdfs_store::trunk::trunk_file_name;

use super::PAUSES;
use super::error::RecoveryError;
use super::progress::PathRecovery;
use super::source::{active_peers, call_options};
use crate::peers::Peer;
use crate::storage::Storage;
use crate::write_path::{Restored, RestoredFile};

/// Lines after which the mark is written.
const LINES_PER_MARK: u64 = 1000;
/// Files that wait for their names.
const BATCH_FILES: usize = 32;
/// Their bytes.
const BATCH_BYTES: u64 = 16 << 20;
/// The most trunk files of one task that are recovered.
const TRUNK_FILES_MAX: usize = 1 << 17;
/// Bytes of a list that are read at once, and of a file.
const PIECE_BYTES: usize = 64 << 10;
/// An answer to `QUERY_FILE_INFO`.
const INFO_MAX_BYTES: usize = 256;
/// The answer begins with the size and the time of the last change, i64 big-endian each.
const SIZE_AND_TIME_LEN: usize = 16;

/// Works a list off. What a peer cannot give the others are asked for; without any peer it waits.
pub(super) async fn restore_list(
    storage: Arc<Storage>,
    index: u8,
    task: u32,
    files: Arc<RecoveryFiles>,
) -> Result<(), RecoveryError> {
    let Some(path) = storage.recovery.path(index) else { return Ok(()) };
    let (list, len) = files.open_list(task)?;
    let mut at = files.mark(task)?.min(len);
    let mut work = Work {
        storage: &storage,
        path,
        index,
        task,
        caller: None,
        batch: Vec::new(),
        batch_bytes: 0,
        trunk_files: BTreeSet::new(),
    };
    let mut marked = 0;
    let mut piece = vec![0; PIECE_BYTES];
    while at < len {
        let have = files.read_list(task, &list, &mut piece, at)?;
        let mut used = 0;
        for line in binlog_lines(&piece[..have]) {
            used = line.end();
            if let Ok(record) = line.record {
                work.restore(&record).await?;
            }
            work.path.add_done(line.text.len() as u64 + 1);
            marked += 1;
            if marked >= LINES_PER_MARK {
                work.commit().await?;
                files.write_mark(task, at + used as u64)?;
                marked = 0;
            }
        }
        // Half a line at the end, or one that is none: nothing that could be restored.
        if used == 0 && (have > LINE_MAX || at + have as u64 >= len) {
            used = have.max(1);
        }
        at += used as u64;
    }
    work.commit().await?;
    Ok(files.write_mark(task, len)?)
}

/// What a peer said to a download.
enum Got {
    /// The file, which has no name yet.
    File(NewFile),
    /// The peer has no such file.
    Missing,
    /// The peer refuses.
    Refused(Status),
}

struct Work<'s> {
    storage: &'s Storage,
    path: &'s PathRecovery,
    index: u8,
    task: u32,
    /// The peer that was asked last.
    caller: Option<(StorageId, Caller)>,
    batch: Vec<RestoredFile>,
    batch_bytes: u64,
    /// Trunk files that were asked for.
    trunk_files: BTreeSet<FileName>,
}

impl Work<'_> {
    /// Restores what a line tells of.
    async fn restore(&mut self, record: &BinlogRecord) -> Result<(), RecoveryError> {
        let Ok(name) = LogicName::parse(&record.name) else { return Ok(()) };
        match record.op {
            Op::Link { source: Some(source) } => {
                let Ok(target) = LogicName::parse(&source) else { return Ok(()) };
                // It may be in the batch.
                self.commit().await?;
                let slot = self.storage.slot(self.index)?;
                let _files = self.storage.write_path.locks.lock_two(name.as_str(), target.as_str()).await;
                match self.storage.write_path.restore_link(slot, &name, &target).await? {
                    Restored::Placed => self.path.add_file(0),
                    Restored::Kept => self.path.add_there_already(),
                    Restored::NoTarget => self.missing(name.text()),
                }
                Ok(())
            }
            Op::Create => {
                // Of a file in a trunk file all of the trunk file comes, and then what is not in there.
                let whole = name.trunk_part().map(|part| {
                    let file = trunk_file_name(name.high(), name.low(), part.id);
                    format!("M{:02X}/{file}", self.index).parse::<LogicName>()
                });
                match whole {
                    Some(Ok(trunk_file)) => {
                        if self.trunk_files.len() < TRUNK_FILES_MAX && self.trunk_files.insert(trunk_file.text()) {
                            self.restore_file(&trunk_file, record.timestamp).await?;
                        }
                        self.restore_beside(&trunk_file, &name, record.timestamp).await
                    }
                    Some(Err(_)) => Ok(()),
                    None => self.restore_file(&name, record.timestamp).await,
                }
            }
            _ => Ok(()),
        }
    }

    /// A file that found its slot taken is a plain one: the trunk file does not bring it.
    async fn restore_beside(
        &mut self,
        trunk_file: &LogicName,
        name: &LogicName,
        timestamp: u32,
    ) -> Result<(), RecoveryError> {
        if self.batch.iter().any(|restored| restored.name == *trunk_file) {
            self.commit().await?;
        }
        let slot = self.storage.slot(self.index)?;
        let is_in_slot = {
            let _permit = slot.permits.read().await;
            self.storage.write_path.is_in_slot(slot, name)?
        };
        if is_in_slot { Ok(()) } else { self.restore_file(name, timestamp).await }
    }

    async fn restore_file(&mut self, name: &LogicName, timestamp: u32) -> Result<(), RecoveryError> {
        let write_path = &self.storage.write_path;
        if !write_path.needs_restoring(self.storage.slot(self.index)?, name, timestamp).await? {
            self.path.add_there_already();
            return Ok(());
        }
        let (mut backoff, mut told) = (Backoff::new(PAUSES.0, PAUSES.1, u64::from(self.task)), String::new());
        loop {
            let mut refusal = None;
            let mut has_answer = false;
            let mut unlike = None;
            for peer in active_peers(self.storage, self.turn()).await {
                match self.download(&peer, name).await {
                    Ok(Got::File(file)) if write_path.is_as_named(name, &file) => {
                        return self.came_in(&peer, name, timestamp, file).await;
                    }
                    // Rotten there, perhaps; or the name is of a kind that only looks as if it told.
                    Ok(Got::File(file)) => drop(unlike.get_or_insert((peer, file))),
                    Ok(Got::Missing) => has_answer = true,
                    Ok(Got::Refused(status)) => (has_answer, refusal) = (true, Some(status)),
                    Err(e @ (RecoveryError::Store(_) | RecoveryError::Write(_) | RecoveryError::Commit(_))) => {
                        return Err(e);
                    }
                    Err(e) => {
                        self.caller = None;
                        let text = e.to_string();
                        if text != told {
                            tracing::info!("recovery of store path {}: {text}; another storage is asked", self.index);
                            told = text;
                        }
                    }
                }
            }
            if let Some((peer, file)) = unlike {
                tracing::info!("{name} is not what its name tells, here as at storage {}", peer.id);
                return self.came_in(&peer, name, timestamp, file).await;
            }
            match refusal {
                Some(status) => {
                    tracing::error!("{name} cannot be recovered: the other storages answer {status}");
                    self.path.add_failed(name.text());
                    return Ok(());
                }
                None if has_answer => {
                    self.missing(name.text());
                    return Ok(());
                }
                None => tokio::time::sleep(backoff.next_pause().max(Duration::from_millis(1))).await,
            }
        }
    }

    /// Which peer comes first: the one that is connected, as long as it is there; else another one for each task.
    fn turn(&self) -> usize {
        let peers = self.storage.peers.watch().borrow().clone();
        let active = peers.iter().filter(|peer| peer.status == fdfs_proto::shared::StorageStatus::Active);
        let connected = self.caller.as_ref().map(|(id, _)| *id);
        active.clone().position(|peer| Some(peer.id) == connected).unwrap_or(self.task as usize)
    }

    fn missing(&self, name: FileName) {
        tracing::info!("{name} cannot be recovered: no other storage has it any more");
        self.path.add_missing(name);
    }

    /// Connects, or uses the connection that is there.
    async fn caller(&mut self, peer: &Peer) -> Result<&mut Caller, RecoveryError> {
        let is_kept = self.caller.as_ref().is_some_and(|(id, caller)| *id == peer.id && caller.is_alive());
        if !is_kept {
            self.caller = Some((peer.id, Caller::connect(peer.addr, &call_options(self.storage)).await?));
        }
        match &mut self.caller {
            Some((_, caller)) => Ok(caller),
            None => {
                Err(RecoveryError::Refused { peer: peer.id, asked: "a connection".into(), status: Status::ENOTCONN })
            }
        }
    }

    async fn download(&mut self, peer: &Peer, name: &LogicName) -> Result<Got, RecoveryError> {
        let storage = self.storage;
        let slot = storage.slot(self.index)?;
        let request = DownloadFile { offset: 0, wanted: 0, file: id(storage, name) }.to_bytes();
        let caller = self.caller(peer).await?;
        caller.send_request_head(Command::DownloadFile, 0, request.len() as u64, &request).await?;
        let head = caller.read_answer_head().await?;
        match head.status {
            Status::OK => {}
            Status::ENOENT => {
                caller.discard_content().await;
                return Ok(Got::Missing);
            }
            // The reference refuses to give an empty file, and closes.
            Status::EINVAL if self.is_empty_there(peer, name).await? => {
                return Ok(Got::File(storage.write_path.begin(slot, folder(name)).await?));
            }
            status => return Ok(Got::Refused(status)),
        }
        let mut file = storage.write_path.begin(slot, folder(name)).await?;
        let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(head.len).unwrap_or(PIECE_BYTES)).max(1)];
        while file.len_bytes() < head.len {
            match caller.read_content(&mut piece).await? {
                0 => break,
                n => storage.write_path.write_piece(slot, &mut file, &piece[..n]).await?,
            }
        }
        Ok(Got::File(file))
    }

    /// Whether a file that a peer refuses to give is empty.
    async fn is_empty_there(&mut self, peer: &Peer, name: &LogicName) -> Result<bool, RecoveryError> {
        if self.storage.write_path.promised_len(name) == Some(0) {
            return Ok(true);
        }
        Ok(self.size_and_time(peer, name).await?.is_some_and(|(size, _)| size == 0))
    }

    /// Size and time of the last change of a file at a peer; `None` when it does not say.
    async fn size_and_time(&mut self, peer: &Peer, name: &LogicName) -> Result<Option<(i64, i64)>, RecoveryError> {
        let body = id(self.storage, name).to_bytes();
        let flags = InfoFlags::EXISTS.byte();
        let answer = self.caller(peer).await?.call(Command::QueryFileInfo, flags, &body, INFO_MAX_BYTES).await?;
        let numbers = answer.body.first_chunk::<SIZE_AND_TIME_LEN>().filter(|_| answer.status == Status::OK);
        Ok(numbers.map(|numbers| {
            let number = |half: usize| {
                let bytes = numbers[8 * half..].first_chunk().copied().unwrap_or_default();
                i64::from_be_bytes(bytes)
            };
            (number(0), number(1))
        }))
    }

    async fn came_in(
        &mut self,
        peer: &Peer,
        name: &LogicName,
        timestamp: u32,
        file: NewFile,
    ) -> Result<(), RecoveryError> {
        let mut at = i64::from(timestamp);
        if self.storage.write_path.promised_len(name).is_none() {
            // It may have changed since the record was made.
            if let Ok(Some((_, changed))) = self.size_and_time(peer, name).await {
                at = at.max(changed);
            }
        }
        self.batch_bytes += file.len_bytes();
        self.batch.push(RestoredFile { name: *name, at, file });
        if self.batch.len() >= BATCH_FILES || self.batch_bytes >= BATCH_BYTES {
            self.commit().await?;
        }
        Ok(())
    }

    /// Names what has come in.
    async fn commit(&mut self) -> Result<(), RecoveryError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.batch_bytes = 0;
        let slot = self.storage.slot(self.index)?;
        for (bytes, restored) in self.storage.write_path.name_restored(slot, std::mem::take(&mut self.batch)).await? {
            match restored {
                Restored::Placed => self.path.add_file(bytes),
                Restored::Kept | Restored::NoTarget => self.path.add_there_already(),
            }
        }
        Ok(())
    }
}

fn id(storage: &Storage, name: &LogicName) -> FileId {
    FileId { group: storage.group, name: name.text() }
}

/// The sub directories of a name, `HH/HH`.
fn folder(name: &LogicName) -> &str {
    name.true_name().get(..5).unwrap_or_default()
}
