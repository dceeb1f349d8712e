//! The trackers of the cluster as joins name them, this tracker's own place among them, and the leader.

use fdfs_proto::limits::TRACKERS;
use fdfs_proto::shared::ConnectionCounts;
use fdfs_proto::{IpText, VersionText};

use super::addr::{Addrs, HostPort};
use super::cluster::Cluster;
use super::effect::{Effect, Event};
use super::error::ClusterError;
use super::join::{Join, JoinPeer};
use super::status;
use super::storage::Storage;
use super::time::Now;

/// Addresses of this tracker that are remembered; more cannot all be its own.
const OWN_ADDRS_MAX: usize = 32;
/// A tracker that was down for longer than this asks the others for their state.
const LONG_DOWN_SECS: i64 = 600;
/// A follower counts as active for this long after its last ping.
const PING_FRESH_MS: u64 = 3000;

/// A tracker as a storage's configuration names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackerAddr {
    /// Its one or two addresses.
    pub addrs: Addrs,
    /// Its port.
    pub port: u16,
}

impl TrackerAddr {
    fn is(&self, other: &Self) -> bool {
        self.port == other.port && other.addrs.iter().any(|ip| self.addrs.contains(ip))
    }
}

/// What a tracker knows of one tracker, itself included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tracker {
    pub(crate) addr: TrackerAddr,
    pub(crate) connections: ConnectionCounts,
    pub(crate) version: VersionText,
    pub(crate) up_time: i64,
    pub(crate) last_ping: Option<Now>,
}

impl Tracker {
    pub(crate) fn is_active(&self, now: Now) -> bool {
        self.last_ping.is_some_and(|ping| now.since_ms(ping.mono_ms) <= PING_FRESH_MS)
    }
}

/// What only the shell knows of this tracker itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OwnState {
    /// Its connections.
    pub connections: ConnectionCounts,
    /// Its version.
    pub version: VersionText,
    /// When it started, unix seconds.
    pub up_time: i64,
}

/// The trackers of the cluster. Nobody configures them here: joins bring them, and one that no storage names any more goes.
///
/// Source: behaviour, 3.6 and 3.15. Differs from C: there the list never shrinks.
#[derive(Debug, Clone)]
pub struct Trackers {
    pub(crate) list: Vec<Tracker>,
    own_port: u16,
    own_addrs: Vec<IpText>,
    leader: Option<HostPort>,
    leader_chg_count: u64,
    /// Whether the others' state was fetched, or found not to be needed.
    state_fetched: bool,
    down_for_secs: i64,
}

impl Trackers {
    pub(crate) const fn new(own_port: u16) -> Self {
        Self {
            list: Vec::new(),
            own_port,
            own_addrs: Vec::new(),
            leader: None,
            leader_chg_count: 0,
            state_fetched: false,
            down_for_secs: 0,
        }
    }

    /// The trackers in the order in which they became known; empty before the first join.
    pub fn addrs(&self) -> impl Iterator<Item = &TrackerAddr> {
        self.list.iter().map(|tracker| &tracker.addr)
    }

    /// Whether an address and port are this tracker's own.
    #[must_use]
    pub fn is_me(&self, ip: &IpText, port: u16) -> bool {
        port == self.own_port && self.own_addrs.contains(ip)
    }

    /// Whether an address and port are those of a known tracker.
    #[must_use]
    pub fn is_known(&self, ip: &IpText, port: u16) -> bool {
        self.list.iter().any(|tracker| tracker.addr.port == port && tracker.addr.addrs.contains(ip))
    }

    /// How the others name this tracker: its first own address in the list.
    #[must_use]
    pub fn me(&self) -> Option<HostPort> {
        self.list.iter().find_map(|tracker| {
            let port = tracker.addr.port;
            tracker.addr.addrs.iter().find(|ip| self.is_me(ip, port)).map(|ip| HostPort { ip: *ip, port })
        })
    }

    /// This tracker's name if it is the only one: then it leads without an election.
    #[must_use]
    pub fn alone(&self) -> Option<HostPort> {
        self.me().filter(|_| self.list.len() == 1)
    }

    /// The leader, if one is known.
    #[must_use]
    pub const fn leader(&self) -> Option<&HostPort> {
        self.leader.as_ref()
    }

