//! A storage that shall do something.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use fdfs_net::NetError;
use fdfs_proto::cmd::tracker::StorageAddr;

use crate::{Client, ClientError};

/// A storage that shall do something, and who named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) addr: SocketAddr,
    pub(crate) tracker: Option<SocketAddr>,
}

impl Target {
    /// Whether it is one of these, whoever named it: trackers take turns, and name the same storages.
    pub(crate) fn is_among(&self, targets: &[Self]) -> bool {
        targets.iter().any(|other| other.addr == self.addr)
    }

    /// What a failure on the way to it, or on its connection, means.
    pub(crate) fn failed(self, doing: &'static str, reason: NetError) -> ClientError {
        let (is_connect, reason) = (reason.is_connect(), Box::new(reason));
        if is_connect {
            ClientError::StorageUnreachable { doing, storage: self.addr, tracker: self.tracker, reason }
        } else {
            ClientError::Connection { doing, reason }
        }
    }
}

/// Translates the addresses that trackers give.
#[derive(Clone)]
pub(crate) struct AddressMap(pub(crate) Arc<dyn Fn(SocketAddr) -> SocketAddr + Send + Sync>);

impl fmt::Debug for AddressMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressMap(..)")
    }
}

impl Client {
    /// The storage that a tracker named.
    pub(crate) fn target(
        &self,
        doing: &'static str,
        storage: StorageAddr,
        tracker: SocketAddr,
    ) -> Result<Target, ClientError> {
        let Ok(ip) = storage.ip.as_str().parse::<IpAddr>() else {
            return Err(ClientError::BadStorageAddress { doing, tracker, ip: storage.ip.to_string() });
        };
        Ok(Target { tracker: Some(tracker), ..self.mapped(SocketAddr::new(ip, storage.port)) })
    }

    /// A storage as it is reached from here.
    pub(crate) fn mapped(&self, given: SocketAddr) -> Target {
        let addr = self.inner.address_map.as_ref().map_or(given, |map| (map.0)(given));
        Target { addr, tracker: None }
    }
}
