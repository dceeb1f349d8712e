//! Metadata of a file: names and their values.

use std::fmt;

use fdfs_proto::cmd::storage::{MetaItem, Metadata as WireMetadata};
use fdfs_proto::limits::{META_NAME_MAX, META_VALUE_MAX};

use crate::ClientError;

/// The longest text that storages take with their default buffers, in bytes, the rest of the package left room for.
const TEXT_MAX: usize = 256 * 1024 - 256;

/// Metadata of a file: records of a name (up to 64 bytes) and a value (up to 256 bytes), sorted by name when they come
/// from a storage. Names and values are bytes without `0x00`, `0x01` and `0x02`; mostly they are texts.
///
/// ```
/// use fdfs_client::Metadata;
///
/// let metadata = Metadata::new().with("width", "160").with("height", "80");
/// assert_eq!(metadata.get_text("width").as_deref(), Some("160"));
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Metadata(Vec<(Vec<u8>, Vec<u8>)>);

impl Metadata {
    /// No records.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The same with one more record.
    #[must_use]
    pub fn with(mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// The value of the first record of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(n, _)| n == name.as_bytes()).map(|(_, value)| value.as_slice())
    }

    /// The value of the first record of that name, as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn get_text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// Names and values as texts; what is not UTF-8 is replaced.
    pub fn texts(&self) -> impl Iterator<Item = (String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.iter().map(move |(name, value)| (text(name), text(value)))
    }

    /// How many records there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no record.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text that storages keep.
    ///
    /// Differs from C: what would be cut or dropped by the storage is refused.
    pub(crate) fn pack(&self) -> Result<Vec<u8>, ClientError> {
        for (name, value) in self.iter() {
            let bad = |why| ClientError::BadMetadata { name: String::from_utf8_lossy(name).into_owned(), why };
            if name.len() > META_NAME_MAX {
                return Err(bad("a name has at most 64 bytes"));
            }
            if value.len() > META_VALUE_MAX {
                return Err(bad("a value has at most 256 bytes"));
            }
            if !(MetaItem { name, value }).is_clean() {
                return Err(bad("the bytes 0x00, 0x01 and 0x02 must not be in it"));
            }
        }
        let text = WireMetadata::from_items(self.iter().map(|(name, value)| MetaItem { name, value })).pack();
        if text.len() > TEXT_MAX {
            let why = "all records together have at most 255 KB";
            return Err(ClientError::BadMetadata { name: String::new(), why });
        }
        Ok(text)
    }

    /// What a storage answered.
    pub(crate) fn unpack(text: &[u8]) -> Self {
        WireMetadata::parse(text).items().iter().map(|item| (item.name, item.value)).collect()
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.texts()).finish()
    }
}

impl<N: Into<Vec<u8>>, V: Into<Vec<u8>>> FromIterator<(N, V)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(records: I) -> Self {
        Self(records.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_storage_would_cut_is_refused() {
        for metadata in [
            Metadata::new().with("n".repeat(65), "v"),
            Metadata::new().with("n", "v".repeat(257)),
            Metadata::new().with("a\x01b", "v"),
            Metadata::new().with("a", "v\x02"),
            Metadata::new().with("a\0", "v"),
            (0..1100).map(|n| (n.to_string(), "v".repeat(256))).collect(),
        ] {
            assert!(matches!(metadata.pack(), Err(ClientError::BadMetadata { .. })), "{} records", metadata.len());
        }
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(records in proptest::collection::btree_map("[a-z]{1,64}", "[ -~]{0,256}", 0..20)) {
            let metadata: Metadata = records.into_iter().collect();
            prop_assert_eq!(Metadata::unpack(&metadata.pack().unwrap()), metadata);
        }

        #[test]
        fn arbitrary_answers_never_panic(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Metadata::unpack(&text);
        }
    }
}
