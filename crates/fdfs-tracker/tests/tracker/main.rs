//! A tracker on real sockets, and storages that say what a test wants.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

mod admin;
mod advertise;
mod flows;
mod golden;
mod ids;
mod joining;
mod new_rules;
mod old_lengths;
mod protocol;
mod replay;
mod restart;
mod support;
mod trackers;
mod watching;
mod weak_spots;
