//! Addresses of servers: a host and a port, or two hosts of one server with one port.

use std::fmt;
use std::net::IpAddr;

use crate::allow_hosts::is_host_name;
use crate::env::NetworkKind;

/// A host and a port. The host is an address or a name; names are resolved by the shell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// An IP address (IPv6 without brackets) or a host name.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// `host:port`, `[ipv6]:port`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// One or two hosts of one server, and the port if one is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// One or two IP addresses or host names, IPv6 in its shortest form and without brackets.
    pub hosts: Vec<String>,
    /// The port, if one is written.
    pub port: Option<u16>,
}

/// What a list of hosts may look like.
pub const HOSTS_FORMS: &str = "host, host:port, host1,host2:port, [ipv6]:port or [addr1,addr2]:port; \
     two addresses must be of different network types";

impl Hosts {
    /// `host`, `host:port`, `host1,host2:port`, `[ipv6]:port`, `[addr1,addr2]:port`. `None` for anything else, also
    /// for two addresses of the same [`NetworkKind`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (list, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (list, tail) = rest.split_once(']')?;
                let port = if tail.is_empty() { None } else { Some(tail.strip_prefix(':')?) };
                (list, port)
            }
            None => match text.rsplit_once(':') {
                Some((list, port)) => (list, Some(port)),
                None => (text, None),
            },
        };
        // Without brackets nobody can tell the last part of an IPv6 address from a port.
        if !text.starts_with('[') && list.contains(':') {
            return None;
        }
        let hosts: Vec<String> = list.split(',').take(3).map(normal_host).collect::<Option<_>>()?;
        let different = match hosts.as_slice() {
            [_] => true,
            [a, b] => match (a.parse::<IpAddr>(), b.parse::<IpAddr>()) {
                (Ok(a), Ok(b)) => NetworkKind::of(a) != NetworkKind::of(b),
                _ => a != b,
            },
            _ => false,
        };
        let port = match port {
            None => None,
            Some(port) => Some(parse_port(port)?),
        };
        different.then_some(Self { hosts, port })
    }

    /// Whether one of the hosts is an IPv6 address.
    #[must_use]
    pub fn has_ipv6(&self) -> bool {
        self.hosts.iter().any(|host| host.contains(':'))
    }
}

/// `host[:port]`, `host1,host2[:port]`; brackets where there is an IPv6 address.
impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = self.hosts.join(",");
        if self.has_ipv6() {
            write!(f, "[{list}]")?;
        } else {
            f.write_str(&list)?;
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// One tracker: its one or two addresses, with the same port.
///
/// Source: configuration, 5 (`tracker_server`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrackerServer {
    /// One or two addresses; two of them lead to the same tracker from different networks.
    pub addresses: Vec<Address>,
}

impl TrackerServer {
    /// Reads one value of `tracker_server`. A single IPv6 address may go without brackets when it has no port.
    #[must_use]
    pub fn parse(text: &str, default_port: u16) -> Option<Self> {
        let Hosts { hosts, port } = match text.parse::<IpAddr>() {
            Ok(ip) => Hosts { hosts: vec![ip.to_string()], port: None },
            Err(_) => Hosts::parse(text)?,
        };
        let port = port.unwrap_or(default_port);
        Some(Self { addresses: hosts.into_iter().map(|host| Address { host, port }).collect() })
    }
}

/// The addresses, separated by commas.
impl fmt::Display for TrackerServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, address) in self.addresses.iter().enumerate() {
            write!(f, "{}{address}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// An address in its shortest form, or a host name as it is.
fn normal_host(text: &str) -> Option<String> {
    let text = text.trim();
    match text.parse::<IpAddr>() {
        Ok(ip) => Some(ip.to_string()),
        Err(_) => is_host_name(text).then(|| text.to_owned()),
    }
}

/// A port from 1 to 65535, digits only.
pub(crate) fn parse_port(text: &str) -> Option<u16> {
    let text = text.trim();
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|&port| port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Hosts::parse(text).map(|hosts| hosts.to_string()).as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn hosts_are_read_and_written() {
        check("10.0.0.1", "10.0.0.1");
        check("tracker.example:22122", "tracker.example:22122");
        check("10.0.0.1,1.2.3.4:80", "10.0.0.1,1.2.3.4:80");
        check("[2001:DB8:0::1]:23001", "[2001:db8::1]:23001");
        check("[10.0.0.1,2001:db8::1]", "[10.0.0.1,2001:db8::1]");
    }

    #[test]
    fn what_is_no_host() {
        for text in [
            "",
            ":1",
            "a:",
            "a:0",
            "a:65536",
            "a:+1",
            "a,b,c:1",
            "10.0.0.1,10.0.0.2:1",
            "::1",
            "[::1",
            "[::1]1",
            "a b",
            "a,a",
            "10.0.0",
        ] {
            assert_eq!(Hosts::parse(text), None, "{text}");
        }
    }

    #[test]
    fn trackers_on_loopback_are_allowed() {
        let tracker = TrackerServer::parse("127.0.0.1", 22122).unwrap();
        assert_eq!(tracker.to_string(), "127.0.0.1:22122");
        assert_eq!(TrackerServer::parse("::1", 22122).unwrap().to_string(), "[::1]:22122");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_is_stable(text: String) {
            if let Some(hosts) = Hosts::parse(&text) {
                prop_assert_eq!(Hosts::parse(&hosts.to_string()), Some(hosts));
            }
        }
    }
}
