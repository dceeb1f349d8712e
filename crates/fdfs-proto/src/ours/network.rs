//! Networks of askers: an address and how many of its bits count.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use crate::{Reader, WireError};

/// Bits of an IPv6 address in front of an IPv4 address that it holds.
const V4_BITS: u8 = 96;
/// In place of the bits: everybody, IPv4 and IPv6.
const EVERYBODY_BITS: u8 = 129;

/// A network, IPv4 or IPv6; host bits of the written address do not count.
///
/// | offset | size | field   | unit                                                        |
/// |-------:|-----:|---------|-------------------------------------------------------------|
/// |      0 |   16 | address | IPv6, host bits 0; IPv4 inside of IPv6 (`::ffff:10.0.0.0`)   |
/// |     16 |    1 | bits    | of the IPv6 address, 0 to 128: `10.0.0.0/8` has 104; 129: everybody |
///
/// As text: `10.0.0.0/8`, `2001:db8::/32`, one address, or `*` for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: u128,
    bits: u8,
}

/// The text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no network: write 10.0.0.0/8, 2001:db8::/32, one address, or * for everybody")]
pub struct NetworkError;

impl Network {
    /// Bytes on the wire.
    pub const LEN: usize = 17;
    /// Everybody.
    pub const EVERYBODY: Self = Self { address: 0, bits: EVERYBODY_BITS };

    /// The network of so many bits of an address; more bits than it has count as all.
    #[must_use]
    pub fn new(ip: IpAddr, bits: u8) -> Self {
        let bits = match ip {
            IpAddr::V4(_) => bits.min(32) + V4_BITS,
            IpAddr::V6(_) => bits.min(128),
        };
        Self::of_bits(mapped(ip), bits)
    }

    const fn of_bits(address: u128, bits: u8) -> Self {
        Self { address: address & mask(bits), bits }
    }

    /// Whether an address lies in it. IPv4 inside of IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        // A network of IPv6 has no IPv4 address, however few of its bits count.
        let family = ip.is_ipv6() || self.bits >= V4_BITS;
        family && mapped(ip) & mask(self.bits) == self.address
    }

    /// Whether all addresses of another network lie in it.
    #[must_use]
    pub const fn covers(&self, other: &Self) -> bool {
        if self.bits == EVERYBODY_BITS {
            return true;
        }
        // As above: a network of IPv6 has no network of IPv4.
        let is_v4 = other.bits >= V4_BITS && other.address & mask(V4_BITS) == 0xFFFF_0000_0000;
        let family = !is_v4 || self.bits >= V4_BITS;
        family
            && other.bits != EVERYBODY_BITS
            && other.bits >= self.bits
            && other.address & mask(self.bits) == self.address
    }

    pub(super) fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.address.to_be_bytes());
        out.push(self.bits);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let address = u128::from_be_bytes(reader.array("network")?);
        let bits = reader.u8("bits of the network")?;
        if bits > EVERYBODY_BITS {
            return Err(WireError::OutOfRange { field: "bits of the network", value: bits.into(), low: 0, high: 129 });
        }
        Ok(Self::of_bits(address, bits))
    }
}

const fn mask(bits: u8) -> u128 {
    match bits {
        0 | EVERYBODY_BITS.. => 0,
        bits => u128::MAX << (128 - bits as u32),
    }
}

fn mapped(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v6 = Ipv6Addr::from_bits(self.address);
        match (self.bits, v6.to_ipv4_mapped().filter(|_| self.bits >= V4_BITS)) {
            (EVERYBODY_BITS, _) => f.write_str("*"),
            (128, Some(v4)) => write!(f, "{v4}"),
            (bits, Some(v4)) => write!(f, "{v4}/{}", bits - V4_BITS),
            (128, None) => write!(f, "{v6}"),
            (bits, None) => write!(f, "{v6}/{bits}"),
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        if text == "*" {
            return Ok(Self::EVERYBODY);
        }
        let (ip, bits) = match text.split_once('/') {
            Some((ip, bits)) if !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit()) => {
                (ip, bits.parse().map_err(|_| NetworkError)?)
            }
            Some(_) => return Err(NetworkError),
            None => (text, 128),
        };
        let ip: IpAddr = ip.parse().map_err(|_| NetworkError)?;
        let most = if ip.is_ipv4() && text.contains('/') { 32 } else { 128 };
        if bits > most { Err(NetworkError) } else { Ok(Self::new(ip, bits)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn networks_are_read_written_and_matched() {
        for (text, shown, inside, outside) in [
            ("10.0.0.0/8", "10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3/8", "10.0.0.0/8", "::ffff:10.9.9.9", "::10.0.0.1"),
            ("192.168.1.7", "192.168.1.7", "192.168.1.7", "192.168.1.8"),
            ("0.0.0.0/0", "0.0.0.0/0", "255.1.1.1", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8::/32", "2001:db8:9::1", "2001:db9::1"),
            ("fd00::1", "fd00::1", "fd00::1", "fd00::2"),
            ("::/0", "::/0", "fd00::1", "10.0.0.1"),
        ] {
            let network: Network = text.parse().unwrap();
            assert_eq!(network.to_string(), shown);
            assert_eq!(network.to_string().parse(), Ok(network));
            assert!(network.contains(inside.parse().unwrap()), "{text} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{text} {outside}");
        }
        let all: Network = "*".parse().unwrap();
        assert!(["1.2.3.4", "::1"].iter().all(|ip| all.contains(ip.parse().unwrap())));
        assert_eq!((all, all.to_string()), (Network::EVERYBODY, "*".to_owned()));
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8", "host", "10.0.0.0/8/8"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(bytes: [u8; Network::LEN]) {
            if let Ok(network) = Network::read(&mut Reader::new(&bytes)) {
                let mut out = Vec::new();
                network.put(&mut out);
                prop_assert_eq!(Network::read(&mut Reader::new(&out)), Ok(network));
            }
        }
    }
}
