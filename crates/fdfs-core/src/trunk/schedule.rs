//! When trunk files are made in advance, how many, and when the trunk binlog is compacted.

/// Seconds of a day.
const DAY_SECS: u64 = 86_400;

/// Seconds until the next of the times `base + n * interval`, given the second of the local day; never 0. An interval
/// of 0 means never.
#[must_use]
pub fn secs_until_next(base_second_of_day: u32, interval_secs: u32, second_of_day: u32) -> Option<u64> {
    if interval_secs == 0 {
        return None;
    }
    let (base, interval) = (u64::from(base_second_of_day), u64::from(interval_secs));
    if interval >= DAY_SECS {
        // Once a day at most: longer intervals are counted by whoever asks.
        let now = u64::from(second_of_day);
        return Some(if now < base { base - now } else { base + DAY_SECS - now });
    }
    let since = (u64::from(second_of_day) + DAY_SECS - base % DAY_SECS) % interval;
    Some(interval - since)
}

/// Trunk files to be made in advance so that at least `threshold_bytes` are free in all. `may_make` of them the disks
/// allow.
#[must_use]
pub fn files_to_make(free_bytes: u64, threshold_bytes: u64, file_bytes: u32, may_make: u64) -> u64 {
    if file_bytes == 0 {
        return 0;
    }
    threshold_bytes.saturating_sub(free_bytes).div_ceil(u64::from(file_bytes)).min(may_make)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_from_the_base() {
        for (base, interval, now, expected) in [
            (7200, 86_400, 0, Some(7200)),
            (7200, 86_400, 7200, Some(86_400)),
            (7200, 86_400, 7201, Some(86_399)),
            (7200, 3600, 0, Some(3600)),
            (7200, 3600, 100, Some(3500)),
            (7200, 3600, 86_399, Some(1)),
            (0, 0, 0, None),
            (7200, 200_000, 8000, Some(85_600)),
        ] {
            assert_eq!(secs_until_next(base, interval, now), expected, "{base} {interval} {now}");
        }
    }

    #[test]
    fn files_are_made_up_to_the_threshold() {
        for (free, threshold, may, expected) in [(0, 100, 9, 9), (95, 100, 9, 1), (100, 100, 9, 0), (0, 100, 3, 3)] {
            assert_eq!(files_to_make(free, threshold, 10, may), expected);
        }
        assert_eq!(files_to_make(0, 100, 0, 9), 0);
    }
}
