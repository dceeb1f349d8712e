//! Clusters for tests: in-process servers, real processes, raw connections, inputs for fuzzing.
//!
//! Never: a part of a program that users run, a fixed port, or a sleep of a fixed length.
//!
//! * [`cluster`], [`node`]: trackers and storages in this process, each on a loopback address of its own;
//! * [`daemon`], [`daemons`]: the same as processes, which can be killed and frozen;
//! * [`layout`], [`settings`], [`loopback`]: what both are described by;
//! * [`links`]: connections between them that a test can break; [`view`]: what trackers say of storages;
//! * [`storm`]: traffic and faults by chance, and a judge at the end;
//! * [`problems`]: a test fails when a server logs a warning that the test did not expect;
//! * [`raw`]: any bytes to a server, and what it does with the connection; [`wait`]: conditions with a deadline;
//! * [`golden_disk`], [`golden_place`], [`golden_cluster`]: directories that the reference left behind, and clusters of them;
//! * [`namespaces`]: networks of a test's own; [`mixed`]: clusters of programs from two folders, ours and the reference's, say;
//! * [`fuzz`]: a function for every decoder.

// A failure of a test is a panic with a message, also where the test's helpers are.
#![allow(clippy::panic, clippy::unwrap_used)]
// Values of settings are written down where they stand: `.storage_key("max_connections", 4)`.
#![allow(clippy::needless_pass_by_value)]

pub mod cluster;
pub mod daemon;
pub mod daemons;
pub mod fuzz;
pub mod golden_cluster;
pub mod golden_disk;
pub mod golden_place;
pub mod http;
pub mod layout;
pub mod links;
pub mod loopback;
pub mod mixed;
pub mod model;
pub mod namespaces;
pub mod node;
pub mod problems;
pub mod raw;
pub mod settings;
pub mod storm;
pub mod view;
pub mod wait;

pub use cluster::Cluster;
pub use daemon::{Daemon, Launch, SmallDisk};
pub use daemons::DaemonCluster;
pub use layout::{Layout, LayoutBuilder, StoragePlan, TrackerPlan};
pub use links::{Link, Links, Node};
pub use node::{StorageNode, TrackerNode};
pub use raw::{After, RawConn, RawReply};
pub use wait::{PATIENCE, wait_for};
