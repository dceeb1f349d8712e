//! The mark of a store path: the file `.fastdfs_vars` and its copy in `.data_init_flag`.

use std::fmt;

use super::ini::{Ini, IniWriter, VALUE_MAX};
use super::{DiskError, StateFile};
use crate::{IpText, Put, Reader, WireError};

const KEY: &str = "store_path_mark";
const IP_LEN: usize = 46;
const OLD_IP_LEN: usize = 16;
/// Bytes of the structure in a mark.
const LEN: usize = 56;
/// Bytes of the structure in a mark of versions that did not know IPv6.
const OLD_LEN: usize = 24;

/// The mark of a store path: says which storage the path belongs to.
///
/// An opaque text, compared for equality and nothing else; never empty, printable, at most 255 bytes.
///
/// Source: disk formats, A.3.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorePathMark(String);

/// What a mark says, for messages only.
///
/// | offset | size | field | unit |
/// |-------:|-----:|-------|------|
/// | 0 | 46 | address | text, NUL-padded |
/// | 46 | 2 | port | u16, little-endian |
/// | 48 | 1 | store path | index from 0 |
/// | 49 | 3 | | zero |
/// | 52 | 4 | creation | unix seconds, u32, little-endian |
///
/// Versions that did not know IPv6 have 16 bytes of address, then port, index, one zero byte and the creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkFields {
    /// The storage's address when it made the mark.
    pub ip: IpText,
    /// The storage's port.
    pub port: u16,
    /// The store path's index.
    pub store_path_index: u8,
    /// When the mark was made, unix seconds.
    pub created: u32,
}

impl StorePathMark {
    /// A mark as it stands in a file.
    ///
    /// # Errors
    /// [`WireError::BadText`] when it is empty or not printable, [`WireError::TooLong`].
    pub fn new(text: &[u8]) -> Result<Self, WireError> {
        if text.len() > VALUE_MAX {
            return Err(WireError::TooLong { field: KEY, len: text.len(), max: VALUE_MAX });
        }
        match std::str::from_utf8(text) {
            Ok(mark) if !mark.is_empty() && text.iter().all(u8::is_ascii_graphic) => Ok(Self(mark.to_owned())),
            _ => Err(WireError::bad_text(KEY, text)),
        }
    }

    /// A new mark, 75 characters.
    #[must_use]
    pub fn generate(fields: &MarkFields) -> Self {
        let mut bytes = Vec::with_capacity(LEN);
        fields.ip.put(&mut bytes, IP_LEN);
        bytes.extend_from_slice(&fields.port.to_le_bytes());
        bytes.put_u8(fields.store_path_index);
        bytes.extend_from_slice(&[0; 3]);
        bytes.extend_from_slice(&fields.created.to_le_bytes());
        Self(base64(&bytes))
    }

    /// What the mark says, if it has one of the two known forms. Never decide by it: compare marks instead.
    #[must_use]
    pub fn fields(&self) -> Option<MarkFields> {
        let bytes = unbase64(self.0.as_bytes())?;
        let (ip_len, gap) = match bytes.len() {
            LEN => (IP_LEN, 3),
            OLD_LEN => (OLD_IP_LEN, 1),
            _ => return None,
        };
        let mut reader = Reader::new(&bytes);
        let ip = IpText::read(&mut reader, ip_len).ok()?;
        let port = u16::from_le_bytes(reader.array("port").ok()?);
        let store_path_index = reader.u8("store path").ok()?;
        reader.bytes(gap, "gap").ok()?;
        let created = u32::from_le_bytes(reader.array("creation").ok()?);
        Some(MarkFields { ip, port, store_path_index, created })
    }

    /// The mark's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StorePathMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The file `.fastdfs_vars` of a store path.
///
/// An empty file and a key without a value mean that there is no mark, as if the file did not exist. A file that is not
/// empty and lacks the key is an error: it may be the damaged mark of another storage.
///
/// Source: disk formats, A.3.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorePathMarkFile {
    /// The mark; a file without one is never written.
    pub mark: Option<StorePathMark>,
}

