//! What a storage knows of a file.

use crate::shared::AddrSize;
use crate::{IpText, Put, Reader, WireError};

/// The status byte of a `QUERY_FILE_INFO` (22) request; its body is a [`FileId`](crate::file_id::FileId).
///
/// Source: wire specification, 2.5.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InfoFlags {
    /// Bit 0: do not read appender and slave files to compute their CRC; it is answered as 0.
    pub without_crc: bool,
    /// Bit 1: a missing file is no news for the log.
    pub silent: bool,
}

impl InfoFlags {
    /// What callers send who only ask whether the file exists.
    pub const EXISTS: Self = Self { without_crc: true, silent: true };

    /// The flags of a request's status byte; other bits mean nothing.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        Self { without_crc: byte & 1 != 0, silent: byte & 2 != 0 }
    }

    /// The request's status byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.without_crc as u8 | (self.silent as u8) << 1
    }
}

/// The answer to `QUERY_FILE_INFO` (22), 40 or 70 bytes.
///
/// | offset | size    | field          | unit                                                          |
/// |-------:|--------:|----------------|---------------------------------------------------------------|
/// |      0 |       8 | file size      | bytes on disk, i64 big-endian                                 |
/// |      8 |       8 | mtime          | unix seconds, i64 big-endian; trunk: from the header          |
/// |     16 |       8 | CRC-32         | **sign-extended** to an i64 big-endian                        |
/// |     24 | 16 / 46 | source address | text, NUL-padded; empty when unknown                          |
///
/// Source: wire specification, 2.5.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileInfo {
    /// Bytes on disk; of a link: its target's.
    pub file_size: u64,
    /// Modification time, unix seconds; of a link: its own.
    pub mtime: i64,
    /// CRC-32 of the content, or what the name says it is.
    pub crc32: u32,
    /// Address of the storage the file was uploaded to, empty when unknown.
    pub source: IpText,
}

/// Bytes in front of the address.
const ADDRESS_AT: usize = 24;

impl FileInfo {
    /// Appends the answer; an address that does not fit the width is left out rather than cut.
    pub fn encode(&self, out: &mut Vec<u8>, addr_size: AddrSize) {
        let width = addr_size.width();
        out.put_size(self.file_size);
        out.put_i64(self.mtime);
        out.put_i64(i64::from(self.crc32 as i32));
        // Readers of C take the last byte of the field for the NUL that ends the text.
        let source = if self.source.as_bytes().len() < width { self.source } else { IpText::EMPTY };
        source.put(out, width);
    }

    /// Reads a whole answer; its length tells the width of the address.
    ///
    /// # Errors
    /// [`WireError::LengthMismatch`] for other lengths than 40 and 70; [`WireError::Negative`] for the size;
    /// [`WireError::BadText`] for the address.
    pub fn from_bytes(body: &[u8]) -> Result<Self, WireError> {
        let addr_size = [AddrSize::V4, AddrSize::V6].into_iter().find(|size| ADDRESS_AT + size.width() == body.len());
        let Some(addr_size) = addr_size else {
            let sum = (ADDRESS_AT + AddrSize::V4.width()) as u64;
            return Err(WireError::LengthMismatch { sum, len: body.len() as u64 });
        };
        let mut reader = Reader::new(body);
        Ok(Self {
            file_size: reader.size("file size")?,
            mtime: reader.i64("mtime")?,
            crc32: reader.i64("crc32")? as u32,
            source: IpText::read(&mut reader, addr_size.width())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    fn bytes(info: &FileInfo, addr_size: AddrSize) -> Vec<u8> {
        let mut out = Vec::new();
        info.encode(&mut out, addr_size);
        out
    }

    #[test]
    fn a_recorded_answer_round_trips_and_rejects_every_cut() {
        let info =
            FileInfo { file_size: 5, mtime: 0x6B00_1632, crc32: 0xDCA8_6C67, source: "10.78.1.11".parse().unwrap() };
        let recorded = hex!("0000000000000005 000000006b001632 ffffffffdca86c67 31302e37382e312e3131000000000000");
        assert_eq!(FileInfo::from_bytes(&recorded), Ok(info));
        assert_eq!(bytes(&info, AddrSize::V4), recorded);
        let wide = bytes(&info, AddrSize::V6);
        assert_eq!(FileInfo::from_bytes(&wide), Ok(info));
        for len in (0..wide.len()).filter(|&len| len != 40) {
            assert!(FileInfo::from_bytes(&wide[..len]).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn an_address_wider_than_its_field_is_left_out() {
        let source = "fd00:78::1:2:3:4".parse().unwrap();
        let info = FileInfo { file_size: 0, mtime: 0, crc32: 0, source };
        assert_eq!(FileInfo::from_bytes(&bytes(&info, AddrSize::V4)).unwrap().source, IpText::EMPTY);
        assert_eq!(FileInfo::from_bytes(&bytes(&info, AddrSize::V6)), Ok(info));
    }

    #[test]
    fn flags_read_and_write() {
        for byte in 0..4 {
            assert_eq!(InfoFlags::from_byte(byte).byte(), byte);
        }
        assert_eq!(InfoFlags::from_byte(0xFF), InfoFlags::EXISTS);
        assert_eq!(InfoFlags::EXISTS.byte(), 3);
    }

    proptest! {
        #[test]
        fn any_answer_round_trips(
            file_size in 0..=i64::MAX as u64, mtime: i64, crc32: u32, source in "[0-9a-f:.]{0,15}", wide: bool,
        ) {
            let info = FileInfo { file_size, mtime, crc32, source: source.parse().unwrap() };
            let body = bytes(&info, if wide { AddrSize::V6 } else { AddrSize::V4 });
            prop_assert_eq!(FileInfo::from_bytes(&body), Ok(info));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 40..=40)) {
            let _ = FileInfo::from_bytes(&bytes);
        }
    }
}
