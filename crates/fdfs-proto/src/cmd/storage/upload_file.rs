//! A new file.

use super::ContentHead;
use crate::limits::EXT_NAME_LEN;
use crate::{Command, ExtName, Put, Reader, Request, Wire, WireError};

/// Head of `UPLOAD_FILE` (11) and `UPLOAD_APPENDER_FILE` (23); the file's bytes follow it on the stream.
///
/// | offset | size | field      | unit                                       |
/// |-------:|-----:|------------|--------------------------------------------|
/// |      0 |    1 | store path | index 0 to 127; 0xFF lets the storage choose |
/// |      1 |    8 | file size  | bytes, i64 big-endian, never negative      |
/// |      9 |    6 | extension  | text without the dot, NUL-padded           |
///
/// Source: wire specification, 2.5.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadHead {
    /// Index of the store path; `None` lets the storage choose.
    pub store_path: Option<u8>,
    /// Bytes of content.
    pub file_size: u64,
    /// Extension; may be empty.
    pub ext: ExtName,
}

/// The store path that stands for "choose one".
const CHOOSE: u8 = 0xFF;
/// The greatest index: the reference reads a signed byte.
const INDEX_MAX: u8 = i8::MAX as u8;

impl Wire for UploadHead {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.store_path.unwrap_or(CHOOSE));
        out.put_size(self.file_size);
        self.ext.put(out, EXT_NAME_LEN);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let store_path = match reader.u8("store path")? {
            CHOOSE => None,
            index @ ..=INDEX_MAX => Some(index),
            index => {
                let (value, high) = (i64::from(index), i64::from(INDEX_MAX));
                return Err(WireError::OutOfRange { field: "store path", value, low: 0, high });
            }
        };
        Ok(Self { store_path, file_size: reader.size("file size")?, ext: ExtName::read(reader, EXT_NAME_LEN)? })
    }
}

impl ContentHead for UploadHead {
    const FIXED_LEN: usize = 15;
    const MAX_HEAD_LEN: usize = Self::FIXED_LEN;

    fn head_len(&self) -> u64 {
        Self::FIXED_LEN as u64
    }

    fn content_len(&self) -> u64 {
        self.file_size
    }
}

impl Request for UploadHead {
    const COMMAND: Command = Command::UploadFile;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_head_round_trips_and_rejects_every_cut() {
        let head = UploadHead { store_path: None, file_size: 3, ext: "jpg".parse().unwrap() };
        cuts::round_trips_and_rejects_every_cut(&head, &hex!("ff 0000000000000003 6a7067000000"));
        assert_eq!(head.check(18), Ok(()));
        assert_eq!(head.check(17), Err(WireError::LengthMismatch { sum: 18, len: 17 }));
    }

    #[test]
    fn indices_that_are_negative_as_a_signed_byte_are_refused() {
        for index in 128..=254u8 {
            let mut bytes = hex!("00 0000000000000003 6a7067000000");
            bytes[0] = index;
            assert!(UploadHead::from_bytes(&bytes).is_err(), "{index}");
        }
    }

    #[test]
    fn a_size_near_the_limit_does_not_overflow() {
        let head = UploadHead { store_path: Some(0), file_size: i64::MAX as u64, ext: ExtName::EMPTY };
        assert_eq!(UploadHead::from_bytes(&head.to_bytes()), Ok(head));
        assert!(head.check(14).is_err());
        assert!(UploadHead { file_size: u64::MAX, ..head }.check(14).is_err());
        assert!(UploadHead::from_bytes(&hex!("00 ffffffffffffffff 6a7067000000")).is_err());
    }

    proptest! {
        #[test]
        fn any_head_round_trips(index in 0..128u8, choose: bool, size in 0..=i64::MAX as u64, ext in "[A-Za-z0-9._-]{0,6}") {
            let store_path = (!choose).then_some(index);
            let head = UploadHead { store_path, file_size: size, ext: ext.parse().unwrap() };
            prop_assert_eq!(UploadHead::from_bytes(&head.to_bytes()), Ok(head));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: [u8; 15]) {
            let _ = cuts::reads_or_refuses::<UploadHead>(&bytes);
        }
    }
}
