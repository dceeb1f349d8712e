//! A whole file for a peer.

use super::{ContentHead, name};
use crate::file_id::FileId;
use crate::limits::{FILE_NAME_MAX, GROUP_NAME_LEN};
use crate::{Command, GroupName, Put, Reader, Request, Wire, WireError};

/// Head of `SYNC_CREATE_FILE` (16) and `SYNC_UPDATE_FILE` (18); the file's bytes follow it on the stream.
///
/// | offset | size | field       | unit                                                   |
/// |-------:|-----:|-------------|--------------------------------------------------------|
/// |      0 |    8 | name length | bytes, i64 big-endian, 1 to 127                        |
/// |      8 |    8 | file size   | bytes, i64 big-endian, never negative                  |
/// |     16 |    4 | timestamp   | unix seconds of the operation at its source, u32       |
/// |     20 |   16 | group       | text, NUL-padded; C senders put garbage behind the NUL |
/// |     36 |    n | file name   | text; of metadata: ends in `-m`                        |
///
/// When the status byte of the request is not 0 no content follows ("you have it already"):
/// [`check_without_content`](Self::check_without_content).
///
/// Source: wire specification, 2.6.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncFileHead {
    /// Bytes of the file.
    pub file_size: u64,
    /// When it was made or changed at its source, unix seconds.
    pub timestamp: u32,
    /// The file.
    pub file: FileId,
}

impl SyncFileHead {
    /// Checks that the head alone fills the body: for requests whose status byte is not 0.
    ///
    /// # Errors
    /// [`WireError::LengthMismatch`].
    pub fn check_without_content(&self, body_len: u64) -> Result<(), WireError> {
        let sum = self.head_len();
        if sum == body_len { Ok(()) } else { Err(WireError::LengthMismatch { sum, len: body_len }) }
    }
}

impl Wire for SyncFileHead {
    fn encode(&self, out: &mut Vec<u8>) {
        name::put_len(out, &self.file.name);
        out.put_size(self.file_size);
        out.put_u32(self.timestamp);
        self.file.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let name_len = name::read_len(reader, "name length", 1)?;
        let file_size = reader.size("file size")?;
        let timestamp = reader.u32("timestamp")?;
        let group = GroupName::read(reader, GROUP_NAME_LEN)?;
        Ok(Self { file_size, timestamp, file: FileId { group, name: name::read(reader, name_len)? } })
    }
}

impl ContentHead for SyncFileHead {
    const FIXED_LEN: usize = 36;
    const MAX_HEAD_LEN: usize = Self::FIXED_LEN + FILE_NAME_MAX;

    fn head_len(&self) -> u64 {
        (Self::FIXED_LEN + self.file.name.as_bytes().len()) as u64
    }

    fn content_len(&self) -> u64 {
        self.file_size
    }
}

impl Request for SyncFileHead {
    const COMMAND: Command = Command::SyncCreateFile;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_head_round_trips_and_rejects_every_cut() {
        let head = SyncFileHead { file_size: 8, timestamp: 0x6B00_1020, file: "group1/M00/00/00/a".parse().unwrap() };
        let mut bytes = hex!(
            "000000000000000b 0000000000000008 6b001020 67726f75703100000000000000000000"
            "4d30302f30302f30302f61"
        );
        cuts::round_trips_and_rejects_every_cut(&head, &bytes);
        let len = bytes.len() as u64;
        assert_eq!(head.check(len + 8), Ok(()));
        assert!(head.check(len).is_err());
        assert_eq!(head.check_without_content(len), Ok(()));
        assert!(head.check_without_content(len + 8).is_err());
        assert!(SyncFileHead { file_size: u64::MAX, ..head }.check(len - 1).is_err());
        bytes[27..36].fill(0xBF);
        assert_eq!(SyncFileHead::from_bytes(&bytes), Ok(head), "garbage behind the NUL of the group");
    }

    proptest! {
        #[test]
        fn any_head_round_trips(
            file_size in 0..=i64::MAX as u64, timestamp: u32, file in "[A-Za-z0-9]{1,16}/[!-~]{1,127}",
        ) {
            let head = SyncFileHead { file_size, timestamp, file: file.parse().unwrap() };
            prop_assert_eq!(SyncFileHead::from_bytes(&head.to_bytes()), Ok(head));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..170)) {
            let _ = cuts::reads_or_refuses::<SyncFileHead>(&bytes);
        }
    }
}
