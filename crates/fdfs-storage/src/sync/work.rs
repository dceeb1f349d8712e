//! What all connections to one peer share: the reader of the log, the records under way, the mark.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fdfs_core::sync::{Aside, Flight, Meter, Reached, Scope, Seq, SetAside, Why};
use fdfs_proto::StorageId;
use fdfs_proto::disk::BinlogPosition;
use fdfs_proto::disk::binlog_record::BinlogRecord;
use fdfs_proto::disk::sync_mark::SyncMark;
use fdfs_proto::file_id::LogicName;
use fdfs_store::binlog_reader::Step;
use fdfs_store::{BinlogReader, StoreError};
use tokio::sync::Notify;

use super::aside_file;
use super::state::SyncState;

/// Lines that are read in one go; then others get their turn.
const LINES_AT_ONCE: usize = 20_000;

/// The work for one peer.
#[derive(Debug)]
pub(super) struct PeerWork {
    pub(super) id: StorageId,
    work: Mutex<Option<Work>>,
    /// For `fdfs sync status`: what went wrong last, in words.
    last_error: Mutex<Option<String>>,
    /// Why a record was set aside last.
    last_refusal: Mutex<String>,
    /// A record can be sent: one connection that waits takes it.
    pub(super) ready: Notify,
    /// Nothing is under way any more, or the mark is worth a save.
    pub(super) idle: Notify,
    /// More is ready than the connections there are can take.
    pub(super) grow: Notify,
    /// Up to when the peer has all files: [`Reached`], its parts in one number so that both are seen together.
    reached: AtomicU64,
}

/// Where the work for a peer stands.
#[derive(Debug)]
pub(super) struct Work {
    reader: BinlogReader,
    pub(super) flight: Flight,
    /// As on disk, with the counts of now; its place is that of the last save.
    pub(super) mark: SyncMark,
    is_mark_changed: bool,
    /// Records that went through since the last save.
    unsaved_count: u32,
    /// `write_mark_file_freq`: so many are saved before the next tick.
    save_after: u32,
    pub(super) meter: Meter,
    /// The time of the last record that was read, unix seconds.
    pub(super) last_timestamp: u32,
    /// The peer was seen to have files that were sent to it.
    pub(super) peer_has_files: bool,
    /// Old records go up to here: with all before it the peer is complete.
    pub(super) old_target: BinlogPosition,
}

/// What reading on came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    /// All that is committed is read, or there is no room for more.
    Enough,
    /// There is more; others get their turn first.
    More,
}

impl Work {
    /// Goes on at a mark.
    pub(super) fn new(sync: &SyncState, mark: SyncMark, old_target: BinlogPosition) -> Self {
        let start = mark.position();
        Self {
            reader: BinlogReader::new(sync.dir.clone(), start),
            flight: Flight::new(start),
            mark,
            is_mark_changed: false,
            unsaved_count: 0,
            save_after: sync.save_after,
            meter: Meter::default(),
            last_timestamp: 0,
            peer_has_files: false,
            old_target,
        }
    }

    /// Whether old records are still ours to send.
    pub(super) const fn is_copying(&self) -> bool {
        self.mark.need_sync_old && !self.mark.sync_old_done
    }

    fn scope(&self) -> Scope {
        Scope { old_until_secs: self.is_copying().then_some(self.mark.until_timestamp) }
    }

