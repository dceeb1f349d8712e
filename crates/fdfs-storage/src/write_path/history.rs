//! What happened last to names: deletions, and changes of files that can change.
//!
//! A change from elsewhere may be older than a deletion here, or than the last change of the file here. The file alone
//! does not tell: a deleted one is gone, and of one that is there it is not known who changed it last.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fdfs_core::sync::verdict::{By, LastChange, NameFacts, NameUse};
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op, Origin, binlog_lines};
use fdfs_proto::file_id::LogicName;
use fdfs_store::FileTime;

/// Names that are remembered, half of them in each of two generations. When the younger one is full the older one is
/// forgotten: what a storage is told about a name after that it takes for new, as the reference always does.
const NAMES_MAX: usize = 1 << 17;
/// How much of the binlog is read back at the start, for about that many names.
pub const TAIL_BYTES: u64 = 8 << 20;
/// What the name of a metadata file ends with.
const META_SUFFIX: &str = "-m";

#[derive(Debug, Clone, Copy)]
struct Entry {
    last: LastChange,
    is_deleted: bool,
    /// The file as it is was already sent again.
    is_repaired: bool,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Box<str>, Entry>,
    old: HashMap<Box<str>, Entry>,
}

impl Generations {
    fn find(&self, name: &str) -> Option<Entry> {
        self.young.get(name).or_else(|| self.old.get(name)).copied()
    }

    fn put(&mut self, name: &str, entry: Entry) {
        if self.young.len() >= NAMES_MAX / 2 && !self.young.contains_key(name) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(name.into(), entry);
    }
}

/// What happened last to names. Who asks about one and then changes its file holds the file's lock.
#[derive(Debug, Default)]
pub struct History {
    names: Mutex<Generations>,
}

impl History {
    /// Learns from whole lines of the binlog what happened before this process began.
    pub fn load(&self, lines: &[u8]) {
        for record in binlog_lines(lines).filter_map(|line| line.record.ok()) {
            match record.origin {
                Origin::Source => self.note(&record, By::Own),
                Origin::Replica => self.note_replica(&record),
            }
        }
    }

    /// The log does not say who made a change that was sent, nor whether it was older than what was here.
    fn note_replica(&self, record: &BinlogRecord) {
        let known = self.lock().find(record.name.as_str());
        let is_older = known.is_some_and(|known| !known.is_deleted && known.last.at >= record.timestamp);
        if is_older && !matches!(record.op, Op::Delete | Op::Rename { .. }) {
            return;
        }
        self.note(record, By::Unknown);
    }

    /// A record was written.
    pub fn note(&self, record: &BinlogRecord, by: By) {
        let name = record.name.as_str();
        let last = LastChange { at: record.timestamp, by };
        let deleted = Entry { last, is_deleted: true, is_repaired: false };
        match record.op {
            Op::Delete => self.lock().put(name, deleted),
            Op::Rename { old_name: Some(old_name) } => self.lock().put(old_name.as_str(), deleted),
            Op::Rename { old_name: None } => {}
            Op::Link { .. } | Op::Create | Op::Update | Op::Append { .. } | Op::Modify { .. } | Op::Truncate { .. } => {
                self.changed(name, last);
            }
        }
    }

    /// The last change of a file is this one now. Most files never change, and are not remembered.
    pub fn changed(&self, name: &str, last: LastChange) {
        let can_change = || name.parse::<LogicName>().is_ok_and(|name| NameFacts::of(&name).promised.is_none());
        let mut names = self.lock();
        if names.find(name).is_some() || can_change() {
            names.put(name, Entry { last, is_deleted: false, is_repaired: false });
        }
    }

    /// The deletion of a name, or of the file whose metadata it names.
    #[must_use]
    pub fn deleted(&self, name: &LogicName) -> Option<LastChange> {
        let names = self.lock();
        let deletion = |name: &str| names.find(name).filter(|entry| entry.is_deleted).map(|entry| entry.last);
        let file = name.as_str().strip_suffix(META_SUFFIX);
        let of_file = file.and_then(|file| Some((file.parse().ok()?, deletion(file)?)));
        match of_file {
            // The file never comes back, and neither does its metadata, whoever sends it.
            Some((file, _)) if NameFacts::of(&file).used == NameUse::Once => {
                Some(LastChange { at: u32::MAX, by: By::Unknown })
            }
            _ => deletion(name.as_str()),
        }
    }

    /// The last change of a file that is here. `modified` is its modification time, which is all that is known of one
    /// that is not remembered, and tells who made a change that only the log remembers.
    #[must_use]
    pub fn last(&self, name: &LogicName, modified: FileTime) -> LastChange {
        last_of(self.lock().find(name.as_str()), modified)
    }

    /// The file as it is, changed last by `last`, is sent again.
    pub fn repaired(&self, name: &LogicName, last: LastChange) {
        self.lock().put(name.as_str(), Entry { last: last.repaired(), is_deleted: false, is_repaired: true });
    }

