//! The records that one peer has not confirmed yet: which may be sent now, which wait for others of the same file, which
//! are set aside, and where the mark may stand.

use std::collections::btree_map::Entry as MapEntry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fdfs_proto::Status;
use fdfs_proto::disk::BinlogPosition;
use fdfs_proto::disk::binlog_record::BinlogRecord;

use super::key::{Key, keys};
use super::reached::{Reach, Reached};

/// Records that are read ahead: those that wait, are ready or under way.
pub const WINDOW_MAX: usize = 2048;
/// Records of one peer that are set aside. With more, nothing more is read until some of them went through.
pub const ASIDE_MAX: usize = 20_000;
/// A record whose sending broke the connection so often in a row is set aside.
pub const BREAKS_MAX: u8 = 3;
/// A record that the peer refuses for good is given up after so many tries.
pub const TRIES_MAX: u32 = 10;
/// The pause before the first retry of a record that is set aside, milliseconds; each further one is twice as long ...
const RETRY_FIRST_MS: u64 = 1000;
/// ... up to this.
const RETRY_LONGEST_MS: u64 = 300_000;

/// The number of a record in a [`Flight`], in the order of the log.
pub type Seq = u64;

/// Why a record is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The peer answered so.
    Refused(Status),
    /// The connection broke each time when it was sent.
    Breaks,
    /// The file cannot be read here.
    Local(Status),
    /// A record of the same file before it is set aside.
    Behind,
}

impl Why {
    /// Whether a later try can hardly go better, so that after [`TRIES_MAX`] of them nothing more is hoped for.
    #[must_use]
    pub const fn is_for_good(self) -> bool {
        match self {
            Self::Breaks => true,
            Self::Refused(status) | Self::Local(status) => matches!(
                status,
                Status::EINVAL | Status::EISDIR | Status::ENOTDIR | Status::ENAMETOOLONG | Status::EOPNOTSUPP
            ),
            Self::Behind => false,
        }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(status) => write!(f, "the peer answers {status}"),
            Self::Breaks => write!(f, "the connection breaks each time"),
            Self::Local(status) => write!(f, "it cannot be read here: {status}"),
            Self::Behind => write!(f, "behind another record of the same file"),
        }
    }
}

/// What came of setting a record aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetAside {
    /// It is tried again later.
    Kept {
        /// Whether it is news: a first try failed, or another reason.
        is_news: bool,
    },
    /// It was tried often enough; it counts as done, and belongs into the quarantine.
    GivenUp,
}

/// A record that is set aside, to be kept over a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aside {
    /// Its place in the log.
    pub at: BinlogPosition,
    /// The record.
    pub record: BinlogRecord,
    /// Tries so far.
    pub tries: u32,
    /// Why the last one failed.
    pub why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// For others of the same file.
    Waiting,
    Ready,
    Sent,
    /// Until the time of a retry, milliseconds.
    Sleeping(u64),
}

#[derive(Debug)]
struct Entry {
    at: BinlogPosition,
    record: BinlogRecord,
    state: State,
    /// Chains in which others come first.
    blocked: u8,
    /// How often in a row the connection broke with it.
    breaks: u8,
    tries: u32,
    /// Set aside, and since why; such a record no longer holds the mark.
    aside: Option<Why>,
}

#[derive(Debug)]
struct Link {
    seq: Seq,
    is_shared: bool,
    /// Nobody in this chain comes before it.
    is_free: bool,
}

/// The unconfirmed records of one key in the order of the log.
#[derive(Debug, Default)]
struct Chain {
    links: VecDeque<Link>,
    exclusive_count: usize,
}

