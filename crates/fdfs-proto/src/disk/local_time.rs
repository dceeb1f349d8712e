//! A local time as log lines and names of files that were moved aside show it.

use super::number::put_filled;

/// A date and a time of day, to the second, in the time zone of the server. The caller makes it from its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime {
    /// The year, such as 2026.
    pub year: u16,
    /// The month, from 1.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// The hour, from 0.
    pub hour: u8,
    /// The minute, from 0.
    pub minute: u8,
    /// The second, from 0; 60 in a leap second.
    pub second: u8,
}

impl LocalTime {
    /// Appends `YYYY-MM-DD hh:mm:ss`, as in log lines.
    pub fn put_log(&self, out: &mut Vec<u8>) {
        self.put(out, [b"-", b"-", b" ", b":", b":"]);
    }

    /// Appends `YYYYMMDDhhmmss`, as behind the names of files that were moved aside.
    pub fn put_compact(&self, out: &mut Vec<u8>) {
        self.put(out, [b""; 5]);
    }

    fn put(&self, out: &mut Vec<u8>, between: [&[u8]; 5]) {
        put_filled(out, self.year.into(), 4);
        let parts = [self.month, self.day, self.hour, self.minute, self.second];
        for (separator, part) in between.into_iter().zip(parts) {
            out.extend_from_slice(separator);
            put_filled(out, part.into(), 2);
        }
    }
}

/// A time for the tests of the formats that hold one.
#[cfg(test)]
pub(super) const EXAMPLE: LocalTime = LocalTime { year: 2026, month: 11, day: 20, hour: 9, minute: 5, second: 39 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_filled_with_zeros() {
        let (mut log, mut compact) = (Vec::new(), Vec::new());
        EXAMPLE.put_log(&mut log);
        EXAMPLE.put_compact(&mut compact);
        assert_eq!(log, b"2026-11-20 09:05:39");
        assert_eq!(compact, b"20261120090539");
    }
}
