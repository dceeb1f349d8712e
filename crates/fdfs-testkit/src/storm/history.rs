//! All that was done to each file, and how it ended.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fdfs_client::FileId;

use super::request::Outcome;

/// Content that is made again whenever it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// What it is made from.
    pub seed: u64,
    /// Bytes.
    pub len: usize,
}

impl Content {
    /// The bytes.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        fastrand::Rng::with_seed(self.seed).fill(&mut bytes);
        bytes
    }
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its name tells size and CRC.
    Plain,
    /// It can be changed.
    Appender,
    /// It has the name of its master.
    Slave,
}

/// What was done to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It was deleted.
    Delete,
    /// Its metadata became this text; all of it, or merged.
    Metadata {
        /// The text.
        text: Vec<u8>,
        /// Whether other keys stay.
        merges: bool,
    },
    /// It grew.
    Append(Content),
    /// Bytes at an offset became others.
    Modify(u64, Content),
    /// It got this size.
    Truncate(u64),
    /// It became a plain file with another name.
    Regenerate,
}

/// A change, by whom and where, and how it ended.
#[derive(Debug, Clone)]
pub struct Event {
    /// What.
    pub change: Change,
    /// The number of the client.
    pub client: usize,
    /// The storage that was asked, by its number.
    pub storage: usize,
    /// When it was asked, since the begin.
    pub begun: Duration,
    /// When the outcome was there; `None` for an unknown one: it may still happen.
    pub ended: Option<Duration>,
    /// How it ended; `None` while it is under way.
    pub outcome: Option<Outcome>,
}

/// A file whose upload was acknowledged.
#[derive(Debug, Clone)]
pub struct File {
    /// Its id.
    pub id: FileId,
    /// Its kind.
    pub kind: Kind,
    /// Its first content; `None` where only the storage knows it.
    pub content: Option<Content>,
    /// The storage that took it.
    pub storage: usize,
    /// When that was acknowledged, since the begin.
    pub created: Duration,
    /// What was done to it, in the order of the begins.
    pub events: Vec<Event>,
}

/// Of all files.
#[derive(Debug)]
pub struct History {
    started: Instant,
    storages: Vec<SocketAddr>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<File>,
    unknown_uploads: usize,
    reads: [usize; 2],
}

impl History {
    /// An empty one; storages by the addresses that clients are told.
    #[must_use]
    pub fn new(storages: Vec<SocketAddr>) -> Self {
        Self { started: Instant::now(), storages, state: Mutex::default() }
    }

    /// Since the begin.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// The number of the storage at an address.
    #[must_use]
    pub fn storage_at(&self, addr: SocketAddr) -> Option<usize> {
        self.storages.iter().position(|known| *known == addr)
    }

    /// A new file.
    pub fn created(&self, id: FileId, kind: Kind, content: Option<Content>, storage: usize) {
        let created = self.now();
        self.lock().files.push(File { id, kind, content, storage, created, events: Vec::new() });
    }

    /// An upload of which nobody knows the name, if it happened.
    pub fn note_unknown_upload(&self) {
        self.lock().unknown_uploads += 1;
    }

    /// A download through the tracker, which gave the file or not.
    pub fn note_read(&self, found: bool) {
        self.lock().reads[usize::from(found)] += 1;
    }

    /// One of the files, by any number.
    #[must_use]
    pub fn pick(&self, number: usize) -> Option<(usize, File)> {
        let state = self.lock();
        // Young files are the interesting ones.
        let young = state.files.len().saturating_sub(60);
        let range = if number.is_multiple_of(4) { 0 } else { young };
        let count = state.files.len() - range;
        let index = range + (number / 4).checked_rem(count)?;
        Some((index, state.files[index].clone()))
    }

    /// A change begins.
    pub fn begin(&self, file: usize, client: usize, storage: usize, change: Change) -> usize {
        let begun = self.now();
        let events = &mut self.lock().files[file].events;
        events.push(Event { change, client, storage, begun, ended: None, outcome: None });
        events.len() - 1
    }

    /// It has ended.
    pub fn end(&self, file: usize, event: usize, outcome: Outcome) {
        let now = self.now();
        let event = &mut self.lock().files[file].events[event];
        event.ended = (!matches!(outcome, Outcome::Unknown(_))).then_some(now);
        event.outcome = Some(outcome);
    }

    /// Everything.
    #[must_use]
    pub fn files(&self) -> Vec<File> {
        self.lock().files.clone()
    }

    /// In one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let state = self.lock();
        let count = |is_wanted: fn(&Outcome) -> bool| {
            let outcomes = state.files.iter().flat_map(|file| &file.events).filter_map(|event| event.outcome.as_ref());
            outcomes.filter(|outcome| is_wanted(outcome)).count()
        };
        format!(
            "{} files and {} unknown uploads; {} changes done, {} refused, {} unknown; {} downloads, {} in vain",
            state.files.len(),
            state.unknown_uploads,
            count(Outcome::is_done),
            count(|outcome| matches!(outcome, Outcome::Refused(_))),
            count(|outcome| matches!(outcome, Outcome::Unknown(_))),
            state.reads[1],
            state.reads[0],
        )
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happened to it, line by line.
impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, kind, content, storage, created, events } = self;
        write!(f, "  {id}, {kind:?}, {content:?}, stored by {storage} at {created:.3?}")?;
        for Event { change, client, storage, begun, ended, outcome } in events {
            let change = match change {
                Change::Metadata { text, merges } => format!("Metadata {} merges {merges}", text.escape_ascii()),
                other => format!("{other:?}"),
            };
            let outcome = match outcome {
                Some(Outcome::Done(_)) => "Done".to_owned(),
                other => format!("{other:?}"),
            };
            write!(f, "\n    {begun:.3?} to {ended:.3?}, client {client} at storage {storage}: {change}: {outcome}")?;
        }
        Ok(())
    }
}