    /// Whether this tracker leads.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.leader.is_some_and(|leader| self.is_me(&leader.ip, leader.port))
    }

    /// Grows with every change of the leader; what beats compare.
    pub(crate) const fn leader_chg_count(&self) -> u64 {
        self.leader_chg_count
    }

    /// The list after a storage's list was merged into it, or `None` when it does not name this tracker.
    fn merged(&self, incoming: &[TrackerAddr], is_own: impl Fn(&IpText) -> bool) -> Option<Vec<Tracker>> {
        let mut list = self.list.clone();
        for addr in incoming {
            if let Some(known) = list.iter_mut().find(|known| known.addr.is(addr)) {
                for ip in addr.addrs.iter() {
                    known.addr.addrs.learn(ip);
                }
            } else if list.len() < TRACKERS {
                list.push(Tracker {
                    addr: *addr,
                    connections: ConnectionCounts::default(),
                    version: VersionText::EMPTY,
                    up_time: 0,
                    last_ping: None,
                });
            }
        }
        let named = |tracker: &Tracker| tracker.addr.port == self.own_port && tracker.addr.addrs.iter().any(&is_own);
        list.iter().any(named).then_some(list)
    }
}

/// What a join changes in the list of trackers, kept apart until the join is accepted.
pub(crate) struct TrackerNews {
    list: Vec<Tracker>,
    own_addrs: [IpText; 2],
}

impl Cluster {
    /// Sets or forgets the leader, as an election found it; storages are told with their next beats.
    ///
    /// Returns whether anything changed.
    pub fn set_leader(&mut self, leader: Option<HostPort>) -> bool {
        let changed = self.trackers.leader != leader;
        if changed {
            self.trackers.leader = leader;
            self.trackers.leader_chg_count += 1;
            // What storages heard from this tracker in an earlier time as the leader is not what they heard last.
            for storage in self.groups.iter_mut().flat_map(|group| &mut group.storages) {
                (storage.told_chg_count, storage.told_trunk_chg_count) = (0, 0);
            }
        }
        changed
    }

    /// The leader (95).
    ///
    /// # Errors
    /// [`ClusterError::NoLeader`].
    pub fn leader(&self) -> Result<HostPort, ClusterError> {
        self.trackers.leader.ok_or(ClusterError::NoLeader)
    }

    /// Whether the state of the other trackers must be fetched before this storage may join: it names others, and this
    /// tracker has no groups, or was down for long, and has not asked since it started.
    #[must_use]
    pub fn must_fetch_state(&self, peer: &JoinPeer, join: &Join) -> bool {
        let trackers = &self.trackers;
        let outdated = self.groups.is_empty() || trackers.down_for_secs > LONG_DOWN_SECS;
        !trackers.state_fetched && outdated && !self.other_trackers(peer, join).is_empty()
    }

    /// The trackers that a join names beside this one.
    #[must_use]
    pub fn other_trackers(&self, peer: &JoinPeer, join: &Join) -> Vec<HostPort> {
        let trackers = &self.trackers;
        let is_own = |ip: &IpText| *ip == peer.local_ip || *ip == join.dialled_ip || trackers.own_addrs.contains(ip);
        let is_other = |addr: &&TrackerAddr| addr.port != trackers.own_port || !addr.addrs.iter().any(is_own);
        let first = |addr: &TrackerAddr| HostPort { ip: *addr.addrs.first(), port: addr.port };
        join.trackers.iter().take(TRACKERS).filter(is_other).map(first).collect()
    }

    /// The other trackers were asked, and their state was taken over or found not to be better.
    pub fn state_was_fetched(&mut self) {
        self.trackers.state_fetched = true;
    }

    pub(crate) fn set_down_for(&mut self, secs: i64) {
        self.trackers.down_for_secs = secs;
    }

    /// A follower told its state (58, 65).
    ///
    /// # Errors
    /// [`ClusterError::NotLeader`], [`ClusterError::UnknownTracker`].
    pub fn note_ping(
        &mut self,
        now: Now,
        from: &HostPort,
        connections: ConnectionCounts,
        version: VersionText,
        up_time: i64,
    ) -> Result<(), ClusterError> {
        if !self.trackers.is_leader() {
            return Err(ClusterError::NotLeader);
        }
        let known = |tracker: &&mut Tracker| tracker.addr.port == from.port && tracker.addr.addrs.contains(&from.ip);
        let Some(tracker) = self.trackers.list.iter_mut().find(known) else {
            return Err(ClusterError::UnknownTracker { ip: from.ip, port: from.port });
        };
        (tracker.connections, tracker.version, tracker.up_time) = (connections, version, up_time);
        tracker.last_ping = Some(now);
        Ok(())
    }

