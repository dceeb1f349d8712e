//! What a storage makes of what its trackers tell: who its peers are, what they are doing, and what it is itself.
//!
//! Only the leader tracker's list counts. What the storage knew better is told back to the others (85), and a tracker
//! that sees this storage otherwise than the leader is told so (59). Trackers are named by their place in the
//! configuration. Source: behaviour, 4.3.

use std::collections::BTreeMap;

use fdfs_proto::limits::STORAGES_PER_GROUP;
use fdfs_proto::shared::StorageBrief;
use fdfs_proto::shared::StorageStatus::{self, *};
use fdfs_proto::{IpText, StorageId};

/// A tracker, by its place in the configuration.
pub type TrackerIndex = usize;

/// Who this storage is, in lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// Its id: that of storage_ids.conf, or its address.
    pub id: StorageId,
    /// Its addresses where they are its id; empty with storage ids.
    pub addrs: Vec<IpText>,
}

impl Me {
    /// Whether a record is about this storage.
    #[must_use]
    pub fn is(&self, brief: &StorageBrief) -> bool {
        brief.id == self.id || self.addrs.contains(&brief.ip)
    }
}

/// What a storage knows of its group.
#[derive(Debug, Clone)]
pub struct Roster {
    me: Me,
    /// At most [`STORAGES_PER_GROUP`].
    peers: BTreeMap<StorageId, StorageBrief>,
    /// This storage's own status, as each tracker told it last.
    own: BTreeMap<TrackerIndex, StorageStatus>,
    /// Trackers that say they lead; the first one was the first to say so.
    leaders: Vec<TrackerIndex>,
}

/// What follows from a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListNews {
    /// The peers are others than before, or are doing something else.
    pub has_changed: bool,
    /// Where this storage was ahead of the list, or the list lacks somebody: for a tracker that does not lead (85).
    pub tell_back: Vec<StorageBrief>,
    /// Peers that were deleted or got another address: the changelog says which (77).
    pub gone: Vec<StorageId>,
}

impl Roster {
    /// Nobody is known yet.
    #[must_use]
    pub const fn new(me: Me) -> Self {
        Self { me, peers: BTreeMap::new(), own: BTreeMap::new(), leaders: Vec::new() }
    }

    /// The peers, sorted by id.
    pub fn peers(&self) -> impl Iterator<Item = &StorageBrief> {
        self.peers.values()
    }

    /// A peer.
    #[must_use]
    pub fn peer(&self, id: &StorageId) -> Option<&StorageBrief> {
        self.peers.get(id)
    }

    /// The tracker that leads, as far as it is known: of several that say so, the first, until it says otherwise.
    #[must_use]
    pub fn leader(&self) -> Option<TrackerIndex> {
        self.leaders.first().copied()
    }

    /// All trackers that say they lead, the one that counts first.
    #[must_use]
    pub fn leaders(&self) -> &[TrackerIndex] {
        &self.leaders
    }

    /// A tracker says that it leads, or that it does not.
    pub fn on_leader(&mut self, tracker: TrackerIndex, leads: bool) {
        if !leads {
            self.leaders.retain(|known| *known != tracker);
        } else if !self.leaders.contains(&tracker) {
            self.leaders.push(tracker);
        }
    }

    /// The connection to a tracker ended: what it told may be wrong by now.
    pub fn on_lost(&mut self, tracker: TrackerIndex) {
        self.own.remove(&tracker);
        self.on_leader(tracker, false);
    }

    /// A tracker told this storage's own status: in the answer of a join, or in a list. Whether that is news.
    pub fn on_own_status(&mut self, tracker: TrackerIndex, status: StorageStatus) -> bool {
        self.own.insert(tracker, status) != Some(status)
    }

    /// This storage's status at a tracker.
    #[must_use]
    pub fn own_status_at(&self, tracker: TrackerIndex) -> Option<StorageStatus> {
        self.own.get(&tracker).copied()
    }

