//! The trunk server's decisions: which block a file gets, what is free, what stands in the log.
//!
//! The state is the set of free blocks; whatever is not free is in use or belongs to no trunk file. Every change writes
//! its records, in the order and the form of the reference, so that a replay of the log (of any prefix of it, too) gives
//! the same free space. Source: behaviour, 4.13; disk formats, A.6.

mod file_id;
mod free_space;
mod index;
mod log;
mod merge;
mod rules;
mod schedule;
mod tidy;

pub use file_id::{after_file_id, free_file_id};
pub use free_space::{FreeSpace, HOLD_SECS, HOLDS_MAX, REST_SECS, SpaceError};
pub use log::Replayed;
pub use rules::TrunkRules;
pub use schedule::{files_to_make, secs_until_next};

#[cfg(test)]
mod model;
