//! The list of a store path's files, for a peer that lost its copy.

use crate::limits::GROUP_NAME_LEN;
use crate::{Command, GroupName, Put, Reader, Request, Wire, WireError};

/// `FETCH_ONE_PATH_BINLOG` (26).
///
/// | offset | size | field      | unit                              |
/// |-------:|-----:|------------|-----------------------------------|
/// |      0 |   16 | group      | text, NUL-padded                  |
/// |     16 |    1 | store path | index 0 to 127                    |
///
/// The answer is a stream: a header that announces [`ANSWER_LEN`](Self::ANSWER_LEN) bytes, text lines
/// `time op name[ source]\n`, a [trailer](Self::trailer), and the storage closes. A stream without the right trailer
/// was broken off.
///
/// Source: wire specification, 2.6.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchOnePathBinlog {
    /// The group.
    pub group: GroupName,
    /// Index of the store path.
    pub store_path_index: u8,
}

impl FetchOnePathBinlog {
    /// The length in the answer's header, which stands for "unknown".
    pub const ANSWER_LEN: u64 = 1 << 58;
    /// Bytes behind the last line.
    pub const TRAILER_LEN: usize = 8;
    /// The producer reads its whole binlog first, so a receiver waits at least this long for the next bytes.
    pub const TIMEOUT_MIN_SECS: u64 = 600;

    /// What ends the answer: how many bytes of text were sent, i64 big-endian.
    #[must_use]
    pub fn trailer(text_len: u64) -> [u8; Self::TRAILER_LEN] {
        i64::try_from(text_len).unwrap_or(i64::MAX).to_be_bytes()
    }

    /// Checks the end of an answer that had `text_len` bytes in front of it.
    ///
    /// # Errors
    /// [`WireError::LengthMismatch`]: the answer was broken off.
    pub fn check_trailer(trailer: [u8; Self::TRAILER_LEN], text_len: u64) -> Result<(), WireError> {
        if trailer == Self::trailer(text_len) {
            Ok(())
        } else {
            Err(WireError::LengthMismatch { sum: u64::from_be_bytes(trailer), len: text_len })
        }
    }
}

impl Wire for FetchOnePathBinlog {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
        out.put_u8(self.store_path_index);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let group = GroupName::read(reader, GROUP_NAME_LEN)?;
        let index = reader.u8("store path")?;
        // The reference reads a signed byte, so there is no way to ask for the paths above 127.
        if i8::try_from(index).is_err() {
            let (value, high) = (i64::from(index), i64::from(i8::MAX));
            return Err(WireError::OutOfRange { field: "store path", value, low: 0, high });
        }
        Ok(Self { group, store_path_index: index })
    }
}

impl Request for FetchOnePathBinlog {
    const COMMAND: Command = Command::FetchOnePathBinlog;
}

#[cfg(test)]
mod tests {
    use super::super::cuts;
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_request_round_trips_and_rejects_every_cut() {
        let request = FetchOnePathBinlog { group: "group1".parse().unwrap(), store_path_index: 1 };
        let mut bytes = hex!("67726f75703100000000000000000000 01");
        cuts::round_trips_and_rejects_every_cut(&request, &bytes);
        bytes[16] = 128;
        assert!(FetchOnePathBinlog::from_bytes(&bytes).is_err());
    }

    #[test]
    fn the_trailer_tells_a_broken_stream() {
        assert_eq!(FetchOnePathBinlog::ANSWER_LEN.to_be_bytes(), hex!("0400000000000000"));
        assert_eq!(FetchOnePathBinlog::trailer(2069), hex!("0000000000000815"));
        assert_eq!(FetchOnePathBinlog::check_trailer(hex!("0000000000000815"), 2069), Ok(()));
        assert!(FetchOnePathBinlog::check_trailer(hex!("0000000000000815"), 2068).is_err());
        assert!(FetchOnePathBinlog::check_trailer(*b"0000.txt", 2069).is_err());
    }

    proptest! {
        #[test]
        fn any_request_round_trips(group in "[A-Za-z0-9]{1,16}", store_path_index in 0..128u8) {
            let request = FetchOnePathBinlog { group: group.parse().unwrap(), store_path_index };
            prop_assert_eq!(FetchOnePathBinlog::from_bytes(&request.to_bytes()), Ok(request));
        }
    }
}
