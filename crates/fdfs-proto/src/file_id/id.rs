//! A file id: group and logic file name.

use std::fmt;
use std::str::FromStr;

use super::{LogicName, NameError};
use crate::{FileName, GroupName};

/// A file id, `group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt`: what an upload returns and all else asks with.
///
/// The name is kept as given: only the storage judges it. [`FileId::logic_name`] checks it here.
///
/// Source: wire specification, 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// The group that holds the file.
    pub group: GroupName,
    /// The logic file name, `M00/00/00/...`.
    pub name: FileName,
}

impl FileId {
    /// The name, checked.
    ///
    /// # Errors
    /// As [`LogicName::parse`].
    pub fn logic_name(&self) -> Result<LogicName, NameError> {
        LogicName::parse(&self.name)
    }
}

/// Splits at the first `/`.
impl FromStr for FileId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once('/') {
            Some((group, name)) if !group.is_empty() && !name.is_empty() => {
                Ok(Self { group: group.parse()?, name: name.parse()? })
            }
            _ => Err(NameError::NoGroup { text: text.chars().take(160).collect() }),
        }
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_splits_at_its_first_slash() {
        let text = "group1/M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt";
        let id: FileId = text.parse().unwrap();
        assert_eq!(id.group.as_str(), "group1");
        assert_eq!(id.name.as_str(), "M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt");
        assert_eq!(id.to_string(), text);
        assert_eq!(id.logic_name().unwrap().as_str(), id.name.as_str());
    }

    #[test]
    fn texts_without_group_or_name_are_no_ids() {
        for text in ["", "/", "group1", "group1/", "/M00/00/00/a"] {
            assert!(matches!(text.parse::<FileId>(), Err(NameError::NoGroup { .. })), "{text}");
        }
        for text in ["group 1/M00", "group1/M00/00/00/a b", "seventeenletters1/M00/00/00/a"] {
            assert!(matches!(text.parse::<FileId>(), Err(NameError::Text(_))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_that_is_an_id_writes_back(text in "[a-z0-9/M]{0,40}") {
            if let Ok(id) = text.parse::<FileId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
