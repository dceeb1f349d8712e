//! A logic file name that passed every check.

use std::fmt;
use std::str::FromStr;

use super::{Fields, Kind, NameError, TrunkPart};
use crate::FileName;

/// A logic file name that passed every check: the only form of a peer's file name that may reach a disk.
///
/// | position | length | part                                                          |
/// |---------:|-------:|---------------------------------------------------------------|
/// |        0 |      1 | `M`                                                           |
/// |        1 |      2 | store path index, hex                                         |
/// |        3 |      1 | `/`                                                           |
/// |        4 |      6 | sub directories `HH/HH/`, upper-case hex: the true name begins |
/// |       10 |     27 | base64 of [`Fields`]                                          |
/// |       37 |     16 | only in trunk files: base64 of [`TrunkPart`]                  |
/// |  37 / 53 |      7 | [extension part](super::FormattedExt); slaves: up to the end  |
///
/// Names without `Mxx/` (before V1.12) are names in store path 0.
///
/// Source: wire specification, 3.1, 3.7.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogicName {
    text: FileName,
    store_path_index: u8,
    high: u8,
    low: u8,
    /// Where the true name begins: 4, or 0 for a name without `Mxx/`.
    true_name_at: u8,
    /// What its first characters say: asked for several times by each request.
    fields: Option<Fields>,
}

/// Bytes of `Mxx/`.
const STORE_PATH_LEN: usize = 4;
/// Bytes of `HH/HH/`.
const SUBDIRS_LEN: usize = 6;
/// A logic name is longer than this.
const PATHS_LEN: usize = STORE_PATH_LEN + SUBDIRS_LEN;
/// Length of a name in a trunk file.
pub(super) const TRUNK_NAME_LEN: usize = 60;
/// Length of a name that is no slave's and not in a trunk file.
pub(super) const NORMAL_NAME_LEN: usize = 44;

impl LogicName {
    /// Checks a name.
    ///
    /// Whether the store path exists is for [`LogicName::in_store_paths`] to say.
    ///
    /// Differs from C: control characters and a NUL inside are refused (already by [`FileName`]), and so are the last
    /// parts `.` and `..`, which C opens and then finds to be directories.
    ///
    /// # Errors
    /// [`NameError::TooShort`], [`NameError::BadStorePath`], [`NameError::BadSubdirs`], [`NameError::NotPlain`].
    pub fn parse(name: &FileName) -> Result<Self, NameError> {
        let bytes = name.as_bytes();
        if bytes.len() <= PATHS_LEN {
            return Err(NameError::TooShort { len: bytes.len(), min: PATHS_LEN + 1 });
        }
        let shown = || name.as_str().to_owned();
        let (store_path_index, true_name_at) = match bytes {
            [b'M', high, low, b'/', ..] => {
                // The reference writes upper case here and reads both; in the sub directories it insists.
                let digits = (hex_digit(high.to_ascii_uppercase()), hex_digit(low.to_ascii_uppercase()));
                let (Some(high), Some(low)) = digits else { return Err(NameError::BadStorePath { name: shown() }) };
                (high << 4 | low, STORE_PATH_LEN)
            }
            [b'M', ..] => return Err(NameError::BadStorePath { name: shown() }),
            _ => (0, 0),
        };
        let [a, b, b'/', c, d, b'/', file_name @ ..] = &bytes[true_name_at..] else {
            return Err(NameError::BadSubdirs { name: shown() });
        };
        let (Some(a), Some(b), Some(c), Some(d)) = (hex_digit(*a), hex_digit(*b), hex_digit(*c), hex_digit(*d)) else {
            return Err(NameError::BadSubdirs { name: shown() });
        };
        if file_name.contains(&b'/') || matches!(file_name, b"" | b"." | b"..") {
            return Err(NameError::NotPlain { name: shown() });
        }
        Ok(Self {
            text: *name,
            store_path_index,
            high: a << 4 | b,
            low: c << 4 | d,
            true_name_at: true_name_at as u8,
            fields: file_name.first_chunk().and_then(Fields::from_chars),
        })
    }

