//! Networks: an address and how many of its bits count.

use std::net::IpAddr;

/// A network in CIDR form, IPv4 or IPv6. Host bits of the written address do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    ip: IpAddr,
    prefix_bits: u8,
}

impl Cidr {
    /// The network of exactly one address.
    #[must_use]
    pub fn single(ip: IpAddr) -> Self {
        let ip = ip.to_canonical();
        Self { ip, prefix_bits: if ip.is_ipv4() { 32 } else { 128 } }
    }

    /// `ADDRESS/BITS`; `None` for anything else.
    // Differs from C: host bits are cleared (the reference generates addresses by OR-ing, and so leaves holes), and
    // every number of bits is taken, not only 10 to 31.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (ip, bits) = text.split_once('/')?;
        let ip: IpAddr = ip.parse().ok()?;
        let plain = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
        let prefix_bits = bits.parse().ok().filter(|&bits| plain && bits <= Self::single(ip).prefix_bits)?;
        Some(Self { ip, prefix_bits })
    }

    /// `ADDRESS/BITS`, or one address.
    #[must_use]
    pub fn parse_or_single(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::single).or_else(|| Self::parse(text))
    }

    /// Whether the conditions of the ini dialect accept it: /8 to /30 (IPv6: to /126).
    #[must_use]
    pub fn is_for_conditions(&self) -> bool {
        self.prefix_bits >= 8 && self.prefix_bits <= Self::single(self.ip).prefix_bits - 2
    }

    /// Whether an address lies in it.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.ip, ip) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let host_bits = 32_u32.saturating_sub(u32::from(self.prefix_bits));
                (net.to_bits() ^ ip.to_bits()).checked_shr(host_bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let host_bits = 128_u32.saturating_sub(u32::from(self.prefix_bits));
                (net.to_bits() ^ ip.to_bits()).checked_shr(host_bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}
