//! Trunk files on a storage's disks, and what is kept of the free space in them.
//!
//! * [`file`]: the trunk files themselves.

pub mod file;

pub use file::trunk_file_name;