    /// Reads on, up to what is committed.
    pub(super) fn fill(
        &mut self,
        sync: &SyncState,
        path_count: usize,
        committed: BinlogPosition,
    ) -> Result<Filled, StoreError> {
        let scope = self.scope();
        for _ in 0..LINES_AT_ONCE {
            if !self.flight.has_room() {
                return Ok(Filled::Enough);
            }
            let line = match self.reader.next(committed)? {
                Some(Step::Line(line)) => line,
                Some(Step::Gap(gap)) => {
                    sync.quarantine_gap(&gap);
                    self.flight.skip(gap.next);
                    self.is_mark_changed = true;
                    continue;
                }
                None => {
                    self.reader.rest();
                    return Ok(Filled::Enough);
                }
            };
            self.mark.scan_row_count += 1;
            self.is_mark_changed = true;
            let parsed = BinlogRecord::parse(line.text).inspect_err(|e| sync.spoilt.note(e));
            let judged = parsed.map_err(|e| e.to_string()).and_then(|record| {
                self.last_timestamp = record.timestamp;
                if !scope.takes(&record) {
                    return Ok(None);
                }
                let name = LogicName::parse(&record.name).and_then(|name| name.in_store_paths(path_count));
                name.map(|_| Some(record)).map_err(|e| e.to_string())
            });
            match judged {
                Ok(Some(record)) => self.flight.push(line.at, line.next, record),
                Ok(None) => self.flight.skip(line.next),
                Err(why) => {
                    sync.quarantine_line(&line, &why);
                    self.flight.skip(line.next);
                }
            }
        }
        Ok(Filled::More)
    }

    pub(super) const fn touch_mark(&mut self) {
        self.is_mark_changed = true;
    }

    /// Whether so many records went through since the last save that the next tick is too far.
    pub(super) const fn is_save_due(&self) -> bool {
        self.unsaved_count >= self.save_after
    }

    /// Whether all that was promised to a new member is there and confirmed.
    pub(super) fn is_copy_complete(&self) -> bool {
        self.is_copying() && self.flight.mark() >= self.old_target && !self.flight.awaits_retries()
    }

    /// What must be written: what is set aside, and the mark, as far as they changed.
    fn take_unsaved(&mut self) -> (Option<Vec<Aside>>, Option<SyncMark>) {
        let aside = self.flight.take_aside_changed().then(|| self.flight.aside().collect());
        let mark = std::mem::take(&mut self.is_mark_changed).then(|| self.mark.at(self.flight.mark()));
        self.unsaved_count = 0;
        (aside, mark)
    }
}

/// Work that is under way, locked.
pub(super) struct Locked<'a>(MutexGuard<'a, Option<Work>>);

impl std::ops::Deref for Locked<'_> {
    type Target = Option<Work>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl std::ops::DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// A test that waits looks again.
#[cfg(test)]
impl Drop for Locked<'_> {
    fn drop(&mut self) {
        super::tests::pulse::beat();
    }
}

impl PeerWork {
    pub(super) fn new(id: StorageId) -> Self {
        Self {
            id,
            work: Mutex::new(None),
            last_error: Mutex::new(None),
            last_refusal: Mutex::default(),
            ready: Notify::new(),
            idle: Notify::new(),
            grow: Notify::new(),
            reached: AtomicU64::new(0),
        }
    }

