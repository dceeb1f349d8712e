//! After a crash: changes in place that were under way are undone or get their record.
//!
//! Every change is noted before it begins and struck out when it stands in the log. What the log says of a file's length
//! counts more than the note: a note may come back that was struck out just before a power cut.

use std::collections::BTreeMap;

use fdfs_proto::FileName;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op, binlog_lines};
use fdfs_proto::file_id::LogicName;
use fdfs_store::meta_file::meta_name;
use fdfs_store::{Fs, Slot, StoreError};

use super::{PathSlot, WritePath, true_name};
use crate::error::RequestError;
use crate::names::in_name;

/// What the end of the log says of one file.
#[derive(Debug, Default)]
struct History {
    /// Its length by the last records, in bytes; `None`: they do not tell.
    len_bytes: Option<u64>,
    /// All that was done to it.
    ops: Vec<Op>,
}

impl History {
    fn add(&mut self, op: Op) {
        self.len_bytes = match op {
            Op::Append { offset, length } => Some(offset.saturating_add(length)),
            Op::Truncate { new_size, .. } => Some(new_size),
            Op::Modify { offset, length } => self.len_bytes.map(|len| len.max(offset.saturating_add(length))),
            Op::Create | Op::Update | Op::Delete | Op::Link { .. } | Op::Rename { .. } => None,
        };
        self.ops.push(op);
    }

    /// Whether such a change was recorded, and the file came as a whole later: how long it was before a change after that
    /// nobody knows.
    fn was_replaced_after(&self, op: Op) -> bool {
        let behind = self.ops.iter().rposition(|known| *known == op).map_or(&[][..], |at| &self.ops[at..]);
        self.len_bytes.is_none() && behind.iter().any(|op| matches!(op, Op::Create | Op::Update))
    }

    /// Whether the change was recorded, and the file went and came again later: the note is out of date.
    fn has_outlived(&self, op: Op) -> bool {
        let behind = self.ops.iter().rposition(|known| *known == op).map_or(&[][..], |at| &self.ops[at..]);
        behind.contains(&Op::Delete)
    }
}

/// The end of the log, as the start after a crash reads it.
#[derive(Debug, Clone, Copy)]
pub struct LogEnd<'l> {
    /// Whole lines.
    pub lines: &'l [u8],
    /// All that happened is in it, so that what is not may be undone.
    pub is_whole: bool,
    /// Whatever was acknowledged since then (unix seconds) is in `lines`; `None`: nobody knows.
    pub knows_since: Option<u32>,
}

/// What became of the changes that the last run left under way.
#[derive(Debug, Default)]
pub struct Recovered {
    /// What was done, for the log of the server.
    pub told: Vec<String>,
    /// Uploads in slots that were never acknowledged, and are still there. The notes of all changes are kept until
    /// [`WritePath::forget_left`] where there are any.
    pub uploads: Vec<LogicName>,
}

impl<F: Fs> WritePath<F> {
    /// Undoes or records the changes that the last run `left` under way.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn recover(&self, left: &[BinlogRecord], log: LogEnd<'_>) -> Result<Recovered, RequestError> {
        let mut recovered = Recovered::default();
        if left.is_empty() {
            return Ok(recovered);
        }
        let told = &mut recovered.told;
        let histories = histories(left, log.lines);
        let nothing = History::default();
        let mut records = Vec::new();
        for note in left {
            let Ok(name) = LogicName::parse(&note.name) else { continue };
            let Some(slot) = self.slots.get(usize::from(name.store_path_index())) else { continue };
            let history = histories.get(&note.name).unwrap_or(&nothing);
            let found = match note.op {
                Op::Rename { old_name: Some(old) } => recover_rename(slot, note, &old, &histories)?,
                Op::Create if is_unacknowledged_upload(note, &name, history, &log) => {
                    if self.is_in_slot(slot, &name)? {
                        recovered.uploads.push(name);
                    }
                    vec![]
                }
                Op::Create | Op::Delete | Op::Update => recover_name(slot, note, &name, history)?,
                _ if history.has_outlived(note.op) => vec![],
                _ => recover_content(slot, note, &name, history, log.is_whole, told)?,
            };
            for record in &found {
                told.push(format!("{}: {:?} was done but not recorded, and is recorded now", record.name, record.op));
            }
            records.extend(found);
            slot.flush().await.map_err(RequestError::from)?;
        }
        if !records.is_empty() {
            self.record_own(&records).await?;
        }
        if recovered.uploads.is_empty() {
            self.forget_left()?;
        }
        Ok(recovered)
    }

    /// Forgets what the last run left under way.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_left(&self) -> Result<(), StoreError> {
        self.changes.clear()
    }
}

/// Whether a note is that of an upload in a slot that has no record, and would have one if it was acknowledged.
fn is_unacknowledged_upload(note: &BinlogRecord, name: &LogicName, history: &History, log: &LogEnd<'_>) -> bool {
    let is_known = log.knows_since.is_some_and(|since| since <= note.timestamp);
    is_known && Slot::of(name).is_some() && !history.ops.contains(&Op::Create)
}

/// What the log says of the files that have notes.
fn histories(left: &[BinlogRecord], lines: &[u8]) -> BTreeMap<FileName, History> {
    let mut histories = BTreeMap::new();
    for note in left {
        histories.insert(note.name, History::default());
        if let Op::Rename { old_name: Some(old) } = note.op {
            let records = super::rename::records(note, &old, true);
            histories.extend(records.iter().map(|record| (record.name, History::default())));
        }
    }
    for line in binlog_lines(lines) {
        if let Ok(record) = line.record
            && let Some(history) = histories.get_mut(&record.name)
        {
            history.add(record.op);
        }
    }
    histories
}

