//! One connection to a peer: requests go out as long as the pipeline has room, answers come in and are judged.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fdfs_core::sync::step::{first, next};
use fdfs_core::sync::{Answer, Next, Reached, Seq, Step, Why};
use fdfs_net::{Answers, NetError, Pipeline};
use fdfs_proto::Status;
use fdfs_proto::cmd::storage::FileInfo;
use fdfs_proto::disk::BinlogPosition;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op};
use fdfs_proto::ours::SyncHelloAnswer;
use fdfs_store::StoreError;
use tokio::sync::{Notify, watch};

use super::local::{Content, Found, look};
use super::request::{Range, put, put_active_test, put_reached};
use super::work::{Filled, PeerWork};
use crate::storage::Storage;

/// Requests under way on a connection to a storage of ours. One of the reference answers a second request only when a
/// third comes (wire specification, 1.3): there it is one.
const DEPTH_MAX: usize = 32;
/// Small requests are collected up to this and sent with one call.
const COLLECT_BYTES: usize = 64 << 10;
/// A file up to this size is read and sent with its head; a larger one goes by `sendfile`.
const COPIED_MAX_BYTES: u64 = 64 << 10;
/// Larger contents of slots are copied in pieces of this size.
const SLOT_PIECE_BYTES: usize = 64 << 10;
/// Records that are looked at in one go; then others get their turn.
const LOOKS_AT_ONCE: u32 = 64;
/// A file above this size is asked for first, where the peer was seen to have files already.
const ASK_FIRST_BYTES: u64 = 256 << 10;

/// How often a peer is told at most how far it is, while more is under way.
const REACHED_INTERVAL_MS: u64 = 200;

/// What a peer understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PeerKind {
    /// Requests that may be under way on a connection.
    depth: usize,
    /// It wants to hear up to when it has everything.
    wants_reached: bool,
}

impl PeerKind {
    /// A storage of the reference.
    pub(super) const REFERENCE: Self = Self { depth: 1, wants_reached: false };

    /// A storage of ours that answered the hello.
    pub(super) const fn ours(answer: SyncHelloAnswer) -> Self {
        Self { depth: DEPTH_MAX, wants_reached: answer.version >= SyncHelloAnswer::TELLS_REACHED }
    }
}

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// It broke, and what was under way may be the reason.
    Broke(NetError),
    /// The peer answered `EINVAL`, after which a storage closes: the next one can be opened at once.
    AfterRefusal,
}

/// A request that is not answered yet.
#[derive(Debug, Clone, Copy)]
struct UnderWay {
    seq: Seq,
    record: BinlogRecord,
    step: Step,
    /// The file's length here.
    file_len: Option<u64>,
}

/// A connection to a peer, and what both directions share.
pub(super) struct Connection<'a> {
    storage: &'a Storage,
    peer: &'a PeerWork,
    pipeline: &'a Pipeline,
    depth: usize,
    /// Requests in the order of their answers; `None` is one that is about no record.
    under_way: Mutex<VecDeque<Option<UnderWay>>>,
    /// Further requests about records that this connection is at.
    follow_ups: Mutex<VecDeque<(Seq, BinlogRecord, Step)>>,
    /// There is room in the pipeline, or something to follow.
    room: Notify,
    /// When something moved last, milliseconds.
    moved_ms: AtomicU64,
    /// The peer wants to hear up to when it has everything.
    wants_reached: bool,
}

/// What the peer was told last of how far it is, and when, milliseconds.
type Told = Option<(Reached, u64)>;

/// Gives the records back when the connection ends, however it does.
struct GiveBack<'a, 'b>(&'b Connection<'a>);

impl Drop for GiveBack<'_, '_> {
    fn drop(&mut self) {
        self.0.give_back(false);
    }
}

