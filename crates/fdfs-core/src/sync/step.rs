//! What is sent for a record, and what the peer's answer means.
//!
//! The content that is sent is always that of now: the file may have changed since the record, and what changed it
//! stands behind in the log.

use fdfs_proto::disk::binlog_record::{BinlogRecord, Op, Origin};
use fdfs_proto::file_id::LogicName;
use fdfs_proto::{FileName, Status};

use super::flight::Why;
use super::verdict::{NameFacts, NameUse};

/// What is here under the record's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Local {
    /// Nothing.
    Missing,
    /// A file.
    File {
        /// Its bytes.
        len: u64,
    },
    /// A symbolic link.
    Link {
        /// Bytes of the file that it points to; `None` when that is gone.
        len: Option<u64>,
        /// The name of that file, as far as the link tells.
        target: Option<FileName>,
    },
}

impl Local {
    const fn len(self) -> Option<u64> {
        match self {
            Self::Missing => None,
            Self::File { len } => Some(len),
            Self::Link { len, .. } => len,
        }
    }
}

/// One request about a record. The record's own name is meant where none stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The whole file as a new one (16).
    Create,
    /// "You have it already" (16 without content).
    Announce,
    /// Whether the peer has the file, and how large it is (22).
    AskSize(Then),
    /// The whole file, whatever the peer has (18).
    Update,
    /// Bytes of the file (25).
    Append {
        /// Where they begin.
        offset: u64,
        /// How many.
        length: u64,
    },
    /// Bytes of the file (35).
    Modify {
        /// Where they begin.
        offset: u64,
        /// How many.
        length: u64,
    },
    /// Another size (37).
    Truncate {
        /// The size before.
        old_size: u64,
        /// The size after.
        new_size: u64,
    },
    /// A delete (17).
    Delete,
    /// A link (19).
    Link {
        /// What it points to.
        target: FileName,
    },
    /// Size and CRC of the file under its old name (22).
    AskOld {
        /// The name before.
        old_name: FileName,
    },
    /// Another name (40).
    Rename {
        /// The name before.
        old_name: FileName,
    },
    /// The whole file under its new name (16), instead of a new name for what the peer has.
    Replace {
        /// The name before.
        old_name: FileName,
    },
    /// A delete of the old name (17).
    DeleteOld {
        /// The name before.
        old_name: FileName,
    },
}

/// What a question about the size is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// A large new file, while the peer was seen to have others already.
    Create,
    /// A cut that the peer did not make because its size was another one.
    Compare,
}

/// What a peer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: Status,
    /// To a question (22): size and CRC.
    pub info: Option<(u64, u32)>,
}

impl Answer {
    /// An answer without more.
    #[must_use]
    pub const fn status(status: Status) -> Self {
        Self { status, info: None }
    }
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The record is done.
    Done,
    /// Another request about it.
    Then(Step),
    /// It cannot go through now.
    SetAside(Why),
}

/// The first request about a record; `None` when there is nothing to send: what the record tells of is gone or replaced
/// here, and what did that stands behind in the log.
///
/// `asks_first`: the peer was seen to have files already, so a large one is asked for before it is sent.
#[must_use]
pub fn first(record: &BinlogRecord, local: Local, asks_first: bool) -> Option<Step> {
    match record.op {
        Op::Create => local.len().map(|_| if asks_first { Step::AskSize(Then::Create) } else { Step::Create }),
        Op::Update => local.len().map(|_| Step::Update),
        Op::Append { offset, length } => part(local, offset, length, Step::Append { offset, length }),
        Op::Modify { offset, length } => part(local, offset, length, Step::Modify { offset, length }),
        Op::Truncate { old_size, new_size } => local.len().map(|_| Step::Truncate { old_size, new_size }),
        Op::Delete => (local == Local::Missing).then_some(Step::Delete),
        Op::Link { source } => match local {
            // The link of now, where it may have been made anew.
            Local::Link { target, .. } if is_name_used_again(&record.name) => {
                target.or(source).map(|target| Step::Link { target })
            }
            Local::Link { target, .. } => source.or(target).map(|target| Step::Link { target }),
            Local::File { .. } | Local::Missing => None,
        },
        Op::Rename { old_name } => {
            // A replicated rename of an old file: the peer never had the old name.
            let old_name = old_name.filter(|_| record.origin == Origin::Source);
            match (local.len(), old_name) {
                (Some(_), Some(old_name)) => Some(Step::AskOld { old_name }),
                (Some(_), None) => Some(Step::Create),
                // Gone by its new name, too; the peer has the old one still.
                (None, Some(old_name)) => Some(Step::DeleteOld { old_name }),
                (None, None) => None,
            }
        }
    }
}

