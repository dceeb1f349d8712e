//! `Content-Disposition`: the name under which a client saves a file.
//!
//! Source: RFC 6266, RFC 8187.

use std::fmt::Write as _;

/// The longest name, in bytes.
const NAME_BYTES_MAX: usize = 232;

/// `attachment` with a name. A name that is plain stands as it is, as with the reference; with any other there is a second
/// form in UTF-8.
///
/// Differs from C: the module copies the name, quotes and line ends included, into the answer.
#[must_use]
pub fn attachment(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let mut clean = String::new();
    for char in text.chars().filter(|char| !char.is_control()) {
        if clean.len() + char.len_utf8() > NAME_BYTES_MAX {
            break;
        }
        clean.push(char);
    }
    let mut out = String::from("attachment; filename=\"");
    for char in clean.chars() {
        if matches!(char, '"' | '\\') {
            out.push('\\');
        }
        out.push(char);
    }
    out.push('"');
    if !clean.is_ascii() || clean.contains(['"', '\\', '%']) {
        out.push_str("; filename*=UTF-8''");
        for byte in clean.bytes() {
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_quoted_and_encoded() {
        assert_eq!(attachment(b"a b.txt"), "attachment; filename=\"a b.txt\"");
        assert_eq!(attachment(b""), "attachment; filename=\"\"");
        assert_eq!(attachment("\u{e4}".as_bytes()), "attachment; filename=\"\u{e4}\"; filename*=UTF-8''%C3%A4");
        let quote = "attachment; filename=\"a\\\"b\"; filename*=UTF-8''a%22b";
        assert_eq!(attachment(b"a\"b"), quote);
        assert_eq!(attachment(b"a\r\nX-Evil: 1"), "attachment; filename=\"aX-Evil: 1\"");
    }

    proptest! {
        #[test]
        fn no_name_ends_the_line_or_the_quotes(name in proptest::collection::vec(any::<u8>(), 0..600)) {
            let value = attachment(&name);
            prop_assert!(!value.chars().any(char::is_control));
            prop_assert!(value.len() < 2000);
        }
    }
}
