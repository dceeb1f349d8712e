//! What a file must be after all that was done to it.

use std::time::Duration;

use fdfs_proto::cmd::storage::{MetaMode, MetadataChange};

use super::history::{Change, Event, File};
use super::request::Outcome;

/// Whether it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Its upload was acknowledged, and nobody may have deleted it.
    Must,
    /// Its deletion was acknowledged.
    MustNot,
    /// Nobody knows; all storages must agree.
    Either,
}

/// What a file must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Whether it is there.
    pub presence: Presence,
    /// Its content; `None` where all storages must agree, whatever it is.
    pub content: Option<Vec<u8>>,
    /// Its metadata, empty for none; `None` where all storages must agree, whatever they are.
    pub metadata: Option<Vec<u8>>,
}

impl Expected {
    /// After its history.
    #[must_use]
    pub fn of(file: &File) -> Self {
        let gone = |change: &Change| matches!(change, Change::Delete | Change::Regenerate);
        let mut presence = Presence::Must;
        for event in file.events.iter().filter(|event| gone(&event.change)) {
            match event.outcome {
                Some(Outcome::Done(_)) => presence = Presence::MustNot,
                Some(Outcome::Refused(_)) => {}
                _ if presence == Presence::Must => presence = Presence::Either,
                _ => {}
            }
        }
        let changes_content =
            |change: &Change| matches!(change, Change::Append(_) | Change::Modify(..) | Change::Truncate(_));
        let content = file.content.and_then(|content| {
            let events = in_order(file, changes_content)?;
            Some(events.iter().fold(content.bytes(), |bytes, change| changed(bytes, change)))
        });
        // A file with an unknown begin has the metadata that it had by another name.
        let metadata = in_order(file, is_metadata).filter(|_| file.content.is_some());
        let metadata =
            metadata.map(|events| events.iter().fold(Vec::new(), |text, change| with_metadata(text, change)));
        Self { presence, content, metadata }
    }
}

/// The changes of a kind that were made, if their order is beyond doubt: each was acknowledged or refused before the next
/// one began, and one storage made them all, so that nothing that is replicated can meet something else.
fn in_order(file: &File, is_wanted: impl Fn(&Change) -> bool) -> Option<Vec<&Change>> {
    let mut made = Vec::new();
    let (mut free_from, mut maker) = (Duration::ZERO, file.storage);
    for event in file.events.iter().filter(|event| is_wanted(&event.change)) {
        let Event { change, storage, begun, ended, outcome, .. } = event;
        let ended = (*ended)?;
        if *begun < free_from {
            return None;
        }
        free_from = ended;
        if outcome.as_ref().is_some_and(Outcome::is_done) {
            if *storage != maker && !(made.is_empty() && maker == file.storage && is_metadata(change)) {
                return None;
            }
            maker = *storage;
            made.push(change);
        }
    }
    Some(made)
}

/// The first metadata may come from anywhere: there is nothing for them to meet.
const fn is_metadata(change: &Change) -> bool {
    matches!(change, Change::Metadata { .. })
}

fn changed(mut bytes: Vec<u8>, change: &Change) -> Vec<u8> {
    match change {
        Change::Append(more) => bytes.extend_from_slice(&more.bytes()),
        Change::Modify(offset, other) => {
            let (start, other) = (*offset as usize, other.bytes());
            bytes.resize(bytes.len().max(start + other.len()), 0);
            bytes[start..start + other.len()].copy_from_slice(&other);
        }
        Change::Truncate(size) => bytes.resize(*size as usize, 0),
        Change::Delete | Change::Metadata { .. } | Change::Regenerate => {}
    }
    bytes
}

fn with_metadata(old: Vec<u8>, change: &Change) -> Vec<u8> {
    let Change::Metadata { text, merges } = change else { return old };
    let mode = if *merges { MetaMode::Merge } else { MetaMode::Overwrite };
    match MetadataChange::of(mode, Some(&old).filter(|old| !old.is_empty()).map(Vec::as_slice), text) {
        MetadataChange::Keep => old,
        MetadataChange::Remove => Vec::new(),
        MetadataChange::Store(text) => text,
    }
}

#[cfg(test)]
mod tests;
