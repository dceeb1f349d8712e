//! Where the servers of a lab are.

use std::net::Ipv4Addr;

use crate::loopback::{Loopback, free_port};
use crate::namespaces::Namespaces;

/// The host on which clients are.
const CLIENT: &str = "client";
/// Servers are hosts 1 to this.
pub const HOST_MAX: u8 = 6;
const BRIDGE: &str = "bridge";

/// Hosts 1 to [`HOST_MAX`], and one for clients.
#[derive(Debug)]
pub enum Network {
    /// All on loopback addresses.
    Loopback(Loopback, [u16; 2]),
    /// Each in a namespace, with a cable to a bridge.
    Bridge(Namespaces),
}

impl Network {
    /// Loopback addresses with ports that are free.
    #[must_use]
    pub fn loopback() -> Self {
        let block = Loopback::claim();
        let ips: Vec<_> = (1..=HOST_MAX).map(|host| block.ip(host)).collect();
        let tracker = free_port(&ips);
        let storage = std::iter::repeat_with(|| free_port(&ips)).find(|port| *port != tracker);
        Self::Loopback(block, [tracker, storage.unwrap_or_default()])
    }

    /// Namespaces; `None` where they may not be made.
    #[must_use]
    pub fn bridge() -> Option<Self> {
        let hosts: Vec<_> = (1..=HOST_MAX).map(host_name).collect();
        let mut all = vec![BRIDGE, CLIENT];
        all.extend(hosts.iter().map(String::as_str));
        let spaces = Namespaces::make(&all)?;
        let made = spaces.ip(BRIDGE, &["link", "add", "br0", "type", "bridge"])
            && spaces.ip(BRIDGE, &["link", "set", "br0", "up"])
            && spaces.wire(BRIDGE, "pc", Some("br0"), CLIENT, &["10.92.1.100/24"])
            && hosts.iter().zip(1..).all(|(host, number)| {
                let addr = format!("{}/24", bridge_ip(number));
                spaces.wire(BRIDGE, &format!("p{number}"), Some("br0"), host, &[&addr])
            });
        made.then_some(Self::Bridge(spaces))
    }

    /// The address of a host.
    #[must_use]
    pub fn ip(&self, host: u8) -> Ipv4Addr {
        match self {
            Self::Loopback(block, _) => block.ip(host),
            Self::Bridge(_) => bridge_ip(host),
        }
    }

    /// The port of all trackers.
    #[must_use]
    pub const fn tracker_port(&self) -> u16 {
        match self {
            Self::Loopback(_, [port, _]) => *port,
            Self::Bridge(_) => 22122,
        }
    }

    /// The port of all storages.
    #[must_use]
    pub const fn storage_port(&self) -> u16 {
        match self {
            Self::Loopback(_, [_, port]) => *port,
            Self::Bridge(_) => 23000,
        }
    }

    /// Does something on a host: processes that it starts, and connections that it makes, are there.
    pub fn on_host<T: Send>(&self, host: u8, work: impl FnOnce() -> T + Send) -> T {
        match self {
            Self::Loopback(..) => work(),
            Self::Bridge(spaces) => spaces.inside(&host_name(host), work),
        }
    }

    /// Does something where clients are.
    pub fn as_client<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match self {
            Self::Loopback(..) => work(),
            Self::Bridge(spaces) => spaces.inside(CLIENT, work),
        }
    }
}

fn host_name(host: u8) -> String {
    format!("h{host}")
}

const fn bridge_ip(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 92, 1, host)
}
