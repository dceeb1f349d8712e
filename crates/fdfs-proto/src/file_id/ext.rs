//! The last seven characters of a name, and which extension a client takes from a local file.

use std::fmt;

use super::LogicName;
use crate::ExtName;
use crate::limits::EXT_NAME_LEN;

/// The last seven characters of a name that is no slave's: random digits and, if there is one, `.` and the extension.
///
/// `319.txt`, `26238.c`, `.tar.gz`; without extension seven digits. The digits only make names more different.
///
/// Source: wire specification, 3.4.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FormattedExt([u8; FormattedExt::LEN]);

impl FormattedExt {
    /// Its characters.
    pub const LEN: usize = EXT_NAME_LEN + 1;

    /// The part for an extension; the digits are the low decimal digits of `random`.
    #[must_use]
    pub fn new(ext: &ExtName, random: u32) -> Self {
        let mut chars = [0; Self::LEN];
        let ext = ext.as_bytes();
        let digit_count = if ext.is_empty() { Self::LEN } else { EXT_NAME_LEN - ext.len() };
        let mut digits = random;
        for char in chars[..digit_count].iter_mut().rev() {
            *char = b'0' + (digits % 10) as u8;
            digits /= 10;
        }
        if !ext.is_empty() {
            chars[digit_count] = b'.';
            chars[digit_count + 1..].copy_from_slice(ext);
        }
        Self(chars)
    }

    /// The part as found at the end of a name or in a trunk header; `None` for characters that no file name has.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Option<Self> {
        bytes.iter().all(|&b| b.is_ascii_graphic() && b != b'/').then_some(Self(bytes))
    }

    /// The last seven characters of a name; `None` when it has fewer.
    #[must_use]
    pub fn of(name: &LogicName) -> Option<Self> {
        Self::from_bytes(*name.file_name().as_bytes().last_chunk()?)
    }

    /// The seven characters.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The seven characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The extension behind the first dot, as far as it is one; else the empty one.
    #[must_use]
    pub fn ext(&self) -> ExtName {
        let behind_dot = self.0.iter().position(|&b| b == b'.').map_or(&[][..], |dot| &self.0[dot + 1..]);
        ExtName::new(behind_dot).unwrap_or_default()
    }
}

impl fmt::Display for FormattedExt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for FormattedExt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// The extension that a client uploads a local file with.
///
/// What stands behind the last dot, if that is at most 6 characters without `/`; together with what stands before that
/// dot, back to an earlier one, if both and the dot between them fit 6 characters: `a.tar.gz` has `tar.gz`. A dot in
/// front of the whole path is no earlier dot.
///
/// Differs from C: an extension with characters that storages refuse counts as none, so that the file can be uploaded.
///
/// Source: wire specification, 3.4.
#[must_use]
pub fn ext_of_local_file(path: &[u8]) -> ExtName {
    let Some(last_dot) = path.iter().rposition(|&b| b == b'.') else { return ExtName::EMPTY };
    let short = &path[last_dot + 1..];
    let long = path[..last_dot].iter().rposition(|&b| b == b'.').filter(|&dot| dot > 0).map(|dot| &path[dot + 1..]);
    let fits = |part: &&[u8]| part.len() <= EXT_NAME_LEN && !part.contains(&b'/');
    let ext = long.filter(fits).or(Some(short).filter(fits)).unwrap_or_default();
    ExtName::new(ext).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn extensions_are_filled_up_with_digits() {
        for (ext, random, formatted) in [
            ("txt", 1319, "319.txt"),
            ("c", 26238, "26238.c"),
            ("tar.gz", 1319, ".tar.gz"),
            ("..", 8595, "8595..."),
            ("", 1_839_672, "1839672"),
            ("", 42, "0000042"),
            ("log", 8, "008.log"),
        ] {
            let ext = ext.parse().unwrap();
            let part = FormattedExt::new(&ext, random);
            assert_eq!(part.as_str(), formatted);
            assert_eq!(part.ext(), ext);
        }
    }

    #[test]
    fn a_local_file_gives_its_extension() {
        for (path, ext) in [
            ("a.txt", "txt"),
            ("a", ""),
            ("a.", ""),
            (".txt", "txt"),
            ("a.tar.gz", "tar.gz"),
            ("a.tar.bz2", "bz2"),
            ("/tmp/a.tar.gz", "tar.gz"),
            (".tar.gz", "gz"),
            ("a.seveness", ""),
            ("dir.d/file", ""),
            ("dir.d/f.c", "c"),
            ("a.b/c.gz", "gz"),
            ("a.b.c.d", "c.d"),
            ("a..gz", ".gz"),
            ("a.j?g", ""),
        ] {
            assert_eq!(ext_of_local_file(path.as_bytes()).as_str(), ext, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_extension_is_found_again(ext in "[A-Za-z0-9._-]{0,6}", random: u32) {
            let ext: ExtName = ext.parse().unwrap();
            prop_assert_eq!(FormattedExt::new(&ext, random).ext(), ext);
        }

        #[test]
        fn any_path_has_an_extension_or_none(path in proptest::collection::vec(any::<u8>(), 0..20)) {
            prop_assert!(ext_of_local_file(&path).as_bytes().len() <= 6);
        }
    }
}