impl StateFile for StorePathMarkFile {
    const FILE: &'static str = ".fastdfs_vars";

    fn encode(&self, out: &mut Vec<u8>) {
        if let Some(mark) = &self.mark {
            IniWriter::new(out).text(KEY, mark.as_str());
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        let ini = Ini::parse(bytes);
        let keys = ini.keys(Self::FILE);
        match keys.value(KEY) {
            None if ini.is_blank() => Ok(Self::default()),
            None => Err(DiskError::Unrecognized { file: Self::FILE }),
            Some(b"") => Ok(Self::default()),
            Some(_) => Ok(Self { mark: keys.text(KEY, StorePathMark::new)? }),
        }
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 with `-` and `_` and without padding. Source: disk formats, 0.4.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, i| bits << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for i in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * i) & 63) as usize]));
        }
    }
    text
}

fn unbase64(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for chunk in text.chunks(4) {
        let mut bits = 0u32;
        for i in 0..4 {
            let value = match chunk.get(i) {
                Some(letter) => ALPHABET.iter().position(|a| a == letter)? as u32,
                None => 0,
            };
            bits = bits << 6 | value;
        }
        let [_, three @ ..] = bits.to_be_bytes();
        bytes.extend_from_slice(three.get(..chunk.len().checked_sub(1)?)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "MTAuNzguMi4xMgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAANhZAQAAANoOAGs";

    #[test]
    fn a_mark_of_the_reference_reads_and_is_made_again() {
        let fields = StorePathMark::new(TEXT.as_bytes()).unwrap().fields().unwrap();
        let ip = IpText::new(b"10.78.2.12").unwrap();
        assert_eq!(fields, MarkFields { ip, port: 23000, store_path_index: 1, created: 0x6B00_0EDA });
        assert_eq!(StorePathMark::generate(&fields).as_str(), TEXT);
    }

    #[test]
    fn a_mark_of_an_old_version_reads() {
        let mut bytes = b"192.168.100.200\0".to_vec();
        bytes.extend_from_slice(&[0xD8, 0x59, 2, 0, 1, 0, 0, 0]);
        let fields = StorePathMark(base64(&bytes)).fields().unwrap();
        assert_eq!((fields.ip.as_str(), fields.port), ("192.168.100.200", 23000));
        assert_eq!((fields.store_path_index, fields.created), (2, 1));
        assert_eq!(StorePathMark("opaque".into()).fields(), None);
    }

    #[test]
    fn no_mark_and_a_damaged_mark_are_told_apart() {
        assert_eq!(StorePathMarkFile::decode(b""), Ok(StorePathMarkFile::default()));
        assert_eq!(StorePathMarkFile::decode(b"store_path_mark=\n"), Ok(StorePathMarkFile::default()));
        assert_eq!(StorePathMarkFile::decode(b"store_pa"), Err(DiskError::Unrecognized { file: ".fastdfs_vars" }));
    }

    proptest! {
        #[test]
        fn marks_round_trip(ip in "[0-9a-f:.]{0,46}", port in 0u16.., store_path_index in 0u8.., created in 0u32..) {
            let ip = IpText::new(ip.as_bytes()).unwrap();
            let fields = MarkFields { ip, port, store_path_index, created };
            let mark = StorePathMark::generate(&fields);
            prop_assert_eq!(mark.as_str().len(), 75);
            prop_assert_eq!(mark.fields(), Some(fields));
            let file = StorePathMarkFile { mark: Some(mark) };
            prop_assert_eq!(StorePathMarkFile::decode(&file.to_bytes()), Ok(file));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = StorePathMarkFile::decode(&bytes);
            if let Ok(mark) = StorePathMark::new(&bytes) {
                let _ = mark.fields();
            }
        }
    }
}
