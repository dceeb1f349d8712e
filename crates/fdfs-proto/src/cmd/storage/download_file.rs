//! Content of a file.

use super::name;
use crate::file_id::FileId;
use crate::limits::GROUP_NAME_LEN;
use crate::{Command, GroupName, Put, Reader, Request, Wire, WireError};

/// `DOWNLOAD_FILE` (14). The answer's body is the content.
///
/// | offset | size | field     | unit                                        |
/// |-------:|-----:|-----------|---------------------------------------------|
/// |      0 |    8 | offset    | bytes, i64 big-endian, never negative       |
/// |      8 |    8 | wanted    | bytes, i64 big-endian; 0 is all to the end  |
/// |     16 |   16 | group     | text, NUL-padded                            |
/// |     32 | rest | file name | text, 1 to 127 bytes                        |
///
/// Source: wire specification, 2.5.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownloadFile {
    /// Where to begin, in bytes.
    pub offset: u64,
    /// Bytes wanted; 0 is all to the end. More than there are gives those there are.
    pub wanted: u64,
    /// The file.
    pub file: FileId,
}

impl Wire for DownloadFile {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_size(self.offset);
        out.put_size(self.wanted);
        self.file.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let (offset, wanted) = (reader.size("offset")?, reader.size("bytes wanted")?);
        let group = GroupName::read(reader, GROUP_NAME_LEN)?;
        Ok(Self { offset, wanted, file: FileId { group, name: name::read_rest(reader)? } })
    }
}

impl Request for DownloadFile {
    const COMMAND: Command = Command::DownloadFile;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_request_round_trips() {
        let request = DownloadFile { offset: 256, wanted: 0, file: "group1/M00/00/00/a".parse().unwrap() };
        let bytes = hex!(
            "0000000000000100 0000000000000000 67726f75703100000000000000000000"
            "4d30302f30302f30302f61"
        );
        cuts::round_trips_with_open_end(&request, &bytes, 32);
        for at in [0, 8] {
            let mut negative = bytes;
            negative[at] = 0xFF;
            assert!(matches!(DownloadFile::from_bytes(&negative), Err(WireError::Negative { .. })));
        }
    }

    proptest! {
        #[test]
        fn any_request_round_trips(
            offset in 0..=i64::MAX as u64, wanted in 0..=i64::MAX as u64, file in "[A-Za-z0-9]{1,16}/[!-~]{1,127}",
        ) {
            let request = DownloadFile { offset, wanted, file: file.parse().unwrap() };
            prop_assert_eq!(DownloadFile::from_bytes(&request.to_bytes()), Ok(request));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..170)) {
            let _ = cuts::reads_or_refuses::<DownloadFile>(&bytes);
        }
    }
}
