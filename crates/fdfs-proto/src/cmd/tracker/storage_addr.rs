//! Where a storage is, in the answers of queries; and how the width of its address is told.

use crate::cmd::tracker::record;
use crate::limits::STORAGES_PER_GROUP;
use crate::shared::AddrSize;
use crate::{IpText, Put, Reader, WireError};

/// A storage in the answers of 101 to 107.
///
/// | offset | size    | field | unit                              |
/// |-------:|--------:|-------|-----------------------------------|
/// |      0 | 15 / 45 | ip    | text, NUL-padded                  |
/// |  15/45 |       8 | port  | i64 big-endian                    |
///
/// Source: wire specification, 1.6, 2.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorageAddr {
    /// Its address.
    pub ip: IpText,
    /// Its port.
    pub port: u16,
}

impl StorageAddr {
    /// Bytes of a record.
    #[must_use]
    pub const fn len(size: AddrSize) -> usize {
        size.short_width() + 8
    }

    /// Appends the bytes to `out`.
    pub fn encode(&self, size: AddrSize, out: &mut Vec<u8>) {
        // Differs from C: an address that the narrow field cannot hold is left empty; cut, it would be another one.
        let ip = if self.ip.as_bytes().len() <= size.short_width() { self.ip } else { IpText::EMPTY };
        ip.put(out, size.short_width());
        out.put_i64(i64::from(self.port));
    }

    /// Reads it from the front of `reader`.
    ///
    /// # Errors
    /// A [`WireError`] that names the field.
    pub fn decode(size: AddrSize, reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { ip: IpText::read(reader, size.short_width())?, port: record::read_port(reader)? })
    }
}

/// Tells the width of the addresses of a list of 1 to 32 storages with `around` other bytes: IPv4 is tried first.
///
/// Differs from C: more storages than a group can have rule a width out, so that the list of 23 wide addresses, which
/// also divides into 53 narrow ones, is read right.
pub(super) fn tell_list(body_len: usize, around: usize) -> Result<(AddrSize, usize), WireError> {
    for size in [AddrSize::V4, AddrSize::V6] {
        let record_len = StorageAddr::len(size);
        let count = body_len.saturating_sub(around) / record_len;
        if (1..=STORAGES_PER_GROUP).contains(&count) && around + count * record_len == body_len {
            return Ok((size, count));
        }
    }
    Err(WireError::LengthMismatch { sum: (around + StorageAddr::len(AddrSize::V4)) as u64, len: body_len as u64 })
}

/// Tells the width of the address of one storage with `around` other bytes.
pub(super) fn tell_one(body_len: usize, around: usize) -> Result<AddrSize, WireError> {
    match tell_list(body_len, around)? {
        (size, 1) => Ok(size),
        (size, _) => {
            Err(WireError::LengthMismatch { sum: (around + StorageAddr::len(size)) as u64, len: body_len as u64 })
        }
    }
}

/// Reads `count` storages.
pub(super) fn read_list(size: AddrSize, count: usize, reader: &mut Reader<'_>) -> Result<Vec<StorageAddr>, WireError> {
    (0..count).map(|_| StorageAddr::decode(size, reader)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_of_every_list_that_a_group_can_give_is_told_right() {
        for around in [16, 17] {
            for size in [AddrSize::V4, AddrSize::V6] {
                for count in 1..=STORAGES_PER_GROUP {
                    let len = around + count * StorageAddr::len(size);
                    assert_eq!(tell_list(len, around), Ok((size, count)), "{count} of {size:?}");
                    assert_eq!(tell_one(len, around).is_ok(), count == 1);
                }
            }
            assert!(tell_list(around, around).is_err());
            assert!(tell_list(0, around).is_err());
        }
    }

    #[test]
    fn an_ipv6_address_is_never_cut_into_another_one() {
        let addr = StorageAddr { ip: "2001:db8::1234:5678".parse().unwrap(), port: 23000 };
        let mut out = Vec::new();
        addr.encode(AddrSize::V4, &mut out);
        assert_eq!(out[..15], [0; 15]);
        assert_eq!(out.len(), StorageAddr::len(AddrSize::V4));
    }
}
