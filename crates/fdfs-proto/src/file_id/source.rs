//! The storage a file was first uploaded to, as its name tells it.

use std::fmt;
use std::net::Ipv4Addr;

use crate::limits::SERVER_ID_MAX;

/// The storage a file was first uploaded to.
///
/// Four bytes: an address in network order, or a storage id as a **little-endian** number. What reads as a number from
/// 1 to 2^24 - 1 is an id, so an address that ends in `.0` cannot be told from one.
///
/// Source: wire specification, 3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Its IPv4 address.
    Ip(Ipv4Addr),
    /// Its storage id, 1 to 2^24 - 1.
    Id(u32),
}

impl Source {
    /// What the four bytes of a name say.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        match u32::from_le_bytes(bytes) {
            id @ 1..=SERVER_ID_MAX => Self::Id(id),
            _ => {
                let [a, b, c, d] = bytes;
                Self::Ip(Ipv4Addr::new(a, b, c, d))
            }
        }
    }

    /// The four bytes of a name.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 4] {
        match self {
            Self::Ip(ip) => ip.octets(),
            Self::Id(id) => id.to_le_bytes(),
        }
    }
}

/// The text that storages are known by: the address, or the id in decimal.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn recorded_sources_read() {
        assert_eq!(Source::from_bytes([0x0A, 0x4E, 0x01, 0x0B]).to_string(), "10.78.1.11");
        assert_eq!(Source::from_bytes([0xA1, 0x86, 0x01, 0x00]), Source::Id(100_001));
        assert_eq!(Source::from_bytes([0; 4]), Source::Ip(Ipv4Addr::UNSPECIFIED));
        assert_eq!(Source::from_bytes([10, 0, 0, 0]), Source::Id(10), "an address that ends in .0 reads as an id");
    }

    proptest! {
        #[test]
        fn any_four_bytes_round_trip(bytes: [u8; 4]) {
            prop_assert_eq!(Source::from_bytes(bytes).to_bytes(), bytes);
        }
    }
}