/// A change of a part of a file. Where the bytes are not here any more, because the file was cut from elsewhere, the whole
/// file answers for them (decision record 0007).
fn part(local: Local, offset: u64, length: u64, step: Step) -> Option<Step> {
    local.len().map(|_| if reaches(local, offset, length) { step } else { Step::Update })
}

fn reaches(local: Local, offset: u64, length: u64) -> bool {
    let end = offset.checked_add(length);
    local.len().zip(end).is_some_and(|(len, end)| end <= len)
}

/// What the answer to a request means. `local_len` is the file's length here, as far as it is known.
#[must_use]
pub fn next(record: &BinlogRecord, step: Step, answer: Answer, local_len: Option<u64>) -> Next {
    match (step, answer.status) {
        // After a rename the old name must not stay, nor come from somebody who has changed it meanwhile: the peer is told,
        // even if it has nothing by that name now.
        (Step::Replace { old_name }, Status::OK | Status::EEXIST) | (Step::Rename { old_name }, Status::EEXIST) => {
            Next::Then(Step::DeleteOld { old_name })
        }
        (Step::Create, Status::OK | Status::EEXIST) if renamed_from(record).is_some() => {
            renamed_from(record).map_or(Next::Done, |old_name| Next::Then(Step::DeleteOld { old_name }))
        }
        (Step::AskSize(then), status) => after_size(then, status, answer.info, local_len),
        (Step::AskOld { old_name }, status) => after_old(record, old_name, status, answer.info, local_len),
        (_, Status::OK) => Next::Done,
        // The content does not follow from the name: what the peer has under it may be older.
        (Step::Create, Status::EEXIST) if is_name_used_again(&record.name) => Next::Then(Step::Update),
        (Step::Create | Step::Announce, Status::EEXIST) => Next::Done,
        (Step::Append { .. } | Step::Modify { .. } | Step::Link { .. }, Status::EEXIST) => Next::Done,
        // Differs from C, which sends the same line for ever (behaviour, W-08).
        (Step::Append { .. } | Step::Modify { .. } | Step::Truncate { .. }, Status::ENOENT) => Next::Then(Step::Update),
        // It was cut before, or it differs: the size tells.
        (Step::Truncate { .. }, Status::EEXIST) => Next::Then(Step::AskSize(Then::Compare)),
        (Step::Delete | Step::DeleteOld { .. } | Step::Link { .. }, Status::ENOENT) => Next::Done,
        (Step::Rename { .. }, Status::ENOENT) => Next::Then(Step::Create),
        (_, status) => Next::SetAside(Why::Refused(status)),
    }
}

/// The name that a file lost by a rename made here.
fn renamed_from(record: &BinlogRecord) -> Option<FileName> {
    match record.op {
        Op::Rename { old_name } if record.origin == Origin::Source => old_name,
        _ => None,
    }
}

fn after_size(then: Then, status: Status, info: Option<(u64, u32)>, local_len: Option<u64>) -> Next {
    let is_same = info.is_some_and(|(size, _)| Some(size) == local_len);
    match (then, status) {
        (Then::Create, Status::OK) if is_same => Next::Then(Step::Announce),
        (Then::Compare, Status::OK) if is_same => Next::Done,
        (Then::Create | Then::Compare, Status::OK) | (Then::Compare, Status::ENOENT) => Next::Then(Step::Update),
        (Then::Create, _) => Next::Then(Step::Create),
        (Then::Compare, status) => Next::SetAside(Why::Refused(status)),
    }
}

/// Changes before the rename were skipped when the file had lost its old name already. The new name says what the content
/// must be: if the peer's is another, or gone, it gets the file as it is.
fn after_old(
    record: &BinlogRecord,
    old_name: FileName,
    status: Status,
    info: Option<(u64, u32)>,
    local_len: Option<u64>,
) -> Next {
    let crc32 = LogicName::parse(&record.name).ok().and_then(|name| name.fields()).map(|fields| fields.crc32);
    match (status, info) {
        (Status::OK, Some((size, crc))) if Some(size) == local_len && Some(crc) == crc32 => {
            Next::Then(Step::Rename { old_name })
        }
        (Status::OK, _) => Next::Then(Step::Replace { old_name }),
        (Status::ENOENT, _) => Next::Then(Step::Create),
        // It cannot tell; the rename itself will.
        _ => Next::Then(Step::Rename { old_name }),
    }
}

/// Whether another file could have had the same name before: those of slaves and metadata are chosen, not drawn.
fn is_name_used_again(name: &FileName) -> bool {
    LogicName::parse(name).is_ok_and(|name| NameFacts::of(&name).used == NameUse::Again)
}

#[cfg(test)]
mod tests;
