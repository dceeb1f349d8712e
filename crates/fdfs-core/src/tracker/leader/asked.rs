//! What other trackers, and storages, ask of this one.

use super::election::{Election, Promise, Role};
use super::{PAUSE_MS, PROMISE_MS, Refusal, STAY_BACK_MAX_MS, STAY_BACK_MS};
use crate::tracker::addr::HostPort;

impl Election {
    /// A tracker asks for the vote for `candidate` (66), which may be itself.
    ///
    /// Differs from C: it is given to one at a time, and a leader stays when another is announced.
    ///
    /// # Errors
    /// [`Refusal::Unknown`], [`Refusal::Taken`], [`Refusal::TooYoung`].
    pub fn on_notify(&mut self, now_ms: u64, candidate: HostPort) -> Result<(), Refusal> {
        self.end_what_is_over(now_ms);
        self.require_known(candidate)?;
        if self.me == Some(candidate) {
            // Nobody can be made the leader from outside: votes do.
            self.is_named = true;
            return Ok(());
        }
        if self.bound_until(now_ms, candidate).is_some() {
            return Err(Refusal::Taken);
        }
        if now_ms < self.too_young_until_ms {
            return Err(Refusal::TooYoung);
        }
        self.promise = Some(Promise { to: candidate, until_ms: now_ms + PROMISE_MS });
        // The result comes in a moment. A leader that asks for votes no longer leads; what it still says of that must not
        // undo the promise.
        self.seek(now_ms + 2 * PAUSE_MS);
        Ok(())
    }

    /// The election of `leader` went through (67).
    ///
    /// # Errors
    /// [`Refusal::Unknown`]; [`Refusal::NotAnnounced`] without this tracker's vote.
    pub fn on_commit(&mut self, now_ms: u64, leader: HostPort) -> Result<(), Refusal> {
        self.end_what_is_over(now_ms);
        self.require_known(leader)?;
        if self.me == Some(leader) {
            return if std::mem::take(&mut self.is_named) { Ok(()) } else { Err(Refusal::NotAnnounced) };
        }
        if self.promise.is_none_or(|promise| promise.to != leader) {
            return Err(Refusal::NotAnnounced);
        }
        self.follow(now_ms, leader);
        Ok(())
    }

    /// A storage met two leaders (68), or another leader did.
    ///
    /// Differs from C: only an acting leader stands down, and stays back for a while. So one of two leaders goes, and they
    /// do not change places for ever (behaviour, W-12).
    ///
    /// # Errors
    /// [`Refusal::NotLeader`].
    pub fn on_reselect(&mut self, now_ms: u64) -> Result<(), Refusal> {
        self.end_what_is_over(now_ms);
        if !self.leads(now_ms) {
            return Err(Refusal::NotLeader);
        }
        if self.is_acting() {
            self.stays_back_until_ms = now_ms + self.stay_back_ms;
            self.stay_back_ms = (2 * self.stay_back_ms).min(STAY_BACK_MAX_MS);
            self.seek(now_ms + PAUSE_MS);
        }
        Ok(())
    }

    /// A tracker pings its leader (65), on a connection that it has joined (58). `conn` names the connection.
    ///
    /// # Errors
    /// [`Refusal::NotLeader`].
    pub fn on_ping(&mut self, now_ms: u64, from: HostPort, conn: u64) -> Result<(), Refusal> {
        self.end_what_is_over(now_ms);
        let Role::Leading { lease, is_acting, .. } = &mut self.role else { return Err(Refusal::NotLeader) };
        lease.note_ping(now_ms, from, conn);
        *is_acting = false;
        self.stay_back_ms = STAY_BACK_MS;
        Ok(())
    }

    fn require_known(&self, host: HostPort) -> Result<(), Refusal> {
        if self.members.contains(&host) { Ok(()) } else { Err(Refusal::Unknown) }
    }
}
