//! Other bytes inside an appender file.

use super::{ContentHead, name};
use crate::limits::FILE_NAME_MAX;
use crate::{Command, FileName, Put, Reader, Request, Wire, WireError};

/// Head of `MODIFY_FILE` (34); the bytes to write follow it on the stream. It has no group.
///
/// | offset | size | field          | unit                                                        |
/// |-------:|-----:|----------------|-------------------------------------------------------------|
/// |      0 |    8 | name length    | bytes, i64 big-endian, 44 to 127                            |
/// |      8 |    8 | offset         | bytes, i64 big-endian, never negative nor beyond the file's end |
/// |     16 |    8 | content length | bytes, i64 big-endian, never negative                       |
/// |     24 |    n | file name      | text                                                        |
///
/// Source: wire specification, 2.5.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModifyHead {
    /// Where to write, in bytes from the file's begin.
    pub offset: u64,
    /// Bytes to write; the file may grow.
    pub len: u64,
    /// The appender file.
    pub name: FileName,
}

impl Wire for ModifyHead {
    fn encode(&self, out: &mut Vec<u8>) {
        name::put_len(out, &self.name);
        out.put_size(self.offset);
        out.put_size(self.len);
        out.put_bytes(self.name.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let name_len = name::read_len(reader, "name length", name::APPENDER_NAME_MIN)?;
        Ok(Self {
            offset: reader.size("offset")?,
            len: reader.size("content length")?,
            name: name::read(reader, name_len)?,
        })
    }
}

impl ContentHead for ModifyHead {
    const FIXED_LEN: usize = 24;
    const MAX_HEAD_LEN: usize = Self::FIXED_LEN + FILE_NAME_MAX;

    fn head_len(&self) -> u64 {
        (Self::FIXED_LEN + self.name.as_bytes().len()) as u64
    }

    fn content_len(&self) -> u64 {
        self.len
    }
}

impl Request for ModifyHead {
    const COMMAND: Command = Command::ModifyFile;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_head_round_trips_and_rejects_every_cut() {
        let name = "M00/00/00/Ck4BDGsAECCECKaAAAAAAKaEx8Y457.log";
        let head = ModifyHead { offset: 10, len: 2, name: name.parse().unwrap() };
        let bytes = [&hex!("000000000000002c 000000000000000a 0000000000000002")[..], name.as_bytes()].concat();
        cuts::round_trips_and_rejects_every_cut(&head, &bytes);
        assert_eq!(head.check(70), Ok(()));
        assert!(head.check(69).is_err() && head.check(71).is_err());
        assert!(ModifyHead { len: u64::MAX, ..head }.check(67).is_err());
        let mut negative = bytes;
        negative[8] = 0xFF;
        assert!(matches!(ModifyHead::from_bytes(&negative), Err(WireError::Negative { .. })));
    }

    proptest! {
        #[test]
        fn any_head_round_trips(offset in 0..=i64::MAX as u64, len in 0..=i64::MAX as u64, name in "[!-~]{44,127}") {
            let head = ModifyHead { offset, len, name: name.parse().unwrap() };
            prop_assert_eq!(ModifyHead::from_bytes(&head.to_bytes()), Ok(head));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
            let _ = cuts::reads_or_refuses::<ModifyHead>(&bytes);
        }
    }
}
