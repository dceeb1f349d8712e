//! A deletion for a peer.

use super::name;
use crate::file_id::FileId;
use crate::limits::GROUP_NAME_LEN;
use crate::{Command, GroupName, Put, Reader, Request, Wire, WireError};

/// `SYNC_DELETE_FILE` (17).
///
/// | offset | size | field     | unit                                             |
/// |-------:|-----:|-----------|--------------------------------------------------|
/// |      0 |    4 | timestamp | unix seconds of the operation at its source, u32 |
/// |      4 |   16 | group     | text, NUL-padded                                 |
/// |     20 | rest | file name | text, 1 to 127 bytes                             |
///
/// Source: wire specification, 2.6.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncDeleteFile {
    /// When it was deleted at its source, unix seconds.
    pub timestamp: u32,
    /// The file.
    pub file: FileId,
}

impl Wire for SyncDeleteFile {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u32(self.timestamp);
        self.file.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let timestamp = reader.u32("timestamp")?;
        let group = GroupName::read(reader, GROUP_NAME_LEN)?;
        Ok(Self { timestamp, file: FileId { group, name: name::read_rest(reader)? } })
    }
}

impl Request for SyncDeleteFile {
    const COMMAND: Command = Command::SyncDeleteFile;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_request_round_trips() {
        let request = SyncDeleteFile { timestamp: 0x6B00_1026, file: "group1/M00/00/00/a".parse().unwrap() };
        let bytes = hex!("6b001026 67726f75703100000000000000000000 4d30302f30302f30302f61");
        cuts::round_trips_with_open_end(&request, &bytes, 20);
    }

    proptest! {
        #[test]
        fn any_request_round_trips(timestamp: u32, file in "[A-Za-z0-9]{1,16}/[!-~]{1,127}") {
            let request = SyncDeleteFile { timestamp, file: file.parse().unwrap() };
            prop_assert_eq!(SyncDeleteFile::from_bytes(&request.to_bytes()), Ok(request));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
            let _ = cuts::reads_or_refuses::<SyncDeleteFile>(&bytes);
        }
    }
}
