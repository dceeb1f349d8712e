//! The storage's side of its trackers: what it asks before it serves, and the lasting connection to each of them.

pub mod ask;
mod changelog;
pub mod error;
pub mod first_contact;
mod moved;
pub mod questions;
mod reports;
pub mod session;
mod settle;
pub mod state;
pub mod trackers;
mod trunk_reports;
mod two_leaders;
pub mod watch;

pub use ask::TrackerDialer;
pub use error::LinkError;
pub use moved::Moved;
pub use state::LinkState;
pub use trackers::TrackerList;