/// Serves a peer on a connection until it breaks.
pub(super) async fn run(storage: &Storage, peer: &PeerWork, pipeline: &Pipeline, kind: PeerKind) -> Ended {
    let connection = Connection {
        storage,
        peer,
        pipeline,
        depth: kind.depth,
        under_way: Mutex::default(),
        follow_ups: Mutex::default(),
        room: Notify::new(),
        moved_ms: AtomicU64::new(storage.sync.now_ms()),
        wants_reached: kind.wants_reached,
    };
    let _give_back = GiveBack(&connection);
    let ended = tokio::select! {
        ended = connection.send_all() => ended,
        ended = connection.read_all() => ended,
    };
    connection.give_back(matches!(ended, Ended::Broke(_)));
    ended
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection<'_> {
    fn give_back(&self, is_to_blame: bool) {
        let of_records = lock(&self.under_way).drain(..).flatten().map(|one| (one.seq, one.record)).collect();
        let mut lost: Vec<(Seq, BinlogRecord)> = of_records;
        lost.extend(lock(&self.follow_ups).drain(..).map(|(seq, record, _)| (seq, record)));
        if !lost.is_empty() {
            lost.sort_unstable_by_key(|(seq, _)| *seq);
            self.peer.lost(&self.storage.sync, &lost, is_to_blame);
        }
    }

    fn moved(&self) {
        self.moved_ms.store(self.storage.sync.now_ms(), Ordering::Relaxed);
    }

    async fn send_all(&self) -> Ended {
        match self.send_loop().await {
            Ok(never) => match never {},
            Err(e) => Ended::Broke(e),
        }
    }

    async fn send_loop(&self) -> Result<std::convert::Infallible, NetError> {
        let mut committed = self.storage.write_path.commit.committed();
        let mut out = Vec::new();
        let interval = Duration::from_millis(self.storage.conf.sync_interval_ms);
        let mut told = None;
        loop {
            let end = *committed.borrow_and_update();
            self.tell_reached(&mut told, &mut out);
            let (mut count, mut looked) = (0, 0);
            while out.len() < COLLECT_BYTES && lock(&self.under_way).len() < self.depth {
                let Some((seq, record, step)) = self.next_job(end).await else { break };
                let is_sent = self.prepare(seq, record, step, &mut out).await?;
                count += u32::from(is_sent);
                looked += 1;
                if is_sent && !interval.is_zero() {
                    break;
                }
                if looked % LOOKS_AT_ONCE == 0 {
                    tokio::task::yield_now().await;
                }
            }
            self.flush(&mut out).await?;
            if count > 0 {
                self.ask_for_help();
                if !interval.is_zero() {
                    tokio::time::sleep(interval).await;
                }
                continue;
            }
            self.wait(&mut committed, &mut out).await?;
        }
    }

    /// Tells the peer how far it is, if that is news.
    fn tell_reached(&self, told: &mut Told, out: &mut Vec<u8>) {
        let Some(reached) = self.peer.reached().filter(|_| self.wants_reached) else { return };
        let now_ms = self.storage.sync.now_ms();
        let is_due = |at: u64| lock(&self.under_way).is_empty() || now_ms.saturating_sub(at) >= REACHED_INTERVAL_MS;
        if told.is_none_or(|(last, at_ms)| last < reached && is_due(at_ms)) {
            *told = Some((reached, now_ms));
            lock(&self.under_way).push_back(None);
            put_reached(out, reached.unix_secs);
        }
    }

    /// More is ready than this connection can take: another one may help.
    fn ask_for_help(&self) {
        let ready_count = self.peer.lock().as_ref().map_or(0, |work| work.flight.ready_count());
        if ready_count > 0 {
            self.peer.ready.notify_one();
        }
        if ready_count >= self.depth {
            self.peer.grow.notify_one();
        }
    }

    async fn flush(&self, out: &mut Vec<u8>) -> Result<(), NetError> {
        if !out.is_empty() {
            self.pace(out.len() as u64).await;
            self.pipeline.send(out).await?;
            self.moved();
            out.clear();
        }
        Ok(())
    }

    async fn pace(&self, bytes: u64) {
        let wait_ms = self.storage.sync.pace_ms(bytes);
        if wait_ms > 0 {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
    }

    /// What to send next: a further request about a record, or the next record.
    async fn next_job(&self, end: BinlogPosition) -> Option<(Seq, BinlogRecord, Option<Step>)> {
        if let Some((seq, record, step)) = lock(&self.follow_ups).pop_front() {
            return Some((seq, record, Some(step)));
        }
        let sync = &self.storage.sync;
        loop {
            {
                let mut locked = self.peer.lock();
                let work = locked.as_mut()?;
                if let Some((seq, record)) = work.flight.next(sync.now_ms()) {
                    return Some((seq, record, None));
                }
                match work.fill(sync, self.storage.write_path.slots.len(), end) {
                    Ok(Filled::Enough) => {
                        let next = work.flight.next(sync.now_ms());
                        if next.is_none() {
                            self.peer.wake(work);
                        }
                        return next.map(|(seq, record)| (seq, record, None));
                    }
                    Ok(Filled::More) => {}
                    Err(e) => {
                        if self.peer.note_error(&e.to_string()) {
                            tracing::error!("to {}: {e}; tried again with the next record", self.peer.id);
                        }
                        return None;
                    }
                }
            }
            // Many lines went by without one for this peer: others get their turn.
            tokio::task::yield_now().await;
        }
    }

    /// Waits until there may be something to send; checks an idle connection now and then.
    async fn wait(&self, committed: &mut watch::Receiver<BinlogPosition>, out: &mut Vec<u8>) -> Result<(), NetError> {
        let sync = &self.storage.sync;
        let retry_ms = self.peer.lock().as_ref().and_then(|work| work.flight.next_retry_ms());
        let check_interval = Duration::from_secs(self.storage.conf.heart_beat_interval_secs.max(1));
        let retry_in = retry_ms.map_or(check_interval, |at| Duration::from_millis(at.saturating_sub(sync.now_ms())));
        tokio::select! {
            // The sender of news lives as long as the storage.
            _ = committed.changed() => {}
            () = self.peer.ready.notified() => {}
            () = self.room.notified() => {}
            () = tokio::time::sleep(retry_in.min(check_interval)) => {
                if lock(&self.under_way).is_empty() && retry_in >= check_interval {
                    lock(&self.under_way).push_back(None);
                    put_active_test(out);
                    self.flush(out).await?;
                }
            }
        }
        Ok(())
    }

    /// Puts a request together; a large file goes out at once, everything else into `out`. `false` for a record that needs
    /// no request, or cannot have one now.
    async fn prepare(
        &self,
        seq: Seq,
        record: BinlogRecord,
        step: Option<Step>,
        out: &mut Vec<u8>,
    ) -> Result<bool, NetError> {
        let Found { local, content } = match look(self.storage, &record).await {
            Ok(found) => found,
            Err(status) => {
                self.peer.set_aside(&self.storage.sync, seq, &record, Why::Local(status));
                return Ok(false);
            }
        };
        let file_len = content.as_ref().map(|content| content.file.len_bytes);
        let step = match step {
            // It went away in between: the record is judged anew.
            Some(step) if needs_content(step) && content.is_none() => first(&record, local, false),
            Some(step) => Some(step),
            None => {
                let asks_first = record.op == Op::Create
                    && file_len.is_some_and(|len| len > ASK_FIRST_BYTES)
                    && self.peer.lock().as_ref().is_some_and(|work| work.peer_has_files);
                first(&record, local, asks_first)
            }
        };
        let Some(step) = step else {
            self.peer.done(seq, false);
            return Ok(false);
        };
        let start = out.len();
        let range = put(out, self.storage.group, &record, step, file_len.unwrap_or(0));
        if let (Some(range), Some(content)) = (range, &content)
            && range.len <= COPIED_MAX_BYTES
            && let Err(why) = append_content(content, range, out).await
        {
            out.truncate(start);
            self.after_lost_content(seq, &record, why);
            return Ok(false);
        }
        lock(&self.under_way).push_back(Some(UnderWay { seq, record, step, file_len }));
        if let (Some(range), Some(content)) = (range, &content)
            && range.len > COPIED_MAX_BYTES
        {
            self.flush(out).await?;
            self.send_range(content, range).await?;
        }
        Ok(true)
    }

    fn after_lost_content(&self, seq: Seq, record: &BinlogRecord, why: Option<Status>) {
        match why {
            // It has just become shorter: what did that stands behind in the log, and the record is looked at again.
            None => self.peer.lost(&self.storage.sync, &[(seq, *record)], false),
            Some(status) => self.peer.set_aside(&self.storage.sync, seq, record, Why::Local(status)),
        }
    }

    /// Sends a large content, piece by piece. A file that becomes shorter meanwhile, or loses its slot, ends the
    /// connection before the peer has all of it: the length is announced already.
    async fn send_range(&self, content: &Content, range: Range) -> Result<(), NetError> {
        let Content { file, permits } = content;
        if file.is_in_slot() {
            return self.send_copied(content, range).await;
        }
        let mut at = file.offset + range.offset;
        let end = at + range.len;
        while at < end {
            self.pace((end - at).min(fdfs_net::pipeline::FILE_PIECE_BYTES)).await;
            at = self.pipeline.send_file(&*file.file, at, end, permits).await?;
            self.moved();
        }
        Ok(())
    }

    /// The same for a file in a slot. Each piece is copied, and goes when it is sure that it was right: what the kernel
    /// sends from the file itself would be zeros if the file were deleted before it is on its way.
    async fn send_copied(&self, content: &Content, range: Range) -> Result<(), NetError> {
        let size = SLOT_PIECE_BYTES.min(usize::try_from(range.len).unwrap_or(SLOT_PIECE_BYTES));
        let mut piece = vec![0; size];
        let mut done = 0;
        while done < range.len {
            let want = usize::try_from(range.len - done).unwrap_or(size).min(size);
            self.pace(want as u64).await;
            let read = {
                let _permit = content.permits.take().await;
                content.file.read_at(&mut piece[..want], range.offset + done)
            };
            if !read.is_ok_and(|have| have == want) {
                return Err(self.pipeline.ends_early());
            }
            self.pipeline.send(&piece[..want]).await?;
            done += want as u64;
            self.moved();
        }
        Ok(())
    }

    async fn read_all(&self) -> Ended {
        let mut answers = Answers::default();
        let timeout_ms = u64::try_from(self.pipeline.timeout().as_millis()).unwrap_or(u64::MAX);
        loop {
            let answer = match tokio::time::timeout(self.pipeline.timeout(), answers.next(self.pipeline)).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(e)) => return Ended::Broke(e),
                Err(_) => {
                    let silent_ms = self.storage.sync.now_ms() - self.moved_ms.load(Ordering::Relaxed);
                    if !lock(&self.under_way).is_empty() && silent_ms >= timeout_ms {
                        return Ended::Broke(self.pipeline.silent());
                    }
                    continue;
                }
            };
            self.moved();
            let answer = Answer {
                status: answer.status,
                info: FileInfo::from_bytes(answer.body).ok().map(|info| (info.file_size, info.crc32)),
            };
            let under_way = lock(&self.under_way).pop_front();
            match under_way {
                Some(Some(request)) => self.judge(&request, answer),
                Some(None) => {}
                // An answer to nothing: the two do not understand each other.
                None => return Ended::Broke(self.pipeline.silent()),
            }
            if answer.status == Status::EINVAL {
                return Ended::AfterRefusal;
            }
            self.room.notify_one();
        }
    }

    fn judge(&self, request: &UnderWay, answer: Answer) {
        let UnderWay { seq, record, step, file_len } = request;
        if matches!(step, Step::Create | Step::Announce)
            && let Some(work) = &mut *self.peer.lock()
        {
            work.peer_has_files = answer.status == Status::EEXIST;
        }
        match next(record, *step, answer, *file_len) {
            Next::Done => self.peer.done(*seq, true),
            Next::Then(step) => lock(&self.follow_ups).push_back((*seq, *record, step)),
            Next::SetAside(why) => self.peer.set_aside(&self.storage.sync, *seq, record, why),
        }
    }
}

/// Whether a step carries content of the file: one that is gone meanwhile needs it no more.
const fn needs_content(step: Step) -> bool {
    matches!(
        step,
        Step::Create | Step::Update | Step::Replace { .. } | Step::Append { .. } | Step::Modify { .. } | Step::Announce
    )
}

/// Reads a small content; `Err(None)` when the file is shorter than it was a moment ago.
async fn append_content(content: &Content, range: Range, out: &mut Vec<u8>) -> Result<(), Option<Status>> {
    let _permit = content.permits.take().await;
    let at = out.len();
    // At most COPIED_MAX_BYTES.
    out.resize(at + usize::try_from(range.len).unwrap_or(0), 0);
    match content.file.read_at(&mut out[at..], range.offset) {
        Ok(n) if n as u64 == range.len => Ok(()),
        Ok(_) => Err(None),
        Err(StoreError::Disk { source, .. }) if source.kind() == std::io::ErrorKind::UnexpectedEof => Err(None),
        Err(e) => Err(Some(e.status())),
    }
}
