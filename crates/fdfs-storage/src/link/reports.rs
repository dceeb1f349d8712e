//! What a joined storage tells a tracker again and again, and what it hears in return: each thing at its interval, or at
//! once where an event makes it news.

use std::convert::Infallible;
use std::time::Duration;

use fdfs_core::roster::Roster;
use fdfs_core::tracker::status::{self, StatusEvent};
use fdfs_net::Caller;
use fdfs_proto::cmd::tracker::{Beat, BeatAnswer, ChangeStatus, DiskUsage, PathSpace, SyncReport, SyncedUpTo};
use fdfs_proto::limits::STORAGES_PER_GROUP;
use fdfs_proto::ours::StorageTerms;
use fdfs_proto::shared::StorageStatus;
use tokio::time::{Instant, sleep_until};

use super::ask::{ask, tell, whole};
use super::error::LinkError;
use super::session::Session;
use super::settle::{Settled, SourceAway};
use super::trunk_reports::TrunkReports;
use super::two_leaders::TwoLeaders;
use super::watch::Watcher;

/// Sync times go to a tracker of ours this often at the most; to one of the reference each `heart_beat_interval`.
const SYNC_REPORT_PAUSE: Duration = Duration::from_secs(1);
/// How often a tracker is asked who copies the old files, while nobody can; a change of the group asks at once.
const SETTLE_PAUSE: Duration = Duration::from_secs(1);
/// How long the leader is waited for before any tracker may say who copies the old files: the first beat of a tracker of
/// the reference tells of it.
const LEADER_PATIENCE: Duration = Duration::from_secs(1);
/// A tracker that does not agree with the leader is told so this often at the most.
const CORRECT_PAUSE: Duration = Duration::from_secs(1);

/// How long a tracker may take to show that it is one of ours, while there are terms to tell.
const TERMS_PATIENCE: Duration = Duration::from_secs(1);
/// How often names in `advertise` are looked up again.
const TERMS_PAUSE: Duration = Duration::from_secs(10);
/// How often names of trackers are looked up again for the list that each tracker is told.
const TRACKERS_PAUSE: Duration = Duration::from_secs(10);

/// What is due when, on one connection.
pub(super) struct Reports<'s, 'a> {
    session: &'s mut Session<'a>,
    watcher: Watcher,
    beat_every: Duration,
    disk_every: Duration,
    beat_at: Instant,
    disk_at: Instant,
    /// `None` once this tracker knows who copies our old files.
    settle_at: Option<Instant>,
    sync_at: Instant,
    correct_at: Instant,
    /// Counted changes that the last beat with statistics told.
    told_changes: Option<u64>,
    /// Sync times that were told.
    told_received: Option<u64>,
    /// Requests to settle that were followed.
    settle_round: u64,
    source_away: SourceAway,
    leaders: TwoLeaders,
    trunk: TrunkReports,
    /// The status in which this tracker had us when the last beat was sent.
    beaten_as: Option<StorageStatus>,
    started: Instant,
    told_terms: Option<StorageTerms>,
    terms_at: Instant,
    trackers_at: Instant,
}

impl<'s, 'a> Reports<'s, 'a> {
    /// Everything is due at once.
    pub(super) fn new(session: &'s mut Session<'a>, watcher: Watcher) -> Self {
        let conf = &session.storage.conf;
        let (beat_secs, disk_secs) = (conf.heart_beat_interval_secs.max(1), conf.stat_report_interval_secs.max(1));
        let settle_round = session.storage.link.settle_round();
        let now = Instant::now();
        Self {
            session,
            watcher,
            beat_every: Duration::from_secs(beat_secs),
            disk_every: Duration::from_secs(disk_secs),
            beat_at: now,
            disk_at: now,
            settle_at: Some(now),
            sync_at: now,
            correct_at: now,
            told_changes: None,
            told_received: None,
            settle_round,
            source_away: SourceAway::default(),
            leaders: TwoLeaders::default(),
            trunk: TrunkReports::default(),
            beaten_as: None,
            started: now,
            told_terms: None,
            terms_at: now,
            trackers_at: now + TRACKERS_PAUSE,
        }
    }

