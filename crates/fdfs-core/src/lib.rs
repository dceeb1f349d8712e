//! Every decision of the cluster: who is a member, who is alive, who serves a request, where a new file goes.
//!
//! Never: a clock, a socket, a file, a lock, a log call or randomness. An event and the time come in, an answer and
//! effects go out; the shells carry the effects out.
//!
//! * [`tracker`]: join, beats, liveness, replication states, selection, administration, lists, snapshots;
//! * [`roster`]: what a storage makes of the lists that its trackers tell;
//! * [`sync`]: what a storage sends to which peer and in which order, and what it does with what another one sends;
//! * [`placement`]: the storage's choice of a store path and of the sub directories of a new file;
//! * [`recovery`]: what a storage that lost a store path must fetch.

pub mod placement;
pub mod recovery;
pub mod roster;
pub mod sync;
pub mod tracker;
pub mod trunk;
