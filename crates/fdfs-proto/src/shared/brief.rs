//! A storage (or a leader) in 67 bytes.

use crate::limits::{IPV6_LEN, STORAGE_ID_LEN};
use crate::shared::StorageStatus;
use crate::{IpText, Put, Reader, StorageId, Wire, WireError};

/// One storage in lists that trackers and storages exchange (71, 76, 83, 84, 85, 89); also the leader tracker in 83.
///
/// | offset | size | field      | unit                                         |
/// |-------:|-----:|------------|----------------------------------------------|
/// |      0 |    1 | status     | [`StorageStatus`]                            |
/// |      1 |    4 | port       | u32 big-endian                               |
/// |      5 |   16 | storage id | text, NUL-padded; the address without ids    |
/// |     21 |   46 | ip address | text, NUL-padded                             |
///
/// Source: wire specification, 2.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageBrief {
    /// Its status.
    pub status: StorageStatus,
    /// Its service port; C storages send 0 in some requests.
    pub port: u32,
    /// Its id.
    pub id: StorageId,
    /// Its address.
    pub ip: IpText,
}

impl StorageBrief {
    /// Bytes of a record.
    pub const LEN: usize = 67;

    /// All zero: "none" (no leader, no trunk server).
    pub const NONE: Self = Self { status: StorageStatus::Init, port: 0, id: StorageId::EMPTY, ip: IpText::EMPTY };
}

impl Wire for StorageBrief {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.status.number());
        out.put_u32(self.port);
        self.id.put(out, STORAGE_ID_LEN);
        self.ip.put(out, IPV6_LEN);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let number = reader.u8("storage status")?;
        Ok(Self {
            status: StorageStatus::from_number(number).ok_or(WireError::OutOfRange {
                field: "storage status",
                value: i64::from(number),
                low: 0,
                high: 99,
            })?,
            port: reader.u32("storage port")?,
            id: StorageId::read(reader, STORAGE_ID_LEN)?,
            ip: IpText::read(reader, IPV6_LEN)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brief_round_trips_and_rejects_every_cut() {
        let brief = StorageBrief {
            status: StorageStatus::Active,
            port: 23000,
            id: "100001".parse().unwrap(),
            ip: "10.78.1.11".parse().unwrap(),
        };
        let bytes = brief.to_bytes();
        assert_eq!(bytes.len(), StorageBrief::LEN);
        assert_eq!(StorageBrief::from_bytes(&bytes), Ok(brief));
        for len in 0..bytes.len() {
            assert!(StorageBrief::from_bytes(&bytes[..len]).is_err(), "cut at {len}");
        }
    }
}
