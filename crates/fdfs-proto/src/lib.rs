//! Every byte a FastDFS program can see: wire commands, file ids and files on disk.
//!
//! Never: I/O, a clock, randomness, or an allocation sized by a number that a peer sent.
//!
//! * [`header`], [`command`], [`wire`]: the frame, the command table and how bodies are read and written;
//! * [`shared`]: structures that several commands carry;
//! * [`file_id`]: the names the servers give to files;
//! * [`cmd`]: one file per command body;
//! * [`disk`]: one file per file format of a storage or tracker directory;
//! * [`token`], [`md5`]: what protects URLs from being passed on;
//! * [`ours`]: what our servers say to our own tools.

pub mod cmd;
pub mod command;
pub mod disk;
pub mod error;
pub mod file_id;
pub mod header;
pub mod limits;
pub mod md5;
pub mod ours;
pub mod shared;
pub mod status;
pub mod text;
pub mod token;
pub mod wire;

pub use command::{Command, Direction};
pub use error::WireError;
pub use header::{HEADER_LEN, Header};
pub use status::Status;
pub use text::{ExtName, FileName, GroupName, IpText, SlavePrefix, StorageId, VersionText};
pub use wire::{Put, Reader, Request, Wire};
