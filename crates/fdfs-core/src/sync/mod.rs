//! Replication inside a group: pure decisions.

pub mod verdict;
