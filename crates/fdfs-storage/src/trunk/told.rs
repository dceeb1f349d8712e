//! Who the trunk server is, as the leader of the trackers tells.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use fdfs_proto::cmd::tracker::BeatAnswer;
use fdfs_proto::shared::StorageBrief;

/// The trunk server of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// This storage.
    Me,
    /// Another one. Its id and port tell: several storages may share an address (W-40).
    Other(SocketAddr),
}

/// What is known of the trunk server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Told {
    pub(super) server: Option<Server>,
    /// Grows with each change of the server.
    pub(super) term: u64,
    /// The newest trunk file that a tracker knows of.
    pub(super) trunk_file_id: u32,
}

impl Told {
    /// Another server; whether that is news.
    pub(super) fn change_to(&mut self, server: Option<Server>, trunk_file_id: u32) -> bool {
        self.trunk_file_id = self.trunk_file_id.max(trunk_file_id);
        let is_news = self.server != server;
        if is_news {
            (self.server, self.term) = (server, self.term + 1);
        }
        is_news
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Claim {
    /// It said that it leads; the newest of those who did has the largest number.
    leads: Option<u64>,
    trunk_server: Option<Server>,
    trunk_file_id: u32,
    is_here: bool,
}

/// What each tracker claims. Only the word of the leader counts: of the one that was the last to say that it leads
/// (W-26).
#[derive(Debug, Default)]
pub(super) struct Claims {
    trackers: BTreeMap<usize, Claim>,
    count: u64,
    /// Stays when no leader is connected: the others are still asked for space.
    last_server: Option<Server>,
}

impl Claims {
    fn leader(&self) -> Option<&Claim> {
        self.trackers.values().filter(|claim| claim.leads.is_some()).max_by_key(|claim| claim.leads)
    }

    /// A tracker answered.
    pub(super) fn hear(
        &mut self,
        tracker: usize,
        answer: &BeatAnswer,
        is_me: impl Fn(&StorageBrief) -> bool,
        trunk_file_id: Option<u32>,
    ) {
        let claim = self.trackers.entry(tracker).or_default();
        claim.is_here = true;
        if let Some(leader) = answer.leader {
            self.count += 1;
            claim.leads = (leader != StorageBrief::NONE).then_some(self.count);
        }
        if let Some(brief) = &answer.trunk_server {
            // Only a leader tells of a trunk server; one whose word of that came on an earlier connection leads still.
            if claim.leads.is_none() {
                self.count += 1;
                claim.leads = Some(self.count);
            }
            claim.trunk_server = server(brief, is_me);
        }
        claim.trunk_file_id = claim.trunk_file_id.max(trunk_file_id.unwrap_or(0));
        if let Some(leader) = self.leader() {
            self.last_server = leader.trunk_server;
        }
    }

    /// The connection to a tracker ended.
    pub(super) fn lost(&mut self, tracker: usize) {
        if let Some(claim) = self.trackers.get_mut(&tracker) {
            claim.is_here = false;
        }
    }

    /// Whether the leader is connected.
    pub(super) fn is_leader_here(&self) -> bool {
        self.leader().is_some_and(|leader| leader.is_here)
    }

    /// The trunk server, and the newest trunk file that any tracker knows of.
    pub(super) fn trunk_server(&self) -> (Option<Server>, u32) {
        (self.last_server, self.trackers.values().map(|claim| claim.trunk_file_id).max().unwrap_or(0))
    }
}

fn server(brief: &StorageBrief, is_me: impl Fn(&StorageBrief) -> bool) -> Option<Server> {
    if *brief == StorageBrief::NONE {
        return None;
    }
    if is_me(brief) {
        return Some(Server::Me);
    }
    let ip: IpAddr = brief.ip.as_str().parse().ok()?;
    Some(Server::Other(SocketAddr::new(ip, u16::try_from(brief.port).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_proto::shared::StorageStatus;

    fn brief(id: &str, ip: &str, port: u32) -> StorageBrief {
        StorageBrief { status: StorageStatus::Active, port, id: id.parse().unwrap(), ip: ip.parse().unwrap() }
    }

    fn answer(leads: Option<bool>, trunk_server: Option<StorageBrief>) -> BeatAnswer {
        let leader = leads.map(|leads| if leads { brief("t", "10.0.0.100", 22122) } else { StorageBrief::NONE });
        BeatAnswer { leader, trunk_server, storages: None }
    }

    #[test]
    fn w26_only_the_leader_names_the_trunk_server() {
        let me = |brief: &StorageBrief| brief.port == 23000;
        let mut claims = Claims::default();
        claims.hear(0, &answer(Some(true), Some(brief("a", "10.0.0.1", 23000))), me, Some(7));
        assert_eq!((claims.trunk_server(), claims.is_leader_here()), ((Some(Server::Me), 7), true));
        // Another one leads now, and names another trunk server; what the first one still says does not count.
        let other = Server::Other("10.0.0.1:23001".parse().unwrap());
        claims.hear(1, &answer(Some(true), Some(brief("b", "10.0.0.1", 23001))), me, None);
        assert_eq!(claims.trunk_server(), (Some(other), 7));
        claims.hear(0, &answer(None, Some(brief("a", "10.0.0.1", 23000))), me, None);
        assert_eq!(claims.trunk_server().0, Some(other));
        claims.lost(1);
        assert_eq!((claims.trunk_server().0, claims.is_leader_here()), (Some(other), false));
        claims.hear(1, &answer(None, None), me, None);
        assert!(claims.is_leader_here());
        claims.hear(1, &answer(None, Some(StorageBrief::NONE)), me, None);
        assert_eq!(claims.trunk_server().0, None);
    }

    /// Several storages of one machine: the address does not tell who is meant.
    #[test]
    fn w40_a_trunk_server_on_the_same_address_is_another_one() {
        let me = |brief: &StorageBrief| brief.id == "a".parse().unwrap();
        let mut claims = Claims::default();
        claims.hear(0, &answer(Some(true), Some(brief("b", "10.0.0.1", 23001))), me, None);
        let other = Server::Other("10.0.0.1:23001".parse().unwrap());
        assert_eq!(claims.trunk_server().0, Some(other));
        claims.hear(0, &answer(None, Some(brief("a", "10.0.0.1", 23000))), me, None);
        assert_eq!(claims.trunk_server().0, Some(Server::Me));
    }

    #[test]
    fn the_same_server_again_is_no_news() {
        let mut told = Told::default();
        assert!(told.change_to(Some(Server::Me), 1));
        assert!(!told.change_to(Some(Server::Me), 2));
        assert_eq!((told.term, told.trunk_file_id), (1, 2));
        assert!(told.change_to(None, 0));
        assert_eq!((told.term, told.trunk_file_id), (2, 2));
    }
}
