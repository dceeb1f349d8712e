//! Names of machines to addresses.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use crate::timed::millis;

/// The longest host name, in bytes.
const HOST_NAME_MAX: usize = 253;

/// A machine and perhaps a port: `host`, `host:port`, `1.2.3.4:port`, `[v6]:port`, `[v6]`, or a bare IPv6 address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// A host name or an address, without brackets.
    pub host: String,
    /// The port, if one was given.
    pub port: Option<u16>,
}

/// Why a text led to no address.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The text is not of the form `host:port`.
    #[error("{text:?} is no address: {reason}; write host:port, 1.2.3.4:port or [v6]:port")]
    BadText {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The system could not resolve the name.
    #[error("resolve {host}: {source}; check the name and the name server (getent hosts {host})")]
    Lookup {
        /// The name.
        host: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The name has no address.
    #[error("resolve {host}: the name has no address")]
    NoAddress {
        /// The name.
        host: String,
    },
    /// The name server did not answer in time.
    #[error("resolve {host}: no answer of the name server within {timeout_ms} ms")]
    Timeout {
        /// The name.
        host: String,
        /// How long it was waited.
        timeout_ms: u64,
    },
}

impl FromStr for HostPort {
    type Err = ResolveError;

    fn from_str(text: &str) -> Result<Self, ResolveError> {
        let text = text.trim();
        let bad = |reason| ResolveError::BadText { text: text.chars().take(HOST_NAME_MAX).collect(), reason };
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, behind) = rest.split_once(']').ok_or_else(|| bad("no closing bracket"))?;
            host.parse::<Ipv6Addr>().map_err(|_| bad("no IPv6 address in the brackets"))?;
            match behind.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if behind.is_empty() => (host, None),
                None => return Err(bad("text behind the bracket")),
            }
        } else if text.parse::<Ipv6Addr>().is_ok() {
            (text, None)
        } else {
            match text.split_once(':') {
                Some((_, port)) if port.contains(':') => return Err(bad("several colons and no IPv6 address")),
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            }
        };
        if host.is_empty() {
            return Err(bad("no host"));
        }
        if host.len() > HOST_NAME_MAX {
            return Err(bad("the host name is too long"));
        }
        if !host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':')) {
            return Err(bad("a character that no host name has"));
        }
        let port = port.map(|digits| match digits.parse() {
            Ok(port) if port != 0 && digits.bytes().all(|b| b.is_ascii_digit()) => Ok(port),
            _ => Err(bad("the port is not a number from 1 to 65535")),
        });
        Ok(Self { host: host.to_owned(), port: port.transpose()? })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.host.contains(':'), self.port) {
            (true, Some(port)) => write!(f, "[{}]:{port}", self.host),
            (false, Some(port)) => write!(f, "{}:{port}", self.host),
            (_, None) => f.write_str(&self.host),
        }
    }
}

impl HostPort {
    /// All addresses of the machine, in the order of the system's preference, without doubles. Texts that are addresses
    /// ask nobody.
    ///
    /// # Errors
    /// [`ResolveError::Lookup`], [`ResolveError::NoAddress`], [`ResolveError::Timeout`].
    pub async fn resolve(&self, default_port: u16, timeout: Duration) -> Result<Vec<SocketAddr>, ResolveError> {
        let port = self.port.unwrap_or(default_port);
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let host = || self.host.clone();
        let lookup = tokio::net::lookup_host((self.host.as_str(), port));
        let mut addrs: Vec<SocketAddr> = Vec::new();
        match tokio::time::timeout(timeout, lookup).await {
            Ok(Ok(found)) => found.for_each(|addr| {
                if !addrs.contains(&addr) {
                    addrs.push(addr);
                }
            }),
            Ok(Err(source)) => return Err(ResolveError::Lookup { host: host(), source }),
            Err(_) => return Err(ResolveError::Timeout { host: host(), timeout_ms: millis(timeout) }),
        }
        if addrs.is_empty() { Err(ResolveError::NoAddress { host: host() }) } else { Ok(addrs) }
    }
}

/// The addresses of a text such as `tracker1:22122`; see [`HostPort`].
///
/// # Errors
/// [`ResolveError`].
pub async fn resolve(text: &str, default_port: u16, timeout: Duration) -> Result<Vec<SocketAddr>, ResolveError> {
    text.parse::<HostPort>()?.resolve(default_port, timeout).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(String, Option<u16>)> {
        text.parse::<HostPort>().ok().map(|h| (h.host, h.port))
    }

    #[test]
    fn every_form_reads_and_writes_back() {
        for (text, host, port) in [
            ("tracker1:22122", "tracker1", Some(22122)),
            ("tracker1", "tracker1", None),
            ("10.0.0.1:1", "10.0.0.1", Some(1)),
            ("[fd00::11]:65535", "fd00::11", Some(65535)),
            ("fd00::11", "fd00::11", None),
        ] {
            assert_eq!(parsed(text), Some((host.to_owned(), port)), "{text}");
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), text);
        }
        assert_eq!(parsed(" [::1] "), Some(("::1".into(), None)));
    }

    #[test]
    fn nonsense_is_named() {
        for text in ["", ":22122", "h:", "h:0", "h:65536", "h:+1", "h:1:2", "[::1", "[::1]x", "[h]:1", "a b:1", "a/b:1"]
        {
            let error = text.parse::<HostPort>().unwrap_err();
            assert!(matches!(error, ResolveError::BadText { .. }), "{text}: {error}");
        }
        assert!("x".repeat(254).parse::<HostPort>().is_err());
    }

    #[tokio::test]
    async fn addresses_resolve_without_asking_anybody() {
        let none = Duration::ZERO;
        assert_eq!(resolve("10.0.0.1:7", 1, none).await.unwrap(), ["10.0.0.1:7".parse().unwrap()]);
        assert_eq!(resolve("::1", 23000, none).await.unwrap(), ["[::1]:23000".parse().unwrap()]);
    }

    #[tokio::test]
    async fn localhost_resolves_to_loopback() {
        let addrs = resolve("localhost:22122", 1, Duration::from_secs(30)).await.unwrap();
        assert!(addrs.iter().all(|a| a.ip().is_loopback() && a.port() == 22122) && !addrs.is_empty(), "{addrs:?}");
    }
}