    /// Held for short: disk calls of the reader and of the mark are made under it.
    pub(super) fn lock(&self) -> Locked<'_> {
        Locked(self.look())
    }

    /// The same for whoever only looks.
    pub(super) fn look(&self) -> MutexGuard<'_, Option<Work>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What went wrong last and is not well again: with the connection, or else with a record that is set aside.
    pub(super) fn last_error(&self, is_any_aside: bool) -> Option<String> {
        let error = self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let refusal = || self.last_refusal.lock().unwrap_or_else(PoisonError::into_inner).clone();
        error.or_else(|| is_any_aside.then(refusal))
    }

    /// Notes what went wrong; whether it is another thing than before.
    pub(super) fn note_error(&self, text: &str) -> bool {
        let mut last = self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = last.as_deref() != Some(text);
        *last = Some(text.to_owned());
        is_news
    }

    /// All is well again; what was wrong before.
    pub(super) fn clear_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Writes what is set aside, and then the mark, if they changed. Only the sender calls it, one call at a time; the
    /// connections go on meanwhile.
    pub(super) fn save(&self, sync: &SyncState) -> Result<(), StoreError> {
        let Some((aside, mark)) = self.lock().as_mut().map(Work::take_unsaved) else { return Ok(()) };
        let written = (|| {
            // The mark must not pass what only the memory has.
            if let Some(aside) = &aside {
                aside_file::save(&sync.dir, self.id, aside.iter().copied())?;
            }
            if let Some(mark) = &mark {
                sync.marks.save(self.id, mark)?;
            }
            Ok(())
        })();
        if written.is_err()
            && let Some(work) = &mut *self.lock()
        {
            work.is_mark_changed |= mark.is_some();
            if aside.is_some() {
                work.flight.keep_aside_changed();
            }
        }
        #[cfg(test)]
        super::tests::pulse::beat();
        written
    }

    /// The peer confirmed a record, or it need not be sent.
    pub(super) fn done(&self, seq: Seq, was_sent: bool) {
        let mut locked = self.lock();
        let Some(work) = &mut *locked else { return };
        work.flight.done(seq);
        self.note_reached(work);
        work.mark.sync_row_count += u64::from(was_sent);
        work.unsaved_count += 1;
        work.meter.add(1);
        work.touch_mark();
        if work.unsaved_count == work.save_after {
            self.idle.notify_one();
        }
        self.wake(work);
    }

    fn note_reached(&self, work: &Work) {
        if let Some(reached) = work.flight.reached() {
            let both = u64::from(reached.steps_back) << 32 | u64::from(reached.unix_secs);
            self.reached.store(both, Ordering::Relaxed);
        }
    }

    /// Up to when the peer has all files, if that is known.
    pub(super) fn reached(&self) -> Option<Reached> {
        let both = self.reached.load(Ordering::Relaxed);
        let reached = Reached { steps_back: (both >> 32) as u32, unix_secs: both as u32 };
        (both != 0).then_some(reached)
    }

    /// Tells those who wait of a change.
    pub(super) fn wake(&self, work: &Work) {
        if work.flight.ready_count() > 0 {
            self.ready.notify_one();
        } else if work.flight.live_count() == 0 {
            self.idle.notify_one();
        }
    }

    /// A record cannot go through now.
    pub(super) fn set_aside(&self, sync: &SyncState, seq: Seq, record: &BinlogRecord, why: Why) {
        let mut locked = self.lock();
        let Some(work) = &mut *locked else { return };
        let at = work.flight.place_of(seq).unwrap_or_default();
        match work.flight.set_aside(seq, why, sync.now_ms()) {
            SetAside::Kept { is_news } => {
                let text = format!("{at}, {}: {why}; tried again later, other files go on", record.name);
                if is_news {
                    tracing::warn!("to {}: {text}", self.id);
                }
                *self.last_refusal.lock().unwrap_or_else(PoisonError::into_inner) = text;
            }
            SetAside::GivenUp => {
                sync.quarantine_record(at, self.id, record, &why.to_string());
                self.note_reached(work);
            }
        }
        work.touch_mark();
        self.wake(work);
    }

    /// A connection ended with these under way, the oldest first. `is_to_blame`: they may have broken it.
    pub(super) fn lost(&self, sync: &SyncState, under_way: &[(Seq, BinlogRecord)], is_to_blame: bool) {
        let seqs: Vec<_> = under_way.iter().map(|(seq, _)| *seq).collect();
        let broken = {
            let mut locked = self.lock();
            let Some(work) = &mut *locked else { return };
            let broken = if is_to_blame { work.flight.broke(&seqs) } else { None };
            seqs.iter().for_each(|seq| work.flight.put_back(*seq));
            self.wake(work);
            broken
        };
        if let Some(broken) = broken
            && let Some((_, record)) = under_way.iter().find(|(seq, _)| *seq == broken)
        {
            self.set_aside(sync, broken, record, Why::Breaks);
        }
    }
}

/// The work for a peer, shared.
pub(super) type SharedWork = Arc<PeerWork>;
