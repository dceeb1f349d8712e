//! `ip:port` and `[ipv6]:port`, and hosts with one or two addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::cmd::tracker::record;
use crate::limits::HOST_PORT_MAX;
use crate::{IpText, Put, Reader, WireError};

/// A server's address and port, as text of at most 52 bytes: `10.0.0.1:22122` or `[fe80::1]:22122`.
///
/// Source: wire specification, 1.5, 2.2.3, 2.3.11, 2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// Its address, without brackets.
    pub ip: IpText,
    /// Its port, never 0.
    pub port: u16,
}

impl HostPort {
    /// Reads the text.
    ///
    /// # Errors
    /// [`WireError::TooLong`] beyond 52 bytes; [`WireError::BadText`] when it is empty, is not of this form, or holds
    /// no address or port.
    pub fn parse(text: &[u8]) -> Result<Self, WireError> {
        const FIELD: &str = "ip:port";
        if text.len() > HOST_PORT_MAX {
            return Err(WireError::TooLong { field: FIELD, len: text.len(), max: HOST_PORT_MAX });
        }
        let (host, port) = split_port(text).ok_or_else(|| WireError::bad_text(FIELD, text))?;
        Ok(Self { ip: parse_ip(host)?, port })
    }

    /// Reads a field of `width` bytes; garbage behind the first NUL is ignored.
    ///
    /// # Errors
    /// [`WireError::Truncated`], and those of [`HostPort::parse`].
    pub fn read(reader: &mut Reader<'_>, width: usize) -> Result<Self, WireError> {
        let bytes = reader.bytes(width, "ip:port")?;
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        Self::parse(&bytes[..end])
    }

    /// Writes a field of `width` bytes, padded with NUL.
    pub fn put(&self, out: &mut Vec<u8>, width: usize) {
        out.put_padded(self.to_string().as_bytes(), width);
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HostAddrs::one(self.ip).fmt_bracketed(f)?;
        write!(f, ":{}", self.port)
    }
}

impl FromStr for HostPort {
    type Err = WireError;
    fn from_str(text: &str) -> Result<Self, WireError> {
        Self::parse(text.as_bytes())
    }
}

/// The one or two addresses of a host, the inner one first.
///
/// Source: wire specification, 1.5; configuration, 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostAddrs {
    /// The first address.
    pub first: IpText,
    /// The second, of a host that has two.
    pub second: Option<IpText>,
}

impl HostAddrs {
    /// A host with one address.
    #[must_use]
    pub const fn one(ip: IpText) -> Self {
        Self { first: ip, second: None }
    }

    /// The addresses, in order.
    pub fn iter(&self) -> impl Iterator<Item = IpText> {
        [Some(self.first), self.second].into_iter().flatten()
    }

    /// Reads `ip` or `ip,ip2`.
    ///
    /// # Errors
    /// [`WireError::BadText`], [`WireError::TooLong`].
    pub fn parse(text: &[u8]) -> Result<Self, WireError> {
        match text.iter().position(|&b| b == b',') {
            None => Ok(Self::one(parse_ip(text)?)),
            Some(at) => Ok(Self { first: parse_ip(&text[..at])?, second: Some(parse_ip(&text[at + 1..])?) }),
        }
    }

    /// Writes them as they stand in front of a port: in brackets when one is an IPv6 address.
    ///
    /// # Errors
    /// Those of the formatter.
    pub fn fmt_bracketed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.iter().any(|ip| ip.as_bytes().contains(&b':')) { write!(f, "[{self}]") } else { write!(f, "{self}") }
    }
}

/// `ip` or `ip,ip2`, without brackets.
impl fmt::Display for HostAddrs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.second.map_or(Ok(()), |second| write!(f, ",{second}"))
    }
}

/// Takes `host:port` or `[host]:port` apart; an IPv6 address without brackets is neither.
pub(super) fn split_port(text: &[u8]) -> Option<(&[u8], u16)> {
    let at = text.iter().rposition(|&b| b == b':')?;
    let (host, port) = (unbracket(&text[..at])?, std::str::from_utf8(&text[at + 1..]).ok()?);
    // `parse` alone would take a plus sign.
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let port = digits.then(|| port.parse().ok()).flatten().and_then(|port| record::port(port).ok())?;
    (port != 0).then_some((host, port))
}

/// Takes off the brackets that an IPv6 address must have and an IPv4 address may have.
pub(super) fn unbracket(host: &[u8]) -> Option<&[u8]> {
    match host {
        [b'[', inner @ .., b']'] => Some(inner),
        _ => (!host.contains(&b':')).then_some(host),
    }
}

/// A text that must be an address, IPv4 or IPv6.
pub(super) fn parse_ip(text: &[u8]) -> Result<IpText, WireError> {
    let ip = IpText::new(text)?;
    if ip.as_str().parse::<IpAddr>().is_err() {
        return Err(WireError::bad_text("ip address", text));
    }
    Ok(ip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn texts_read_and_write_back() {
        for text in ["10.78.1.11:23000", "[fe80::1]:22122", "255.255.255.255:65535", "[::ffff:10.0.0.1]:1"] {
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            ":",
            "10.78.1.11",
            "10.78.1.11:",
            ":23000",
            "10.78.1.11:0",
            "10.78.1.11:65536",
            "10.78.1.11:+1",
            "10.78.1.11:-1",
            "10.78.1.11: 1",
            "fe80::1:22122",
            "[fe80::1]",
            "[fe80::1:22122",
            "fe80::1]:22122",
            "nohost:1",
            "10.78.1:1",
            "10.1.1.1,10.1.1.2:1",
            "[10.1.1.1,10.1.1.2]:1",
            "10.1.1.1\0:1",
        ] {
            assert!(text.parse::<HostPort>().is_err(), "{text:?}");
        }
        assert!(HostPort::parse(&[b'1'; 53]).is_err());
    }

    #[test]
    fn two_addresses_are_told_apart() {
        let two = HostAddrs::parse(b"10.0.0.1,192.168.0.1").unwrap();
        assert_eq!(two.iter().map(|ip| ip.to_string()).collect::<Vec<_>>(), ["10.0.0.1", "192.168.0.1"]);
        assert_eq!(HostAddrs::parse(b"fe80::1").unwrap(), HostAddrs::one("fe80::1".parse().unwrap()));
        for bad in ["", ",", "10.0.0.1,", ",10.0.0.1", "10.0.0.1,10.0.0.2,10.0.0.3", "[fe80::1]"] {
            assert!(HostAddrs::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_field_ends_at_its_nul() {
        let mut bytes = b"10.78.1.1:22222\0".to_vec();
        bytes.resize(52, 0xEE);
        let host = HostPort::read(&mut Reader::new(&bytes), 52).unwrap();
        assert_eq!(host.to_string(), "10.78.1.1:22222");
        let mut out = Vec::new();
        host.put(&mut out, 52);
        assert_eq!((out.len(), &out[15..]), (52, &[0; 37][..]));
    }

    proptest! {
        #[test]
        fn any_host_round_trips_within_its_limit(host in check::host()) {
            let text = host.to_string();
            prop_assert!(text.len() <= HOST_PORT_MAX);
            prop_assert_eq!(text.parse(), Ok(host));
        }

        #[test]
        fn any_addresses_round_trip(addrs in check::addrs()) {
            prop_assert_eq!(HostAddrs::parse(addrs.to_string().as_bytes()), Ok(addrs));
        }

        #[test]
        fn any_bytes_are_judged_without_a_panic(bytes: Vec<u8>) {
            let _ = HostPort::parse(&bytes);
            let _ = HostAddrs::parse(&bytes);
        }
    }
}
