//! What serves: the files that are here, and where others are.
//!
//! * [`remote`]: files of other storages, by the client library; [`gateway`]: nothing but those.

pub mod gateway;
pub mod remote;

use std::net::IpAddr;

use fdfs_proto::file_id::{FileId, LogicName};

use crate::source::Found;
pub use remote::{Cluster, RemoteFile};

/// Why a file cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Absent {
    /// Nobody who can have it has it.
    #[error("there is no such file")]
    NotFound,
    /// It may be there, but who has it did not answer.
    #[error("no storage that may have it can be reached")]
    Unreachable,
    /// It may be there, but who has it took too long.
    #[error("a storage that may have it took too long")]
    TimedOut,
    /// It is there, and cannot be read.
    #[error("it cannot be read")]
    Failed,
    /// Too much to do just now.
    #[error("too many requests for files of other storages")]
    Busy,
}

/// What serves: a storage, a tracker, a gateway.
pub trait Site: Send + Sync + 'static {
    /// A file of this host. `name` is the one in `id`.
    fn open(&self, id: &FileId, name: &LogicName) -> impl Future<Output = Result<Found, Absent>> + Send;

    /// A file of this host or any other: whoever can have it is asked.
    fn fetch(&self, id: &FileId) -> impl Future<Output = Result<Found, Absent>> + Send;

    /// A host that has a file, to send a client there, by the address that it can reach.
    fn locate(&self, id: &FileId, asker: IpAddr) -> impl Future<Output = Result<IpAddr, Absent>> + Send;

    /// A value of a file's metadata, as far as it can be told without asking others.
    fn metadata(&self, id: &FileId) -> impl Future<Output = Result<Vec<(String, String)>, Absent>> + Send;

    /// Whether this address is one of this host.
    fn is_this_host(&self, ip: IpAddr) -> bool;

    /// A file of this host went out, or as many bytes of it as its client took.
    fn served(&self, _bytes: u64, _is_whole: bool) {}

    /// The cluster, for uploads and deletes; `None` where there is none.
    fn cluster(&self) -> Option<&Cluster>;
}
