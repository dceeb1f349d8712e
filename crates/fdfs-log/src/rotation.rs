//! When a log is rotated and what the old file is called.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, ToSpan};

/// The log keys of a configuration. Source: configuration, 3; disk formats, D.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationSettings {
    /// Rotate once a day, `log_file_rotate_everyday`.
    pub everyday: bool,
    /// At this time, in seconds after midnight, `log_file_rotate_time`.
    pub rotate_time_secs: u32,
    /// Rotate when the file would grow beyond so many bytes, `log_file_rotate_on_size`; 0 is never.
    pub on_size_bytes: u64,
    /// Compress old files with gzip, `log_file_compress_old`.
    pub compress_old: bool,
    /// Only those at least so many days old, `log_file_compress_days_before`.
    pub compress_days_before: u32,
    /// Delete files that are older than so many days, `log_file_keep_days`; 0 keeps all.
    pub keep_days: u32,
    /// At this time, in seconds after midnight, `log_file_delete_old_time`.
    pub delete_old_time_secs: u32,
    /// Seconds between two flushes of a buffered log, `sync_log_buff_interval`.
    pub flush_interval_secs: u32,
}

impl Default for RotationSettings {
    /// The defaults of the reference.
    fn default() -> Self {
        Self {
            everyday: true,
            rotate_time_secs: 0,
            on_size_bytes: 0,
            compress_old: false,
            compress_days_before: 1,
            keep_days: 15,
            delete_old_time_secs: 3600 + 1800,
            flush_interval_secs: 1,
        }
    }
}

/// What is appended to the name of a rotated file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameForm {
    /// `.YYYYMMDD`.
    Date,
    /// `.YYYYMMDD_hhmmss`.
    DateTime,
}

impl RotationSettings {
    /// The form of the names: with the time as soon as the size can rotate.
    #[must_use]
    pub const fn name_form(&self) -> NameForm {
        if self.on_size_bytes > 0 { NameForm::DateTime } else { NameForm::Date }
    }

    /// The local time that names a file which the daily rotation puts aside at `now`: for a name of a date alone the
    /// day of its last lines, which at midnight is the day before.
    #[must_use]
    pub fn daily_name_time(&self, now: DateTime) -> DateTime {
        match self.name_form() {
            NameForm::DateTime => now,
            NameForm::Date => {
                let due = at_time_of_day(day_of(now, self.rotate_time_secs), self.rotate_time_secs);
                due.saturating_sub(1.second())
            }
        }
    }
}

/// The day to which `now` belongs when days begin `start_secs` after midnight. Something that is due at that time of
/// every day is due when this day changes.
#[must_use]
pub fn day_of(now: DateTime, start_secs: u32) -> Date {
    now.saturating_sub(SignedDuration::from_secs(i64::from(start_secs))).date()
}

fn at_time_of_day(day: Date, secs: u32) -> DateTime {
    day.at(0, 0, 0, 0).saturating_add(SignedDuration::from_secs(i64::from(secs)))
}

/// The name of a log that is put aside.
#[must_use]
pub fn rotated_path(log: &Path, at: DateTime, form: NameForm) -> PathBuf {
    let date = format!(".{:04}{:02}{:02}", at.year(), at.month(), at.day());
    let time = match form {
        NameForm::Date => String::new(),
        NameForm::DateTime => format!("_{:02}{:02}{:02}", at.hour(), at.minute(), at.second()),
    };
    with_suffix(log, &(date + &time))
}

/// `path` with a text behind its last character.
#[must_use]
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// The date in a name that [`rotated_path`] gave for the log named `log_name`, and whether it is compressed. `None` for
/// any other name.
#[must_use]
pub fn parse_rotated(log_name: &str, name: &str) -> Option<(Date, bool)> {
    let suffix = name.strip_prefix(log_name)?.strip_prefix('.')?;
    let (suffix, is_gz) = suffix.strip_suffix(".gz").map_or((suffix, false), |plain| (plain, true));
    let (date, time) = suffix.split_once('_').map_or((suffix, None), |(date, time)| (date, Some(time)));
    let is_number = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(date, 8) || time.is_some_and(|time| !is_number(time, 6)) {
        return None;
    }
    let date = Date::new(date.get(..4)?.parse().ok()?, date.get(4..6)?.parse().ok()?, date.get(6..)?.parse().ok()?);
    Some((date.ok()?, is_gz))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn at(text: &str) -> DateTime {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_those_of_the_reference_and_read_back() {
        let log = Path::new("/base/logs/trackerd.log");
        let now = at("2026-11-21T09:05:07");
        let dated = rotated_path(log, now, NameForm::Date);
        assert_eq!(dated, Path::new("/base/logs/trackerd.log.20261121"));
        let timed = rotated_path(log, now, NameForm::DateTime);
        assert_eq!(timed, Path::new("/base/logs/trackerd.log.20261121_090507"));
        let day = date(2026, 11, 21);
        assert_eq!(parse_rotated("trackerd.log", "trackerd.log.20261121"), Some((day, false)));
        assert_eq!(parse_rotated("trackerd.log", "trackerd.log.20261121_090507"), Some((day, false)));
        assert_eq!(parse_rotated("trackerd.log", "trackerd.log.20261121.gz"), Some((day, true)));
        for other in [
            "trackerd.log",
            "trackerd.log.",
            "trackerd.log.gz",
            "trackerd.log.2026112",
            "trackerd.log.20261121_0905",
            "trackerd.log.20261121.gz.part",
            "trackerd.log.20261321",
            "trackerd.log.20261121.bak",
            "storaged.log.20261121",
        ] {
            assert_eq!(parse_rotated("trackerd.log", other), None, "{other}");
        }
    }

    #[test]
    fn the_daily_rotation_names_the_day_that_ended() {
        let midnight = RotationSettings::default();
        assert_eq!(midnight.daily_name_time(at("2026-11-21T00:00:00")).date(), date(2026, 11, 20));
        assert_eq!(midnight.daily_name_time(at("2026-11-21T00:03:00")).date(), date(2026, 11, 20));
        let at_three = RotationSettings { rotate_time_secs: 3 * 3600, ..midnight };
        assert_eq!(at_three.daily_name_time(at("2026-11-21T03:00:01")).date(), date(2026, 11, 21));
        let on_size = RotationSettings { on_size_bytes: 1, ..midnight };
        assert_eq!(on_size.daily_name_time(at("2026-11-21T00:00:00")), at("2026-11-21T00:00:00"));
    }

    #[test]
    fn days_begin_at_their_time() {
        assert_eq!(day_of(at("2026-11-21T01:29:59"), 5400), date(2026, 11, 20));
        assert_eq!(day_of(at("2026-11-21T01:30:00"), 5400), date(2026, 11, 21));
    }
}
