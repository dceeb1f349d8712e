//! 59: a joined storage says what it is.

use crate::cmd::tracker::record;
use crate::shared::StorageStatus;
use crate::{Command, Put, Reader, Request, Wire, WireError};

/// Request of `STORAGE_CHANGE_STATUS` (59); the answer is empty.
///
/// | offset | size | field  | unit              |
/// |-------:|-----:|--------|-------------------|
/// |      0 |    1 | status | [`StorageStatus`] |
///
/// Source: wire specification, 2.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeStatus {
    /// The sender's own status.
    pub status: StorageStatus,
}

impl Wire for ChangeStatus {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.status.number());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { status: record::read_status(reader)? })
    }
}

impl Request for ChangeStatus {
    const COMMAND: Command = Command::StorageChangeStatus;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;

    #[test]
    fn every_status_and_nothing_else_is_read() {
        for status in StorageStatus::ALL {
            check::fixed(&ChangeStatus { status }, &[status.number()]);
        }
        assert_eq!((0..=255u8).filter(|&n| ChangeStatus::from_bytes(&[n]).is_ok()).count(), StorageStatus::ALL.len());
    }
}
