//! Storages on disks that fail, lose power or hang.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

mod broken_changes;
mod broken_disks;
mod broken_replicas;
mod isolation;
mod remembered_makers;
mod support;
