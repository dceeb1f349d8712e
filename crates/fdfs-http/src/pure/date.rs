//! HTTP dates: `Fri, 20 Nov 2026 09:09:11 GMT`.
//!
//! Source: RFC 9110, 5.6.7.

use super::digits::put_decimal;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_SECS: i64 = 86_400;
/// Characters of a date as it is written.
const TEXT_LEN: usize = 29;
/// The last second of the year 9999: later dates have no four digits.
const MAX_UNIX_SECS: i64 = 253_402_300_799;

/// The text of a time in unix seconds; times before 1970 and after 9999 become the nearest one that has a text.
#[must_use]
pub fn format(unix_secs: i64) -> String {
    let mut out = String::with_capacity(TEXT_LEN);
    put(&mut out, unix_secs);
    out
}

/// Appends the text of a time, as [`format`] gives it.
pub fn put(out: &mut String, unix_secs: i64) {
    let secs = unix_secs.clamp(0, MAX_UNIX_SECS);
    let (day, of_day) = (secs / DAY_SECS, secs % DAY_SECS);
    let (year, month, date) = civil(day);
    let (week_day, month) = (DAYS[(day % 7) as usize], MONTHS[month as usize - 1]);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    out.push_str(week_day);
    out.push_str(", ");
    put_decimal(out, date as u64, 2);
    out.push(' ');
    out.push_str(month);
    for (before, number, digits) in [(' ', year, 4), (' ', hour, 2), (':', minute, 2), (':', second, 2)] {
        out.push(before);
        put_decimal(out, number as u64, digits);
    }
    out.push_str(" GMT");
}

/// The unix seconds of a text in any of the three forms that HTTP has had; `None` when it is none of them. What old
/// browsers put behind it (`; length=5`) does not matter.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let words: Vec<&str> = text.split([' ', '-', ',']).filter(|word| !word.is_empty()).take(8).collect();
    let (date, month, year, time) = match words.as_slice() {
        // Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 08:49:37 GMT.
        [_, date, month, year, time, zone, ..] if zone.trim_end_matches(';') == "GMT" => (*date, *month, *year, *time),
        // Sun Nov  6 08:49:37 1994.
        [_, month, date, time, year] => (*date, *month, *year, *time),
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| *name == month)? as i64 + 1;
    let date = number(date, 1, 31)?;
    let year = match year.len() {
        4 => number(year, 1970, 9999)?,
        2 => number(year, 0, 99).map(|year| if year < 70 { 2000 + year } else { 1900 + year })?,
        _ => return None,
    };
    let mut parts = time.split(':');
    let (hour, minute) = (number(parts.next()?, 0, 23)?, number(parts.next()?, 0, 59)?);
    // A leap second counts as the one before it.
    let second = number(parts.next()?, 0, 60)?.min(59);
    if parts.next().is_some() {
        return None;
    }
    let day = days(year, month, date);
    (civil(day) == (year, month, date)).then_some(day * DAY_SECS + hour * 3600 + minute * 60 + second)
}

fn number(text: &str, low: i64, high: i64) -> Option<i64> {
    let is_number = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| is_number && (low..=high).contains(n))
}

/// Year, month and date of a day since 1970, from 1970 on.
const fn civil(day: i64) -> (i64, i64, i64) {
    // Years that begin in March, in eras of 400 years: the leap day is the last of its year.
    let day = day + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + (month <= 2) as i64, month, date)
}

/// The day since 1970 of a date.
const fn days(year: i64, month: i64, date: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + date - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_write_and_read_as_recorded() {
        for (secs, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_795_165_751, "Fri, 20 Nov 2026 09:09:11 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        ] {
            assert_eq!(format(secs), text);
            assert_eq!(parse(text), Some(secs), "{text}");
        }
        assert_eq!(format(-5), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(format(i64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(parse("Sunday, 06-Nov-94 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse("Sun Nov  6 08:49:37 1994"), Some(784_111_777));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "yesterday", "Fri, 30 Feb 2026 09:09:11 GMT", "Fri, 20 Nov 2026 24:09:11 GMT", "1795165751"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_time_round_trips(secs in 0..=MAX_UNIX_SECS) {
            prop_assert_eq!(parse(&format(secs)), Some(secs));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }
    }
}
