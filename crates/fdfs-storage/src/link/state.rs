//! What the connections to all trackers share: what they told of the group, and who leads.

use std::net::{IpAddr, SocketAddr};
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
    own_port: u16,
}

impl LinkState {
    /// Nothing was told yet.
    #[must_use]
    pub fn new(identity: &Identity, own_port: u16) -> Self {
        let addrs = if identity.id.is_some() { Vec::new() } else { identity.addrs.iter().collect() };
        let me = Me { id: identity.storage_id(), addrs };
        Self {
            roster: Mutex::new(Roster::new(me)),
            changes: watch::Sender::new(0),
            settling: tokio::sync::Mutex::default(),
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
        self.wake_if(true);
    }

    /// A tracker told this storage's own status; whether it is another one than before.
    pub fn note_own_status(&self, tracker: TrackerIndex, status: StorageStatus) -> bool {
        let is_news = self.lock().on_own_status(tracker, status);
        self.wake_if(is_news);
        is_news
    }

    /// The leader told all storages of the group: `peers` is what follows.
    pub fn note_list(&self, tracker: TrackerIndex, list: &[StorageBrief], peers: &Peers) -> ListNews {
        let news = {
            let mut roster = self.lock();
            let news = roster.on_list(tracker, list);
            // Under the lock, so that an older list of another connection cannot come last.
            peers.replace(roster.peers().filter_map(|brief| self.peer(brief)).collect());
            news
        };
        self.wake_if(news.has_changed);
        news
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
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        LinkState::new(&Identity::new("group1".parse().unwrap(), addrs, id, &cluster).unwrap(), 23000)
    }

    fn brief(id: &str, ip: &str, port: u32) -> StorageBrief {
        StorageBrief { status: StorageStatus::Active, port, id: id.parse().unwrap(), ip: ip.parse().unwrap() }
    }

    fn peers_of(state: &LinkState, list: &[StorageBrief]) -> Vec<String> {
        let peers = Peers::default();
        state.note_list(0, list, &peers);
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
