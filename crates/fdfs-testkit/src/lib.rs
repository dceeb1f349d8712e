//! Clusters for tests: in-process servers, real processes, recorded transcripts.
//!
//! Never: a part of a program that users run.

pub mod fuzz;
