//! What all connections share: the cluster behind its lock, and how effects are carried out.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use fdfs_core::tracker::leader::{Answer, Ask, Election};
use fdfs_core::tracker::{AnswerWidth, Cluster, ConnId, Effect, Event, HostPort, Now, Outcome, OwnState};
use fdfs_net::rate_limit::RateLimit;
use fdfs_net::{CallOptions, Gate, ServerLimits};
use fdfs_proto::cmd::tracker::{GroupTrunkServer, StorageIdLine};
use fdfs_proto::limits::PROTOCOL_VERSION;
use fdfs_proto::{GroupName, VersionText};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::election;
use crate::error::RequestError;
use crate::log_event::{EventLog, Line};
use crate::names::Names;
use crate::saver::{Saver, Ticket};
use crate::sys_files::SysFiles;
use crate::trunk_choice::TrunkChange;
use crate::watchers::Watchers;

/// Lines about requests that cannot be understood are at least this far apart.
const NONSENSE_INTERVAL: Duration = Duration::from_secs(10);

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Tracker {
    state: Mutex<State>,
    pub(crate) clock: Clock,
    /// The start of this process, unix seconds.
    pub(crate) up_time: i64,
    /// `last_check_time` of the last run's `.tracker_status`, 0 without one.
    pub(crate) last_check_time: i64,
    pub(crate) answer_width: AnswerWidth,
    told: RwLock<Told>,
    names: Mutex<Arc<Names>>,
    /// Wakes whoever looks names up.
    pub(crate) lookups: Notify,
    pub(crate) limits: ServerLimits,
    /// `max_buff_size`: what answers may grow to, header included.
    pub(crate) max_answer_bytes: usize,
    /// For calls of storages.
    pub(crate) call_options: CallOptions,
    /// Other trackers know this one by it: where it listens, if that is one address.
    pub(crate) bind_ip: Option<IpAddr>,
    pub(crate) gate: Gate,
    pub(crate) saver: Saver,
    pub(crate) sys_files: SysFiles,
    pub(crate) shutdown: CancellationToken,
    /// Requests that cannot be understood; anybody can send many.
    pub(crate) nonsense: RateLimit,
    pub(crate) watchers: Watchers,
    /// Held while the state of another tracker is copied: joins wait for that.
    pub(crate) fetching: tokio::sync::Mutex<()>,
    events: EventLog,
    /// Questions to other trackers about the leader.
    asks: mpsc::Sender<Ask>,
    trunk_choices: mpsc::Sender<GroupName>,
    last_conn: AtomicU64,
}

/// Answers that only repeat the configuration.
#[derive(Debug)]
struct Told {
    /// To 75.
    parameters: Arc<[u8]>,
    /// To 69; `None` without storage ids.
    id_lines: Option<Arc<[StorageIdLine]>>,
}

/// What is behind the lock. Nobody waits for anything while holding it.
#[derive(Debug)]
struct State {
    cluster: Cluster,
    election: Election,
}

/// What a new tracker is made of; the fields are those of [`Tracker`].
pub(crate) struct Parts {
    pub(crate) cluster: Cluster,
    pub(crate) clock: Clock,
    pub(crate) last_check_time: i64,
    pub(crate) answer_width: AnswerWidth,
    pub(crate) parameters: Vec<u8>,
    pub(crate) id_lines: Option<Vec<StorageIdLine>>,
    pub(crate) names: Names,
    pub(crate) limits: ServerLimits,
    pub(crate) max_answer_bytes: usize,
    pub(crate) call_options: CallOptions,
    pub(crate) bind_ip: Option<IpAddr>,
    pub(crate) gate: Gate,
    pub(crate) shutdown: CancellationToken,
    pub(crate) asks: mpsc::Sender<Ask>,
    pub(crate) trunk_choices: mpsc::Sender<GroupName>,
}

/// An answer, and the ticket of what it changed.
#[derive(Debug)]
pub(crate) struct Decided<T> {
    pub(crate) answer: T,
    pub(crate) ticket: Ticket,
}

