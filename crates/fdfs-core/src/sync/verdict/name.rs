//! What a name alone tells a receiver.

use fdfs_proto::file_id::{Fields, FormattedExt, Kind, LogicName};

use super::Content;

/// What the name of a metadata file ends with.
const META_SUFFIX: &str = "-m";
/// The record of an upload carries the time in the name, give or take the ticking of two clocks.
const SAME_UPLOAD_SECS: u32 = 60;

/// How often a name can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameUse {
    /// Once: a server made it from time and chance. Deleted, it never comes back.
    Once,
    /// Again: slaves and metadata are called as their master says.
    Again,
}

/// What a name alone tells a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameFacts {
    /// How often it can be given.
    pub used: NameUse,
    /// The content that the name promises. A link and a few slaves look as if they promised one, too.
    pub promised: Option<Content>,
    /// When it was made, unix seconds; only of names that promise a content.
    pub created: Option<u32>,
}

impl NameFacts {
    /// Looks at a name.
    #[must_use]
    pub fn of(name: &LogicName) -> Self {
        let again = Self { used: NameUse::Again, promised: None, created: None };
        if name.as_str().ends_with(META_SUFFIX) {
            return again;
        }
        // What is read from the master's name in that of a slave means nothing. An appender file's slaves are told by the
        // length and the last characters alone.
        let has_ext_part = name.file_name().len() == Fields::CHARS + FormattedExt::LEN;
        let is_drawn = has_ext_part && FormattedExt::of(name).is_some_and(is_generated);
        match (name.kind(), name.fields()) {
            (Kind::Regular, Some(fields)) if is_drawn => {
                Self { used: NameUse::Once, promised: Some(content_of(&fields)), created: Some(fields.created) }
            }
            (Kind::Trunk, Some(fields)) => {
                Self { used: NameUse::Once, promised: Some(content_of(&fields)), created: None }
            }
            (Kind::Appender, _) if is_drawn => Self { used: NameUse::Once, promised: None, created: None },
            (Kind::Regular | Kind::Appender | Kind::Slave | Kind::Trunk, _) => again,
        }
    }

    /// Whether a file of this name was made anew after it was deleted: a short slave that looks like a regular file.
    pub(super) fn is_made_anew(&self, deleted_at: u32, at: u32) -> bool {
        self.created.is_some_and(|created| at > deleted_at && at > created.saturating_add(SAME_UPLOAD_SECS))
    }
}

const fn content_of(fields: &Fields) -> Content {
    Content { len_bytes: fields.size_word.size(), crc32: fields.crc32 }
}

/// Whether the last seven characters are as a server makes them: digits, and then nothing or an extension.
fn is_generated(ext: FormattedExt) -> bool {
    let behind_digits = ext.as_str().trim_start_matches(|c: char| c.is_ascii_digit());
    behind_digits.is_empty() || behind_digits.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_how_often_they_are_given_and_what_they_promise() {
        let promised = Some(Content { len_bytes: 11, crc32: 0x0d4a_1185 });
        for (name, used, content) in [
            ("M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt", NameUse::Once, promised),
            ("M00/00/01/Ck4BC2sAEAGAC1AfAAAACw1KEYU.tar.gz", NameUse::Once, promised),
            ("M00/00/01/Ck4BC2sAEACAJ5YgAAAACw1KEYU1839672", NameUse::Once, promised),
            ("M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log", NameUse::Once, None),
            ("M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt-m", NameUse::Again, None),
            ("M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950.log-m", NameUse::Again, None),
            ("M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150.jpg", NameUse::Again, None),
            ("M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248-big", NameUse::Again, None),
            ("M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI-big.jpg", NameUse::Again, None),
            ("M00/00/03/Ck4BC2sAEAKEAj2qAAAAADUkQcI950_150x150.log", NameUse::Again, None),
            ("M00/00/00/oYYBAGsAELGIEmJ6AAAACw1KEYUAAAAAQAAAQAAAAEA513.txt", NameUse::Once, promised),
            ("M00/00/00/somebodys-notes.txt", NameUse::Again, None),
        ] {
            let facts = NameFacts::of(&name.parse().unwrap());
            assert_eq!((facts.used, facts.promised), (used, content), "{name}");
        }
    }

    #[test]
    fn a_short_slave_that_looks_like_a_regular_file_can_be_made_anew() {
        let facts = NameFacts::of(&"M00/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc2481.js".parse().unwrap());
        let created = facts.created.unwrap();
        assert!(!facts.is_made_anew(created + 100, created));
        assert!(facts.is_made_anew(created + 100, created + 101));
        assert!(!facts.is_made_anew(created - 5, created), "clocks apart");
    }
}
