//! Local time as log lines show it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Bytes of `YYYY-MM-DD HH:MM:SS`.
const STAMP_LEN: usize = 19;

/// Writes local times. The text of a second is made once, since many lines share it.
#[derive(Debug, Clone)]
pub struct Stamper {
    zone: TimeZone,
    second: Option<i64>,
    text: String,
}

impl Stamper {
    /// Times of a zone; the system's is [`TimeZone::system`].
    #[must_use]
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, second: None, text: String::with_capacity(STAMP_LEN) }
    }

    /// `YYYY-MM-DD HH:MM:SS`.
    pub fn date_time(&mut self, at: Timestamp) -> &str {
        // A fraction belongs to the second before it, also before 1970.
        let second = at.as_nanosecond().div_euclid(1_000_000_000) as i64;
        if self.second != Some(second) {
            let whole = Timestamp::from_second(second).unwrap_or(at);
            let local = self.zone.to_datetime(whole);
            self.text.clear();
            let _ = std::fmt::Write::write_fmt(
                &mut self.text,
                format_args!(
                    "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
                    local.year(),
                    local.month(),
                    local.day(),
                    local.hour(),
                    local.minute(),
                    local.second()
                ),
            );
            self.second = Some(second);
        }
        &self.text
    }
}

/// The microseconds of a second, 0 to 999999.
pub(crate) fn micros_of_second(at: Timestamp) -> u32 {
    u32::try_from(at.as_nanosecond().rem_euclid(1_000_000_000) / 1000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::offset;

    #[test]
    fn times_are_local_and_follow_the_seconds() {
        let mut stamper = Stamper::new(TimeZone::fixed(offset(8)));
        assert_eq!(stamper.date_time("2026-11-20T16:00:00.999Z".parse().unwrap()), "2026-11-21 00:00:00");
        assert_eq!(stamper.date_time("2026-11-20T16:00:01.000Z".parse().unwrap()), "2026-11-21 00:00:01");
        assert_eq!(stamper.date_time("1969-12-31T15:59:59.5Z".parse().unwrap()), "1969-12-31 23:59:59");
        assert_eq!(micros_of_second("1969-12-31T15:59:59.5Z".parse().unwrap()), 500_000);
        assert_eq!(micros_of_second("2026-11-20T16:00:00.000999Z".parse().unwrap()), 999);
    }
}
