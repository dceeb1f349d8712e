//! For how long a leader leads: who supports it, and since when that is known.

use std::collections::BTreeMap;

use super::LEASE_MS;
use crate::tracker::addr::HostPort;

/// One tracker's support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Support {
    /// Its promise began at this time or later.
    known_since_ms: u64,
    /// The connection of its last ping, and when that was answered: proven by the next ping on the same connection.
    last_ping: Option<(u64, u64)>,
}

/// Who supports the leader.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Lease {
    supports: BTreeMap<HostPort, Support>,
}

impl Lease {
    /// The votes of an election: who, and when each was asked.
    pub(super) fn of_votes(votes: &BTreeMap<HostPort, u64>) -> Self {
        let support = |known_since_ms| Support { known_since_ms, last_ping: None };
        Self { supports: votes.iter().map(|(from, &asked_ms)| (*from, support(asked_ms))).collect() }
    }

    /// A follower took over the result of the election that it was asked to take over at `asked_ms`.
    pub(super) fn note_commit(&mut self, from: HostPort, asked_ms: u64) {
        let support = self.supports.entry(from).or_insert(Support { known_since_ms: asked_ms, last_ping: None });
        support.known_since_ms = support.known_since_ms.max(asked_ms);
    }

    /// A follower pings on a connection, and is answered now.
    pub(super) fn note_ping(&mut self, now_ms: u64, from: HostPort, conn: u64) {
        let known = self.supports.get(&from).copied();
        let last_ping = Some((conn, now_ms));
        match known {
            Some(Support { known_since_ms, last_ping: Some((last_conn, answered_ms)) }) if last_conn == conn => {
                let known_since_ms = known_since_ms.max(answered_ms);
                self.supports.insert(from, Support { known_since_ms, last_ping });
            }
            Some(Support { known_since_ms, .. }) => {
                self.supports.insert(from, Support { known_since_ms, last_ping });
            }
            None => {
                // A first ping proves nothing: its answer may never arrive.
                let long_ago = now_ms.saturating_sub(LEASE_MS + 1);
                self.supports.insert(from, Support { known_since_ms: long_ago, last_ping });
            }
        }
    }

    /// Whether a tracker supports the leader now.
    pub(super) fn has(&self, now_ms: u64, from: &HostPort) -> bool {
        self.supports.get(from).is_some_and(|support| now_ms.saturating_sub(support.known_since_ms) <= LEASE_MS)
    }
}

/// Whether these trackers, the asking one among them, are enough to lead all of `members`: more than half, or half of
/// them with the lowest address. `members` are sorted.
pub(super) fn is_enough(members: &[HostPort], has: impl Fn(&HostPort) -> bool) -> bool {
    let count = members.iter().filter(|member| has(member)).count();
    let has_lowest = members.first().is_some_and(&has);
    2 * count > members.len() || (2 * count == members.len() && members.len() > 2 && has_lowest)
}
