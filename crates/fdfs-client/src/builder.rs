//! Describing a client.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use fdfs_conf::ClientConf;
use fdfs_net::resolve::{HostPort, ResolveError};
use fdfs_net::{CallOptions, Pool, PoolOptions};
use tokio::sync::OnceCell;

use crate::calls::Calls;
use crate::client::Inner;
use crate::dead_peers::DeadPeers;
use crate::target::AddressMap;
use crate::tracker_node::TrackerNode;
use crate::trackers::Trackers;
use crate::{Client, ClientError};

/// A kept connection that was used this short a time ago is used again without a question.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// A client to be described. Defaults: `connect_timeout` 5 s, `network_timeout` 60 s, up to 64 idle connections to
/// each server, kept for at most an hour; whole downloads are checked.
#[derive(Debug)]
pub struct ClientBuilder {
    trackers: Vec<TrackerNode>,
    bad_tracker: Option<ResolveError>,
    call: CallOptions,
    pool: PoolOptions,
    verify_crc32: bool,
    address_map: Option<AddressMap>,
    storage_ids: HashMap<u32, IpAddr>,
    load_storage_ids: bool,
    trusted_for: Duration,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            trackers: Vec::new(),
            bad_tracker: None,
            call: CallOptions::default(),
            pool: PoolOptions::default(),
            verify_crc32: true,
            address_map: None,
            storage_ids: HashMap::new(),
            load_storage_ids: false,
            trusted_for: TRUSTED_FOR,
        }
    }
}

impl ClientBuilder {
    /// What client.conf describes, to be changed further.
    #[must_use]
    pub fn from_conf(conf: &ClientConf) -> Self {
        let pool = PoolOptions {
            max_idle_time: Duration::from_secs(conf.connection_pool_max_idle_time_secs),
            max_idle_per_addr: if conf.use_connection_pool { PoolOptions::default().max_idle_per_addr } else { 0 },
        };
        let call = CallOptions {
            connect_timeout: Duration::from_secs(conf.connect_timeout_secs),
            network_timeout: Duration::from_secs(conf.network_timeout_secs),
            bind: None,
        };
        Self {
            trackers: conf.tracker_servers.iter().map(TrackerNode::from_conf).collect(),
            call,
            pool,
            load_storage_ids: conf.load_fdfs_parameters_from_tracker,
            ..Self::default()
        }
    }

    /// Adds a tracker: `host`, `host:port`, `1.2.3.4:port` or `[v6]:port`; the port is 22122 if not given.
    #[must_use]
    pub fn tracker(mut self, host_port: &str) -> Self {
        match host_port.parse::<HostPort>() {
            Ok(host) => self.trackers.push(TrackerNode::new(host)),
            Err(error) => self.bad_tracker = self.bad_tracker.or(Some(error)),
        }
        self
    }

    /// How long a connect may take.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.call.connect_timeout = timeout;
        self
    }

    /// How long a server may stay silent, or not take data; starts anew with every chunk.
    #[must_use]
    pub const fn network_timeout(mut self, timeout: Duration) -> Self {
        self.call.network_timeout = timeout;
        self
    }

    /// The local address to connect from, where the machine has several.
    #[must_use]
    pub const fn bind(mut self, local: IpAddr) -> Self {
        self.call.bind = Some(local);
        self
    }

    /// The most idle connections that are kept to each server; 0 keeps none.
    #[must_use]
    pub const fn max_idle_connections(mut self, count: usize) -> Self {
        self.pool.max_idle_per_addr = count;
        self
    }

    /// How long an idle connection is kept.
    #[must_use]
    pub const fn max_idle_time(mut self, time: Duration) -> Self {
        self.pool.max_idle_time = time;
        self
    }

    /// How long a kept connection may have been idle to be used for a change without a question first whether it still leads
    /// somewhere (default: a second). The question costs a round trip, a change that goes into a dead connection more.
    #[must_use]
    pub const fn trust_idle_for(mut self, time: Duration) -> Self {
        self.trusted_for = time;
        self
    }

    /// Whether whole downloads of regular files are checked against size and CRC-32 in their ids (default: yes). Must be off
    /// for clusters with `check_file_duplicate`, where ids of links hold a random number in its place.
    #[must_use]
    pub const fn verify_crc32(mut self, verify: bool) -> Self {
        self.verify_crc32 = verify;
        self
    }

    /// Translates the addresses of storages that trackers give, for clients that are in another network than the
    /// servers: behind a NAT, or outside of containers.
    ///
    /// ```
    /// # use fdfs_client::Client;
    /// let client = Client::builder().tracker("127.0.0.1").map_storage(|mut addr| {
    ///     addr.set_ip([127, 0, 0, 1].into()); // The ports of the containers are published on this machine.
    ///     addr
    /// });
    /// ```
    #[must_use]
    pub fn map_storage(mut self, map: impl Fn(SocketAddr) -> SocketAddr + Send + Sync + 'static) -> Self {
        self.address_map = Some(AddressMap(Arc::new(map)));
        self
    }

    /// Addresses of storages by id, as in storage_ids.conf: for [`Client::file_info`] of ids that hold a number.
    #[must_use]
    pub fn storage_ids(mut self, ids: impl IntoIterator<Item = (u32, IpAddr)>) -> Self {
        self.storage_ids.extend(ids);
        self
    }

    /// Asks a tracker for those addresses when they are needed (default: no; the storage is asked then).
    #[must_use]
    pub const fn load_storage_ids(mut self, load: bool) -> Self {
        self.load_storage_ids = load;
        self
    }

    /// The client. Nothing is connected yet.
    ///
    /// # Errors
    /// [`ClientError::NoTrackerGiven`], [`ClientError::BadTracker`].
    pub fn build(self) -> Result<Client, ClientError> {
        if let Some(error) = self.bad_tracker {
            return Err(ClientError::BadTracker(error));
        }
        if self.trackers.is_empty() {
            return Err(ClientError::NoTrackerGiven);
        }
        let (pool, dead) = (Pool::new(self.pool), DeadPeers::default());
        let calls = Calls { pool, options: self.call, dead, trusted_for: self.trusted_for };
        let inner = Inner {
            calls,
            trackers: Trackers::new(self.trackers),
            verify_crc32: self.verify_crc32,
            address_map: self.address_map,
            storage_ids: self.storage_ids,
            load_storage_ids: self.load_storage_ids,
            loaded_storage_ids: OnceCell::new(),
        };
        Ok(Client { inner: Arc::new(inner) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_needs_a_tracker_that_is_an_address() {
        assert!(matches!(Client::builder().build(), Err(ClientError::NoTrackerGiven)));
        let bad = Client::builder().tracker("a b:1").tracker("good:1").build();
        assert!(matches!(bad, Err(ClientError::BadTracker(ResolveError::BadText { .. }))));
    }

    #[test]
    fn client_conf_is_taken_over() {
        let conf = ClientConf {
            tracker_servers: vec![fdfs_conf::TrackerServer::parse("10.0.0.1", 22122).unwrap()],
            connect_timeout_secs: 3,
            network_timeout_secs: 7,
            use_connection_pool: false,
            ..ClientConf::default()
        };
        let builder = ClientBuilder::from_conf(&conf);
        assert_eq!(builder.call.connect_timeout, Duration::from_secs(3));
        assert_eq!(builder.call.network_timeout, Duration::from_secs(7));
        assert_eq!(builder.pool.max_idle_per_addr, 0);
        let client = builder.build().unwrap();
        assert_eq!(client.trackers().len(), 1);
        assert_eq!(client.trackers()[0].to_string(), "10.0.0.1:22122");
    }
}
