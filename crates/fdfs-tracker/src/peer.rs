//! The other side of a connection.

use std::net::{IpAddr, SocketAddr};

use fdfs_core::tracker::{ConnId, HostPort, JoinPeer};
use fdfs_proto::{IpText, VersionText};

/// The other side of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    /// The number of the connection.
    pub(crate) conn: ConnId,
    /// Where it comes from.
    pub(crate) addr: SocketAddr,
    /// Its address, as text.
    pub(crate) ip: IpText,
    /// The address that it connected to.
    pub(crate) local_ip: IpText,
    /// A tracker that follows this one.
    pub(crate) follower: Option<Follower>,
}

/// A tracker that joined this one as its leader (58).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Follower {
    pub(crate) host: HostPort,
    pub(crate) version: VersionText,
    pub(crate) up_time: i64,
    /// The changes of trunk servers that it was told; `None` before the first ping.
    pub(crate) told_trunk_chg_count: Option<u64>,
}

impl Peer {
    pub(crate) fn new(conn: ConnId, addr: SocketAddr, local: Option<SocketAddr>) -> Self {
        let local_ip = local.map_or(IpText::EMPTY, |local| ip_text(local.ip()));
        Self { conn, addr, ip: ip_text(addr.ip()), local_ip, follower: None }
    }

    pub(crate) const fn joining(&self) -> JoinPeer {
        JoinPeer { conn: self.conn, ip: self.ip, local_ip: self.local_ip }
    }
}

/// An address as text; IPv4 inside of IPv6 is IPv4.
pub(crate) fn ip_text(ip: IpAddr) -> IpText {
    // An address has at most 45 characters, all of them graphic.
    IpText::new(ip.to_canonical().to_string().as_bytes()).unwrap_or(IpText::EMPTY)
}
