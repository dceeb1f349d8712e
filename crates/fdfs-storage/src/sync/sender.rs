//! The life of a sender: where to begin, when to send, when to stop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fdfs_core::sync::begin::may_send;
use fdfs_core::sync::{Begin, Start, SyncWindow};
use fdfs_net::{Backoff, CallOptions, Caller, NetError, Pipeline};
use fdfs_proto::cmd::storage::ReportServerId;
use fdfs_proto::disk::BinlogPosition;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Origin};
use fdfs_proto::disk::sync_mark::SyncMark;
use fdfs_proto::ours::{SyncHello, SyncHelloAnswer};
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{Command, Status, StorageId, Wire};
use fdfs_store::binlog_reader::Step;
use fdfs_store::state::Loaded;
use fdfs_store::{BinlogReader, StoreError};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::aside_file;
use super::connection::{Ended, PeerKind, run};
use super::kept;
use super::questions::Questions;
use super::work::{SharedWork, Work};
use crate::link::error::LinkError;
use crate::names::now_unix_secs;
use crate::peers::Peer;
use crate::storage::Storage;

/// Pauses between tries to reach a peer.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often a mark is saved at most, while something moves or after.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// A peer that cannot be reached for so long is worth a warning.
const UNREACHABLE_TOLD_AFTER: Duration = Duration::from_secs(10);
/// How long is waited at most before it is looked at the window, or asked again who copies.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);
/// Lines that are looked at in one go when the place to begin is searched.
const LINES_AT_ONCE: usize = 20_000;

/// What each peer had when this storage was started.
pub(super) type MarksAtStart = Arc<BTreeMap<StorageId, BinlogPosition>>;

/// What a sender needs.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) storage: Arc<Storage>,
    pub(super) questions: Arc<dyn Questions>,
    pub(super) shutdown: CancellationToken,
    /// What each peer had when this storage was started.
    pub(super) marks_at_start: MarksAtStart,
    /// The peer was there when the first list of peers came in.
    pub(super) was_there_at_start: bool,
}

/// Why a peer could not be served.
#[derive(Debug, thiserror::Error)]
enum SenderError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{peer} answered REPORT_SERVER_ID with {status}")]
    Refused { peer: std::net::SocketAddr, status: Status },
}

/// Why a session ended.
enum SessionEnd {
    /// The peer's status or address, the window, or the end of all.
    Change,
    /// It cannot be reached.
    Lost,
}

/// Sends to one peer, until it is gone for good or the storage stops.
pub(super) struct Sender {
    context: Context,
    work: SharedWork,
    peers: watch::Receiver<Arc<[Peer]>>,
    backoff: Backoff,
    /// The peer was seen in a status behind WAIT_SYNC since the work began: the next WAIT_SYNC is a new life.
    is_past_wait: bool,
    /// Since when the peer cannot be reached, and whether that was told as a warning.
    unreachable: Option<(Instant, bool)>,
}

