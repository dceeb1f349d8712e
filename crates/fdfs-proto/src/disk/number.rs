//! Decimal numbers as the files hold them: digits, a leading minus if negative, nothing else.

use super::ValueFault;
use super::error::shown;

/// An integer type that a file can hold, with the range it allows.
pub(super) trait DiskNumber: TryFrom<i64> {
    /// The least value.
    const LOW: i64;
    /// The greatest value. Files are signed 64 bit, so a `u64` ends at `i64::MAX`.
    const HIGH: i64;
}

macro_rules! numbers {
    ($($int:ty: $low:expr, $high:expr;)*) => {$(
        impl DiskNumber for $int {
            const LOW: i64 = $low;
            const HIGH: i64 = $high;
        }
    )*};
}

numbers! {
    u8: 0, u8::MAX as i64;
    u16: 0, u16::MAX as i64;
    u32: 0, u32::MAX as i64;
    u64: 0, i64::MAX;
    i32: i32::MIN as i64, i32::MAX as i64;
    i64: i64::MIN, i64::MAX;
}

/// Reads a number.
///
/// Differs from C: the reference reads a text that is no number as 0; here it is an error, so that a damaged file is
/// reported instead of being taken for a fresh one.
pub(super) fn parse<T: DiskNumber>(text: &[u8]) -> Result<T, ValueFault> {
    let value = decimal(text).ok_or_else(|| ValueFault::NotANumber { text: shown(text) })?;
    T::try_from(value).map_err(|_| ValueFault::OutOfRange { value, low: T::LOW, high: T::HIGH })
}

/// The number that `text` is, if it is one and fits.
pub(super) fn decimal(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    // Summed up below zero, where there is room for one more number than above.
    let sum = digits.iter().try_fold(0i64, |sum, digit| {
        if !digit.is_ascii_digit() {
            return None;
        }
        sum.checked_mul(10)?.checked_sub(i64::from(digit - b'0'))
    })?;
    if negative { Some(sum) } else { sum.checked_neg() }
}

/// Appends a number in decimal, without taking memory beyond `out`.
pub(super) fn put_unsigned(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0u8; 20];
    let mut start = digits.len();
    let mut rest = value;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + (rest % 10) as u8;
        rest /= 10;
        start -= 1;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

/// As [`put_unsigned`], with a minus in front of negative numbers.
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    put_unsigned(out, value.unsigned_abs());
}

/// Appends a number with at least `width` digits, filled with zeros.
pub(super) fn put_filled(out: &mut Vec<u8>, value: u64, width: usize) {
    let digits = value.checked_ilog10().unwrap_or(0) as usize + 1;
    for _ in digits..width {
        out.push(b'0');
    }
    put_unsigned(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_plain_decimals_are_numbers() {
        for text in ["", "-", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808", "-9223372036854775809", "1a"] {
            assert_eq!(decimal(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(decimal(b"007"), Some(7));
        assert_eq!(parse::<u8>(b"256"), Err(ValueFault::OutOfRange { value: 256, low: 0, high: 255 }));
        assert_eq!(parse::<u64>(b"-1"), Err(ValueFault::OutOfRange { value: -1, low: 0, high: i64::MAX }));
    }

    #[test]
    fn short_numbers_are_filled() {
        for (value, text) in [(0, "000"), (7, "007"), (999, "999"), (1000, "1000")] {
            let mut out = Vec::new();
            put_filled(&mut out, value, 3);
            assert_eq!(out, text.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn numbers_round_trip(value in any::<i64>(), unsigned in any::<u64>()) {
            let mut out = Vec::new();
            put_signed(&mut out, value);
            prop_assert_eq!(&out, &value.to_string().into_bytes());
            prop_assert_eq!(decimal(&out), Some(value));
            out.clear();
            put_unsigned(&mut out, unsigned);
            prop_assert_eq!(&out, &unsigned.to_string().into_bytes());
        }

        #[test]
        fn any_bytes_are_a_number_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..30)) {
            let _ = parse::<u32>(&bytes);
        }
    }
}
