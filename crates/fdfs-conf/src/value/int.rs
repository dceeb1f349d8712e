//! Decimal numbers.

/// What a text says as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntText {
    /// The number of its decimal prefix, 0 without one; held at the ends of the range of `i64`.
    pub value: i64,
    /// Whether the text is that number and nothing else.
    pub is_clean: bool,
}

/// The decimal prefix of a text: `7   # inline` is 7, `abc` is 0.
#[must_use]
pub fn parse_int(text: &str) -> IntText {
    let (value, rest) = int_prefix(text);
    IntText { value: value.unwrap_or(0), is_clean: value.is_some() && rest.is_empty() }
}

/// The number at the beginning of a text, `None` if there is none, and what follows it.
pub(super) fn int_prefix(text: &str) -> (Option<i64>, &str) {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let end = digits.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 {
        return (None, text);
    }
    let value = digits[..end].bytes().fold(0_i64, |value, b| {
        let digit = i64::from(b - b'0');
        let next = value.saturating_mul(10);
        if negative { next.saturating_sub(digit) } else { next.saturating_add(digit) }
    });
    (Some(value), &digits[end..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_decimal_prefix_counts() {
        let dirty = |value| IntText { value, is_clean: false };
        assert_eq!(parse_int("7   # inline"), dirty(7));
        assert_eq!(parse_int("abc"), dirty(0));
        assert_eq!(parse_int(""), dirty(0));
        assert_eq!(parse_int("-"), dirty(0));
        assert_eq!(parse_int("-5"), IntText { value: -5, is_clean: true });
        assert_eq!(parse_int("99999999999999999999"), IntText { value: i64::MAX, is_clean: true });
        assert_eq!(parse_int("-99999999999999999999"), IntText { value: i64::MIN, is_clean: true });
    }

    proptest! {
        #[test]
        fn printed_numbers_read_back(value: i64) {
            prop_assert_eq!(parse_int(&value.to_string()), IntText { value, is_clean: true });
        }
    }
}
