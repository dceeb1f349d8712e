//! Sizes and durations as people read them, with the rounding of the reference.
//!
//! Source: tools, 6.3.

/// Units above the byte, each 1024 of the one before.
const UNITS: [&str; 6] = ["KB", "MB", "GB", "TB", "PB", "EB"];

/// `252 GB`, `2.5 GB`, `0  B`: one decimal below 10 of a unit, rounded half up.
#[must_use]
pub(crate) fn bytes(bytes: u128) -> String {
    if bytes < 1024 {
        return format!("{bytes}  B");
    }
    let (mut unit_bytes, mut unit) = (1024u128, UNITS[0]);
    for next in &UNITS[1..] {
        if bytes < unit_bytes * 1024 {
            break;
        }
        (unit_bytes, unit) = (unit_bytes * 1024, next);
    }
    let tenths = rounded(bytes * 10, unit_bytes);
    if tenths < 100 {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    } else {
        format!("{} {unit}", rounded(bytes, unit_bytes))
    }
}

/// The size of `mb` MB, as the trackers report it.
#[must_use]
pub(crate) fn megabytes(mb: u64) -> String {
    bytes(u128::from(mb) << 20)
}

/// `value / by`, rounded half up.
const fn rounded(value: u128, by: u128) -> u128 {
    (value * 2 + by) / (by * 2)
}

/// `2 minutes 5 seconds`: days, hours, minutes and seconds without those that are zero; `0 second` for nothing.
#[must_use]
pub(crate) fn duration(secs: i64) -> String {
    let parts = [(secs / 86_400, "day"), (secs / 3600 % 24, "hour"), (secs / 60 % 60, "minute"), (secs % 60, "second")];
    let words: Vec<String> = parts
        .into_iter()
        .filter(|&(count, _)| count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if words.is_empty() { "0 second".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_as_the_reference_rounds_them() {
        const GB: u128 = 1 << 30;
        for (size, text) in [
            (0, "0  B"),
            (1, "1  B"),
            (1023, "1023  B"),
            (1024, "1.0 KB"),
            (1536, "1.5 KB"),
            (10 * 1024 - 52, "9.9 KB"),
            (10 * 1024 - 51, "10 KB"),
            (10 * 1024 + 511, "10 KB"),
            (10 * 1024 + 512, "11 KB"),
            (1024 * 1024 - 1, "1024 KB"),
            (63 << 20, "63 MB"),
            (GB * 5 / 2, "2.5 GB"),
            (252 * GB, "252 GB"),
            (1 << 40, "1.0 TB"),
            (1 << 50, "1.0 PB"),
            (1 << 60, "1.0 EB"),
            (u128::from(u64::MAX) << 20, "16777216 EB"),
        ] {
            assert_eq!(bytes(size), text, "{size}");
        }
        assert_eq!(megabytes(2560), "2.5 GB");
    }

    #[test]
    fn durations_leave_out_what_is_zero() {
        for (secs, text) in [
            (i64::MIN, "0 second"),
            (-1, "0 second"),
            (0, "0 second"),
            (1, "1 second"),
            (125, "2 minutes 5 seconds"),
            (3600, "1 hour"),
            (86_400 + 60, "1 day 1 minute"),
            (2 * 86_400 + 3 * 3600 + 59, "2 days 3 hours 59 seconds"),
        ] {
            assert_eq!(duration(secs), text, "{secs}");
        }
    }
}
