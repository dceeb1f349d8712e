//! Who is syncing.

use crate::limits::STORAGE_ID_LEN;
use crate::{Command, Reader, Request, StorageId, Wire, WireError};

/// `REPORT_SERVER_ID` (9): the first message on a connection that replicates.
///
/// | offset | size | field             | unit             |
/// |-------:|-----:|-------------------|------------------|
/// |      0 |   16 | sender's own id   | text, NUL-padded; never empty |
///
/// Source: wire specification, 2.6.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportServerId(pub StorageId);

impl Wire for ReportServerId {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.put(out, STORAGE_ID_LEN);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let id = StorageId::read(reader, STORAGE_ID_LEN)?;
        if id.is_empty() { Err(WireError::bad_text("storage id", b"")) } else { Ok(Self(id)) }
    }
}

impl Request for ReportServerId {
    const COMMAND: Command = Command::ReportServerId;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_round_trips_and_the_empty_one_is_refused() {
        let report = ReportServerId("100002".parse().unwrap());
        cuts::round_trips_and_rejects_every_cut(&report, b"100002\0\0\0\0\0\0\0\0\0\0");
        assert!(ReportServerId::from_bytes(&[0; 16]).is_err());
    }

    proptest! {
        #[test]
        fn any_id_round_trips(id in "[!-~]{1,16}") {
            let report = ReportServerId(id.parse().unwrap());
            prop_assert_eq!(ReportServerId::from_bytes(&report.to_bytes()), Ok(report));
        }
    }
}
