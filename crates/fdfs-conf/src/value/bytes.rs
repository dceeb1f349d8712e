//! Sizes in bytes, and sizes that may be a share of the disk.

use std::fmt;

use super::int::int_prefix;

/// Why a text is no size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBytes {
    /// The number is negative; some keys fall back to their default.
    #[error("a negative size")]
    Negative,
    /// There is no number, an unknown unit, or it does not fit an `i64`.
    #[error("no size")]
    NoSize,
}

/// The units, largest first.
const UNITS: [(char, u32); 4] = [('T', 40), ('G', 30), ('M', 20), ('K', 10)];

/// A size: a number, optional blanks, and optionally T, G, M or K (times 1024), with or without a B, in any case.
/// Fractions are not known: `1.5G` has the unknown unit `.5G`.
///
/// # Errors
/// [`BadBytes`].
pub fn parse_bytes(text: &str) -> Result<u64, BadBytes> {
    let (value, unit) = int_prefix(text);
    let unit = unit.trim_start_matches([' ', '\t']).to_ascii_uppercase();
    let shift = match unit.strip_suffix('B').unwrap_or(&unit) {
        "" => 0,
        letter => UNITS.iter().find(|(c, _)| letter == c.to_string()).ok_or(BadBytes::NoSize)?.1,
    };
    let value = u64::try_from(value.ok_or(BadBytes::NoSize)?).map_err(|_| BadBytes::Negative)?;
    value.checked_mul(1 << shift).filter(|&bytes| bytes < i64::MAX as u64).ok_or(BadBytes::NoSize)
}

/// A size with the largest unit that leaves no rest: `256KB`, `1000`.
#[must_use]
pub fn print_bytes(bytes: u64) -> String {
    match UNITS.iter().find(|(_, shift)| bytes != 0 && bytes.trailing_zeros() >= *shift) {
        Some((letter, shift)) => format!("{}{letter}B", bytes >> shift),
        None => bytes.to_string(),
    }
}

/// Space that uploads leave free: `reserved_storage_space`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ReservedSpace {
    /// This many MiB per group member, shared by its store paths.
    MegaBytes(u64),
    /// This share of each file system, in percent: more than 0, less than 100.
    Percent(f64),
}

impl ReservedSpace {
    /// `20%`, `1GB`. Sizes are cut down to whole MiB. No blank may stand before the `%`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some(ratio) = text.strip_suffix('%') else {
            return parse_bytes(text).ok().map(|bytes| Self::MegaBytes(bytes >> 20));
        };
        let plain = !ratio.is_empty() && ratio.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        ratio.parse().ok().filter(|&ratio| plain && ratio > 0.0 && ratio < 100.0).map(Self::Percent)
    }
}

/// 1 GiB.
impl Default for ReservedSpace {
    fn default() -> Self {
        Self::MegaBytes(1024)
    }
}

/// As trackers tell it to storages: `1024MB`, `20.00%`.
impl fmt::Display for ReservedSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MegaBytes(mb) => write!(f, "{mb}MB"),
            Self::Percent(percent) => write!(f, "{percent:.2}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_with_units() {
        for (text, bytes) in [
            ("0", 0),
            ("256", 256),
            ("256K", 256 << 10),
            ("256 KB", 256 << 10),
            ("8kb", 8 << 10),
            ("4M", 4 << 20),
            ("20G", 20 << 30),
            ("1tb", 1 << 40),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn unknown_units_and_fractions_are_refused() {
        for text in ["10X", "1.5G", "", "KB", "10MX", "10 M # text", "9999999999T", "99999999999999999999"] {
            assert_eq!(parse_bytes(text), Err(BadBytes::NoSize), "{text}");
        }
        assert_eq!(parse_bytes("-5"), Err(BadBytes::Negative));
    }

    #[test]
    fn reserved_space_is_a_ratio_or_a_size() {
        assert_eq!(ReservedSpace::parse("20%"), Some(ReservedSpace::Percent(20.0)));
        assert_eq!(ReservedSpace::parse("0.5%"), Some(ReservedSpace::Percent(0.5)));
        assert_eq!(ReservedSpace::parse("1500KB"), Some(ReservedSpace::MegaBytes(1)));
        assert_eq!(ReservedSpace::parse("1G"), Some(ReservedSpace::MegaBytes(1024)));
        for text in ["", "10 %", "0%", "100%", "-1%", "nan%", "1e1%", "%", "x"] {
            assert_eq!(ReservedSpace::parse(text), None, "{text}");
        }
        assert_eq!(ReservedSpace::Percent(1.0).to_string(), "1.00%");
        assert_eq!(ReservedSpace::default().to_string(), "1024MB");
    }

    proptest! {
        #[test]
        fn printed_sizes_read_back(bytes in 0..i64::MAX as u64) {
            prop_assert_eq!(parse_bytes(&print_bytes(bytes)), Ok(bytes));
        }

        #[test]
        fn any_text_is_a_size_or_not(text: String) {
            let _ = parse_bytes(&text);
            let _ = ReservedSpace::parse(&text);
        }
    }
}
