//! What is asked when, and what follows from the answers.

use std::collections::{BTreeMap, BTreeSet};

use fdfs_proto::Status;

use super::lease::{Lease, is_enough};
use super::{
    Answer, Ask, CANDIDATE_PATIENCE_MS, LONELY_MS, LOOK_AROUND_MS, PAUSE_MS, PING_AGAIN_MS, PING_MS, PROMISE_MS,
    Question, ROUND_MS,
};
use crate::tracker::addr::HostPort;
use crate::tracker::rank::TrackerStatus;

/// What a tracker does about the leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// Nobody is known to lead; the next round of questions is due then.
    Seeking { ask_at_ms: u64 },
    /// All others are asked who leads.
    Polling { last_ask: u64, until_ms: u64, heard: BTreeMap<HostPort, Answer> },
    /// All others are asked for their votes.
    Canvassing { last_ask: u64, until_ms: u64, votes: BTreeMap<HostPort, u64>, refused: BTreeSet<HostPort> },
    /// This tracker leads.
    Leading { lease: Lease, is_acting: bool, first_ask: u64, look_at_ms: u64, last_look: u64 },
    /// Another one leads.
    Following { leader: HostPort, heard_ms: u64, ping: Option<u64>, ping_at_ms: u64 },
}

/// Whom this tracker supports, and up to when nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Promise {
    pub(super) to: HostPort,
    pub(super) until_ms: u64,
}

/// One tracker's part in the choice of the leader.
#[derive(Debug, Clone)]
pub struct Election {
    pub(super) me: Option<HostPort>,
    /// All trackers, this one included, sorted.
    pub(super) members: Vec<HostPort>,
    pub(super) role: Role,
    pub(super) promise: Option<Promise>,
    /// This tracker itself was announced as the next leader.
    pub(super) is_named: bool,
    /// Before this time nobody gets a vote: an earlier life may have promised something.
    pub(super) too_young_until_ms: u64,
    /// Of two trackers, this one stays back until then after it has stood down, and how long the next time.
    pub(super) stays_back_until_ms: u64,
    pub(super) stay_back_ms: u64,
    /// What this tracker tells of itself (64), as of the last tick.
    own: Option<TrackerStatus>,
    /// Since when a better candidate is waited for.
    waiting_since_ms: Option<u64>,
    /// Since when the only other tracker cannot be reached.
    lonely_since_ms: Option<u64>,
    asks: u64,
    chance: u64,
}

impl Election {
    /// A tracker that was started now. `has_past`: it has run before, so that it may have voted a moment ago. `seed` must
    /// differ from tracker to tracker: it keeps candidates from getting in each other's way for ever.
    #[must_use]
    pub const fn new(now_ms: u64, has_past: bool, seed: u64) -> Self {
        Self {
            me: None,
            members: Vec::new(),
            role: Role::Seeking { ask_at_ms: now_ms },
            promise: None,
            is_named: false,
            too_young_until_ms: if has_past { now_ms.saturating_add(PROMISE_MS) } else { 0 },
            stays_back_until_ms: 0,
            stay_back_ms: super::STAY_BACK_MS,
            own: None,
            waiting_since_ms: None,
            lonely_since_ms: None,
            asks: 0,
            chance: seed | 1,
        }
    }

    /// The trackers of the cluster: this one, and the others. A leader must have enough of the new ones at once.
    pub fn set_members(&mut self, now_ms: u64, me: HostPort, others: impl IntoIterator<Item = HostPort>) {
        let mut members: Vec<_> = others.into_iter().chain([me]).collect();
        members.sort_unstable();
        members.dedup();
        (self.me, self.members) = (Some(me), members);
        self.end_what_is_over(now_ms);
        // What it was promised holds until it is over, all the same.
        if matches!(&self.role, Role::Following { leader, .. } if !self.members.contains(leader)) {
            self.seek(now_ms);
        }
        if let Role::Seeking { ask_at_ms } = &mut self.role {
            *ask_at_ms = now_ms;
        }
    }

    /// Who leads, as far as this tracker knows.
    #[must_use]
    pub fn leader(&self, now_ms: u64) -> Option<HostPort> {
        match &self.role {
            Role::Following { leader, .. } => Some(*leader),
            Role::Leading { .. } if self.leads(now_ms) => self.me,
            _ => None,
        }
    }

