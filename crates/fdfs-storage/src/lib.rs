//! The storage server: keeps files, answers clients, reports to its trackers.
//!
//! Never: a decision about the cluster (`fdfs-core`), a byte layout (`fdfs-proto`), a file system call outside of
//! `fdfs-store`.
//!
//! * [`start`], [`server`]: from a configuration to a running server and back;
//! * [`service`]: one request after the other, one file per command; [`exchange`]: a request and its answer;
//! * [`write_path`], [`commit`], [`flusher`], [`permits`]: how a change gets to the disk and when it counts;
//! * [`placing`], [`names`]: where new files go and what they are called; [`trunk`]: space for small files in large ones;
//! * [`sync_peer`], [`doubts`]: who replicates to this storage, and what that left in doubt; [`recovery`]: a store path
//!   that came back empty is refilled;
//! * [`link`]: the trackers; [`params`], [`identity`], [`peers`]: what they have told; [`received`]: what they are told;
//! * [`sync`]: what is sent to the other storages of the group;
//! * [`http`], [`metrics`]: files over HTTP, health and metrics;
//! * [`stat`], [`durations`], [`request_log`], [`housekeeping`]: what is counted and written on the side.

pub mod commit;
pub mod doubts;
pub mod durations;
pub mod error;
pub mod exchange;
pub mod flusher;
pub mod housekeeping;
pub mod http;
pub mod identity;
pub mod init_flag;
pub mod link;
pub mod metrics;
pub mod names;
pub mod params;
pub mod peers;
pub mod permits;
pub mod placing;
pub mod plain_instead;
pub mod received;
pub mod recovery;
pub mod request_log;
pub mod server;
pub mod service;
pub mod start;
pub mod stat;
pub mod storage;
pub mod sync;
pub mod sync_peer;
pub mod terms;
pub mod trunk;
pub mod write_path;

pub use server::{StartOptions, StartStage, StorageServer};
pub use start::{EmptyBecause, StartError};
