//! Short texts of fixed fields, held in place: no allocation, `Copy`, ordered by their bytes.

use std::fmt;
use std::str::FromStr;

use crate::limits::{
    EXT_NAME_LEN, FILE_NAME_MAX, GROUP_NAME_LEN, IPV6_LEN, SLAVE_PREFIX_LEN, STORAGE_ID_LEN, VERSION_LEN,
};
use crate::{Put, Reader, WireError};

/// Up to `N` ASCII or UTF-8 bytes without a NUL, held in place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FixedText<const N: usize> {
    bytes: [u8; N],
    len: u8,
}

impl<const N: usize> FixedText<N> {
    /// The empty text.
    pub const EMPTY: Self = Self { bytes: [0; N], len: 0 };

    /// A text of at most `N` bytes without NUL.
    ///
    /// # Errors
    /// [`WireError::TooLong`], or [`WireError::BadText`] for a NUL or bytes that are not UTF-8.
    pub fn new(field: &'static str, text: &[u8]) -> Result<Self, WireError> {
        const { assert!(N < 256, "the length is kept in one byte") }
        if text.len() > N {
            return Err(WireError::TooLong { field, len: text.len(), max: N });
        }
        if text.contains(&0) || std::str::from_utf8(text).is_err() {
            return Err(WireError::bad_text(field, text));
        }
        let mut bytes = [0; N];
        bytes[..text.len()].copy_from_slice(text);
        Ok(Self { bytes, len: text.len() as u8 })
    }

    /// A field of `bytes.len()` bytes: the text ends at the first NUL or at the end; what follows the NUL is garbage.
    ///
    /// # Errors
    /// [`WireError::BadText`] for bytes that are not UTF-8, [`WireError::TooLong`].
    pub fn from_padded(field: &'static str, bytes: &[u8]) -> Result<Self, WireError> {
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        Self::new(field, &bytes[..end])
    }

    /// The text's bytes, without padding.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Its length, in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether it is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident, $max:expr, $field:literal, $check:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(FixedText<{ $max }>);

        impl $name {
            /// The empty text.
            pub const EMPTY: Self = Self(FixedText::EMPTY);
            /// The longest text, in bytes.
            pub const MAX: usize = $max;

            /// Checks and keeps a text.
            ///
            /// # Errors
            /// [`WireError::TooLong`], [`WireError::BadText`].
            pub fn new(text: &[u8]) -> Result<Self, WireError> {
                let check: fn(&[u8]) -> bool = $check;
                if text.len() <= $max && !check(text) {
                    return Err(WireError::bad_text($field, text));
                }
                FixedText::new($field, text).map(Self)
            }

            /// Reads a field of `width` bytes; garbage behind the first NUL is ignored.
            ///
            /// # Errors
            /// [`WireError::Truncated`], [`WireError::BadText`], [`WireError::TooLong`].
            pub fn read(reader: &mut Reader<'_>, width: usize) -> Result<Self, WireError> {
                let bytes = reader.bytes(width, $field)?;
                let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
                Self::new(&bytes[..end])
            }

            /// Writes a field of `width` bytes, padded with NUL.
            pub fn put(&self, out: &mut Vec<u8>, width: usize) {
                out.put_padded(self.0.as_bytes(), width);
            }

            /// The text's bytes, without padding.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// Its length, in bytes.
            #[must_use]
            pub const fn len(&self) -> usize {
                self.0.len()
            }

            /// Whether it is empty.
            #[must_use]
            pub const fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::EMPTY
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = WireError;
            fn from_str(text: &str) -> Result<Self, WireError> {
                Self::new(text.as_bytes())
            }
        }
    )*};
}

/// Whether all characters are `[A-Za-z0-9._-]`, as extensions and slave prefixes need.
fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Whether it is printable ASCII without blanks: no control characters, no NUL.
fn is_graphic(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

texts! {
    /// The name of a group: 1 to 16 letters and digits. Empty only as "no group".
    GroupName, GROUP_NAME_LEN, "group name", |text| text.iter().all(u8::is_ascii_alphanumeric);
    /// The id of a storage: its number with storage ids, else its address; up to 15 characters, empty as "none".
    StorageId, STORAGE_ID_LEN, "storage id", is_graphic;
    /// An IP address as text, empty as "none".
    IpText, IPV6_LEN, "ip address", is_graphic;
    /// A file name extension without its leading dot, up to 6 characters `[A-Za-z0-9._-]`; may be empty.
    ExtName, EXT_NAME_LEN, "extension", is_plain;
    /// What stands between a master's stem and the extension in a slave's name, 1 to 16 characters `[A-Za-z0-9._-]`.
    SlavePrefix, SLAVE_PREFIX_LEN, "slave prefix", is_plain;
    /// A program's version, such as `6.16.1`.
    VersionText, VERSION_LEN, "version", is_graphic;
    /// A logic file name as a peer sent it (`M00/00/00/...`), up to 127 bytes without blanks and control characters.
    /// The file id module says what it means.
    FileName, FILE_NAME_MAX, "file name", is_graphic;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_behind_the_nul_is_ignored_and_never_written() {
        let name = GroupName::read(&mut Reader::new(b"group1\0\xff\x07garbag"), 15).unwrap();
        assert_eq!(name.as_str(), "group1");
        let mut out = Vec::new();
        name.put(&mut out, 16);
        assert_eq!(out, b"group1\0\0\0\0\0\0\0\0\0\0");
    }

    #[test]
    fn bad_texts_are_refused() {
        assert!(GroupName::new(b"group-1").is_err());
        assert!(GroupName::new(b"seventeenletters1").is_err());
        assert!(FileName::new(b"M00/00/00/a\0b").is_err());
        assert!(FileName::new(b"M00/00/00/a\nb").is_err());
        assert!(ExtName::new(b"a/b").is_err());
        assert!(ExtName::new(b"tar.gz").is_ok());
    }
}