    /// Whether this tracker leads: it does no longer once too few support it, whoever looks first.
    #[must_use]
    pub fn leads(&self, now_ms: u64) -> bool {
        let Role::Leading { lease, .. } = &self.role else { return false };
        // Of two trackers a leader leads on when the other is away.
        self.is_pair() || is_enough(&self.members, |member| self.me == Some(*member) || lease.has(now_ms, member))
    }

    /// Whether it leads without the vote of the only other tracker, which may lead as well.
    #[must_use]
    pub const fn is_acting(&self) -> bool {
        matches!(self.role, Role::Leading { is_acting: true, .. })
    }

    /// Time passed: ten times a second or so. `own` is what this tracker tells of itself (64).
    pub fn tick(&mut self, now_ms: u64, own: Option<TrackerStatus>) -> Vec<Ask> {
        self.own = own;
        self.end_what_is_over(now_ms);
        let Some(me) = self.me else { return Vec::new() };
        match &mut self.role {
            Role::Seeking { ask_at_ms } if *ask_at_ms <= now_ms => self.poll(now_ms, me),
            Role::Polling { until_ms, .. } if *until_ms <= now_ms => self.conclude(now_ms, me),
            Role::Canvassing { until_ms, .. } if *until_ms <= now_ms => {
                self.give_up(now_ms);
                Vec::new()
            }
            Role::Leading { look_at_ms, .. } if *look_at_ms <= now_ms => self.look_around(now_ms, me),
            Role::Following { leader, ping: None, ping_at_ms, .. } if *ping_at_ms <= now_ms => {
                let leader = *leader;
                let ask = self.ask(now_ms, leader, Question::Ping);
                if let Role::Following { ping, .. } = &mut self.role {
                    *ping = Some(ask.id);
                }
                vec![ask]
            }
            _ => Vec::new(),
        }
    }

