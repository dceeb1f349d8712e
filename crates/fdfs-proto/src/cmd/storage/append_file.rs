//! More bytes at the end of an appender file.

use super::{ContentHead, name};
use crate::limits::FILE_NAME_MAX;
use crate::{Command, FileName, Put, Reader, Request, Wire, WireError};

/// Head of `APPEND_FILE` (24); the bytes to append follow it on the stream. It has no group.
///
/// | offset | size | field          | unit                                  |
/// |-------:|-----:|----------------|---------------------------------------|
/// |      0 |    8 | name length    | bytes, i64 big-endian, 44 to 127      |
/// |      8 |    8 | content length | bytes, i64 big-endian, never negative |
/// |     16 |    n | file name      | text                                  |
///
/// Source: wire specification, 2.5.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendHead {
    /// Bytes to append.
    pub len: u64,
    /// The appender file.
    pub name: FileName,
}

impl Wire for AppendHead {
    fn encode(&self, out: &mut Vec<u8>) {
        name::put_len(out, &self.name);
        out.put_size(self.len);
        out.put_bytes(self.name.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let name_len = name::read_len(reader, "name length", name::APPENDER_NAME_MIN)?;
        Ok(Self { len: reader.size("content length")?, name: name::read(reader, name_len)? })
    }
}

impl ContentHead for AppendHead {
    const FIXED_LEN: usize = 16;
    const MAX_HEAD_LEN: usize = Self::FIXED_LEN + FILE_NAME_MAX;

    fn head_len(&self) -> u64 {
        (Self::FIXED_LEN + self.name.as_bytes().len()) as u64
    }

    fn content_len(&self) -> u64 {
        self.len
    }
}

impl Request for AppendHead {
    const COMMAND: Command = Command::AppendFile;
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
        let head = AppendHead { len: 5, name: name.parse().unwrap() };
        let bytes = [&hex!("000000000000002c 0000000000000005")[..], name.as_bytes()].concat();
        cuts::round_trips_and_rejects_every_cut(&head, &bytes);
        assert_eq!(head.check(65), Ok(()));
        assert!(head.check(64).is_err() && head.check(66).is_err());
        assert!(AppendHead { len: u64::MAX, ..head }.check(59).is_err());
        let short = AppendHead { name: name[..43].parse().unwrap(), ..head };
        assert!(AppendHead::from_bytes(&short.to_bytes()).is_err(), "a name of 43 is no appender's");
    }

    proptest! {
        #[test]
        fn any_head_round_trips(len in 0..=i64::MAX as u64, name in "[!-~]{44,127}") {
            let head = AppendHead { len, name: name.parse().unwrap() };
            prop_assert_eq!(AppendHead::from_bytes(&head.to_bytes()), Ok(head));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..150)) {
            let _ = cuts::reads_or_refuses::<AppendHead>(&bytes);
        }
    }
}