impl Tracker {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            cluster,
            clock,
            last_check_time,
            answer_width,
            parameters,
            id_lines,
            names,
            limits,
            max_answer_bytes,
            call_options,
            bind_ip,
            gate,
            shutdown,
            asks,
            trunk_choices,
        } = parts;
        // A tracker that knows groups has run before, and may have voted a moment ago.
        let election = Election::new(clock.now().mono_ms, !cluster.groups().is_empty(), fastrand::u64(..));
        Self {
            state: Mutex::new(State { cluster, election }),
            up_time: clock.now().unix_secs,
            clock,
            last_check_time,
            answer_width,
            told: RwLock::new(Told { parameters: parameters.into(), id_lines: id_lines.map(Into::into) }),
            names: Mutex::new(Arc::new(names)),
            lookups: Notify::new(),
            limits,
            max_answer_bytes,
            call_options,
            bind_ip,
            gate,
            saver: Saver::new(),
            sys_files: SysFiles::default(),
            shutdown,
            nonsense: RateLimit::new(NONSENSE_INTERVAL),
            watchers: Watchers::default(),
            fetching: tokio::sync::Mutex::default(),
            events: EventLog::default(),
            asks,
            trunk_choices,
            last_conn: AtomicU64::new(0),
        }
    }

    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }

    /// The answer to 75.
    pub(crate) fn parameters(&self) -> Arc<[u8]> {
        self.told.read().unwrap_or_else(PoisonError::into_inner).parameters.clone()
    }

    pub(crate) fn set_parameters(&self, parameters: Vec<u8>) {
        self.told.write().unwrap_or_else(PoisonError::into_inner).parameters = parameters.into();
    }

    /// The lines that 69 hands out; `None` without storage ids.
    pub(crate) fn id_lines(&self) -> Option<Arc<[StorageIdLine]>> {
        self.told.read().unwrap_or_else(PoisonError::into_inner).id_lines.clone()
    }

    pub(crate) fn set_id_lines(&self, lines: Vec<StorageIdLine>) {
        self.told.write().unwrap_or_else(PoisonError::into_inner).id_lines = Some(lines.into());
    }

    /// What is looked up again and again.
    pub(crate) fn names(&self) -> Arc<Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_names(&self, names: Names) {
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(names);
    }

    /// A number that no connection had before.
    pub(crate) fn next_conn(&self) -> ConnId {
        ConnId(self.last_conn.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// What the cluster cannot know of its own tracker.
    pub(crate) fn own_state(&self) -> OwnState {
        let version = PROTOCOL_VERSION.parse().unwrap_or(VersionText::EMPTY);
        OwnState { connections: self.gate.counts(), version, up_time: self.up_time }
    }

    /// Asks the cluster something that changes nothing.
    pub(crate) fn read<T>(&self, ask: impl FnOnce(&Cluster) -> T) -> T {
        ask(&self.lock().cluster)
    }

    /// Asks the cluster something that only moves its cursors.
    pub(crate) fn query<T>(&self, ask: impl FnOnce(&mut Cluster) -> T) -> T {
        ask(&mut self.lock().cluster)
    }

    /// Tells the cluster of an event that has an answer, and carries out the effects.
    pub(crate) fn decide<T, E>(
        &self,
        event: impl FnOnce(&mut Cluster) -> Result<Outcome<T>, E>,
    ) -> Result<Decided<T>, E> {
        let mut state = self.lock();
        let Outcome { answer, effects } = event(&mut state.cluster)?;
        let ticket = self.carry_out(&mut state, effects);
        drop(state);
        self.events.write();
        Ok(Decided { answer, ticket })
    }

    /// As [`Tracker::decide`], for events without an answer.
    pub(crate) fn change<E>(&self, event: impl FnOnce(&mut Cluster) -> Result<Vec<Effect>, E>) -> Result<Ticket, E> {
        let decided = self.decide(|cluster| event(cluster).map(|effects| Outcome { answer: (), effects }))?;
        Ok(decided.ticket)
    }

    /// Another tracker, or a storage, asks something about the leader. The second argument of `event` names trackers as
    /// elections do.
    pub(crate) fn lead<T>(
        &self,
        event: impl FnOnce(&mut Election, &mut Cluster, Now) -> Result<T, RequestError>,
    ) -> Result<T, RequestError> {
        let now = self.now();
        let mut state = self.lock();
        let State { cluster, election } = &mut *state;
        let result = event(election, cluster, now);
        self.note_leader(&mut state, now);
        drop(state);
        self.events.write();
        result
    }

    /// Time passed, as far as the leader is concerned.
    pub(crate) fn election_tick(&self) {
        let now = self.now();
        let mut state = self.lock();
        self.tick_election(&mut state, now);
        drop(state);
        self.events.write();
    }

    /// What became of a question about the leader.
    pub(crate) fn election_answer(&self, ask: &Ask, answer: Answer) {
        let now = self.now();
        let mut state = self.lock();
        let asks = state.election.on_answer(now.mono_ms, ask, answer);
        self.ask(asks);
        self.note_leader(&mut state, now);
        drop(state);
        self.events.write();
    }

    /// What the leader says of trunk servers (65). Groups and storages that are not known here come with their joins.
    pub(crate) fn take_trunk_servers(&self, groups: &[GroupTrunkServer]) {
        for told in groups {
            let _ = self.change(|cluster| match cluster.trackers().is_leader() {
                true => Ok(Vec::new()),
                false => cluster.set_trunk_server(&told.group, told.trunk_server_id),
            });
        }
    }

    /// This process did not run for so long until now.
    pub(crate) fn was_paused(&self, pause: Duration) {
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.lock().cluster.was_paused(self.now(), pause_ms);
    }

    /// Time passed.
    pub(crate) fn tick(&self) {
        let now = self.now();
        let _ = self.change(|cluster| Ok::<_, std::convert::Infallible>(cluster.tick(now)));
    }

    /// Under the lock: order is everything here, and nothing waits.
    fn carry_out(&self, state: &mut State, effects: Vec<Effect>) -> Ticket {
        let mut ticket = Ticket::default();
        for effect in effects {
            ticket = ticket.max(self.saver.note(&effect));
            match effect {
                Effect::SaveGroups | Effect::SaveServers | Effect::SaveTimestamps => {}
                Effect::AppendChangelog(_) | Effect::ReplaceChangelog(_) => {}
                Effect::GroupChanged { group } => self.watchers.wake(&group),
                Effect::TrackersChanged => {
                    let now = self.now();
                    if let Some(me) = state.cluster.trackers().me() {
                        let names = election::names(&state.cluster);
                        state.election.set_members(now.mono_ms, me, names);
                    }
                    // At once: a tracker alone leads from its first join on.
                    self.tick_election(state, now);
                }
                // A full queue has the group in it, or will be asked again at the next tick.
                Effect::ChooseTrunkServer { group } => drop(self.trunk_choices.try_send(group)),
                Effect::Log(event) => {
                    if let Event::TrunkServerChanged { group, old, new } = &event {
                        self.saver.note_trunk_change(TrunkChange::of(&state.cluster, group, *old, *new));
                    }
                    self.events.push(Line::Event(event));
                }
            }
        }
        ticket
    }

    fn tick_election(&self, state: &mut State, now: Now) {
        let own = state.cluster.tracker_status(now, self.up_time, self.last_check_time).ok();
        let asks = state.election.tick(now.mono_ms, own);
        self.ask(asks);
        self.note_leader(state, now);
    }

    /// A question that finds no room counts as not answered when its round is over.
    fn ask(&self, asks: Vec<Ask>) {
        for ask in asks {
            let _ = self.asks.try_send(ask);
        }
    }

    /// The cluster follows the election; a line when there is another leader than before.
    fn note_leader(&self, state: &mut State, now: Now) {
        let leader: Option<HostPort> = state.election.leader(now.mono_ms);
        if state.cluster.set_leader(leader) {
            self.events.push(Line::Leader(leader));
            self.watchers.wake_all();
        }
    }

    /// Whoever looks at the state of a leader looks at its lease first.
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held would be a defect of the core; half a decision is still better than no tracker.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.cluster.trackers().is_leader() {
            let now = self.now();
            if !state.election.leads(now.mono_ms) {
                self.note_leader(&mut state, now);
            }
        }
        state
    }
}