    /// What became of a question.
    pub fn on_answer(&mut self, now_ms: u64, asked: &Ask, answer: Answer) -> Vec<Ask> {
        self.end_what_is_over(now_ms);
        let Some(me) = self.me else { return Vec::new() };
        let other_count = self.members.len().saturating_sub(1);
        match (&mut self.role, asked.question) {
            (Role::Polling { last_ask, heard, .. }, Question::Status) if asked.id > *last_ask => {
                heard.insert(asked.to, answer);
                if heard.len() >= other_count { self.conclude(now_ms, me) } else { Vec::new() }
            }
            (Role::Canvassing { last_ask, votes, refused, .. }, Question::Notify) if asked.id > *last_ask => {
                match answer {
                    Answer::Yes => drop(votes.insert(asked.to, asked.sent_ms)),
                    _ => drop(refused.insert(asked.to)),
                }
                let lease = Lease::of_votes(votes);
                if is_enough(&self.members, |member| *member == me || lease.has(now_ms, member)) {
                    return self.take_the_lead(now_ms, me, lease, false);
                }
                if votes.len() + refused.len() >= other_count {
                    self.give_up(now_ms);
                }
                Vec::new()
            }
            (Role::Leading { lease, first_ask, .. }, Question::Commit)
                if answer == Answer::Yes && asked.id > *first_ask =>
            {
                lease.note_commit(asked.to, asked.sent_ms);
                Vec::new()
            }
            (Role::Leading { last_look, .. }, Question::Status) if asked.id > *last_look => match answer {
                Answer::Status(status) if status.is_leader => self.meet_a_rival(now_ms, me, asked.to, status),
                _ => Vec::new(),
            },
            (Role::Following { ping, .. }, Question::Ping) if *ping == Some(asked.id) => {
                self.hear_the_leader(now_ms, answer);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// A lease, a promise or a leader that has gone.
    pub(super) fn end_what_is_over(&mut self, now_ms: u64) {
        let is_over = match &self.role {
            Role::Leading { .. } => !self.leads(now_ms),
            Role::Following { heard_ms, .. } => now_ms.saturating_sub(*heard_ms) > PROMISE_MS,
            _ => false,
        };
        if is_over {
            self.seek(now_ms);
        }
        let is_mine = |promise: &Promise| Some(promise.to) == self.me;
        let is_used = matches!(self.role, Role::Leading { .. } | Role::Canvassing { .. });
        // What this tracker promised itself binds it only while it wants to lead.
        self.promise =
            self.promise.filter(|promise| if is_mine(promise) { is_used } else { now_ms < promise.until_ms });
    }

    /// Leaves what it was doing, and asks anew from `at_ms` on.
    pub(super) fn seek(&mut self, at_ms: u64) {
        self.role = Role::Seeking { ask_at_ms: at_ms };
    }

    /// Follows a leader. Only when nobody else is promised anything.
    pub(super) fn follow(&mut self, now_ms: u64, leader: HostPort) {
        self.promise = Some(Promise { to: leader, until_ms: now_ms + PROMISE_MS });
        (self.waiting_since_ms, self.lonely_since_ms) = (None, None);
        // A ping is support, and an earlier life may have promised that to another one.
        let ping_at_ms = now_ms.max(self.too_young_until_ms);
        self.role = Role::Following { leader, heard_ms: now_ms, ping: None, ping_at_ms };
    }

    /// Up to when somebody other than `host` is promised something.
    pub(super) fn bound_until(&self, now_ms: u64, host: HostPort) -> Option<u64> {
        let promise = self.promise.filter(|promise| promise.to != host)?;
        (now_ms < promise.until_ms || Some(promise.to) == self.me).then_some(promise.until_ms)
    }

    pub(super) const fn is_pair(&self) -> bool {
        self.members.len() <= 2
    }

    fn poll(&mut self, now_ms: u64, me: HostPort) -> Vec<Ask> {
        if self.members.len() < 2 {
            return self.take_the_lead(now_ms, me, Lease::default(), false);
        }
        let last_ask = self.asks;
        self.role = Role::Polling { last_ask, until_ms: now_ms + ROUND_MS, heard: BTreeMap::new() };
        self.ask_others(now_ms, me, Question::Status)
    }

    /// A round of questions is over: who leads, or who shall?
    fn conclude(&mut self, now_ms: u64, me: HostPort) -> Vec<Ask> {
        let Role::Polling { heard, .. } = &mut self.role else { return Vec::new() };
        let heard = std::mem::take(heard);
        let status_of = |(host, answer): (&HostPort, &Answer)| match answer {
            Answer::Status(status) => Some((*host, *status)),
            _ => None,
        };
        let statuses: Vec<_> = heard.iter().filter_map(status_of).collect();
        let leaders = statuses.iter().filter(|(_, status)| status.is_leader);
        if let Some((leader, _)) = leaders.max_by_key(|(host, status)| status.rank(*host)) {
            match self.bound_until(now_ms, *leader) {
                None => self.follow(now_ms, *leader),
                Some(until_ms) => self.seek(until_ms),
            }
            return Vec::new();
        }
        let is_reached =
            |host: &HostPort| *host == me || heard.get(host).is_some_and(|answer| *answer != Answer::Unreachable);
        if now_ms < self.too_young_until_ms {
            self.pause(now_ms);
            return Vec::new();
        }
        if self.is_pair() && !self.members.iter().all(is_reached) {
            return self.be_alone(now_ms, me);
        }
        self.lonely_since_ms = None;
        if !self.is_pair() && !is_enough(&self.members, is_reached) {
            self.pause(now_ms);
            return Vec::new();
        }
        let own = self.own.map(|own| (me, own));
        let best = statuses.iter().copied().chain(own).max_by_key(|(host, status)| status.rank(*host));
        let is_me = best.is_none_or(|(host, _)| host == me);
        let waiting_since_ms = *self.waiting_since_ms.get_or_insert(now_ms);
        // Better ones that answer, and for a while have not become the leader, cannot.
        if is_me || now_ms.saturating_sub(waiting_since_ms) >= CANDIDATE_PATIENCE_MS {
            return self.canvass(now_ms, me);
        }
        self.pause(now_ms);
        Vec::new()
    }

    /// The other one of two does not answer.
    fn be_alone(&mut self, now_ms: u64, me: HostPort) -> Vec<Ask> {
        let since_ms = *self.lonely_since_ms.get_or_insert(now_ms);
        let is_free = self.bound_until(now_ms, me).is_none() && now_ms >= self.stays_back_until_ms;
        if is_free && now_ms.saturating_sub(since_ms) >= LONELY_MS {
            return self.take_the_lead(now_ms, me, Lease::default(), true);
        }
        self.pause(now_ms);
        Vec::new()
    }

    fn canvass(&mut self, now_ms: u64, me: HostPort) -> Vec<Ask> {
        if let Some(until_ms) = self.bound_until(now_ms, me) {
            self.seek(until_ms);
            return Vec::new();
        }
        self.promise = Some(Promise { to: me, until_ms: now_ms + PROMISE_MS });
        self.role = Role::Canvassing {
            last_ask: self.asks,
            until_ms: now_ms + ROUND_MS,
            votes: BTreeMap::new(),
            refused: BTreeSet::new(),
        };
        self.ask_others(now_ms, me, Question::Notify)
    }

    fn take_the_lead(&mut self, now_ms: u64, me: HostPort, lease: Lease, is_acting: bool) -> Vec<Ask> {
        (self.waiting_since_ms, self.lonely_since_ms) = (None, None);
        self.promise = Some(Promise { to: me, until_ms: now_ms + PROMISE_MS });
        let first_ask = self.asks;
        self.role =
            Role::Leading { lease, is_acting, first_ask, look_at_ms: now_ms + LOOK_AROUND_MS, last_look: first_ask };
        if is_acting { Vec::new() } else { self.ask_others(now_ms, me, Question::Commit) }
    }

    fn give_up(&mut self, now_ms: u64) {
        self.promise = self.promise.filter(|promise| Some(promise.to) != self.me);
        self.pause(now_ms);
    }

    /// Those that do not follow may follow another leader.
    fn look_around(&mut self, now_ms: u64, me: HostPort) -> Vec<Ask> {
        let asks = self.asks;
        let Role::Leading { lease, look_at_ms, last_look, .. } = &mut self.role else { return Vec::new() };
        (*look_at_ms, *last_look) = (now_ms + LOOK_AROUND_MS, asks);
        let away = self.members.iter().filter(|member| **member != me && !lease.has(now_ms, member));
        let away: Vec<_> = away.copied().collect();
        away.into_iter().map(|host| self.ask(now_ms, host, Question::Status)).collect()
    }

    /// Another tracker says that it leads, too.
    fn meet_a_rival(&mut self, now_ms: u64, me: HostPort, rival: HostPort, status: TrackerStatus) -> Vec<Ask> {
        let own = self.own.map(|own| TrackerStatus { is_leader: true, ..own }.rank(me));
        let is_better = own.is_none_or(|own| status.rank(rival) > own);
        if self.is_pair() && (self.is_acting() || is_better) {
            self.follow(now_ms, rival);
            return Vec::new();
        }
        vec![self.ask(now_ms, rival, Question::Reselect)]
    }

    fn hear_the_leader(&mut self, now_ms: u64, answer: Answer) {
        let Role::Following { leader, heard_ms, ping, ping_at_ms } = &mut self.role else { return };
        *ping = None;
        match answer {
            Answer::No(Status::EOPNOTSUPP) => {
                // It says so itself: what was promised to it is void.
                self.promise = None;
                self.seek(now_ms);
            }
            Answer::Unreachable => *ping_at_ms = now_ms + PING_AGAIN_MS,
            // One that does not know this tracker (2) leads all the same.
            Answer::Yes | Answer::No(_) | Answer::Status(_) => {
                (*heard_ms, *ping_at_ms) = (now_ms, now_ms + PING_MS);
                self.promise = Some(Promise { to: *leader, until_ms: now_ms + PROMISE_MS });
            }
        }
    }

    fn pause(&mut self, now_ms: u64) {
        let more = self.random() % PAUSE_MS;
        self.seek(now_ms + PAUSE_MS + more);
    }

    /// xorshift64.
    const fn random(&mut self) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance
    }

    fn ask(&mut self, now_ms: u64, to: HostPort, question: Question) -> Ask {
        self.asks += 1;
        Ask { id: self.asks, to, question, sent_ms: now_ms }
    }

    fn ask_others(&mut self, now_ms: u64, me: HostPort, question: Question) -> Vec<Ask> {
        let others: Vec<_> = self.members.iter().copied().filter(|member| *member != me).collect();
        others.into_iter().map(|to| self.ask(now_ms, to, question)).collect()
    }
}
