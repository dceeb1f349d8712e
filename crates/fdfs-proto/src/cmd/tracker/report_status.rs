//! 76: a storage tells what its peer is doing.

use crate::limits::GROUP_NAME_LEN;
use crate::shared::StorageBrief;
use crate::{Command, GroupName, Reader, Request, Wire, WireError};

/// Request of `STORAGE_REPORT_STATUS` (76), not joined; 83 bytes, the answer is empty.
///
/// | offset | size | field   | unit                                   |
/// |-------:|-----:|---------|----------------------------------------|
/// |      0 |   16 | group   | text, NUL-padded                       |
/// |     16 |   67 | storage | [`StorageBrief`]; C storages send port 0 |
///
/// Source: wire specification, 2.3.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportStatus {
    /// The group.
    pub group: GroupName,
    /// The peer and its status.
    pub storage: StorageBrief,
}

impl Wire for ReportStatus {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        self.storage.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { group: GroupName::read(reader, GROUP_NAME_LEN)?, storage: StorageBrief::decode(reader)? })
    }
}

impl Request for ReportStatus {
    const COMMAND: Command = Command::StorageReportStatus;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Put;
    use crate::cmd::tracker::check;
    use crate::shared::StorageStatus;
    use proptest::prelude::*;

    #[test]
    fn the_recorded_report_reads_and_writes_back() {
        let report = ReportStatus {
            group: "group1".parse().unwrap(),
            storage: StorageBrief {
                status: StorageStatus::Syncing,
                port: 0,
                id: "10.78.1.11".parse().unwrap(),
                ip: "10.78.1.11".parse().unwrap(),
            },
        };
        let mut bytes = b"group1\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\x0010.78.1.11\0\0\0\0\0\0".to_vec();
        bytes.put_padded(b"10.78.1.11", 46);
        check::fixed(&report, &bytes);
    }

    proptest! {
        #[test]
        fn any_report_round_trips(group in check::group(), storage in check::brief()) {
            check::round_trip(&ReportStatus { group, storage });
        }
    }
}
