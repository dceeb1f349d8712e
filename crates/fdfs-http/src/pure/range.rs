//! Parts of a file: the `Range` field.
//!
//! Source: RFC 9110, 14; HTTP, 9.

/// The most ranges that are answered with parts; who asks for more gets the whole file.
pub const RANGES_MAX: usize = 16;

/// A part of a file, from the first byte to the last, both there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub first: u64,
    /// The last byte.
    pub last: u64,
}

impl Span {
    /// Its bytes.
    #[must_use]
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(&self) -> u64 {
        self.last - self.first + 1
    }
}

/// What a request wants of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// These parts, at least one.
    Parts(Vec<Span>),
    /// Nothing that is there: 416.
    Nothing,
}

/// What `Range: value` wants of a file of `size` bytes. A unit that is not bytes is ignored; what cannot be read, and what
/// has no part in the file, wants nothing.
///
/// Differs from C: `0-0` is the first byte, not the whole file; of several ranges those are answered that are there; more
/// than five are possible; the unit is read.
#[must_use]
pub fn wanted(value: &[u8], size: u64, multi_enabled: bool) -> Wanted {
    let Some(at) = value.iter().position(|&b| b == b'=') else { return Wanted::Nothing };
    let unit = value[..at].trim_ascii();
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return if unit.is_empty() || at < 2 { Wanted::Nothing } else { Wanted::Whole };
    }
    let mut spans = Vec::new();
    let mut count = 0;
    for part in value[at + 1..].split(|&b| b == b',') {
        let part = part.trim_ascii();
        // A list may have empty elements (RFC 9110, 5.6.1).
        if part.is_empty() {
            continue;
        }
        count += 1;
        if count > RANGES_MAX {
            return Wanted::Whole;
        }
        match one(part, size) {
            One::Span(span) => spans.push(span),
            One::Outside => {}
            One::Malformed => return Wanted::Nothing,
        }
    }
    if spans.is_empty() || (count > 1 && !multi_enabled) {
        return Wanted::Nothing;
    }
    // Who asks for the same bytes again and again gets them once.
    if count > 1 && spans.iter().map(Span::len).try_fold(0u64, u64::checked_add).is_none_or(|sum| sum > size) {
        return Wanted::Whole;
    }
    Wanted::Parts(spans)
}

enum One {
    Span(Span),
    Outside,
    Malformed,
}

fn one(part: &[u8], size: u64) -> One {
    let Some(dash) = part.iter().position(|&b| b == b'-') else { return One::Malformed };
    let (first, last) = (&part[..dash], &part[dash + 1..]);
    let Some(end) = size.checked_sub(1) else {
        let is_form = number(first).is_some() || (first.is_empty() && number(last).is_some());
        return if is_form { One::Outside } else { One::Malformed };
    };
    match (first, last) {
        (b"", suffix) => match number(suffix) {
            Some(0) => One::Outside,
            Some(len) => One::Span(Span { first: size.saturating_sub(len), last: end }),
            None => One::Malformed,
        },
        (first, b"") => match number(first) {
            Some(first) if first <= end => One::Span(Span { first, last: end }),
            Some(_) => One::Outside,
            None => One::Malformed,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first > last => One::Malformed,
            (Some(first), Some(last)) if first <= end => One::Span(Span { first, last: last.min(end) }),
            (Some(_), Some(_)) => One::Outside,
            _ => One::Malformed,
        },
    }
}

/// A decimal number; what is too large for a number is very large.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(std::str::from_utf8(text).ok()?.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_read_by_the_book() {
        let spans =
            |list: &[(u64, u64)]| Wanted::Parts(list.iter().map(|&(first, last)| Span { first, last }).collect());
        for (value, wanted_parts) in [
            ("bytes=0-0", spans(&[(0, 0)])),
            ("bytes=0-1", spans(&[(0, 1)])),
            ("bytes=999-", spans(&[(999, 999)])),
            ("bytes=-1", spans(&[(999, 999)])),
            ("bytes=-5000", spans(&[(0, 999)])),
            ("BYTES=0-4", spans(&[(0, 4)])),
            ("bytes=900-99999999999999999999999", spans(&[(900, 999)])),
            ("bytes=0-4, 10-14", spans(&[(0, 4), (10, 14)])),
            ("bytes=0-4,,10-14", spans(&[(0, 4), (10, 14)])),
            ("bytes=0-4,2000-", spans(&[(0, 4)])),
            ("bytes=0-,0-", Wanted::Whole),
            ("bytes=1-0", Wanted::Nothing),
            ("bytes=1000-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=", Wanted::Nothing),
            ("bytes=a", Wanted::Nothing),
            ("bytes=5--1", Wanted::Nothing),
            ("lines=0-4", Wanted::Whole),
            ("junk", Wanted::Nothing),
        ] {
            assert_eq!(wanted(value.as_bytes(), 1000, true), wanted_parts, "{value}");
        }
        assert_eq!(wanted(b"bytes=0-9", 0, true), Wanted::Nothing);
        assert_eq!(wanted(b"bytes=0-1,3-4", 10, false), Wanted::Nothing);
        let many = (0..17).map(|n| format!("{n}-{n}")).collect::<Vec<_>>().join(",");
        assert_eq!(wanted(format!("bytes={many}").as_bytes(), 1000, true), Wanted::Whole);
    }

    proptest! {
        #[test]
        fn parts_are_inside_of_the_file(value in "bytes=[0-9,-]{0,40}", size in 0u64..2000) {
            if let Wanted::Parts(spans) = wanted(value.as_bytes(), size, true) {
                prop_assert!(!spans.is_empty() && spans.len() <= RANGES_MAX);
                for span in spans {
                    prop_assert!(span.first <= span.last && span.last < size);
                }
            }
        }
    }
}