    /// Checks a name in a buffer.
    ///
    /// # Errors
    /// [`NameError::Text`] for bytes no name has, else as [`LogicName::parse`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NameError> {
        Self::parse(&FileName::new(bytes)?)
    }

    /// The name, if a storage with `count` store paths can have it.
    ///
    /// # Errors
    /// [`NameError::NoStorePath`].
    pub fn in_store_paths(self, count: usize) -> Result<Self, NameError> {
        if usize::from(self.store_path_index) < count {
            Ok(self)
        } else {
            Err(NameError::NoStorePath { index: self.store_path_index, count })
        }
    }

    /// The name as sent.
    #[must_use]
    pub const fn text(&self) -> FileName {
        self.text
    }

    /// The name as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// Index of the store path.
    #[must_use]
    pub const fn store_path_index(&self) -> u8 {
        self.store_path_index
    }

    /// The first sub directory.
    #[must_use]
    pub const fn high(&self) -> u8 {
        self.high
    }

    /// The second sub directory.
    #[must_use]
    pub const fn low(&self) -> u8 {
        self.low
    }

    /// The name without the store path, `HH/HH/NAME`: where the file is below `<store path>/data/`.
    #[must_use]
    pub fn true_name(&self) -> &str {
        self.as_str().get(usize::from(self.true_name_at)..).unwrap_or_default()
    }

    /// The last part, without sub directories; never empty, never with a `/`.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.true_name().get(SUBDIRS_LEN..).unwrap_or_default()
    }

    /// The length that the rules of 3.6 speak of, in bytes: a name without `Mxx/` counts as if it had one.
    #[must_use]
    pub const fn len_with_store_path(&self) -> usize {
        STORE_PATH_LEN + self.text.len() - self.true_name_at as usize
    }

    /// What the first 27 characters say; `None` when they are fewer or not all base64.
    #[must_use]
    pub const fn fields(&self) -> Option<Fields> {
        self.fields
    }

    /// What kind of file the name tells of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::of(self.len_with_store_path(), self.fields.map(|fields| fields.size_word))
    }

    /// Where in which trunk file the file is; `None` unless the name has the form of a trunk file's.
    #[must_use]
    pub fn trunk_part(&self) -> Option<TrunkPart> {
        if self.kind() != Kind::Trunk {
            return None;
        }
        TrunkPart::from_chars(self.file_name().as_bytes().get(Fields::CHARS..)?.first_chunk()?)
    }

    /// The name of the metadata file: `-m` behind the name.
    ///
    /// # Errors
    /// [`NameError::Text`] when that gets too long to be sent.
    pub fn metadata_name(&self) -> Result<FileName, NameError> {
        let mut bytes = [0; FileName::MAX + 2];
        let name = self.text.as_bytes();
        bytes[..name.len()].copy_from_slice(name);
        bytes[name.len()..name.len() + 2].copy_from_slice(b"-m");
        Ok(FileName::new(&bytes[..name.len() + 2])?)
    }
}

/// The value of an upper-case hex digit.
const fn hex_digit(char: u8) -> Option<u8> {
    match char {
        b'0'..=b'9' => Some(char - b'0'),
        b'A'..=b'F' => Some(char - b'A' + 10),
        _ => None,
    }
}

impl FromStr for LogicName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::from_bytes(text.as_bytes())
    }
}

impl TryFrom<FileName> for LogicName {
    type Error = NameError;
    fn try_from(name: FileName) -> Result<Self, NameError> {
        Self::parse(&name)
    }
}

impl fmt::Display for LogicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for LogicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_falls_into_its_parts() {
        let name: LogicName = "M0A/1B/FF/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt".parse().unwrap();
        assert_eq!((name.store_path_index(), name.high(), name.low()), (10, 0x1B, 0xFF));
        assert_eq!(name.true_name(), "1B/FF/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt");
        assert_eq!(name.file_name(), "Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt");
        assert_eq!(name.metadata_name().unwrap().as_str(), "M0A/1B/FF/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt-m");
        assert!(name.in_store_paths(11).is_ok());
        assert_eq!(name.in_store_paths(10), Err(NameError::NoStorePath { index: 10, count: 10 }));
    }

    #[test]
    fn names_from_before_store_paths_are_in_path_0() {
        let name: LogicName = "02/0F/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt".parse().unwrap();
        assert_eq!((name.store_path_index(), name.high(), name.low()), (0, 2, 15));
        assert_eq!(name.true_name(), name.as_str());
        assert_eq!(name.kind(), Kind::Regular);
        assert!(name.fields().is_some());
    }

    #[test]
    fn every_rule_of_the_name_check_refuses() {
        assert!("M00/00/00/x".parse::<LogicName>().is_ok());
        assert!("M0f/00/00/x".parse::<LogicName>().is_ok(), "the store path reads lower case too");
        for (text, part) in [
            ("M00/00/00/", "too short"),
            ("00/00/name", "too short"),
            ("M0G/00/00/x", "store path"),
            ("M0000/00/00/x", "store path"),
            ("M00/0a/00/x", "sub directories"),
            ("M00/00/0a/x", "sub directories"),
            ("M00/00x00/xx", "sub directories"),
            ("m00/00/00/xx", "sub directories"),
            ("M00/00/00/../../etc/passwd", "slash"),
            ("M00/00/00/a/b", "slash"),
            ("M00/00/00/.", "directory"),
            ("M00/00/00/..", "directory"),
            ("M00/00/00/a\0b", "NUL"),
            ("M00/00/00/a\nb", "control character"),
            ("M00/00/00/a\u{e9}", "not ASCII"),
        ] {
            assert!(text.parse::<LogicName>().is_err(), "{text:?}: {part}");
        }
        assert!(LogicName::from_bytes(&[b'M'; 128]).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..140)) {
            if let Ok(name) = LogicName::from_bytes(&bytes) {
                prop_assert_eq!(name.as_str().as_bytes(), &bytes[..]);
            }
        }

        #[test]
        fn near_names_never_panic(text in "(M[0-9A-Fa-f]{2}/)?[0-9A-F]{2}/[0-9A-F]{2}/[A-Za-z0-9._-]{5,130}") {
            if let Ok(name) = LogicName::from_bytes(text.as_bytes()) {
                let _ = (name.kind(), name.fields(), name.trunk_part(), name.metadata_name());
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
