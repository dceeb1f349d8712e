//! The library against servers made for the purpose: they speak the protocol, and misbehave as they are told.

// The servers of these tests are tests, too.
#![allow(clippy::unwrap_used)]

mod administration;
mod bad_peers;
mod changes;
mod fail_over;
mod fake;
mod info;
mod resume;
mod transfers;
