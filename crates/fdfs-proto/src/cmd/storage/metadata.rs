//! The text form of a file's metadata, on the wire and on disk, and what setting it does.

use crate::limits::{META_NAME_MAX, META_VALUE_MAX};

/// Stands between two records.
const RECORD_SEPARATOR: u8 = 0x01;
/// Stands between name and value.
const VALUE_SEPARATOR: u8 = 0x02;

/// What `SET_METADATA` (13) does with the metadata the file has. Source: wire specification, 2.5.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetaMode {
    /// `O`: the new records replace all.
    Overwrite,
    /// `M`: a new record replaces those of its name, the others stay.
    Merge,
}

impl MetaMode {
    /// The byte on the wire.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Overwrite => b'O',
            Self::Merge => b'M',
        }
    }

    /// The mode of a byte on the wire.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'O' => Some(Self::Overwrite),
            b'M' => Some(Self::Merge),
            _ => None,
        }
    }
}

/// A name and its value, bytes as they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MetaItem<'a> {
    /// Up to 64 bytes without separators.
    pub name: &'a [u8],
    /// Up to 256 bytes without the record separator.
    pub value: &'a [u8],
}

/// Metadata of a file: valid records, sorted by name. Those of one name stand in the order they were sent.
///
/// The text is `name 0x02 value` records with 0x01 between them; no separator ends it. It is the body of
/// `SET_METADATA` (13), the answer to `GET_METADATA` (15) and the content of the file `<name>-m`.
///
/// Source: wire specification, 2.5.5; disk formats, A.7.3.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata<'a> {
    items: Vec<MetaItem<'a>>,
}

/// What setting metadata comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataChange {
    /// Nothing changes; the metadata file, if there is one, stays untouched.
    Keep,
    /// The metadata file goes, if there is one.
    Remove,
    /// The metadata file gets this text.
    Store(Vec<u8>),
}

impl<'a> Metadata<'a> {
    /// Reads a text: records without 0x02 are dropped, names cut to 64 bytes and values to 256.
    ///
    /// The text ends at its first NUL: what the reference leaves behind one, in the file when it dropped or cut
    /// records, is garbage. Memory taken is at most 16 times the text that is there.
    #[must_use]
    pub fn parse(text: &'a [u8]) -> Self {
        let end = text.iter().position(|&b| b == 0).unwrap_or(text.len());
        let records = text[..end].split(|&b| b == RECORD_SEPARATOR);
        Self::from_items(records.filter_map(|record| {
            let at = record.iter().position(|&b| b == VALUE_SEPARATOR)?;
            Some(MetaItem { name: &record[..at], value: &record[at + 1..] })
        }))
    }

    /// Metadata of these records, cut to their limits and sorted. Bytes that separate records, and NUL, must not be in
    /// them: a client asks [`MetaItem::is_clean`] first.
    #[must_use]
    pub fn from_items(items: impl IntoIterator<Item = MetaItem<'a>>) -> Self {
        let cut = |item: MetaItem<'a>| MetaItem {
            name: &item.name[..item.name.len().min(META_NAME_MAX)],
            value: &item.value[..item.value.len().min(META_VALUE_MAX)],
        };
        let mut items: Vec<_> = items.into_iter().map(cut).collect();
        items.sort_by_key(|item| item.name);
        Self { items }
    }

    /// The records, sorted by name.
    #[must_use]
    pub fn items(&self) -> &[MetaItem<'a>] {
        &self.items
    }

    /// Whether there is no record.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The text.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let len = self.items.iter().map(|item| item.name.len() + item.value.len() + 2).sum();
        let mut text = Vec::with_capacity(len);
        for (i, item) in self.items.iter().enumerate() {
            if i > 0 {
                text.push(RECORD_SEPARATOR);
            }
            text.extend_from_slice(item.name);
            text.push(VALUE_SEPARATOR);
            text.extend_from_slice(item.value);
        }
        text
    }

    /// These records, and those of `old` whose names are not among them.
    #[must_use]
    fn merged_onto(mut self, old: &Self) -> Self {
        let is_new = |name: &[u8]| self.items.binary_search_by_key(&name, |item| item.name).is_ok();
        let kept: Vec<_> = old.items.iter().filter(|item| !is_new(item.name)).copied().collect();
        self.items.extend(kept);
        self.items.sort_by_key(|item| item.name);
        self
    }
}

impl MetaItem<'_> {
    /// Whether it can be sent and comes back the same: no separator or NUL inside, not too long.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let separates = |b: &u8| matches!(*b, 0 | RECORD_SEPARATOR | VALUE_SEPARATOR);
        self.name.len() <= META_NAME_MAX
            && self.value.len() <= META_VALUE_MAX
            && !self.name.iter().chain(self.value).any(separates)
    }
}

