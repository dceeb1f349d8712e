//! Appended or modified bytes for a peer.

use super::{ContentHead, name};
use crate::file_id::FileId;
use crate::limits::{FILE_NAME_MAX, GROUP_NAME_LEN};
use crate::{Command, GroupName, Put, Reader, Request, Wire, WireError};

/// Head of `SYNC_APPEND_FILE` (25) and `SYNC_MODIFY_FILE` (35); the bytes follow it on the stream.
///
/// | offset | size | field          | unit                                                   |
/// |-------:|-----:|----------------|--------------------------------------------------------|
/// |      0 |    8 | name length    | bytes, i64 big-endian, 1 to 127                        |
/// |      8 |    8 | offset         | bytes, i64 big-endian, never negative                  |
/// |     16 |    8 | content length | bytes, i64 big-endian, never negative                  |
/// |     24 |    4 | timestamp      | unix seconds of the operation at its source, u32       |
/// |     28 |   16 | group          | text, NUL-padded; C senders put garbage behind the NUL |
/// |     44 |    n | file name      | text                                                   |
///
/// Source: wire specification, 2.6.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncWriteHead {
    /// Where the bytes belong, in bytes from the file's begin.
    pub offset: u64,
    /// How many bytes follow.
    pub len: u64,
    /// When it was done at its source, unix seconds.
    pub timestamp: u32,
    /// The appender file.
    pub file: FileId,
}

impl Wire for SyncWriteHead {
    fn encode(&self, out: &mut Vec<u8>) {
        name::put_len(out, &self.file.name);
        out.put_size(self.offset);
        out.put_size(self.len);
        out.put_u32(self.timestamp);
        self.file.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let name_len = name::read_len(reader, "name length", 1)?;
        let (offset, len) = (reader.size("offset")?, reader.size("content length")?);
        let timestamp = reader.u32("timestamp")?;
        let group = GroupName::read(reader, GROUP_NAME_LEN)?;
        Ok(Self { offset, len, timestamp, file: FileId { group, name: name::read(reader, name_len)? } })
    }
}

impl ContentHead for SyncWriteHead {
    const FIXED_LEN: usize = 44;
    const MAX_HEAD_LEN: usize = Self::FIXED_LEN + FILE_NAME_MAX;

    fn head_len(&self) -> u64 {
        (Self::FIXED_LEN + self.file.name.as_bytes().len()) as u64
    }

    fn content_len(&self) -> u64 {
        self.len
    }
}

impl Request for SyncWriteHead {
    const COMMAND: Command = Command::SyncAppendFile;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_head_round_trips_and_rejects_every_cut() {
        let head =
            SyncWriteHead { offset: 10, len: 5, timestamp: 0x6B00_1020, file: "group1/M00/00/00/a".parse().unwrap() };
        let mut bytes = hex!(
            "000000000000000b 000000000000000a 0000000000000005 6b001020"
            "67726f75703100000000000000000000 4d30302f30302f30302f61"
        );
        cuts::round_trips_and_rejects_every_cut(&head, &bytes);
        let len = bytes.len() as u64;
        assert_eq!(head.check(len + 5), Ok(()));
        assert!(head.check(len + 4).is_err() && head.check(len + 6).is_err());
        assert!(SyncWriteHead { len: u64::MAX, ..head }.check(len - 1).is_err());
        bytes[35..44].fill(0x7F);
        assert_eq!(SyncWriteHead::from_bytes(&bytes), Ok(head), "garbage behind the NUL of the group");
    }

    proptest! {
        #[test]
        fn any_head_round_trips(
            offset in 0..=i64::MAX as u64, len in 0..=i64::MAX as u64, timestamp: u32,
            file in "[A-Za-z0-9]{1,16}/[!-~]{1,127}",
        ) {
            let head = SyncWriteHead { offset, len, timestamp, file: file.parse().unwrap() };
            prop_assert_eq!(SyncWriteHead::from_bytes(&head.to_bytes()), Ok(head));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..180)) {
            let _ = cuts::reads_or_refuses::<SyncWriteHead>(&bytes);
        }
    }
}