    /// Whether the file as it is, changed last by `last`, was already sent again, and is newer than a change at `at`: many
    /// old changes then need only one answer.
    #[must_use]
    pub fn is_repaired_after(&self, name: &LogicName, last: LastChange, at: u32) -> bool {
        let known = self.lock().find(name.as_str());
        last.at > at && known.is_some_and(|known| !known.is_deleted && known.is_repaired && known.last.at == last.at)
    }

    /// The time of a change that a client makes here and now: after what it is made upon. `modified` is that of the file
    /// that is here, if there is one.
    #[must_use]
    pub fn own_time(&self, name: &LogicName, modified: Option<FileTime>, now: u32) -> u32 {
        match (modified, self.lock().find(name.as_str())) {
            (_, Some(entry)) if entry.is_deleted => entry.last.next_create(now),
            (Some(modified), known) => last_of(known, modified).next_own(now),
            (None, _) => now,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last change of a file with a modification time.
fn last_of(known: Option<Entry>, modified: FileTime) -> LastChange {
    let seen = LastChange { at: crate::names::in_name(modified.unix_secs), by: By::of_nanos(modified.nanos) };
    match known.filter(|known| !known.is_deleted) {
        None => seen,
        Some(known) if known.last.by == By::Unknown && seen.at >= known.last.at => seen,
        Some(known) => known.last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGULAR: &str = "M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt";
    const APPENDER: &str = "M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log";

    fn logic(name: &str) -> LogicName {
        name.parse().unwrap()
    }

    #[test]
    fn the_binlog_tells_what_was_before() {
        let history = History::default();
        let lines =
            format!("5 C {REGULAR}\n6 C {APPENDER}\n9 a {APPENDER} 0 3\n7 D {REGULAR}-m\n8 d {REGULAR}\nrubbish\n");
        history.load(lines.as_bytes());
        assert_eq!(history.deleted(&logic(REGULAR)), Some(LastChange { at: 8, by: By::Unknown }));
        assert_eq!(history.deleted(&logic(&format!("{REGULAR}-m"))).unwrap().at, u32::MAX);
        assert_eq!(history.deleted(&logic(APPENDER)), None);
        assert_eq!(history.last(&logic(APPENDER), 3.into()), LastChange { at: 9, by: By::Unknown });
        assert_eq!(history.lock().young.len(), 3);
    }

    #[test]
    fn who_made_a_change_stands_at_the_file() {
        let maker = By::sender(Some("100002".parse().unwrap()));
        let modified = |unix_secs| FileTime { unix_secs, nanos: maker.nanos() };
        let history = History::default();
        let name = logic(APPENDER);
        assert_eq!(history.last(&name, modified(9)), LastChange { at: 9, by: maker });
        history.load(format!("9 a {APPENDER} 0 3\n7 u {APPENDER}\n").as_bytes());
        assert_eq!(history.last(&name, modified(9)), LastChange { at: 9, by: maker });
        assert_eq!(history.last(&name, modified(8)), LastChange { at: 9, by: By::Unknown }, "another change");
        assert_eq!(history.last(&name, modified(11)), LastChange { at: 11, by: maker }, "made, and not recorded");
        history.load(format!("12 M {APPENDER} 0 3\n").as_bytes());
        assert_eq!(history.last(&name, modified(9)), LastChange { at: 12, by: By::Own });
        history.load(format!("11 u {APPENDER}\n").as_bytes());
        assert_eq!(history.last(&name, modified(12)), LastChange { at: 12, by: By::Own }, "an older one had no effect");
    }

    #[test]
    fn own_changes_come_after_what_they_are_made_upon() {
        let history = History::default();
        let name = logic(APPENDER);
        assert_eq!(history.own_time(&name, None, 10), 10);
        assert_eq!(history.own_time(&name, Some(50.into()), 10), 51, "a clock behind that of the source");
        history.changed(APPENDER, LastChange { at: 60, by: By::Own });
        assert_eq!(history.own_time(&name, Some(50.into()), 10), 60);
        history.load(format!("70 D {APPENDER}\n").as_bytes());
        assert_eq!(history.own_time(&name, None, 10), 71);
    }

    #[test]
    fn a_file_is_sent_again_once_until_it_changes() {
        let history = History::default();
        let (name, last) = (logic(APPENDER), LastChange { at: 60, by: By::Unknown });
        assert!(!history.is_repaired_after(&name, last, 59));
        history.repaired(&name, last);
        assert!(history.is_repaired_after(&name, last, 59));
        assert!(!history.is_repaired_after(&name, last, 60), "in one second the content decides");
        assert_eq!(history.last(&name, 60.into()).by, By::Own);
        history.changed(APPENDER, LastChange { at: 60, by: By::Own });
        assert!(!history.is_repaired_after(&name, last, 59));
    }

    #[test]
    fn it_never_remembers_more_than_its_limit() {
        let history = History::default();
        for n in 0..NAMES_MAX + NAMES_MAX / 2 + 9 {
            let record = format!("{n} D M00/00/00/name-{n:07}\n");
            history.load(record.as_bytes());
        }
        let names = history.lock();
        assert!(names.young.len() + names.old.len() <= NAMES_MAX);
        let newest = format!("M00/00/00/name-{NAMES_MAX:07}");
        assert!(names.find(&newest).is_some() && names.find("M00/00/00/name-0000000").is_none());
    }
}
