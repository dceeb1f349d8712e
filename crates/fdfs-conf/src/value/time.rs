//! Times of the day.

use std::fmt;

/// A time of the day, in local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TimeOfDay {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl TimeOfDay {
    /// A time without seconds. The caller keeps to the ranges.
    #[must_use]
    pub const fn new(hour: u8, minute: u8) -> Self {
        Self { hour, minute, second: 0 }
    }

    /// `H:MM`, `HH:MM` or `HH:MM:SS`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':').map(|part| {
            let plain = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            if plain { part.parse::<u8>().ok() } else { None }
        });
        let time = Self { hour: parts.next()??, minute: parts.next()??, second: parts.next().unwrap_or(Some(0))? };
        (parts.next().is_none() && time.hour < 24 && time.minute < 60 && time.second < 60).then_some(time)
    }

    /// Seconds since midnight.
    #[must_use]
    pub fn secs_of_day(self) -> u32 {
        u32::from(self.hour) * 3600 + u32::from(self.minute) * 60 + u32::from(self.second)
    }
}

/// `HH:MM`, with `:SS` only when there are seconds.
impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)?;
        match self.second {
            0 => Ok(()),
            second => write!(f, ":{second:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_and_what_is_none() {
        assert_eq!(TimeOfDay::parse("4:05"), Some(TimeOfDay::new(4, 5)));
        assert_eq!(TimeOfDay::parse("23:59:58").map(TimeOfDay::secs_of_day), Some(86_398));
        for text in ["25:00", "24:00", "12:60", "12", "", "1:2:3:4", "-1:00", "+1:00", "001:00", "1:00 x", "1:"] {
            assert_eq!(TimeOfDay::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn printed_times_read_back(hour in 0..24_u8, minute in 0..60_u8, second in 0..60_u8) {
            let time = TimeOfDay { hour, minute, second };
            prop_assert_eq!(TimeOfDay::parse(&time.to_string()), Some(time));
        }
    }
}