    /// Tells and hears until the connection fails.
    pub(super) async fn run(&mut self, caller: &mut Caller) -> Result<Infallible, LinkError> {
        let storage = self.session.storage.clone();
        let mut changes = storage.link.changes();
        let mut received = storage.received.changes();
        let mut orders = storage.terms.changes();
        let mut trackers = storage.trackers.changes();
        if storage.cluster.params.storage_ip_changed_auto_adjust {
            self.session.read_changelog(caller).await?;
        }
        loop {
            changes.borrow_and_update();
            let news = *received.borrow_and_update();
            let next = self.do_what_is_due(caller, news).await?;
            tokio::select! {
                () = sleep_until(next) => {}
                view = self.watcher.next() => {
                    let someone_went = self.session.take_view(caller, &view).await?;
                    self.after_news(someone_went);
                }
                _ = changes.changed() => {
                    let someone_went = self.session.take_what_was_put_off(caller).await?;
                    self.wish_to_settle();
                    self.after_news(someone_went);
                }
                _ = received.changed() => {}
                _ = trackers.changed() => self.trackers_at = Instant::now(),
                _ = orders.changed() => (self.terms_at, self.disk_at) = (Instant::now(), Instant::now()),
            }
        }
    }

    /// Does what is due, in the order that brings a storage up soonest; when to look again.
    async fn do_what_is_due(&mut self, caller: &mut Caller, received: u64) -> Result<Instant, LinkError> {
        if self.settle_at.is_some_and(|at| at <= Instant::now()) {
            let may_ask = self.may_ask();
            self.settle_at = match self.session.settle(caller, may_ask).await? {
                Settled::Yes => None,
                Settled::Later => Some(Instant::now() + SETTLE_PAUSE),
                Settled::Again => Some(Instant::now()),
            };
            // What this try itself asked of all is done here.
            self.settle_round = self.session.storage.link.settle_round();
        }
        if self.trackers_at <= Instant::now() {
            self.trackers_at = Instant::now() + TRACKERS_PAUSE;
            self.session.tell_other_trackers(caller).await?;
        }
        let leaders_at = self.leaders.look(self.session, caller).await?;
        self.correct_status(caller).await?;
        if self.watcher.works() && self.terms_at <= Instant::now() {
            self.tell_terms(caller).await?;
        }
        if self.waits_to_tell_terms() {
            return Ok(self.started + TERMS_PATIENCE);
        }
        // Disks first: a storage is ACTIVE with its first report, and must not be offered as one without space.
        if self.disk_at <= Instant::now() {
            self.report_disks(caller).await?;
        }
        if self.beat_at <= Instant::now() {
            self.beat(caller).await?;
        }
        if self.told_received != Some(received) && self.sync_at <= Instant::now() {
            self.report_sync_times(caller, received).await?;
        }
        let patience = Duration::from_secs(self.session.storage.conf.full_sync_source_timeout_secs);
        if self.is_leader() && self.source_away.is_too_long(self.session, patience) {
            self.session.replace_source(caller).await?;
        }
        self.trunk.send(self.session.storage, caller).await?;
        let trunk_at = self.trunk.next_at(self.session.storage);
        let sync_at = (self.told_received != Some(received)).then_some(self.sync_at);
        Ok([self.settle_at, sync_at, leaders_at]
            .into_iter()
            .flatten()
            .chain(self.watcher.works().then_some(self.terms_at))
            .fold(self.beat_at.min(self.disk_at).min(trunk_at).min(self.trackers_at), Instant::min))
    }

    /// A tracker of ours is told our terms before it may offer us: it says in a moment that it is one.
    fn waits_to_tell_terms(&self) -> bool {
        self.told_terms.is_none()
            && self.watcher.is_open()
            && self.started.elapsed() < TERMS_PATIENCE
            && !self.session.storage.terms.are_usual()
    }

