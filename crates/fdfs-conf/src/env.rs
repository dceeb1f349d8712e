//! Facts about this host, which the shell finds out and passes in.

use std::net::IpAddr;

/// Facts about this host that a configuration may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Env {
    /// The addresses of this host, in the order of its interfaces, loopback included or not as the shell sees fit.
    pub local_ips: Vec<IpAddr>,
    /// The host's name.
    pub host_name: String,
}

/// The kinds of addresses between which two addresses of one server must differ.
///
/// Source: configuration, 5 (`tracker_server`); disk formats, A.10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkKind {
    /// 127.0.0.0/8 and ::1.
    Loopback,
    /// 10.0.0.0/8.
    Private10,
    /// 172.16.0.0/12.
    Private172,
    /// 192.168.0.0/16.
    Private192,
    /// Every other IPv4 address.
    Outer,
    /// IPv6: unique local and link local.
    InnerV6,
    /// Every other IPv6 address.
    OuterV6,
}

impl NetworkKind {
    /// The kind of an address.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            ip if ip.is_loopback() => Self::Loopback,
            IpAddr::V4(v4) => match v4.octets() {
                [10, ..] => Self::Private10,
                [172, second, ..] if second & 0xF0 == 16 => Self::Private172,
                [192, 168, ..] => Self::Private192,
                _ => Self::Outer,
            },
            IpAddr::V6(v6) if v6.is_unique_local() || v6.is_unicast_link_local() => Self::InnerV6,
            IpAddr::V6(_) => Self::OuterV6,
        }
    }

    /// Whether it belongs to an inner network.
    #[must_use]
    pub const fn is_inner(self) -> bool {
        matches!(self, Self::Private10 | Self::Private172 | Self::Private192 | Self::InnerV6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_addresses() {
        let kind = |ip: &str| NetworkKind::of(ip.parse().unwrap());
        assert_eq!(kind("10.1.2.3"), NetworkKind::Private10);
        assert_eq!(kind("172.31.0.1"), NetworkKind::Private172);
        assert_eq!(kind("172.32.0.1"), NetworkKind::Outer);
        assert_eq!(kind("::ffff:192.168.1.1"), NetworkKind::Private192);
        assert_eq!(kind("fe80::1"), NetworkKind::InnerV6);
        assert_eq!(kind("2001:db8::1"), NetworkKind::OuterV6);
        assert_eq!(kind("127.0.0.2"), NetworkKind::Loopback);
    }
}
