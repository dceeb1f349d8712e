//! The small state files: `key=value` lines, some with `[section]` lines.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::number::{self, DiskNumber};
use super::{DiskError, ValueFault};
use crate::WireError;

/// The longest key in bytes; the rest is cut off.
pub const KEY_MAX: usize = 63;
/// The longest value in bytes; the rest is cut off.
pub const VALUE_MAX: usize = 255;

/// A state file taken apart into sections and keys.
///
/// Blanks at both ends of lines, keys and values, `#` comments, CRLF, unknown keys, lines without `=` and any order of
/// keys are accepted; of two equal keys of one section the later wins.
///
/// Differs from C: `#include` lines are comments like all others, so that a state file cannot pull in another file.
///
/// Source: disk formats, 0.1.
#[derive(Debug, Clone, Default)]
pub struct Ini<'a> {
    sections: BTreeMap<&'a [u8], BTreeMap<&'a [u8], Item<'a>>>,
    line_count: usize,
    finished: bool,
    blank: bool,
}

#[derive(Debug, Clone, Copy)]
struct Item<'a> {
    line: usize,
    value: &'a [u8],
}

impl<'a> Ini<'a> {
    /// Takes a file apart. Every text is a state file, if perhaps one without keys.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Self {
        let mut ini = Self { finished: bytes.ends_with(b"\n"), blank: true, ..Self::default() };
        let mut section: &[u8] = b"";
        for line in super::line::lines(bytes) {
            ini.line_count = line.number;
            let text = line.text.trim_ascii();
            ini.blank &= text.is_empty();
            if text.is_empty() || text.starts_with(b"#") {
                continue;
            }
            if let Some(name) = text.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")) {
                section = name.trim_ascii();
                continue;
            }
            let mut parts = text.splitn(2, |&b| b == b'=');
            if let (Some(key), Some(value)) = (parts.next(), parts.next()) {
                let item = Item { line: line.number, value: cut(value.trim_ascii(), VALUE_MAX) };
                ini.sections.entry(section).or_default().insert(cut(key.trim_ascii(), KEY_MAX), item);
            }
        }
        ini
    }

    /// The keys in front of the first section line. `file` is the kind of file, for messages.
    #[must_use]
    pub fn keys(&self, file: &'static str) -> Keys<'_, 'a> {
        self.section(file, "")
    }

    /// The keys of one section; a section that is not there has no keys.
    #[must_use]
    pub fn section(&self, file: &'static str, name: &str) -> Keys<'_, 'a> {
        Keys { file, section: name.to_owned(), items: self.sections.get(name.as_bytes()) }
    }

    /// Checks that the file is not empty and ends with a newline: a file that is written in place can be cut anywhere.
    ///
    /// # Errors
    /// [`DiskError::Empty`], [`DiskError::Unfinished`].
    pub const fn whole(&self, file: &'static str) -> Result<(), DiskError> {
        if self.blank {
            return Err(DiskError::Empty { file });
        }
        if self.finished { Ok(()) } else { Err(DiskError::Unfinished { file, line: self.line_count }) }
    }

    /// Whether the file has nothing but blanks.
    #[must_use]
    pub const fn is_blank(&self) -> bool {
        self.blank
    }
}

/// The keys of one section.
#[derive(Debug, Clone)]
pub struct Keys<'i, 'a> {
    file: &'static str,
    section: String,
    items: Option<&'i BTreeMap<&'a [u8], Item<'a>>>,
}

impl<'a> Keys<'_, 'a> {
    /// The value of a key, if the key is there.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&'a [u8]> {
        self.item(key).map(|item| item.value)
    }

    /// Whether not one of these keys is there.
    #[must_use]
    pub fn has_none_of<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> bool {
        keys.into_iter().all(|key| self.value(key).is_none())
    }

    /// A yes or no: `1`, `true`, `yes`, `on` in any case are yes, everything else is no.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.value(key)
            .map(|value| [&b"1"[..], b"true", b"yes", b"on"].iter().any(|yes| value.eq_ignore_ascii_case(yes)))
    }

    /// A text; `new` is the constructor of the text.
    ///
    /// # Errors
    /// [`DiskError::BadValue`] with what `new` objects to.
    pub fn text<T>(&self, key: &str, new: impl FnOnce(&[u8]) -> Result<T, WireError>) -> Result<Option<T>, DiskError> {
        self.item(key).map(|item| new(item.value).map_err(|e| self.bad(key, item.line, e.into()))).transpose()
    }

    /// A number. An empty value is no number.
    pub(super) fn number<T: DiskNumber>(&self, key: &str) -> Result<Option<T>, DiskError> {
        self.item(key)
            .map(|item| number::parse(item.value).map_err(|fault| self.bad(key, item.line, fault)))
            .transpose()
    }

    /// A number whose empty value is 0.
    pub(super) fn number_or_empty<T: DiskNumber + Default>(&self, key: &str) -> Result<Option<T>, DiskError> {
        if self.value(key).is_some_and(<[u8]>::is_empty) { Ok(Some(T::default())) } else { self.number(key) }
    }

    /// The value of a key that must be there.
    pub(super) fn required<T>(&self, key: &str, value: Option<T>) -> Result<T, DiskError> {
        value.ok_or_else(|| DiskError::MissingKey { file: self.file, key: self.full_name(key) })
    }

    /// Something is wrong with the value of a key.
    pub(super) fn bad_value(&self, key: &str, fault: ValueFault) -> DiskError {
        self.bad(key, self.item(key).map_or(0, |item| item.line), fault)
    }

    fn item(&self, key: &str) -> Option<Item<'a>> {
        self.items.and_then(|items| items.get(key.as_bytes())).copied()
    }

    fn bad(&self, key: &str, line: usize, fault: ValueFault) -> DiskError {
        DiskError::BadValue { file: self.file, line, key: self.full_name(key), fault }
    }

    fn full_name(&self, key: &str) -> String {
        if self.section.is_empty() { key.to_owned() } else { format!("[{}] {key}", self.section) }
    }
}

