//! 72, 73, 74: the trunk server asks for and reports the state of the group's trunk files.

use crate::{Command, Put, Reader, Request, Wire, WireError};

empty_request! {
    /// Request of `STORAGE_FETCH_TRUNK_FID` (72): empty; the answer is the [`TrunkFileId`] of the group.
    ///
    /// Source: wire specification, 2.3.3.
    TrunkFileIdRequest = StorageFetchTrunkFid
}

/// Answer of 72.
///
/// | offset | size | field         | unit           |
/// |-------:|-----:|---------------|----------------|
/// |      0 |    4 | trunk file id | u32 big-endian |
///
/// Source: wire specification, 2.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrunkFileId {
    /// The newest trunk file of the group.
    pub id: u32,
}

impl Wire for TrunkFileId {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u32(self.id);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { id: reader.u32("trunk file id")? })
    }
}

/// Request of `STORAGE_REPORT_TRUNK_FID` (73); the answer is empty.
///
/// | offset | size | field         | unit                                  |
/// |-------:|-----:|---------------|---------------------------------------|
/// |      0 |    4 | trunk file id | u32 big-endian; at most `i32::MAX`    |
///
/// Source: wire specification, 2.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportTrunkFileId {
    /// The newest trunk file of the group.
    pub id: u32,
}

impl Wire for ReportTrunkFileId {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u32(self.id);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let id = reader.u32("trunk file id")?;
        // The reference takes the four bytes as signed, and a negative id is EINVAL.
        if id > i32::MAX as u32 {
            return Err(WireError::OutOfRange {
                field: "trunk file id",
                value: i64::from(id),
                low: 0,
                high: i64::from(i32::MAX),
            });
        }
        Ok(Self { id })
    }
}

impl Request for ReportTrunkFileId {
    const COMMAND: Command = Command::StorageReportTrunkFid;
}

/// Request of `STORAGE_REPORT_TRUNK_FREE` (74); the answer is empty.
///
/// | offset | size | field      | unit                              |
/// |-------:|-----:|------------|-----------------------------------|
/// |      0 |    8 | trunk free | MB, i64 big-endian, not negative  |
///
/// Source: wire specification, 2.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportTrunkFree {
    /// Free inside the trunk files of the group.
    pub free_mb: u64,
}

impl Wire for ReportTrunkFree {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_size(self.free_mb);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { free_mb: reader.size("trunk free MB")? })
    }
}

impl Request for ReportTrunkFree {
    const COMMAND: Command = Command::StorageReportTrunkFree;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn bodies_read_and_write_back_and_reject_every_cut() {
        check::fixed(&TrunkFileIdRequest, b"");
        check::fixed(&TrunkFileId { id: 2 }, &hex!("00000002"));
        check::fixed(&ReportTrunkFileId { id: 2 }, &hex!("00000002"));
        check::fixed(&ReportTrunkFree { free_mb: 63 }, &hex!("000000000000003f"));
    }

    #[test]
    fn negative_numbers_are_refused() {
        assert!(ReportTrunkFileId::from_bytes(&hex!("80000000")).is_err());
        assert!(ReportTrunkFileId::from_bytes(&hex!("7fffffff")).is_ok());
        assert!(ReportTrunkFree::from_bytes(&hex!("ffffffffffffffff")).is_err());
    }

    proptest! {
        #[test]
        fn any_body_round_trips(id: u32, reported in 0..=i32::MAX as u32, free_mb in check::size()) {
            check::round_trip(&TrunkFileId { id });
            check::round_trip(&ReportTrunkFileId { id: reported });
            check::round_trip(&ReportTrunkFree { free_mb });
        }
    }
}