impl MetadataChange {
    /// What setting `new` does, both as texts; `old` is the content of the metadata file if there is one.
    ///
    /// Differs from C: only valid records are stored, packed. C stores as many bytes as were sent, so a tail of garbage
    /// stays in the file when it dropped or cut records, and texts without any valid record as they are.
    ///
    /// Source: wire specification, 2.5.5.
    #[must_use]
    pub fn of(mode: MetaMode, old: Option<&[u8]>, new: &[u8]) -> Self {
        let new = Metadata::parse(new);
        match (mode, new.is_empty()) {
            (MetaMode::Overwrite, true) => Self::Remove,
            (MetaMode::Merge, true) => Self::Keep,
            (MetaMode::Overwrite, false) => Self::Store(new.pack()),
            (MetaMode::Merge, false) => {
                let old = Metadata::parse(old.unwrap_or_default());
                Self::Store(new.merged_onto(&old).pack())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(mode: MetaMode, old: Option<&str>, new: &str) -> Option<String> {
        match MetadataChange::of(mode, old.map(str::as_bytes), new.as_bytes()) {
            MetadataChange::Keep => old.map(str::to_owned),
            MetadataChange::Remove => None,
            MetadataChange::Store(text) => Some(String::from_utf8(text).unwrap()),
        }
    }

    #[test]
    fn overwriting_sorts_and_keeps_the_doubles_of_one_request() {
        let sorted = "a\x020\x01b\x021\x01width\x022";
        assert_eq!(set(MetaMode::Overwrite, None, "width\x022\x01b\x021\x01a\x020").as_deref(), Some(sorted));
        assert_eq!(set(MetaMode::Overwrite, Some(sorted), "d\x022\x01d\x021").as_deref(), Some("d\x022\x01d\x021"));
        assert_eq!(set(MetaMode::Overwrite, Some(sorted), ""), None);
    }

    #[test]
    fn merging_replaces_and_adds() {
        let old = Some("a\x020\x01b\x021\x01width\x022");
        assert_eq!(
            set(MetaMode::Merge, old, "b\x029\x01c\x023").as_deref(),
            Some("a\x020\x01b\x029\x01c\x023\x01width\x022")
        );
        assert_eq!(set(MetaMode::Merge, old, "").as_deref(), old);
        assert_eq!(set(MetaMode::Merge, None, ""), None);
        assert_eq!(set(MetaMode::Merge, None, "k\x02v").as_deref(), Some("k\x02v"));
    }

    #[test]
    fn only_valid_records_are_stored() {
        assert_eq!(set(MetaMode::Overwrite, None, "novalue\x01y\x022").as_deref(), Some("y\x022"));
        assert_eq!(set(MetaMode::Overwrite, Some("x\x021"), "novalue\x01\x01"), None);
        assert_eq!(set(MetaMode::Merge, Some("x\x021"), "novalue").as_deref(), Some("x\x021"));
        let long = format!("{}\x02{}", "n".repeat(70), "v".repeat(300));
        let cut = format!("{}\x02{}", "n".repeat(64), "v".repeat(256));
        assert_eq!(set(MetaMode::Overwrite, None, &long), Some(cut));
    }

    #[test]
    fn the_garbage_that_the_reference_leaves_in_a_file_goes_with_the_next_merge() {
        let left_by_c = Some("y\x022\0lue\0y\x022");
        assert_eq!(set(MetaMode::Merge, left_by_c, "z\x023").as_deref(), Some("y\x022\x01z\x023"));
    }

    proptest! {
        #[test]
        fn a_packed_text_parses_to_the_same(text in proptest::collection::vec(0..6u8, 0..200)) {
            let packed = Metadata::parse(&text).pack();
            prop_assert_eq!(Metadata::parse(&packed).pack(), &packed[..]);
            let sorted = Metadata::parse(&packed).items().is_sorted_by_key(|item| item.name);
            prop_assert!(sorted);
        }

        #[test]
        fn clean_items_come_back(items in proptest::collection::vec(("[a-z]{0,64}", "[a-z]{0,256}"), 0..8)) {
            let items: Vec<_> =
                items.iter().map(|(n, v)| MetaItem { name: n.as_bytes(), value: v.as_bytes() }).collect();
            prop_assert!(items.iter().all(MetaItem::is_clean));
            let packed = Metadata::from_items(items.clone()).pack();
            let parsed = Metadata::parse(&packed);
            prop_assert_eq!(parsed.items().len(), items.len());
            prop_assert!(items.iter().all(|item| parsed.items().contains(item)));
        }

        #[test]
        fn after_a_merge_every_new_name_has_just_its_new_values(
            old in "([a-d]\x02[0-9]\x01?){0,6}", new in "([a-d]\x02[0-9]\x01?){0,6}",
        ) {
            let before = Metadata::parse(new.as_bytes());
            if let Some(text) = set(MetaMode::Merge, Some(&old), &new) {
                let after = Metadata::parse(text.as_bytes());
                for item in before.items() {
                    let of_name = |meta: &Metadata<'_>| -> Vec<Vec<u8>> {
                        meta.items().iter().filter(|i| i.name == item.name).map(|i| i.value.to_vec()).collect()
                    };
                    prop_assert_eq!(of_name(&after), of_name(&before));
                }
            }
        }
    }
}
