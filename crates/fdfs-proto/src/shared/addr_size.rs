//! How wide the address field of some answers is.

use crate::limits::{IPV4_LEN, IPV6_LEN};

/// How wide the address field of some answers is: what the tracker's `response_ip_addr_size` comes to.
///
/// Source: wire specification, 1.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddrSize {
    /// 16 bytes: IPv4 addresses only.
    #[default]
    V4,
    /// 46 bytes: IPv4 or IPv6 addresses.
    V6,
}

impl AddrSize {
    /// Bytes of a whole address field (answers 92 and 22).
    #[must_use]
    pub const fn width(self) -> usize {
        match self {
            Self::V4 => IPV4_LEN,
            Self::V6 => IPV6_LEN,
        }
    }

    /// Bytes of the address field in the tracker's query answers, which lacks the last NUL (15 or 45).
    #[must_use]
    pub const fn short_width(self) -> usize {
        self.width() - 1
    }
}
