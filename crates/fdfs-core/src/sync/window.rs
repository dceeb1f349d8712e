//! The hours in which files are sent: `sync_start_time` to `sync_end_time`.

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// The minutes of the day in which files are sent; may pass midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncWindow {
    /// The first minute of the day.
    pub first: u16,
    /// The last minute of the day.
    pub last: u16,
}

impl SyncWindow {
    /// Whether files are sent in this minute of the day.
    #[must_use]
    pub const fn is_open(self, minute: u16) -> bool {
        if self.first <= self.last {
            self.first <= minute && minute <= self.last
        } else {
            minute >= self.first || minute <= self.last
        }
    }

    /// Minutes until files are sent again; 0 while they are.
    #[must_use]
    pub const fn minutes_until_open(self, minute: u16) -> u16 {
        if self.is_open(minute) { 0 } else { (self.first + DAY - minute % DAY) % DAY }
    }

    /// Whether files are sent at all times.
    #[must_use]
    pub const fn is_always_open(self) -> bool {
        (self.last + 1) % DAY == self.first % DAY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_minute_counts_and_midnight_is_no_border() {
        let night = SyncWindow { first: 23 * 60, last: 5 * 60 };
        assert!(night.is_open(23 * 60) && night.is_open(0) && night.is_open(5 * 60));
        assert!(!night.is_open(5 * 60 + 1) && !night.is_open(22 * 60 + 59));
        assert_eq!(night.minutes_until_open(22 * 60), 60);
        let day = SyncWindow { first: 60, last: 120 };
        assert_eq!((day.minutes_until_open(59), day.minutes_until_open(121)), (1, 23 * 60 - 1));
        assert_eq!(day.minutes_until_open(90), 0);
        assert!(SyncWindow { first: 0, last: 23 * 60 + 59 }.is_always_open());
        assert!(!night.is_always_open());
    }
}
