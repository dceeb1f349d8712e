//! The time as web servers log it.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How the time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WebStampForm {
    /// `20/Nov/2026:16:00:00 +0000`.
    #[default]
    Clf,
    /// `2026-11-20T16:00:00+00:00`.
    Iso,
}

/// Writes times. The text of a second is made once, since many lines share it.
#[derive(Debug, Clone)]
pub(crate) struct WebStamper {
    zone: TimeZone,
    form: WebStampForm,
    second: Option<i64>,
    text: String,
}

impl WebStamper {
    pub(crate) const fn new(zone: TimeZone, form: WebStampForm) -> Self {
        Self { zone, form, second: None, text: String::new() }
    }

    /// The second of a time.
    pub(crate) fn time(&mut self, at: Timestamp) -> &str {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let second = at.as_nanosecond().div_euclid(1_000_000_000) as i64;
        if self.second != Some(second) {
            let whole = Timestamp::from_second(second).unwrap_or(at);
            let local = self.zone.to_datetime(whole);
            let offset_minutes = self.zone.to_offset(whole).seconds() / 60;
            let sign = if offset_minutes < 0 { '-' } else { '+' };
            let (hours, minutes) = (offset_minutes.abs() / 60, offset_minutes.abs() % 60);
            let (year, month, day) = (local.year(), local.month(), local.day());
            let (hour, minute, second_of) = (local.hour(), local.minute(), local.second());
            self.text.clear();
            // Writing to a string cannot fail.
            let _ = match self.form {
                WebStampForm::Clf => {
                    let month = MONTHS[usize::try_from(month - 1).unwrap_or(0) % MONTHS.len()];
                    write!(
                        self.text,
                        "{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second_of:02} {sign}{hours:02}{minutes:02}"
                    )
                }
                WebStampForm::Iso => write!(
                    self.text,
                    "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second_of:02}{sign}{hours:02}:{minutes:02}"
                ),
            };
            self.second = Some(second);
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::Offset;

    #[test]
    fn times_are_those_of_web_servers() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut clf = WebStamper::new(TimeZone::fixed(Offset::from_seconds(-12_600).unwrap()), WebStampForm::Clf);
        assert_eq!(clf.time(at("2026-11-20T16:00:00.9Z")), "20/Nov/2026:12:30:00 -0330");
        assert_eq!(clf.time(at("2026-12-01T03:29:59Z")), "30/Nov/2026:23:59:59 -0330");
        let mut iso = WebStamper::new(TimeZone::fixed(Offset::from_seconds(28_800).unwrap()), WebStampForm::Iso);
        assert_eq!(iso.time(at("2026-11-20T16:00:00Z")), "2026-11-21T00:00:00+08:00");
    }
}