    /// Judges the tracker list of a join without taking anything over.
    pub(crate) fn hear_of_trackers(
        &self,
        incoming: &[TrackerAddr],
        local_ip: IpText,
        dialled_ip: IpText,
    ) -> Result<TrackerNews, ClusterError> {
        let own = &self.trackers.own_addrs;
        let is_own = |ip: &IpText| *ip == local_ip || *ip == dialled_ip || own.contains(ip);
        let list = self.trackers.merged(incoming, is_own).ok_or(ClusterError::NotInTrackerList)?;
        Ok(TrackerNews { list, own_addrs: [local_ip, dialled_ip] })
    }

    /// A storage names other trackers than before: those that nobody names any more are forgotten, so that whoever leads
    /// need not count on machines that are gone. Storages that are away count with what they named last.
    pub(crate) fn forget_trackers(
        &mut self,
        (group, index): (usize, usize),
        named: &[TrackerAddr],
        effects: &mut Vec<Effect>,
    ) {
        let storage = &mut self.groups[group].storages[index];
        if storage.trackers == named {
            return;
        }
        let before = std::mem::replace(&mut storage.trackers, named.to_vec());
        let is_dropped =
            |addr: &TrackerAddr| before.iter().any(|it| it.is(addr)) && !named.iter().any(|it| it.is(addr));
        let dropped: Vec<_> = self.trackers.addrs().filter(|addr| is_dropped(addr)).copied().collect();
        for addr in dropped {
            let is_me = addr.addrs.iter().any(|ip| self.trackers.is_me(ip, addr.port));
            let names_it = |storage: &Storage| {
                status::is_stored(storage.status) && storage.trackers.iter().any(|named| named.is(&addr))
            };
            if is_me || self.all_storages().any(|(_, storage)| names_it(storage)) {
                continue;
            }
            self.trackers.list.retain(|tracker| tracker.addr != addr);
            let tracker = HostPort { ip: *addr.addrs.first(), port: addr.port };
            effects.push(Effect::Log(Event::TrackerForgotten { tracker }));
            effects.push(Effect::TrackersChanged);
        }
    }

