//! Questions to a tracker: connect, ask, read a typed answer.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fdfs_conf::StorageConf;
use fdfs_conf::address::TrackerServer;
use fdfs_net::resolve::HostPort;
use fdfs_net::{CallOptions, Caller};
use fdfs_proto::{Request, Status, Wire, WireError};

use super::error::LinkError;

/// The longest answer of a tracker that a storage asks for: all storages of a group, with room.
const ANSWER_MAX_BYTES: usize = 64 << 10;

/// How to reach trackers.
#[derive(Debug, Clone)]
pub struct TrackerDialer {
    options: CallOptions,
    resolve_timeout: Duration,
}

impl TrackerDialer {
    /// From the configuration; `bind` is the address that outgoing connections come from.
    #[must_use]
    pub fn new(conf: &StorageConf, bind: Option<IpAddr>) -> Self {
        let connect_timeout = Duration::from_secs(conf.server.connect_timeout_secs);
        let network_timeout = Duration::from_secs(conf.server.network_timeout_secs);
        Self { options: CallOptions { connect_timeout, network_timeout, bind }, resolve_timeout: connect_timeout }
    }

    /// As [`TrackerDialer::new`], with the address that the configuration says.
    #[must_use]
    pub fn of(conf: &StorageConf) -> Self {
        let own = conf.server.inner_bind_addrs.first().and_then(|addr| addr.parse().ok());
        Self::new(conf, own.filter(|_| conf.client_bind))
    }

    /// Time limits and the local address, also for calls to other storages.
    #[must_use]
    pub const fn options(&self) -> CallOptions {
        self.options
    }

    /// Connects to a tracker: names are resolved anew, and each address is tried.
    ///
    /// # Errors
    /// [`LinkError`]: the last one.
    pub async fn connect(&self, tracker: &TrackerServer) -> Result<Caller, LinkError> {
        let mut last = None;
        for addr in self.addresses(tracker).await? {
            match Caller::connect(addr, &self.options).await {
                Ok(caller) => return Ok(caller),
                Err(e) => last = Some(e),
            }
        }
        Err(last.map_or_else(|| LinkError::NoAddress { tracker: tracker.to_string() }, LinkError::Net))
    }

    /// All addresses of a tracker, as they are now.
    ///
    /// # Errors
    /// [`LinkError::Resolve`] when none of its names has an address.
    pub async fn addresses(&self, tracker: &TrackerServer) -> Result<Vec<SocketAddr>, LinkError> {
        let mut found = Vec::new();
        let mut failed = None;
        for address in &tracker.addresses {
            let host = HostPort { host: address.host.clone(), port: Some(address.port) };
            match host.resolve(address.port, self.resolve_timeout).await {
                Ok(addrs) => found.extend(addrs),
                Err(e) => failed = Some(e),
            }
        }
        match failed {
            Some(e) if found.is_empty() => Err(e.into()),
            _ => Ok(found),
        }
    }
}

/// Asks, and reads a typed answer.
///
/// # Errors
/// [`LinkError::Refused`] for a status other than 0, [`LinkError::Nonsense`], [`LinkError::Net`].
pub async fn ask<R: Request, A>(
    caller: &mut Caller,
    request: &R,
    decode: impl FnOnce(&[u8]) -> Result<A, WireError>,
) -> Result<A, LinkError> {
    let (tracker, command) = (caller.peer_addr(), R::COMMAND.label());
    let answer = caller.call(R::COMMAND, 0, &request.to_bytes(), ANSWER_MAX_BYTES).await?;
    if answer.status != Status::OK {
        return Err(LinkError::Refused { tracker, command, status: answer.status });
    }
    decode(&answer.body).map_err(|source| LinkError::Nonsense { tracker, command, source })
}

/// Tells something whose answer is empty.
///
/// # Errors
/// As [`ask`].
pub async fn tell<R: Request>(caller: &mut Caller, request: &R) -> Result<(), LinkError> {
    ask(caller, request, |_| Ok(())).await
}

/// [`Wire::from_bytes`] as a decoder for [`ask`].
///
/// # Errors
/// [`WireError`].
pub fn whole<A: Wire>(body: &[u8]) -> Result<A, WireError> {
    A::from_bytes(body)
}
