//! Numbers as text, for the head of every answer: the formatting of the standard library costs more than all else in it.

/// The most digits that are written.
const DIGITS_MAX: usize = 20;

/// Appends a number in hex with small letters, `min` digits at least.
pub fn put_hex(out: &mut String, value: u64, min: usize) {
    put(out, value, min, 16);
}

/// Appends a number, `min` digits at least.
pub fn put_decimal(out: &mut String, value: u64, min: usize) {
    put(out, value, min, 10);
}

#[inline]
fn put(out: &mut String, mut value: u64, min: usize, base: u64) {
    let mut digits = [b'0'; DIGITS_MAX];
    let mut at = DIGITS_MAX;
    while value > 0 && at > 0 {
        at -= 1;
        digits[at] = b"0123456789abcdef"[(value % base) as usize];
        value /= base;
    }
    let at = at.min(DIGITS_MAX.saturating_sub(min.max(1)));
    out.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_written_as_the_standard_library_does(value: u64, shift in 0u32..64, min in 0usize..=20) {
            let value = value >> shift;
            let mut out = String::from("-");
            put_hex(&mut out, value, min);
            prop_assert_eq!(&out, &format!("-{value:0min$x}"));
            out.clear();
            put_decimal(&mut out, value, min);
            prop_assert_eq!(out, format!("{value:0min$}"));
        }
    }

    #[test]
    fn the_ends_are_right() {
        let mut out = String::new();
        for (value, min) in [(0, 0), (0, 2), (u64::MAX, 1)] {
            put_decimal(&mut out, value, min);
            out.push(' ');
            put_hex(&mut out, value, min);
            out.push(' ');
        }
        assert_eq!(out, "0 0 00 00 18446744073709551615 ffffffffffffffff ");
    }
}