/// The records that a peer has not confirmed yet.
#[derive(Debug)]
pub struct Flight {
    entries: BTreeMap<Seq, Entry>,
    /// Those that hold the mark.
    live: BTreeSet<Seq>,
    ready: BTreeSet<Seq>,
    sleeping: BTreeSet<(u64, Seq)>,
    chains: BTreeMap<Key, Chain>,
    next_seq: Seq,
    /// Up to where the log was read.
    read_to: BinlogPosition,
    is_aside_changed: bool,
    reach: Reach,
    /// Records that were given up.
    given_up: u64,
}

impl Flight {
    /// Nothing is under way; the log is read from `start` on.
    #[must_use]
    pub fn new(start: BinlogPosition) -> Self {
        Self {
            entries: BTreeMap::new(),
            live: BTreeSet::new(),
            ready: BTreeSet::new(),
            sleeping: BTreeSet::new(),
            chains: BTreeMap::new(),
            next_seq: 0,
            read_to: start,
            is_aside_changed: false,
            reach: Reach::default(),
            given_up: 0,
        }
    }

    /// Takes back what was set aside before a restart; before anything else. It is tried at once. What stands behind the
    /// start is read again from the log, in its order.
    pub fn restore(&mut self, aside: impl IntoIterator<Item = Aside>) {
        let start = self.read_to;
        for Aside { at, record, tries, why } in aside.into_iter().filter(|aside| aside.at < start) {
            let seq = self.add(at, record);
            self.live.remove(&seq);
            if let Some(entry) = self.entries.get_mut(&seq) {
                (entry.tries, entry.aside) = (tries, Some(why));
            }
        }
    }