/// Writes `key=value` lines as the reference does.
#[derive(Debug)]
pub struct IniWriter<'v> {
    out: &'v mut Vec<u8>,
    indent: &'static [u8],
}

impl<'v> IniWriter<'v> {
    /// Lines that begin with their key.
    pub const fn new(out: &'v mut Vec<u8>) -> Self {
        Self { out, indent: b"" }
    }

    /// Lines that begin with a tab, as below the sections of the tracker's files.
    pub const fn indented(out: &'v mut Vec<u8>) -> Self {
        Self { out, indent: b"\t" }
    }

    /// A `[section]` line. The name is a number behind a word at most, and never holds a newline.
    pub fn section(&mut self, name: &str) {
        self.out.push(b'[');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"]\n");
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.out.push(b'\n');
    }

    /// A text.
    pub fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        // The texts of the formats are graphic characters; a line break in one would make a key of its own.
        let value: Cow<'_, str> =
            if value.contains('\n') { Cow::Owned(value.replace('\n', " ")) } else { Cow::Borrowed(value) };
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(b'\n');
    }

    /// A number that cannot be negative.
    pub fn unsigned(&mut self, key: &str, value: impl Into<u64>) {
        self.key(key);
        number::put_unsigned(self.out, value.into());
        self.out.push(b'\n');
    }

    /// A number with a sign.
    pub fn signed(&mut self, key: &str, value: impl Into<i64>) {
        self.key(key);
        number::put_signed(self.out, value.into());
        self.out.push(b'\n');
    }

    /// A yes or no, as `1` or `0`.
    pub fn flag(&mut self, key: &str, value: bool) {
        self.unsigned(key, u8::from(value));
    }

    fn key(&mut self, key: &str) {
        self.out.extend_from_slice(self.indent);
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'=');
    }
}

fn cut(bytes: &[u8], max: usize) -> &[u8] {
    bytes.get(..max).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StorageId;
    use proptest::prelude::*;

    #[test]
    fn everything_the_reference_accepts_is_accepted() {
        let ini =
            Ini::parse(b" a = 1 \r\n# b=2\n\n\tno equals\nempty=\nx=y=z\na=3\n[ Two ]\n\ta=5\n#include b\nt=YES\nf=2");
        let keys = ini.keys("test");
        assert_eq!(keys.number::<u8>("a").unwrap(), Some(3), "the later of two equal keys");
        assert_eq!(keys.value("b"), None);
        assert_eq!(keys.value("empty"), Some(&b""[..]));
        assert_eq!(keys.value("x"), Some(&b"y=z"[..]));
        let two = ini.section("test", "Two");
        assert_eq!(two.number::<u8>("a").unwrap(), Some(5));
        assert_eq!((two.flag("t"), two.flag("f"), two.flag("g")), (Some(true), Some(false), None));
        assert!(ini.whole("test").is_err());
    }

    #[test]
    fn faults_name_file_line_section_and_key() {
        let ini = Ini::parse(b"\n[S]\nn=x\nid=seventeen letters");
        let keys = ini.section("some file", "S");
        let fault = keys.number::<u8>("n").unwrap_err();
        assert_eq!(fault.to_string(), "some file, line 3, key [S] n: \"x\" is not a number");
        assert!(
            keys.text("id", StorageId::new).unwrap_err().to_string().starts_with("some file, line 4, key [S] id: ")
        );
        let missing = keys.required("m", keys.number::<u8>("m").unwrap()).unwrap_err();
        assert_eq!(missing.to_string(), "some file: key [S] m is missing");
    }

    #[test]
    fn long_keys_and_values_are_cut() {
        let text = format!("{}=1\nv={}\n", "k".repeat(70), "v".repeat(300));
        let ini = Ini::parse(text.as_bytes());
        assert_eq!(ini.keys("test").value(&"k".repeat(63)), Some(&b"1"[..]));
        assert_eq!(ini.keys("test").value("v").unwrap().len(), VALUE_MAX);
    }

    #[test]
    fn a_line_break_in_a_text_cannot_make_a_key() {
        let mut out = Vec::new();
        IniWriter::new(&mut out).text("a", "1\nb=2");
        assert_eq!(out, b"a=1 b=2\n");
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_apart(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let ini = Ini::parse(&bytes);
            let _ = ini.keys("test").number::<i64>("a");
        }
    }
}