/// A change of content: cut back, or recorded as far as it came.
fn recover_content<F: Fs>(
    slot: &PathSlot<F>,
    note: &BinlogRecord,
    name: &LogicName,
    history: &History,
    is_log_whole: bool,
    told: &mut Vec<String>,
) -> Result<Vec<BinlogRecord>, StoreError> {
    let file = match slot.path.open_to_change(name.true_name()) {
        Err(e) if e.is_not_found() || matches!(e, StoreError::NotRegular { .. }) => return Ok(vec![]),
        other => other?,
    };
    let len = file.len_bytes();
    let op = match note.op {
        // Nothing may be cut off. If it was not done, the others get what is there.
        Op::Append { offset, .. } if history.was_replaced_after(note.op) => {
            if len <= offset {
                return Ok(vec![]);
            }
            Op::Update
        }
        Op::Append { offset, .. } => {
            let recorded = history.len_bytes.unwrap_or(offset);
            if len <= recorded {
                return Ok(vec![]);
            }
            if is_log_whole {
                file.set_len(recorded)?;
                told.push(format!("{name}: {} bytes of an unfinished append are cut off again", len - recorded));
                return Ok(vec![]);
            }
            Op::Append { offset: recorded, length: len - recorded }
        }
        Op::Truncate { old_size, .. } => {
            let recorded = history.len_bytes.unwrap_or(old_size);
            if len == recorded {
                return Ok(vec![]);
            }
            Op::Truncate { old_size: recorded, new_size: len }
        }
        // Whether and how far it was done cannot be seen. What lies there now goes to the replicas, once more perhaps.
        Op::Modify { offset, length } if offset < len => Op::Modify { offset, length: length.min(len - offset) },
        _ => return Ok(vec![]),
    };
    let timestamp = in_name(file.modified_unix_secs()?);
    Ok(vec![BinlogRecord { timestamp, op, ..*note }])
}

/// A file got one more name or was removed, or metadata were written as a whole: what is there now is what counts.
fn recover_name<F: Fs>(
    slot: &PathSlot<F>,
    note: &BinlogRecord,
    name: &LogicName,
    history: &History,
) -> Result<Vec<BinlogRecord>, StoreError> {
    let is_there = match slot.path.content_info(name) {
        Err(e) if e.is_not_found() => inode(slot, name.true_name())?.is_some(),
        other => other.map(|_| true)?,
    };
    let op = match (note.op, is_there) {
        // It was not done, or the file came again.
        (Op::Delete, true) => return Ok(vec![]),
        (Op::Create, true) if history.ops.contains(&Op::Create) => return Ok(vec![]),
        (Op::Create, true) => Op::Create,
        (Op::Create, false) if !history.ops.contains(&Op::Create) => return Ok(vec![]),
        (_, false) if history.ops.last() == Some(&Op::Delete) => return Ok(vec![]),
        (_, false) => Op::Delete,
        // The old or the new metadata; replicas get them once more perhaps.
        (_, true) => Op::Update,
    };
    Ok(vec![BinlogRecord { op, ..*note }])
}

/// A new name: the metadata follow, and all of it is recorded.
fn recover_rename<F: Fs>(
    slot: &PathSlot<F>,
    note: &BinlogRecord,
    old: &FileName,
    histories: &BTreeMap<FileName, History>,
) -> Result<Vec<BinlogRecord>, StoreError> {
    let (new_true, old_true) = (true_name(&note.name), true_name(old));
    let (new_meta, old_meta) = (meta_name(new_true), meta_name(old_true));
    // Where a file system does not rename at one stroke, a power cut leaves both names.
    match (inode(slot, old_true)?, inode(slot, new_true)?) {
        (None, Some(_)) => {
            if inode(slot, &new_meta)?.is_none() && inode(slot, &old_meta)?.is_some() {
                slot.path.rename_file(&old_meta, &new_meta)?;
            } else if inode(slot, &new_meta)?.is_some() && inode(slot, &new_meta)? == inode(slot, &old_meta)? {
                slot.path.remove(&old_meta)?;
            }
            let has_meta = inode(slot, &new_meta)?.is_some();
            let mut records = super::rename::records(note, old, has_meta);
            // All or some of them may be there.
            records.retain(|record| !histories.get(&record.name).is_some_and(|known| known.ops.contains(&record.op)));
            Ok(records)
        }
        (Some(old_inode), new_inode) => {
            if new_inode == Some(old_inode) {
                slot.path.remove(new_true)?;
            }
            if new_inode.is_none_or(|inode| inode == old_inode) && inode(slot, &new_meta)?.is_some() {
                match inode(slot, &old_meta)? {
                    None => slot.path.rename_file(&new_meta, &old_meta)?,
                    Some(_) => slot.path.remove(&new_meta)?,
                }
            }
            Ok(vec![])
        }
        (None, None) => Ok(vec![]),
    }
}

/// Which file has a name, if one has.
fn inode<F: Fs>(slot: &PathSlot<F>, true_name: &str) -> Result<Option<u64>, StoreError> {
    match slot.path.stat(true_name) {
        Err(e) if e.is_not_found() => Ok(None),
        other => other.map(|stat| Some(stat.inode)),
    }
}
