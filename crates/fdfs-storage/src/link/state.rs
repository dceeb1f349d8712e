//! What the connections to all trackers share: what they told of the group, and who leads.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fdfs_core::roster::{ListNews, Me, Roster, TrackerIndex};
use fdfs_proto::shared::{StorageBrief, StorageStatus};
use tokio::sync::watch;

use crate::identity::Identity;
use crate::peers::{Peer, Peers};

/// What the connections to all trackers share.
#[derive(Debug)]
pub struct LinkState {
    roster: Mutex<Roster>,
    /// Grows with every change of what a tracker says of this storage, of who leads, or of the group.
    changes: watch::Sender<u64>,
    /// Held by the connection that settles who copies old files to this storage.
    pub(super) settling: tokio::sync::Mutex<()>,
    /// Trackers whose first join of this run has been tried.
    tried: Mutex<BTreeSet<TrackerIndex>>,
    tracker_count: AtomicUsize,
    /// This storage's status as it was known last, whoever is connected now.
    last_status: Mutex<Option<StorageStatus>>,
    /// Joined trackers that do not know who copies old files to this storage.
    without_source: Mutex<BTreeSet<TrackerIndex>>,
    /// Grows when all connections shall settle anew.
    settle_round: AtomicU64,
    has_waited: AtomicBool,
    trunk_server: watch::Sender<StorageBrief>,
    own_port: u16,
}

impl LinkState {
    /// Nothing was told yet.
    #[must_use]
    pub fn new(identity: &Identity, own_port: u16, tracker_count: usize) -> Self {
        let addrs = if identity.id.is_some() { Vec::new() } else { identity.addrs.iter().collect() };
        let me = Me { id: identity.storage_id(), addrs };
        Self {
            roster: Mutex::new(Roster::new(me)),
            changes: watch::Sender::new(0),
            settling: tokio::sync::Mutex::default(),
            tried: Mutex::default(),
            tracker_count: AtomicUsize::new(tracker_count),
            last_status: Mutex::default(),
            without_source: Mutex::default(),
            settle_round: AtomicU64::new(0),
            has_waited: AtomicBool::new(false),
            trunk_server: watch::Sender::new(StorageBrief::NONE),
            own_port,
        }
    }

    /// Looks at what is known.
    pub fn read<T>(&self, look: impl FnOnce(&Roster) -> T) -> T {
        look(&self.lock())
    }

    /// Wakes whoever waits for what a tracker says.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// A tracker says whether it leads.
    pub fn note_leader(&self, tracker: TrackerIndex, leads: bool) {
        let has_changed = {
            let mut roster = self.lock();
            let before = roster.leader();
            roster.on_leader(tracker, leads);
            roster.leader() != before
        };
        self.wake_if(has_changed);
    }

    /// The connection to a tracker ended.
    pub fn note_lost(&self, tracker: TrackerIndex) {
        self.lock().on_lost(tracker);
        lock(&self.without_source).remove(&tracker);
        self.wake_if(true);
    }

    /// The first join at a tracker was tried.
    pub(super) fn note_tried(&self, tracker: TrackerIndex) {
        lock(&self.tried).insert(tracker);
    }

    /// The configuration names so many trackers now.
    pub fn set_tracker_count(&self, count: usize) {
        self.tracker_count.store(count, Ordering::Relaxed);
    }

    /// The status to join a tracker with that told `its` status last: what trackers said, else INIT once all of them
    /// were tried, and before that "never known". So a tracker that has lost its data does not take in a storage that
    /// others know better. Source: behaviour, 4.3.
    ///
    /// Differs from C: a tracker that cannot be reached counts as tried, so that any one tracker is enough.
    pub(super) fn status_to_join_with(&self, its: Option<StorageStatus>) -> Option<StorageStatus> {
        let known = self.read(Roster::own_status).or(*lock(&self.last_status)).or(its);
        let is_tried = lock(&self.tried).len() + 1 >= self.tracker_count.load(Ordering::Relaxed);
        known.or(is_tried.then_some(StorageStatus::Init))
    }

    /// The trunk server of the group as the leader told it last, all zero for none.
    #[must_use]
    pub fn trunk_server(&self) -> watch::Receiver<StorageBrief> {
        self.trunk_server.subscribe()
    }

    /// A tracker told the trunk server: it counts if the tracker leads.
    pub(super) fn note_trunk_server(&self, tracker: TrackerIndex, brief: StorageBrief) {
        if self.read(Roster::leader) == Some(tracker) {
            let is_news = |known: &mut StorageBrief| std::mem::replace(known, brief) != brief;
            self.trunk_server.send_if_modified(is_news);
        }
    }

    /// A tracker knows, or does not know, the storage that copies old files to this one.
    pub(super) fn note_source_known(&self, tracker: TrackerIndex, is_known: bool) {
        let mut without_source = lock(&self.without_source);
        if is_known {
            without_source.remove(&tracker);
            self.has_waited.store(false, Ordering::Relaxed);
        } else {
            without_source.insert(tracker);
        }
    }

    /// Whether no tracker that this storage has joined knows who copies old files to it.
    pub(super) fn is_source_unknown_everywhere(&self) -> bool {
        let joined = self.read(|roster| roster.joined().collect::<BTreeSet<_>>());
        joined.is_subset(&lock(&self.without_source))
    }

    /// Asks all connections to tell their tracker anew who copies old files to this storage.
    pub(super) fn ask_to_settle(&self) {
        self.settle_round.fetch_add(1, Ordering::Relaxed);
        self.wake_if(true);
    }