    /// Takes over what an accepted join told; says whether the list of trackers changed.
    pub(crate) fn learn_trackers(&mut self, news: TrackerNews) -> bool {
        for ip in news.own_addrs {
            let own = &mut self.trackers.own_addrs;
            if !ip.is_empty() && !own.contains(&ip) && own.len() < OWN_ADDRS_MAX {
                own.push(ip);
            }
        }
        let changed = self.trackers.list != news.list;
        self.trackers.list = news.list;
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::tests_support::{ip, join, now, peer};
    use crate::tracker::{Settings, Stored};

    fn addr(first: &str, second: Option<&str>, port: u16) -> TrackerAddr {
        TrackerAddr { addrs: Addrs::new(ip(first), second.map(ip)), port }
    }

    #[test]
    fn the_list_grows_and_must_name_this_tracker() {
        let mut cluster = Cluster::new(Settings::default(), 22122);
        let other = [addr("10.0.0.2", None, 22122)];
        assert!(cluster.hear_of_trackers(&other, ip("10.0.0.1"), ip("10.0.0.1")).is_err());

        let both = [addr("10.0.0.1", None, 22122), addr("10.0.0.2", None, 22122)];
        let news = cluster.hear_of_trackers(&both, ip("10.0.0.1"), ip("10.0.0.1")).unwrap();
        assert!(cluster.learn_trackers(news));
        assert_eq!(cluster.trackers().me().unwrap().to_string(), "10.0.0.1:22122");
        assert_eq!(cluster.trackers().alone(), None);

        // A second address is added to the tracker that has the first; nothing is taken away before all agree.
        let more = [addr("10.0.0.2", Some("88.0.0.2"), 22122)];
        let news = cluster.hear_of_trackers(&more, ip("10.0.0.1"), ip("10.0.0.1")).unwrap();
        assert!(cluster.learn_trackers(news));
        assert_eq!(cluster.trackers().addrs().count(), 2);
        assert!(cluster.trackers().is_known(&ip("88.0.0.2"), 22122));

        let many: Vec<_> = (10..40).map(|n| addr(&format!("10.0.0.{n}"), None, 22122)).collect();
        let news = cluster.hear_of_trackers(&many, ip("10.0.0.1"), ip("10.0.0.1")).unwrap();
        cluster.learn_trackers(news);
        assert_eq!(cluster.trackers().addrs().count(), TRACKERS);
    }

    #[test]
    fn a_tracker_that_no_storage_names_any_more_is_forgotten() {
        let mut cluster = Cluster::new(Settings::default(), 22122);
        let (with_other, without) = (
            {
                let mut both = join("g");
                both.trackers.push(addr("10.0.0.101", None, 22122));
                both
            },
            join("g"),
        );
        let forgets = |cluster: &mut Cluster, conn, from, join: &Join| {
            let outcome = cluster.join(now(1), &peer(conn, from), join).unwrap();
            outcome.effects.iter().any(|effect| matches!(effect, Effect::Log(Event::TrackerForgotten { .. })))
        };
        assert!(!forgets(&mut cluster, 1, "10.0.0.1", &with_other));
        assert!(!forgets(&mut cluster, 2, "10.0.0.2", &with_other));
        assert!(!forgets(&mut cluster, 3, "10.0.0.3", &without), "a storage that never named it");
        assert!(!forgets(&mut cluster, 1, "10.0.0.1", &without), "the other storage still names it");
        let _ = cluster.disconnect(crate::tracker::ConnId(2));
        assert_eq!(cluster.trackers().addrs().count(), 2, "it may come back");
        assert!(forgets(&mut cluster, 4, "10.0.0.2", &without));
        assert_eq!(cluster.trackers().addrs().count(), 1);
        assert!(cluster.trackers().alone().is_some());
        assert!(!forgets(&mut cluster, 4, "10.0.0.2", &with_other));
        assert_eq!(cluster.trackers().addrs().count(), 2);
    }

    #[test]
    fn a_tracker_alone_names_itself_and_leads_when_told() {
        let mut cluster = Cluster::new(Settings::default(), 22122);
        let list = [addr("127.0.0.1", None, 22122)];
        let news = cluster.hear_of_trackers(&list, ip("127.0.0.1"), ip("127.0.0.1")).unwrap();
        cluster.learn_trackers(news);
        assert!(!cluster.trackers().is_leader());
        assert_eq!(cluster.leader(), Err(ClusterError::NoLeader));
        let me = cluster.trackers().alone();
        assert!(cluster.set_leader(me) && !cluster.set_leader(me));
        assert!(cluster.trackers().is_leader());
    }

    #[test]
    fn followers_count_as_active_for_three_seconds_after_a_ping() {
        let mut cluster = Cluster::new(Settings::default(), 22122);
        let mut join = join("g");
        join.trackers.push(addr("10.0.0.101", None, 22122));
        let _ = cluster.join(now(1), &peer(1, "10.0.0.1"), &join).unwrap();
        let other = HostPort { ip: ip("10.0.0.101"), port: 22122 };
        let ping = |cluster: &mut Cluster, from: &HostPort| {
            cluster.note_ping(now(10), from, ConnectionCounts::default(), VersionText::EMPTY, 4)
        };
        assert_eq!(ping(&mut cluster, &other), Err(ClusterError::NotLeader));
        cluster.set_leader(cluster.trackers().me());
        assert_eq!(ping(&mut cluster, &other), Ok(()));
        let stranger = HostPort { port: 1, ..other };
        assert_eq!(ping(&mut cluster, &stranger).unwrap_err().status(), fdfs_proto::Status::ENOENT);
        for (secs, active) in [(13, true), (14, false)] {
            let states = cluster.tracker_states(now(secs), &OwnState::default(), &Default::default()).unwrap();
            let shown: Vec<_> = states.iter().map(|state| (state.is_leader, state.is_active)).collect();
            assert_eq!(shown, [(true, true), (false, active)], "at {secs}");
        }
    }

    #[test]
    fn state_is_fetched_only_where_there_are_others_and_it_is_needed() {
        let mut cluster = Cluster::new(Settings::default(), 22122);
        let (peer, mut join) = (peer(1, "10.0.0.1"), join("g"));
        assert!(!cluster.must_fetch_state(&peer, &join), "the list names only this tracker");
        join.trackers.push(addr("10.0.0.101", None, 22122));
        assert!(cluster.must_fetch_state(&peer, &join));
        cluster.state_was_fetched();
        assert!(!cluster.must_fetch_state(&peer, &join));

        let stored = |last_check_time| Stored { last_check_time, ..Stored::default() };
        for (last_check_time, must) in [(0, false), (400, false), (399, true)] {
            let (mut cluster, _) = Cluster::restore(Settings::default(), 22122, now(1000), stored(last_check_time));
            let _ = cluster.join(now(1000), &peer, &join).unwrap();
            assert_eq!(cluster.must_fetch_state(&peer, &join), must, "last check at {last_check_time}");
        }
    }
}
