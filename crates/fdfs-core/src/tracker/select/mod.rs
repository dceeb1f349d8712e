//! Which group, storage and store path a client is sent to.
//!
//! * [`Cluster::query_store_one`](super::Cluster::query_store_one), `query_store_all`: uploads (101, 104, 106, 107);
//! * [`Cluster::query_fetch_one`](super::Cluster::query_fetch_one), `query_fetch_all`: downloads (102, 105);
//! * [`Cluster::query_update`](super::Cluster::query_update): changes of a file (103).
//!
//! Source: behaviour, 3.9 to 3.13.

mod fetch;
mod group;
mod path;
mod server;
mod store;

use std::net::Ipv4Addr;

use fdfs_proto::{GroupName, IpText, StorageId};

use super::settings::Settings;
use super::storage::Storage;

/// Where a client is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// The storage.
    pub id: StorageId,
    /// Its address for this asker.
    pub ip: IpText,
    /// Its port.
    pub port: u16,
}

/// The answer to 101 and 104.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOne {
    /// The group.
    pub group: GroupName,
    /// The storage.
    pub storage: Endpoint,
    /// The store path on it.
    pub path_index: u8,
}

/// The answer to 106 and 107.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreAll {
    /// The group.
    pub group: GroupName,
    /// Its writable storages, sorted by id; at least one.
    pub storages: Vec<Endpoint>,
    /// The store path on the first of them.
    pub path_index: u8,
}

/// Who took a file, as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The number of a storage id.
    Id(u32),
    /// An address.
    Ip(Ipv4Addr),
}

/// What a file's name tells, decoded by the shell. A name that cannot be decoded is normal, has no source and was
/// created at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileFacts {
    /// Neither a slave nor an appender file: it never changes.
    pub normal: bool,
    /// Who took it.
    pub source: Option<Source>,
    /// When, unix seconds of that storage.
    pub created: i64,
}

impl FileFacts {
    /// The facts of a name that cannot be decoded.
    pub const UNKNOWN: Self = Self { normal: true, source: None, created: 0 };
}

impl Storage {
    pub(crate) fn endpoint(&self, asker: &IpText, settings: &Settings) -> Endpoint {
        let (ip, port) = self.reached_by(asker, settings.answer_width.for_asker(asker));
        Endpoint { id: self.id, ip, port }
    }

    /// Whether a file name means this storage; the port is not compared.
    pub(crate) fn is_source(&self, source: Option<Source>) -> bool {
        match source {
            None => false,
            Some(Source::Id(number)) => self.number == Some(number),
            Some(Source::Ip(ip)) => self.addrs.contains_v4(ip) || self.former.contains(&ip),
        }
    }
}
