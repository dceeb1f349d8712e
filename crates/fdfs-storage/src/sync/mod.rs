//! The sending side of replication: one sender for each other storage of the group.
//!
//! | file | what |
//! |---|---|
//! | `supervisor.rs` | a sender for each peer that is there |
//! | `sender.rs` | the life of a sender: where to begin, when to send, when to stop |
//! | `connection.rs` | one connection: requests go out, answers come in |
//! | `work.rs` | what all connections to a peer share: reader, records under way, mark |
//! | `request.rs`, `local.rs` | a step in bytes; what is here under a name |
//! | `aside_file.rs` | records that are set aside, over a restart |
//! | `kept.rs` | what is kept for peers that go or move |
//! | `mend.rs` | links whose record the reference has spoilt |
//! | `compress.rs` | old files of the log |
//! | `status.rs` | how far each peer is |
//!
//! What is decided stands in `fdfs_core::sync`; see decision record 0003.

mod aside_file;
mod compress;
mod connection;
pub mod kept;
mod local;
mod mend;
mod questions;
mod request;
mod sender;
mod state;
pub mod status;
mod supervisor;
mod work;

pub use compress::compress_daily;
pub use questions::{Later, Questions, TrackerQuestions};
pub use state::SyncState;
pub use supervisor::supervise;

#[cfg(test)]
mod tests;