    /// Whether another record can be read.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.live.len() < WINDOW_MAX && self.aside_count() < ASIDE_MAX
    }

    /// The next record of the log, from `at` to `next`, goes to the peer.
    pub fn push(&mut self, at: BinlogPosition, next: BinlogPosition, record: BinlogRecord) {
        self.read_to = next;
        let is_behind = keys(&record).any(|(key, _)| self.is_any_aside(key));
        let seq = self.add(at, record);
        if is_behind {
            // Nobody waits for it yet.
            self.live.remove(&seq);
            self.is_aside_changed = true;
            if let Some(entry) = self.entries.get_mut(&seq) {
                entry.aside = Some(Why::Behind);
            }
        }
    }

    /// The next part of the log, up to `next`, does not go to the peer.
    pub const fn skip(&mut self, next: BinlogPosition) {
        self.read_to = next;
    }

    fn add(&mut self, at: BinlogPosition, record: BinlogRecord) -> Seq {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.reach.begin(&record);
        let mut blocked = 0;
        for (key, is_shared) in keys(&record) {
            let chain = self.chains.entry(key).or_default();
            let is_free = chain.links.is_empty() || (is_shared && chain.exclusive_count == 0);
            blocked += u8::from(!is_free);
            chain.exclusive_count += usize::from(!is_shared);
            chain.links.push_back(Link { seq, is_shared, is_free });
        }
        let state = if blocked == 0 { State::Ready } else { State::Waiting };
        if blocked == 0 {
            self.ready.insert(seq);
        }
        self.entries.insert(seq, Entry { at, record, state, blocked, breaks: 0, tries: 0, aside: None });
        self.live.insert(seq);
        seq
    }

    fn is_any_aside(&self, key: Key) -> bool {
        // In a chain those behind one that is set aside are, too: the last tells of all.
        let last = self.chains.get(&key).and_then(|chain| chain.links.back());
        last.and_then(|link| self.entries.get(&link.seq)).is_some_and(|entry| entry.aside.is_some())
    }

    /// The next record to be sent, which then is under way. Records of one file come in the order of the log, each after
    /// the one before is done.
    pub fn next(&mut self, now_ms: u64) -> Option<(Seq, BinlogRecord)> {
        while let Some(&(due_ms, seq)) = self.sleeping.first()
            && due_ms <= now_ms
        {
            self.sleeping.pop_first();
            self.make_ready(seq);
        }
        let seq = self.ready.pop_first()?;
        let entry = self.entries.get_mut(&seq)?;
        entry.state = State::Sent;
        Some((seq, entry.record))
    }

    fn make_ready(&mut self, seq: Seq) {
        if let Some(entry) = self.entries.get_mut(&seq) {
            entry.state = State::Ready;
            self.ready.insert(seq);
        }
    }

    /// Records that could be sent now.
    #[must_use]
    pub fn ready_count(&self) -> usize {
        self.ready.len()
    }

    /// When the next record that is set aside is tried again, milliseconds.
    #[must_use]
    pub fn next_retry_ms(&self) -> Option<u64> {
        self.sleeping.first().map(|(due_ms, _)| *due_ms)
    }

    /// The peer has confirmed the record, or it need not be sent.
    pub fn done(&mut self, seq: Seq) {
        let Some(entry) = self.entries.remove(&seq) else { return };
        self.reach.end(&entry.record);
        self.live.remove(&seq);
        self.is_aside_changed |= entry.aside.is_some();
        match entry.state {
            State::Ready => drop(self.ready.remove(&seq)),
            State::Sleeping(due_ms) => drop(self.sleeping.remove(&(due_ms, seq))),
            State::Waiting | State::Sent => {}
        }
        for (key, _) in keys(&entry.record) {
            for freed in self.leave_chain(key, seq) {
                let Some(next) = self.entries.get_mut(&freed) else { continue };
                next.blocked -= 1;
                if next.blocked == 0 && next.state == State::Waiting {
                    self.make_ready(freed);
                }
            }
        }
    }

    /// Takes a record out of a chain; gives those that have nobody before them any more.
    fn leave_chain(&mut self, key: Key, seq: Seq) -> Vec<Seq> {
        let MapEntry::Occupied(mut found) = self.chains.entry(key) else { return Vec::new() };
        let chain = found.get_mut();
        if let Some(index) = chain.links.iter().position(|link| link.seq == seq)
            && let Some(link) = chain.links.remove(index)
        {
            chain.exclusive_count -= usize::from(!link.is_shared);
        }
        let mut freed = Vec::new();
        for (index, link) in chain.links.iter_mut().enumerate() {
            if index > 0 && !link.is_shared {
                break;
            }
            if !link.is_free {
                link.is_free = true;
                freed.push(link.seq);
            }
            if !link.is_shared {
                break;
            }
        }
        if chain.links.is_empty() {
            found.remove();
        }
        freed
    }

    /// The record was not sent after all, for no fault of its own.
    pub fn put_back(&mut self, seq: Seq) {
        if self.entries.get(&seq).is_some_and(|entry| entry.state == State::Sent) {
            self.make_ready(seq);
        }
    }

    /// A connection broke with these under way, the oldest first. Whether the oldest has to be set aside, because that
    /// happened too often: then [`Flight::set_aside`] must follow.
    #[must_use]
    pub fn broke(&mut self, under_way: &[Seq]) -> Option<Seq> {
        for seq in under_way {
            self.put_back(*seq);
        }
        let first = *under_way.first()?;
        let entry = self.entries.get_mut(&first)?;
        entry.breaks += 1;
        (entry.breaks >= BREAKS_MAX).then(|| {
            entry.breaks = 0;
            first
        })
    }

    /// The record cannot go through now: it is tried again later, and later ones of the same file wait behind it. Neither
    /// holds the mark any more, so both must be kept on disk ([`Flight::aside`]) before the mark is.
    pub fn set_aside(&mut self, seq: Seq, why: Why, now_ms: u64) -> SetAside {
        let Some(entry) = self.entries.get_mut(&seq) else { return SetAside::GivenUp };
        entry.tries += 1;
        let tries = entry.tries;
        let is_news = entry.aside.is_none_or(|before| before != why);
        if why.is_for_good() && tries >= TRIES_MAX {
            self.done(seq);
            self.is_aside_changed = true;
            self.given_up += 1;
            return SetAside::GivenUp;
        }
        let pause_ms = RETRY_FIRST_MS.saturating_mul(1 << (tries - 1).min(20)).min(RETRY_LONGEST_MS);
        let due_ms = now_ms.saturating_add(pause_ms);
        self.ready.remove(&seq);
        entry.state = State::Sleeping(due_ms);
        self.sleeping.insert((due_ms, seq));
        self.mark_aside(seq, why);
        SetAside::Kept { is_news }
    }

    /// Marks a record, and all that wait for it, as set aside.
    fn mark_aside(&mut self, seq: Seq, why: Why) {
        let mut found = vec![(seq, why)];
        while let Some((seq, why)) = found.pop() {
            let Some(entry) = self.entries.get_mut(&seq) else { continue };
            self.live.remove(&seq);
            self.is_aside_changed = true;
            if entry.aside.replace(why).is_some() {
                continue;
            }
            for (key, _) in keys(&entry.record) {
                let behind = self.chains.get(&key).map(|chain| &chain.links);
                let waiting = behind.into_iter().flatten().filter(|link| link.seq > seq && !link.is_free);
                found.extend(waiting.map(|link| (link.seq, Why::Behind)));
            }
        }
    }

    /// Where the mark may stand: before the oldest record that is neither confirmed nor set aside.
    #[must_use]
    pub fn mark(&self) -> BinlogPosition {
        self.oldest().map_or(self.read_to, |(at, _)| at)
    }

    /// The oldest record that holds the mark.
    #[must_use]
    pub fn oldest(&self) -> Option<(BinlogPosition, &BinlogRecord)> {
        let entry = self.entries.get(self.live.first()?)?;
        Some((entry.at, &entry.record))
    }

    /// Up to which time the peer has all files that this storage has made; `None` before the first one was read.
    #[must_use]
    pub fn reached(&self) -> Option<Reached> {
        self.reach.now()
    }

    /// Up to where the log was read.
    #[must_use]
    pub const fn read_to(&self) -> BinlogPosition {
        self.read_to
    }

    /// Records that are read and neither confirmed nor set aside.
    #[must_use]
    pub fn live_count(&self) -> usize {
        self.live.len()
    }

    /// Records that are set aside.
    #[must_use]
    pub fn aside_count(&self) -> usize {
        self.entries.len() - self.live.len()
    }

    /// Whether something is set aside that a later try may bring through: a new member is not complete without it.
    #[must_use]
    pub fn awaits_retries(&self) -> bool {
        // Those behind another one share its fate.
        self.entries.values().any(|entry| matches!(entry.aside, Some(why) if why != Why::Behind && !why.is_for_good()))
    }

    /// Records that the peer refuses for good, given up or still to be tried a few times: a new member becomes ACTIVE
    /// without them, or one poisoned record would keep it out for ever.
    #[must_use]
    pub fn refused_count(&self) -> u64 {
        let for_good = |entry: &&Entry| entry.aside.is_some_and(Why::is_for_good);
        self.given_up + self.entries.values().filter(for_good).count() as u64
    }

    /// What is set aside, in the order of the log.
    pub fn aside(&self) -> impl Iterator<Item = Aside> {
        self.entries.values().filter_map(|entry| {
            let Entry { at, record, tries, .. } = *entry;
            Some(Aside { at, record, tries, why: entry.aside? })
        })
    }

    /// Whether what is set aside has changed since this was asked last.
    pub const fn take_aside_changed(&mut self) -> bool {
        std::mem::replace(&mut self.is_aside_changed, false)
    }

    /// What is set aside was not kept after all.
    pub const fn keep_aside_changed(&mut self) {
        self.is_aside_changed = true;
    }

    /// The place of a record that is not done.
    #[must_use]
    pub fn place_of(&self, seq: Seq) -> Option<BinlogPosition> {
        self.entries.get(&seq).map(|entry| entry.at)
    }
}

#[cfg(test)]
mod tests;
