//! Addresses of storages and trackers, and which of two an asker is told.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use fdfs_proto::IpText;

/// The kind of network that an address belongs to. Source: behaviour, 3.20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddrKind {
    /// `10.x.x.x`.
    Private10,
    /// `172.16.x.x` to `172.31.x.x`.
    Private172,
    /// `192.168.x.x`.
    Private192,
    /// Everything else.
    Outer,
}

impl AddrKind {
    /// The kind of an address text.
    #[must_use]
    pub fn of(ip: &IpText) -> Self {
        match ip.as_str().parse::<Ipv4Addr>().map(|v4| v4.octets()) {
            Ok([10, ..]) => Self::Private10,
            Ok([172, 16..=31, ..]) => Self::Private172,
            Ok([192, 168, ..]) => Self::Private192,
            _ => Self::Outer,
        }
    }
}

/// As tools show it: the network, or `public`.
impl fmt::Display for AddrKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Private10 => "10.0.0.0/8",
            Self::Private172 => "172.16.0.0/12",
            Self::Private192 => "192.168.0.0/16",
            Self::Outer => "public",
        })
    }
}

/// One address, or two in different networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addrs {
    first: IpText,
    second: Option<IpText>,
    // Kept beside the texts, because every download query compares them.
    first_v4: Option<Ipv4Addr>,
    second_v4: Option<Ipv4Addr>,
    second_kind: AddrKind,
}

impl Addrs {
    /// A single address.
    #[must_use]
    pub fn one(ip: IpText) -> Self {
        let first_v4 = ip.as_str().parse().ok();
        Self { first: ip, second: None, first_v4, second_v4: None, second_kind: AddrKind::Outer }
    }

    /// An address and perhaps a second one; an empty or equal second counts as none.
    #[must_use]
    pub fn new(first: IpText, second: Option<IpText>) -> Self {
        let mut addrs = Self::one(first);
        if let Some(ip) = second.filter(|ip| !ip.is_empty() && *ip != first) {
            addrs.second = Some(ip);
            addrs.second_v4 = ip.as_str().parse().ok();
            addrs.second_kind = AddrKind::of(&ip);
        }
        addrs
    }

    /// The first address.
    #[must_use]
    pub const fn first(&self) -> &IpText {
        &self.first
    }

    /// The second address.
    #[must_use]
    pub const fn second(&self) -> Option<&IpText> {
        self.second.as_ref()
    }

    /// Both addresses in order.
    pub fn iter(&self) -> impl Iterator<Item = &IpText> {
        std::iter::once(&self.first).chain(self.second.as_ref())
    }

    /// Whether it is one of them.
    #[must_use]
    pub fn contains(&self, ip: &IpText) -> bool {
        self.first == *ip || self.second.as_ref() == Some(ip)
    }

    /// Whether it is one of them, without making a text.
    #[must_use]
    pub fn contains_v4(&self, ip: Ipv4Addr) -> bool {
        self.first_v4 == Some(ip) || self.second_v4 == Some(ip)
    }

    /// The address that `asker` is told: the second when it is of the asker's kind, else the first.
    #[must_use]
    pub fn for_asker(&self, asker: &IpText) -> &IpText {
        match &self.second {
            Some(second) if AddrKind::of(asker) == self.second_kind => second,
            _ => &self.first,
        }
    }

    /// The second address, and which askers are told it.
    #[must_use]
    pub fn second_with_kind(&self) -> Option<(AddrKind, &IpText)> {
        self.second.as_ref().map(|second| (self.second_kind, second))
    }

    /// Takes over an address that is not known yet, if there is room for it; says whether it did.
    pub(crate) fn learn(&mut self, ip: &IpText) -> bool {
        let learns = self.second.is_none() && self.first != *ip && !ip.is_empty();
        if learns {
            *self = Self::new(self.first, Some(*ip));
        }
        learns
    }
}

/// An address and a port: a leader as the wire names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPort {
    /// The address.
    pub ip: IpText,
    /// The port.
    pub port: u16,
}

/// `ip:port`, or `[ip]:port` for IPv6.
impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip.as_str().parse() {
            Ok(IpAddr::V6(_)) => write!(f, "[{}]:{}", self.ip, self.port),
            _ => write!(f, "{}:{}", self.ip, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpText {
        text.parse().unwrap()
    }

    #[test]
    fn an_asker_is_told_the_address_of_its_own_network() {
        let addrs = Addrs::new(ip("10.0.0.5"), Some(ip("88.1.2.3")));
        for (asker, told) in [
            ("10.9.9.9", "10.0.0.5"),
            ("9.9.9.9", "88.1.2.3"),
            ("192.168.1.1", "10.0.0.5"),
            ("172.31.0.1", "10.0.0.5"),
            ("172.32.0.1", "88.1.2.3"),
            ("fe80::1", "88.1.2.3"),
        ] {
            assert_eq!(addrs.for_asker(&ip(asker)), &ip(told), "{asker}");
        }
        assert_eq!(Addrs::one(ip("10.0.0.5")).for_asker(&ip("9.9.9.9")), &ip("10.0.0.5"));
    }

    #[test]
    fn ipv6_hosts_are_bracketed() {
        assert_eq!(HostPort { ip: ip("10.0.0.5"), port: 1 }.to_string(), "10.0.0.5:1");
        assert_eq!(HostPort { ip: ip("fe80::1"), port: 22122 }.to_string(), "[fe80::1]:22122");
    }
}