impl Sender {
    pub(super) fn new(context: Context, id: StorageId) -> Self {
        let peers = context.storage.peers.watch();
        let work = context.storage.sync.work_for(id);
        let seed = u64::from(crc32fast::hash(id.as_bytes()));
        let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, seed);
        Self { context, work, peers, backoff, is_past_wait: false, unreachable: None }
    }

    fn storage(&self) -> &Arc<Storage> {
        &self.context.storage
    }

    fn peer(&mut self) -> Option<Peer> {
        let id = self.work.id;
        self.peers.borrow_and_update().iter().find(|peer| peer.id == id).copied()
    }

    pub(super) async fn run(mut self) {
        let shutdown = self.context.shutdown.clone();
        loop {
            if shutdown.is_cancelled() {
                break;
            }
            let Some(peer) = self.peer() else { break };
            match peer.status {
                StorageStatus::Deleted => return self.retire(),
                StorageStatus::IpChanged => break,
                _ => {}
            }
            let turn = tokio::select! {
                () = shutdown.cancelled() => break,
                turn = self.turn(peer) => turn,
            };
            match turn {
                Ok(()) => {}
                Err(e) => {
                    self.tell(&e);
                    let pause = self.backoff.next_pause();
                    self.wait(pause).await;
                }
            }
        }
        self.save();
        self.storage().sync.forget(self.work.id);
    }

    /// Tells of an error once, and of the same again only after success. That a peer restarts is no reason to worry; that
    /// it stays away is.
    fn tell(&mut self, error: &SenderError) {
        let id = self.work.id;
        let text = error.to_string();
        let is_news = self.work.note_error(&text);
        match error {
            // Refused is what a tracker answers while the peer is not yet settled.
            SenderError::Link(LinkError::Refused { .. }) if is_news => tracing::info!("to {id}: {text}; asked again"),
            SenderError::Link(LinkError::Refused { .. }) => {}
            SenderError::Link(_) | SenderError::Net(_) | SenderError::Refused { .. } => {
                let (since, is_told) = self.unreachable.get_or_insert_with(|| (Instant::now(), false));
                if !*is_told && since.elapsed() >= UNREACHABLE_TOLD_AFTER {
                    *is_told = true;
                    tracing::warn!("to {id}: {text}; tried again until it works");
                } else if is_news {
                    tracing::info!("to {id}: {text}; tried again until it works");
                }
            }
            SenderError::Store(_) if is_news => tracing::error!("to {id}: {text}; tried again until it works"),
            SenderError::Store(_) => {}
        }
    }

    /// Waits for news of peers, at most so long.
    async fn wait(&mut self, at_most: Duration) {
        tokio::select! {
            () = self.context.shutdown.cancelled() => {}
            _ = self.peers.changed() => {}
            () = tokio::time::sleep(at_most) => {}
        }
    }

    async fn turn(&mut self, peer: Peer) -> Result<(), SenderError> {
        if !matches!(peer.status, StorageStatus::Init | StorageStatus::WaitSync) {
            self.is_past_wait = true;
        }
        let is_new_life = peer.status == StorageStatus::WaitSync && self.is_past_wait;
        let is_set_up = self.work.lock().is_some();
        if !is_set_up || is_new_life {
            if matches!(peer.status, StorageStatus::Init | StorageStatus::None) {
                self.wait(LOOK_INTERVAL).await;
                return Ok(());
            }
            self.set_up(peer).await?;
            self.is_past_wait = peer.status != StorageStatus::WaitSync;
        }
        let is_source = self.work.lock().as_ref().is_some_and(|work| work.mark.need_sync_old);
        if !may_send(peer.status, is_source) {
            self.wait(LOOK_INTERVAL).await;
            // The source may be another one by now.
            if matches!(peer.status, StorageStatus::WaitSync | StorageStatus::Syncing) && !is_source {
                self.save();
                *self.work.lock() = None;
            }
            return Ok(());
        }
        let minutes = self.minutes_until_open();
        if minutes > 0 {
            self.wait(Duration::from_secs(u64::from(minutes) * 60).min(LOOK_INTERVAL)).await;
            return Ok(());
        }
        if let SessionEnd::Lost = self.session(peer).await? {
            let pause = self.backoff.next_pause();
            self.wait(pause).await;
        }
        Ok(())
    }

    fn minutes_until_open(&self) -> u16 {
        let conf = &self.storage().conf;
        let minute = |hour: i16, minute: i16| u16::try_from(hour * 60 + minute).unwrap_or(0);
        let window = SyncWindow {
            first: minute(conf.sync_start_time.hour.into(), conf.sync_start_time.minute.into()),
            last: minute(conf.sync_end_time.hour.into(), conf.sync_end_time.minute.into()),
        };
        if window.is_always_open() {
            return 0;
        }
        let now = jiff::Zoned::now();
        window.minutes_until_open(minute(now.hour().into(), now.minute().into()))
    }

    /// Where to begin.
    async fn set_up(&mut self, peer: Peer) -> Result<(), SenderError> {
        let storage = self.storage().clone();
        let (sync, id) = (&storage.sync, peer.id);
        let mark = match sync.marks.load(id, now_unix_secs())? {
            Loaded::Read(mark) => Some(mark),
            Loaded::Missing => None,
            Loaded::SetAside { aside, what } => {
                tracing::error!("{what}; it lies in {aside} now, and the trackers are asked where to begin");
                None
            }
        };
        // What is committed by now is what a new member is promised.
        let promised = *storage.write_path.commit.committed().borrow();
        let begin = if self.is_past_wait && peer.status == StorageStatus::WaitSync {
            Begin::Ask
        } else {
            Begin::new(peer.status, mark.as_ref())
        };
        let (mark, is_new) = match (begin, mark) {
            (Begin::Continue, Some(mark)) => (mark, false),
            _ => {
                let answer = self.context.questions.sync_source_of(id).await?;
                let own = storage.identity.storage_id();
                let known = answer.source.and_then(|source| self.mark_of_source(source.id));
                match (Start::new(peer.status, mark.as_ref(), answer.source, own, known), mark) {
                    (Start::Continue, Some(mark)) => (mark, false),
                    (Start::Source(mark) | Start::All(mark), _) => (mark, true),
                    // The same new member as before: its mark is as good as it was.
                    (Start::After { until_secs, .. }, Some(mark))
                        if mark.until_timestamp == until_secs && !mark.need_sync_old =>
                    {
                        (mark, false)
                    }
                    (Start::After { since_secs, not_behind, until_secs }, _) => {
                        let at = first_own_since(&storage, since_secs, promised).await?.min(not_behind);
                        (SyncMark { until_timestamp: until_secs, ..SyncMark::default() }.at(at), true)
                    }
                    (Start::Continue, None) => (SyncMark::default(), true),
                }
            }
        };
        let mut work = Work::new(sync, mark, promised);
        if is_new {
            aside_file::save(&sync.dir, id, std::iter::empty())?;
            work.touch_mark();
        } else {
            let (aside, bad) = aside_file::load(&sync.dir, id)?;
            for line in bad {
                tracing::error!("to {id}: a record that was set aside cannot be read any more: {line}");
            }
            work.flight.restore(aside);
        }
        tracing::info!(
            "to {id} ({}): begins at {}{}",
            peer.status,
            work.mark.position(),
            if work.is_copying() { ", old files, too" } else { "" }
        );
        *self.work.lock() = Some(work);
        self.work.save(sync)?;
        Ok(())
    }

    /// How far the source of a new member had our records when the member was noticed.
    fn mark_of_source(&self, source: StorageId) -> Option<BinlogPosition> {
        let at_start = self.context.marks_at_start.get(&source).copied();
        if self.context.was_there_at_start {
            return at_start;
        }
        let sync = &self.storage().sync;
        let work = sync.all_work().into_iter().find(|work| work.id == source)?;
        let now = work.lock().as_ref().map(|work| work.flight.mark());
        now.or(at_start)
    }

    /// Sends, until something changes.
    async fn session(&mut self, peer: Peer) -> Result<SessionEnd, SenderError> {
        let (first, kind) = self.connect(peer).await?;
        if self.work.clear_error().is_some() {
            tracing::info!("to {}: connected again", peer.id);
        }
        self.backoff.reset();
        self.unreachable = None;
        let is_copying = self.work.lock().as_ref().is_some_and(Work::is_copying);
        if peer.status == StorageStatus::WaitSync && is_copying {
            if kind == PeerKind::REFERENCE {
                tokio::time::sleep(self.context.questions.settling()).await;
            }
            self.context.questions.report_status(peer.id, StorageStatus::Syncing).await?;
            tracing::info!("to {}: copying of old files begins", peer.id);
        }
        self.finish_copy(peer).await?;
        let mut connections = JoinSet::new();
        self.spawn(&mut connections, first, kind);
        let least = self.storage().conf.sync_min_threads.max(1) as usize;
        let most = self.storage().conf.sync_max_threads as usize;
        while connections.len() < least.min(most) {
            let (pipeline, kind) = self.connect(peer).await?;
            self.spawn(&mut connections, pipeline, kind);
        }
        let mut tick = tokio::time::interval_at(Instant::now() + SAVE_INTERVAL, SAVE_INTERVAL);
        let work = self.work.clone();
        let shutdown = self.context.shutdown.clone();
        let end = loop {
            tokio::select! {
                () = shutdown.cancelled() => break SessionEnd::Change,
                _ = self.peers.changed() => {
                    match self.peer() {
                        Some(now) if now.addr == peer.addr && self.goes_on(now.status) => {
                            self.is_past_wait |= now.status != StorageStatus::WaitSync;
                        }
                        _ => break SessionEnd::Change,
                    }
                }
                Some(ended) = connections.join_next() => {
                    if let Ok(Ended::AfterRefusal) = ended && connections.is_empty() {
                        let (pipeline, kind) = self.connect(peer).await?;
                        self.spawn(&mut connections, pipeline, kind);
                    }
                    if let Ok(Ended::Broke(e)) = ended {
                        self.tell(&e.into());
                    }
                    if connections.is_empty() {
                        break SessionEnd::Lost;
                    }
                }
                () = work.idle.notified() => {
                    self.finish_copy(peer).await?;
                    if work.lock().as_ref().is_some_and(Work::is_save_due) {
                        self.save();
                    }
                }
                () = work.grow.notified(), if connections.len() < most => {
                    // Without another one it goes on, only slower.
                    if let Ok((pipeline, kind)) = self.connect(peer).await {
                        self.spawn(&mut connections, pipeline, kind);
                    }
                }
                _ = tick.tick() => {
                    self.finish_copy(peer).await?;
                    self.save();
                    if self.minutes_until_open() > 0 {
                        break SessionEnd::Change;
                    }
                }
            }
        };
        connections.shutdown().await;
        self.save();
        Ok(end)
    }

    /// Whether a session goes on when the peer's status is this.
    fn goes_on(&self, status: StorageStatus) -> bool {
        let is_source = self.work.lock().as_ref().is_some_and(|work| work.mark.need_sync_old);
        may_send(status, is_source) && !(status == StorageStatus::WaitSync && self.is_past_wait)
    }

    fn spawn(&self, connections: &mut JoinSet<Ended>, pipeline: Pipeline, kind: PeerKind) {
        let (storage, work) = (self.storage().clone(), self.work.clone());
        connections.spawn(async move { run(&storage, &work, &pipeline, kind).await });
    }

    /// Connects, says who we are, and finds out whom we talk to: how many requests may be under way.
    async fn connect(&self, peer: Peer) -> Result<(Pipeline, PeerKind), SenderError> {
        let (mut caller, timeout) = self.greet(peer).await?;
        let hello = caller.call(Command::SyncHello, 0, &SyncHello.to_bytes(), 64).await;
        match hello {
            Ok(answer) if answer.status.is_ok() => {
                let kind = SyncHelloAnswer::from_bytes(&answer.body).map_or(PeerKind::REFERENCE, PeerKind::ours);
                Ok((Pipeline::new(caller, timeout), kind))
            }
            // The reference refuses, and closes.
            _ => {
                let (caller, timeout) = self.greet(peer).await?;
                Ok((Pipeline::new(caller, timeout), PeerKind::REFERENCE))
            }
        }
    }

    async fn greet(&self, peer: Peer) -> Result<(Caller, Duration), SenderError> {
        let storage = self.storage();
        let conf = &storage.conf;
        let own = conf.server.inner_bind_addrs.first().and_then(|addr| addr.parse().ok());
        let network_timeout = Duration::from_secs(conf.server.network_timeout_secs);
        let options = CallOptions {
            connect_timeout: Duration::from_secs(conf.server.connect_timeout_secs),
            network_timeout,
            bind: own.filter(|_| conf.client_bind),
        };
        let mut caller = Caller::connect(peer.addr, &options).await?;
        let report = ReportServerId(storage.identity.storage_id()).to_bytes();
        let status = caller.call_expect_empty(Command::ReportServerId, 0, &report).await?;
        if !status.is_ok() {
            return Err(SenderError::Refused { peer: peer.addr, status });
        }
        Ok((caller, network_timeout))
    }

    /// When all old files are there: notes it in the mark, and tells the trackers, so that the peer's next beat makes it
    /// ACTIVE.
    async fn finish_copy(&mut self, peer: Peer) -> Result<(), SenderError> {
        let is_complete = {
            let mut locked = self.work.lock();
            let Some(work) = &mut *locked else { return Ok(()) };
            let is_complete = work.is_copy_complete();
            if is_complete {
                work.mark.sync_old_done = true;
                work.touch_mark();
            }
            // A crash between the mark and the report: the report is made again.
            let status = self.storage().peers.find(peer.id).map(|peer| peer.status);
            is_complete || (work.mark.need_sync_old && !work.is_copying() && status == Some(StorageStatus::Syncing))
        };
        if is_complete {
            self.work.save(&self.storage().sync)?;
            self.context.questions.report_status(peer.id, StorageStatus::Offline).await?;
            match self.work.lock().as_ref().map_or(0, |work| work.flight.refused_count()) {
                0 => tracing::info!("to {}: all old files are there", peer.id),
                count => tracing::warn!(
                    "to {}: all old files are there but for {count} records that it refuses for good; see fdfs sync status",
                    peer.id
                ),
            }
        }
        Ok(())
    }

    fn save(&self) {
        if let Err(e) = self.work.save(&self.storage().sync)
            && self.work.note_error(&e.to_string())
        {
            tracing::error!("to {}: {e}; after a crash some records would be sent again", self.work.id);
        }
    }

    /// The peer was deleted.
    fn retire(self) {
        kept::retire(self.storage(), self.work.id);
        self.storage().sync.forget(self.work.id);
    }
}

/// The first record of a change that a client made here at a time or later.
async fn first_own_since(
    storage: &Storage,
    since_secs: i64,
    committed: BinlogPosition,
) -> Result<BinlogPosition, StoreError> {
    let mut reader = BinlogReader::new(storage.sync.dir.clone(), BinlogPosition::START);
    loop {
        for _ in 0..LINES_AT_ONCE {
            match reader.next(committed)? {
                None => return Ok(committed),
                Some(Step::Gap(_)) => {}
                Some(Step::Line(line)) => {
                    if let Ok(record) = BinlogRecord::parse(line.text)
                        && record.origin == Origin::Source
                        && i64::from(record.timestamp) >= since_secs
                    {
                        return Ok(line.at);
                    }
                }
            }
        }
        tokio::task::yield_now().await;
    }
}
