//! The ten bytes in front of every body.

use crate::{Command, Status};

/// Bytes of a header.
pub const HEADER_LEN: usize = 10;

/// The ten bytes in front of every body, request and answer alike.
///
/// | offset | size | field   | unit                                                      |
/// |-------:|-----:|---------|-----------------------------------------------------------|
/// |      0 |    8 | length  | bytes of the body, i64 big-endian; negative is never legal |
/// |      8 |    1 | command | request: its number; answer: 100                          |
/// |      9 |    1 | status  | answer: 0 or an errno; request: 0, or flags (22), or an errno (16, 18, 28) |
///
/// Source: wire specification, 1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the body as sent; a peer may send nonsense, so it stays signed until checked.
    pub body_len: i64,
    /// The command byte as sent.
    pub command: u8,
    /// The status byte as sent.
    pub status: u8,
}

impl Header {
    /// The header of a request.
    #[must_use]
    pub fn request(command: Command, body_len: u64) -> Self {
        Self { body_len: i64::try_from(body_len).unwrap_or(i64::MAX), command: command.number(), status: 0 }
    }

    /// The header of an answer.
    #[must_use]
    pub fn answer(status: Status, body_len: u64) -> Self {
        Self {
            body_len: i64::try_from(body_len).unwrap_or(i64::MAX),
            command: Command::Resp.number(),
            status: status.0,
        }
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn to_bytes(self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..8].copy_from_slice(&self.body_len.to_be_bytes());
        bytes[8] = self.command;
        bytes[9] = self.status;
        bytes
    }

    /// Reads the ten bytes; every combination is a header, what it means is for the caller to judge.
    #[must_use]
    pub fn from_bytes(bytes: [u8; HEADER_LEN]) -> Self {
        let [a, b, c, d, e, f, g, h, command, status] = bytes;
        Self { body_len: i64::from_be_bytes([a, b, c, d, e, f, g, h]), command, status }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_recorded_header_reads_and_writes_back() {
        let bytes = hex!("000000000000001a 0b 00");
        let header = Header::from_bytes(bytes);
        assert_eq!(header, Header::request(Command::UploadFile, 26));
        assert_eq!(header.to_bytes(), bytes);
        assert_eq!(Header::answer(Status::ENOENT, 0).to_bytes(), hex!("0000000000000000 64 02"));
    }

    proptest! {
        #[test]
        fn any_ten_bytes_round_trip(bytes: [u8; HEADER_LEN]) {
            prop_assert_eq!(Header::from_bytes(bytes).to_bytes(), bytes);
        }
    }
}