    /// How often that was asked.
    pub(super) fn settle_round(&self) -> u64 {
        self.settle_round.load(Ordering::Relaxed)
    }

    /// Whether this is the first wait for a source since there was one.
    pub(super) fn is_first_wait(&self) -> bool {
        !self.has_waited.swap(true, Ordering::Relaxed)
    }

    /// A tracker told this storage's own status; whether it is another one than before.
    pub fn note_own_status(&self, tracker: TrackerIndex, status: StorageStatus) -> bool {
        let is_news = {
            let mut roster = self.lock();
            let is_news = roster.on_own_status(tracker, status);
            *lock(&self.last_status) = roster.own_status();
            is_news
        };
        self.wake_if(is_news);
        is_news
    }

    /// The leader told all storages of the group. [`LinkState::publish`] must follow.
    pub fn note_list(&self, tracker: TrackerIndex, list: &[StorageBrief]) -> ListNews {
        let news = self.lock().on_list(tracker, list);
        self.wake_if(news.has_changed);
        news
    }

    /// Makes the peers those of the list that was told last.
    pub fn publish(&self, peers: &Peers) {
        let roster = self.lock();
        // Under the lock, so that an older list of another connection cannot come last.
        peers.replace(roster.peers().filter_map(|brief| self.peer(brief)).collect());
    }

    /// A record as a peer; `None` without an address that can be reached.
    fn peer(&self, brief: &StorageBrief) -> Option<Peer> {
        let ip: IpAddr = brief.ip.as_str().parse().ok()?;
        // C trackers know the port of each storage; a report of a peer (76) may have come without one.
        let port = u16::try_from(brief.port).ok().filter(|&port| port > 0).unwrap_or(self.own_port);
        Some(Peer { id: brief.id, addr: SocketAddr::new(ip, port), status: brief.status })
    }

    fn wake_if(&self, has_changed: bool) {
        if has_changed {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Roster> {
        lock(&self.roster)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::KnownCluster;
    use fdfs_proto::cmd::tracker::{HostAddrs, Parameters};

    fn state(id: Option<&str>) -> LinkState {
        let cluster = KnownCluster { params: Parameters::default(), ids: Vec::new() };
        let addrs = HostAddrs::parse(b"10.0.0.1").unwrap();
        let id = id.map(|id| id.parse().unwrap());
        LinkState::new(&Identity::new("group1".parse().unwrap(), addrs, id, &cluster).unwrap(), 23000, 2)
    }

    fn brief(id: &str, ip: &str, port: u32) -> StorageBrief {
        StorageBrief { status: StorageStatus::Active, port, id: id.parse().unwrap(), ip: ip.parse().unwrap() }
    }

    fn peers_of(state: &LinkState, list: &[StorageBrief]) -> Vec<String> {
        let peers = Peers::default();
        state.note_list(0, list);
        state.publish(&peers);
        let list = peers.watch().borrow().clone();
        list.iter().map(|peer| format!("{} {}", peer.id, peer.addr)).collect()
    }

    #[test]
    fn peers_have_their_own_addresses_and_ports() {
        let by_ip = [brief("10.0.0.1", "10.0.0.1", 23000), brief("10.0.0.2", "10.0.0.2", 0)];
        assert_eq!(peers_of(&state(None), &by_ip), ["10.0.0.2 10.0.0.2:23000"]);
        let by_id = [brief("100001", "10.0.0.1", 23000), brief("100002", "10.0.0.1", 23001)];
        assert_eq!(peers_of(&state(Some("100001")), &by_id), ["100002 10.0.0.1:23001"]);
        assert_eq!(peers_of(&state(None), &[brief("10.0.0.3", "", 1)]), Vec::<String>::new());
    }

    #[test]
    fn the_status_to_join_with_is_what_was_heard_last() {
        let state = state(None);
        assert_eq!(state.status_to_join_with(None), None, "the other tracker was not tried yet");
        state.note_tried(1);
        assert_eq!(state.status_to_join_with(None), Some(StorageStatus::Init));
        state.note_own_status(1, StorageStatus::Active);
        state.note_lost(1);
        assert_eq!(state.status_to_join_with(None), Some(StorageStatus::Active));
    }

    #[test]
    fn the_source_is_unknown_when_no_joined_tracker_knows_it() {
        let state = state(None);
        state.note_own_status(0, StorageStatus::WaitSync);
        state.note_own_status(1, StorageStatus::WaitSync);
        state.note_source_known(0, false);
        assert!(!state.is_source_unknown_everywhere());
        state.note_lost(1);
        assert!(state.is_source_unknown_everywhere());
        state.note_source_known(0, true);
        assert!(!state.is_source_unknown_everywhere());
    }

    #[test]
    fn the_leaders_word_on_the_trunk_server_counts() {
        let state = state(None);
        let trunk_server = state.trunk_server();
        state.note_trunk_server(0, brief("10.0.0.2", "10.0.0.2", 1));
        assert!(!trunk_server.has_changed().unwrap());
        state.note_leader(0, true);
        state.note_trunk_server(0, brief("10.0.0.2", "10.0.0.2", 1));
        assert_eq!(trunk_server.borrow().port, 1);
    }

    #[test]
    fn only_news_wake() {
        let state = state(None);
        let mut changes = state.changes();
        assert!(state.note_own_status(0, StorageStatus::Init) && changes.has_changed().unwrap());
        changes.mark_unchanged();
        assert!(!state.note_own_status(0, StorageStatus::Init) && !changes.has_changed().unwrap());
        state.note_leader(0, true);
        assert!(changes.has_changed().unwrap());
    }
}
