//! The types of values: how their texts are read.
//!
//! Source: configuration, 1.2.

mod bytes;
mod int;
mod time;

pub use bytes::{BadBytes, ReservedSpace, parse_bytes, print_bytes};
pub use int::{IntText, parse_int};
pub use time::TimeOfDay;

/// A truth value: `true`, `yes`, `on` in any case or `1`. Everything else is false; `None` for what is not one of the
/// usual words for that either.
#[must_use]
pub fn parse_bool(text: &str) -> Option<bool> {
    let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(&["true", "yes", "on", "1"]) {
        return Some(true);
    }
    is_one_of(&["false", "no", "off", "0"]).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_few_words_are_true() {
        for text in ["true", "YES", "On", "1"] {
            assert_eq!(parse_bool(text), Some(true), "{text}");
        }
        assert_eq!(parse_bool("off"), Some(false));
        for text in ["enabled", "", "2", "true # inline", "\"true\""] {
            assert_eq!(parse_bool(text), None, "{text}");
        }
    }
}
