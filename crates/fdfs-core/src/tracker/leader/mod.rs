//! Who leads the trackers: a state machine. Time and chance come in as values; questions to other trackers go out as
//! [`Ask`]s, and what became of each comes back. Decision 0010 says why it is as it is.
//!
//! The messages are the reference's, so that its trackers take part: 64 asks who leads and how long each has run, 66 asks
//! for a vote, 67 tells the result, 58 and 65 follow the leader, 68 asks a leader to stand down.
//!
//! What makes a leader the only one, where the reference has neither quorum nor terms (behaviour, 3.15, W-12):
//!
//! * A tracker that votes (66) or hears the leader's answer to a ping (65) **promises** to support nobody else for
//!   [`PROMISE_MS`]. One that was started again may have promised something before: it votes for nobody until that time
//!   has passed.
//! * A leader leads while more than half of the trackers are known to support it, each for [`LEASE_MS`] from a moment
//!   that lies *before* its promise began: when the vote was asked for, or when a ping was answered whose answer must have
//!   arrived, because another ping came on the same connection. The lease is the shorter time, so it ends first, whatever
//!   is late and whatever the clocks say; clocks that run at speeds up to a tenth apart change nothing.
//! * Of an even number, half is enough if the tracker with the lowest address belongs to it. Of two, either one goes on
//!   or takes over by itself, or else the death of one would leave no leader. A leader that has taken over so is
//!   [acting](Election::is_acting): when storages meet two leaders (68), or the other is back, it is the one that goes.
//!
//! | question                                       | file          |
//! |------------------------------------------------|---------------|
//! | what is asked when, what follows from answers  | `election.rs` |
//! | what others ask of this tracker                | `asked.rs`    |
//! | for how long the leader leads                  | `lease.rs`    |

mod asked;
mod election;
mod lease;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use election::Election;

use fdfs_proto::Status;

use super::addr::HostPort;
use super::rank::TrackerStatus;

/// For how long a promise binds.
pub const PROMISE_MS: u64 = 2700;
/// For how long a leader counts on one. Trackers of the reference ping once a second, so that what their second ping proves is
/// up to two seconds old.
pub const LEASE_MS: u64 = 2300;
/// Followers ping their leader this often.
const PING_MS: u64 = 500;
/// A ping that failed is tried again after this time.
const PING_AGAIN_MS: u64 = 200;
/// What has not answered in this time does not count in this round.
const ROUND_MS: u64 = 600;
/// The pause after a round without a result; chance adds up to as much again.
const PAUSE_MS: u64 = 150;
/// How long a better candidate may take before it is passed over.
const CANDIDATE_PATIENCE_MS: u64 = 1500;
/// One of two trackers takes over when the other was not reached for so long.
const LONELY_MS: u64 = 1000;
/// A leader looks for those that do not follow it this often.
const LOOK_AROUND_MS: u64 = 2000;
/// An acting leader that stood down stays back for this time, twice as long each time.
const STAY_BACK_MS: u64 = 30_000;
/// The longest time that it stays back.
const STAY_BACK_MAX_MS: u64 = 600_000;

/// What a tracker is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Whether it leads, and how long it has run (64).
    Status,
    /// For its vote for the asker (66).
    Notify,
    /// To follow the asker, which was elected (67).
    Commit,
    /// Whether it still leads (65, on a connection that has joined it by 58).
    Ping,
    /// To stand down: there is another leader (68).
    Reselect,
}

/// A question on its way. The shell asks it and tells what became of it, always, after about a second at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Grows with each one.
    pub id: u64,
    /// Who is asked.
    pub to: HostPort,
    /// What.
    pub question: Question,
    /// When it was handed out, on the monotonic clock.
    pub sent_ms: u64,
}

/// What became of an [`Ask`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Status 0.
    Yes,
    /// Status 0 to [`Question::Status`].
    Status(TrackerStatus),
    /// Another status.
    No(Status),
    /// No answer.
    Unreachable,
}

/// Why a tracker does not do what another one asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The one named is no known tracker.
    Unknown,
    /// This tracker leads, or supports another one.
    Taken,
    /// It was not announced before.
    NotAnnounced,
    /// This tracker does not lead.
    NotLeader,
    /// This tracker was started a moment ago and may have supported somebody.
    TooYoung,
}
