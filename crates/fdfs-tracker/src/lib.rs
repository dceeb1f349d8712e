//! The tracker server.
//!
//! Never: a decision of its own (those are `fdfs-core`'s), a byte of a body or a file written by hand (those are
//! `fdfs-proto`'s), or a disk or a network waited for while the cluster's state is locked.
//!
//! * [`start`]: from a configuration to a serving tracker; `settings.rs`: what the configuration means for the core;
//! * `connection.rs`, `service.rs`, `service/`: a connection, the table of commands, one file per family of commands;
//! * `tracker.rs`: the one lock around the cluster, and how effects are carried out;
//! * `saver.rs`, `state_files.rs`, `stored_rows.rs`: the files below `data/`;
//! * `state_fetch.rs`: the state of another tracker, copied at the first join;
//! * `housekeeping.rs`: what happens each second; `election/`: who leads; `trunk_choice.rs`: trunk servers;
//! * `log_event.rs`: the lines of the log that tell what happened in the cluster.

mod clock;
mod connection;
mod election;
mod error;
mod housekeeping;
mod http;
mod log_event;
mod names;
mod peer;
mod reload;
mod saver;
mod service;
mod settings;
pub mod start;
mod state_fetch;
mod state_files;
mod stored_rows;
mod sys_files;
mod tracker;
mod trunk_choice;
mod watchers;

pub use error::StartError;
pub use start::TrackerServer;
