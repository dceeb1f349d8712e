//! mime.types: content types by extension.
//!
//! Source: configuration, 10; HTTP, 3.2.

use std::collections::BTreeMap;

use crate::ini::{FILE_BYTES_MAX, LINES_MAX};
use crate::{ConfError, Place};

/// Content types by extension.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MimeTypes {
    types: BTreeMap<String, String>,
}

impl MimeTypes {
    /// Reads lines `type ext [ext ...]`; a later line wins. `file` is named in errors.
    ///
    /// # Errors
    /// [`ConfError::TooLarge`].
    // Differs from C: a CR at the end of a line belongs to the line's end, so that DOS files work, and so does a `;`
    // as nginx writes it.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, ConfError> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(ConfError::TooLarge { at: Place::whole(file), what: "bytes", max: FILE_BYTES_MAX });
        }
        let mut types = BTreeMap::new();
        for line in String::from_utf8_lossy(bytes).split('\n').filter(|line| !line.starts_with('#')) {
            let line = line.trim_end_matches(['\r', ' ', '\t', ';']);
            let mut words = line.split_ascii_whitespace();
            let Some(content_type) = words.next() else { continue };
            for ext in words {
                types.insert(ext.to_owned(), content_type.to_owned());
            }
            if types.len() > LINES_MAX {
                return Err(ConfError::TooLarge { at: Place::whole(file), what: "extensions", max: LINES_MAX });
            }
        }
        Ok(Self { types })
    }

    /// How many extensions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// The type of an extension without its dot; case counts.
    #[must_use]
    pub fn of_extension(&self, ext: &str) -> Option<&str> {
        self.types.get(ext).map(String::as_str)
    }

    /// The type of a file name: of what follows its last dot.
    // Differs from C: an extension of 6 characters is found, too; the reference looks for the dot in the last 6.
    #[must_use]
    pub fn of_file_name(&self, name: &str) -> Option<&str> {
        let at = name.bytes().rposition(|b| matches!(b, b'.' | b'/'))?;
        self.of_extension(name[at..].strip_prefix('.')?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_the_last_extension() {
        let text =
            b"# types\ntext/html html htm\r\nimage/jpeg\tjpg jpeg;\nonly/type\n\ntext/x-html htm\nx/six sixsix\n";
        let types = MimeTypes::parse("mime.types", text).unwrap();
        assert_eq!(types.of_file_name("M00/00/00/a.jpg"), Some("image/jpeg"));
        assert_eq!(types.of_file_name("a.tar.jpeg"), Some("image/jpeg"));
        assert_eq!(types.of_file_name("a.htm"), Some("text/x-html"));
        assert_eq!(types.of_file_name("a.sixsix"), Some("x/six"));
        assert_eq!(types.of_file_name("a.JPG"), None);
        assert_eq!(types.of_file_name("dir.jpg/a"), None);
        assert_eq!(types.len(), 5);
    }
}