    async fn tell_terms(&mut self, caller: &mut Caller) -> Result<(), LinkError> {
        self.terms_at = Instant::now() + TERMS_PAUSE;
        let terms = self.session.storage.terms.to_tell(self.told_terms.as_ref()).await;
        if self.told_terms.as_ref() != Some(&terms) {
            match tell(caller, &terms).await {
                // A tracker of ours, but an old one: it goes on without.
                Err(LinkError::Refused { .. }) | Ok(()) => self.told_terms = Some(terms),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether this tracker may decide who copies our old files: it leads, or nobody has said for a while that he does.
    fn may_ask(&self) -> bool {
        let storage = self.session.storage;
        match storage.link.read(Roster::leader) {
            Some(leader) => leader == self.session.index,
            None => storage.trackers.count() == 1 || self.started.elapsed() >= LEADER_PATIENCE,
        }
    }

    async fn report_disks(&mut self, caller: &mut Caller) -> Result<(), LinkError> {
        let paths = self.session.storage.placing.paths();
        // A path that takes no uploads has no room for them: so the tracker sends them elsewhere (W-24, W-35).
        let space = |facts: &fdfs_core::placement::PathFacts| PathSpace {
            total_mb: facts.total_mb,
            free_mb: if facts.writable { facts.free_mb } else { 0 },
        };
        let usage = DiskUsage { paths: paths.iter().map(space).collect() };
        let answer = ask(caller, &usage, whole::<BeatAnswer>).await?;
        self.disk_at = Instant::now() + self.disk_every;
        self.take_answer(caller, &answer).await
    }

    async fn beat(&mut self, caller: &mut Caller) -> Result<(), LinkError> {
        let storage = self.session.storage;
        self.beaten_as = self.own_status();
        let changes = storage.stats.changes();
        let stat = (self.told_changes != Some(changes)).then(|| storage.stats.snapshot(storage.gate.counts()));
        let answer = ask(caller, &Beat { stat }, whole::<BeatAnswer>).await?;
        self.told_changes = Some(changes);
        self.beat_at = Instant::now() + self.beat_every;
        let someone_went = self.session.take_news(caller, &answer).await?;
        self.after_news(someone_went);
        // A tracker of ours has told of every change by now.
        if storage.cluster.params.storage_ip_changed_auto_adjust && !self.watcher.works() {
            self.session.read_changelog(caller).await?;
        }
        Ok(())
    }

    /// Up to when the changes of each peer are here (89); all of them after each join.
    async fn report_sync_times(&mut self, caller: &mut Caller, received: u64) -> Result<(), LinkError> {
        let times = self.session.storage.received.snapshot();
        let sources: Vec<SyncedUpTo> = times
            .into_iter()
            .take(STORAGES_PER_GROUP)
            .map(|(source_id, timestamp_secs)| SyncedUpTo { source_id, timestamp_secs })
            .collect();
        self.told_received = Some(received);
        if sources.is_empty() {
            return Ok(());
        }
        let answer = ask(caller, &SyncReport { sources }, whole::<BeatAnswer>).await?;
        let pause = if self.watcher.works() { SYNC_REPORT_PAUSE.min(self.beat_every) } else { self.beat_every };
        self.sync_at = Instant::now() + pause;
        self.take_answer(caller, &answer).await
    }

    /// Makes this tracker agree with the leader on what we are (59).
    async fn correct_status(&mut self, caller: &mut Caller) -> Result<(), LinkError> {
        let link = &self.session.storage.link;
        let Some(status) = link.read(|roster| roster.own_status_to_tell(self.session.index)) else { return Ok(()) };
        if self.correct_at > Instant::now() {
            return Ok(());
        }
        tell(caller, &ChangeStatus { status }).await?;
        self.correct_at = Instant::now() + CORRECT_PAUSE;
        // A tracker makes nobody ACTIVE for the asking: the next beat does.
        self.session.learn_status(caller, status::after(StorageStatus::Init, StatusEvent::Asked(status)));
        self.beat_if_due();
        Ok(())
    }

    fn is_leader(&self) -> bool {
        self.session.storage.link.read(Roster::leader) == Some(self.session.index)
    }

    async fn take_answer(&mut self, caller: &mut Caller, answer: &BeatAnswer) -> Result<(), LinkError> {
        let someone_went = self.session.take_news(caller, answer).await?;
        self.after_news(someone_went);
        Ok(())
    }

    fn after_news(&mut self, someone_went: bool) {
        if someone_went {
            // It may have been the source of our old files: this tracker will say so.
            self.settle_at = Some(Instant::now());
        }
        self.beat_if_due();
    }

    /// A status that the next beat ends is ended at once: OFFLINE when the old files have come, ONLINE after a join.
    fn beat_if_due(&mut self) {
        let own = self.own_status();
        if !own.is_some_and(ends_with_a_beat) {
            self.beaten_as = None;
        } else if self.beaten_as != own {
            self.beat_at = Instant::now();
        }
    }

    fn own_status(&self) -> Option<StorageStatus> {
        self.session.storage.link.read(|roster| roster.own_status_at(self.session.index))
    }

    /// Something changed: whoever waits for a source asks again, and so does whoever was asked to.
    fn wish_to_settle(&mut self) {
        let round = self.session.storage.link.settle_round();
        if self.settle_at.is_some() || round != self.settle_round {
            self.settle_at = Some(Instant::now());
        }
        self.settle_round = round;
    }
}

/// Whether a beat moves a storage out of this status.
const fn ends_with_a_beat(status: StorageStatus) -> bool {
    matches!(status, StorageStatus::Offline | StorageStatus::Online | StorageStatus::Recovery)
}
