//! Replication inside a group. Sending: every decision of a storage about one of its peers; receiving: [`verdict`].
//!
//! * [`begin`]: from which place of the log a peer is served, and whether old records are ours to send;
//! * [`scope`]: which records go to the peer;
//! * [`flight`]: which of them may be under way at the same time, which wait, which are set aside, where the mark stands;
//! * [`reached`]: up to which time the peer has all files, for the trackers;
//! * [`step`]: what is sent for a record, and what the peer's answer means;
//! * [`window`], [`bandwidth`], [`meter`]: when, how fast, and how far behind.
//!
//! Source: behaviour, 4.12; decision record 0003.

pub mod bandwidth;
pub mod begin;
pub mod flight;
mod key;
pub mod meter;
pub mod reached;
pub mod scope;
pub mod step;
pub mod verdict;
pub mod window;

pub use bandwidth::Bandwidth;
pub use begin::{Begin, Start};
pub use flight::{Aside, Flight, Seq, SetAside, Why};
pub use meter::Meter;
pub use reached::Reached;
pub use scope::Scope;
pub use step::{Answer, Local, Next, Step};
pub use window::SyncWindow;
