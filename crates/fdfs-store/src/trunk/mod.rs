//! Trunk files on a storage's disks, and what is kept of the free space in them.
//!
//! * [`file`]: the trunk files themselves;
//! * [`log`]: the trunk binlog and its snapshot; [`compaction`]: replacing it by what is free.

pub mod compaction;
pub mod file;
pub mod log;

pub use compaction::SaveStage;
pub use file::trunk_file_name;
pub use log::TrunkLog;
