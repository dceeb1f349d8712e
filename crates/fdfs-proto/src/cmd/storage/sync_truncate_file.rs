//! Another size of an appender file, for a peer.

use super::name;
use crate::file_id::FileId;
use crate::limits::GROUP_NAME_LEN;
use crate::{Command, GroupName, Put, Reader, Request, Wire, WireError};

/// `SYNC_TRUNCATE_FILE` (37).
///
/// | offset | size | field       | unit                                                   |
/// |-------:|-----:|-------------|--------------------------------------------------------|
/// |      0 |    8 | name length | bytes, i64 big-endian, 1 to 127                        |
/// |      8 |    8 | size before | bytes, i64 big-endian, never negative                  |
/// |     16 |    8 | size after  | bytes, i64 big-endian, never negative                  |
/// |     24 |    4 | timestamp   | unix seconds of the operation at its source, u32       |
/// |     28 |   16 | group       | text, NUL-padded; C senders put garbage behind the NUL |
/// |     44 |    n | file name   | text                                                   |
///
/// Source: wire specification, 2.6.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncTruncateFile {
    /// The size the file must have now, in bytes.
    pub old_size: u64,
    /// The size it gets, in bytes.
    pub new_size: u64,
    /// When it was done at its source, unix seconds.
    pub timestamp: u32,
    /// The appender file.
    pub file: FileId,
}

impl Wire for SyncTruncateFile {
    fn encode(&self, out: &mut Vec<u8>) {
        name::put_len(out, &self.file.name);
        out.put_size(self.old_size);
        out.put_size(self.new_size);
        out.put_u32(self.timestamp);
        self.file.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let name_len = name::read_len(reader, "name length", 1)?;
        let (old_size, new_size) = (reader.size("size before")?, reader.size("size after")?);
        let timestamp = reader.u32("timestamp")?;
        let group = GroupName::read(reader, GROUP_NAME_LEN)?;
        Ok(Self { old_size, new_size, timestamp, file: FileId { group, name: name::read(reader, name_len)? } })
    }
}

impl Request for SyncTruncateFile {
    const COMMAND: Command = Command::SyncTruncateFile;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_request_round_trips_and_rejects_every_cut() {
        let request = SyncTruncateFile {
            old_size: 300_015,
            new_size: 12,
            timestamp: 0x6B00_1021,
            file: "group1/M00/00/00/a".parse().unwrap(),
        };
        let mut bytes = hex!(
            "000000000000000b 00000000000493ef 000000000000000c 6b001021"
            "67726f75703100000000000000000000 4d30302f30302f30302f61"
        );
        cuts::round_trips_and_rejects_every_cut(&request, &bytes);
        assert!(SyncTruncateFile::from_bytes(&[&bytes[..], b"x"].concat()).is_err(), "a byte too many");
        bytes[35..44].copy_from_slice(b"U\x00\x00179516");
        assert_eq!(SyncTruncateFile::from_bytes(&bytes), Ok(request), "garbage behind the NUL of the group");
    }

    proptest! {
        #[test]
        fn any_request_round_trips(
            old_size in 0..=i64::MAX as u64, new_size in 0..=i64::MAX as u64, timestamp: u32,
            file in "[A-Za-z0-9]{1,16}/[!-~]{1,127}",
        ) {
            let request = SyncTruncateFile { old_size, new_size, timestamp, file: file.parse().unwrap() };
            prop_assert_eq!(SyncTruncateFile::from_bytes(&request.to_bytes()), Ok(request));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..180)) {
            let _ = cuts::reads_or_refuses::<SyncTruncateFile>(&bytes);
        }
    }
}