    /// The trackers that this storage is joined to.
    pub fn joined(&self) -> impl Iterator<Item = TrackerIndex> {
        self.own.keys().copied()
    }

    /// This storage's status: the leader's word, else the highest that any tracker has.
    #[must_use]
    pub fn own_status(&self) -> Option<StorageStatus> {
        self.leader().and_then(|leader| self.own_status_at(leader)).or_else(|| self.highest_own_status())
    }

    /// The highest status that any tracker has for this storage.
    #[must_use]
    pub fn highest_own_status(&self) -> Option<StorageStatus> {
        self.own.values().max().copied()
    }

    /// Whether a record is about this storage.
    #[must_use]
    pub fn is_me(&self, brief: &StorageBrief) -> bool {
        self.me.is(brief)
    }

    /// What a tracker must be told of this storage, so that it agrees with the leader (59).
    ///
    /// OFFLINE, ONLINE and ACTIVE are one here: each tracker finds out by itself who is connected to it. INIT is never
    /// asked for: who is undecided asks who copies its old files.
    #[must_use]
    pub fn own_status_to_tell(&self, tracker: TrackerIndex) -> Option<StorageStatus> {
        let leader = self.leader().filter(|&leader| leader != tracker)?;
        let (right, its) = (self.own_status_at(leader)?, self.own_status_at(tracker)?);
        let is_told = right != its && right != Init && !(right.is_available() && its.is_available());
        is_told.then_some(right)
    }

    /// The leader told all storages of the group (83, 84, 89).
    ///
    /// Differs from C: the leader's word is taken in every case, also where this storage knew a higher status. The
    /// reference keeps its own, so that it never copies the old files to a member whose earlier life it remembers.
    pub fn on_list(&mut self, tracker: TrackerIndex, list: &[StorageBrief]) -> ListNews {
        let mut news = ListNews::default();
        let known = std::mem::take(&mut self.peers);
        for brief in list {
            if brief.id.is_empty() {
                continue;
            }
            if self.me.is(brief) {
                news.has_changed |= self.on_own_status(tracker, brief.status);
                continue;
            }
            if self.peers.len() >= STORAGES_PER_GROUP {
                break;
            }
            let before = known.get(&brief.id);
            if let Some(before) = before.filter(|before| is_ahead(before.status, brief.status)) {
                news.tell_back.push(*before);
            }
            let is_new_to_us = before.map(|before| before.status) != Some(brief.status);
            if is_new_to_us && matches!(brief.status, Deleted | IpChanged) {
                news.gone.push(brief.id);
            }
            self.peers.insert(brief.id, *brief);
        }
        for (id, before) in &known {
            let is_stored = !matches!(before.status, Deleted | IpChanged);
            if is_stored && !self.peers.contains_key(id) && self.peers.len() < STORAGES_PER_GROUP {
                // The tracker may have lost what it knew; nobody is forgotten for that.
                news.tell_back.push(*before);
                self.peers.insert(*id, StorageBrief { status: forgotten(before.status), ..*before });
            }
        }
        news.has_changed |= known != self.peers;
        news.tell_back.truncate(STORAGES_PER_GROUP);
        news
    }
}

/// Whether what is known here goes beyond what the tracker says, so that other trackers should hear it.
fn is_ahead(mine: StorageStatus, told: StorageStatus) -> bool {
    match (mine, told) {
        (_, Offline) => matches!(mine, WaitSync | Syncing | Deleted | IpChanged | Recovery),
        (Offline | Init | None, _) => false,
        (_, WaitSync | Syncing) => mine > told && mine.is_available(),
        _ => false,
    }
}

/// What a peer is taken for that the leader does not know: it is not connected there.
const fn forgotten(status: StorageStatus) -> StorageStatus {
    match status {
        Online | Active | Recovery => Offline,
        other => other,
    }
}

#[cfg(test)]
mod tests;
