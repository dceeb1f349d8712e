//! New metadata of a file.

use super::{ContentHead, MetaMode, name};
use crate::file_id::FileId;
use crate::limits::{FILE_NAME_MAX, GROUP_NAME_LEN};
use crate::{Command, GroupName, Put, Reader, Request, Wire, WireError};

/// Head of `SET_METADATA` (13); the [metadata text](super::Metadata) follows it.
///
/// | offset | size | field           | unit                                      |
/// |-------:|-----:|-----------------|-------------------------------------------|
/// |      0 |    8 | name length     | bytes, i64 big-endian, 1 to 127           |
/// |      8 |    8 | metadata length | bytes, i64 big-endian, never negative     |
/// |     16 |    1 | mode            | [`MetaMode`]                              |
/// |     17 |   16 | group           | text, NUL-padded                          |
/// |     33 |    n | file name       | text                                      |
///
/// Source: wire specification, 2.5.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetMetadataHead {
    /// Bytes of the metadata text.
    pub metadata_len: u64,
    /// What happens to the metadata the file has.
    pub mode: MetaMode,
    /// The file.
    pub file: FileId,
}

impl Wire for SetMetadataHead {
    fn encode(&self, out: &mut Vec<u8>) {
        name::put_len(out, &self.file.name);
        out.put_size(self.metadata_len);
        out.put_u8(self.mode.byte());
        self.file.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let name_len = name::read_len(reader, "name length", 1)?;
        let metadata_len = reader.size("metadata length")?;
        let byte = reader.u8("metadata mode")?;
        let mode = MetaMode::from_byte(byte).ok_or_else(|| WireError::bad_text("metadata mode", &[byte]))?;
        let group = GroupName::read(reader, GROUP_NAME_LEN)?;
        Ok(Self { metadata_len, mode, file: FileId { group, name: name::read(reader, name_len)? } })
    }
}

impl ContentHead for SetMetadataHead {
    const FIXED_LEN: usize = 33;
    const MAX_HEAD_LEN: usize = Self::FIXED_LEN + FILE_NAME_MAX;

    fn head_len(&self) -> u64 {
        (Self::FIXED_LEN + self.file.name.as_bytes().len()) as u64
    }

    fn content_len(&self) -> u64 {
        self.metadata_len
    }
}

impl Request for SetMetadataHead {
    const COMMAND: Command = Command::SetMetadata;
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
            SetMetadataHead { metadata_len: 3, mode: MetaMode::Merge, file: "group1/M00/00/00/a".parse().unwrap() };
        let mut bytes = hex!(
            "000000000000000b 0000000000000003 4d 67726f75703100000000000000000000"
            "4d30302f30302f30302f61"
        );
        cuts::round_trips_and_rejects_every_cut(&head, &bytes);
        assert_eq!(head.check(bytes.len() as u64 + 3), Ok(()));
        assert!(head.check(bytes.len() as u64).is_err());
        assert!(SetMetadataHead { metadata_len: u64::MAX, ..head }.check(bytes.len() as u64 - 1).is_err());
        for mode in *b"omX\0" {
            bytes[16] = mode;
            assert!(SetMetadataHead::from_bytes(&bytes).is_err(), "{mode}");
        }
    }

    proptest! {
        #[test]
        fn any_head_round_trips(
            metadata_len in 0..=i64::MAX as u64, merge: bool, file in "[A-Za-z0-9]{1,16}/[!-~]{1,127}",
        ) {
            let mode = if merge { MetaMode::Merge } else { MetaMode::Overwrite };
            let head = SetMetadataHead { metadata_len, mode, file: file.parse().unwrap() };
            prop_assert_eq!(SetMetadataHead::from_bytes(&head.to_bytes()), Ok(head));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..170)) {
            let _ = cuts::reads_or_refuses::<SetMetadataHead>(&bytes);
        }
    }
}
