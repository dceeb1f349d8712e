//! What the values of the tracker's parameters mean, and how they are written.

use std::fmt;
use std::str::FromStr;

use crate::WireError;

/// Which number a storage puts into the names of its files: `id_type_in_filename`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdType {
    /// Its IPv4 address: `ip`, and every word but `id`.
    #[default]
    Ip,
    /// Its storage id: `id`.
    Id,
}

impl fmt::Display for IdType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ip => "ip",
            Self::Id => "id",
        })
    }
}

/// Which store path takes a new file: `store_path`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StorePathRule {
    /// One after the other: 0, and every number but 2.
    #[default]
    RoundRobin,
    /// The one with the most free space: 2.
    MostFree,
}

impl fmt::Display for StorePathRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RoundRobin => "0",
            Self::MostFree => "2",
        })
    }
}

/// What a storage keeps free on its disks: `reserved_storage_space`.
///
/// Source: wire specification, 2.3.8; configuration, 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservedSpace {
    /// This many MB, written `1024MB`.
    Megabytes(u64),
    /// This share of each disk in hundredths of a percent, written `1.00%`; less than 100 %.
    Share {
        /// Hundredths of a percent.
        hundredths: u16,
    },
}

/// 1 GB.
impl Default for ReservedSpace {
    fn default() -> Self {
        Self::Megabytes(1024)
    }
}

impl fmt::Display for ReservedSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Megabytes(mb) => write!(f, "{mb}MB"),
            Self::Share { hundredths } => write!(f, "{}.{:02}%", hundredths / 100, hundredths % 100),
        }
    }
}

impl FromStr for ReservedSpace {
    type Err = WireError;

    fn from_str(text: &str) -> Result<Self, WireError> {
        let parsed = match text.strip_suffix('%') {
            Some(percent) => share(percent),
            None => megabytes(text),
        };
        parsed.ok_or_else(|| WireError::bad_text("reserved_storage_space", text.as_bytes()))
    }
}

/// A percentage with any number of decimals, of which two are kept.
fn share(percent: &str) -> Option<ReservedSpace> {
    let (whole, decimals) = percent.split_once('.').unwrap_or((percent, "0"));
    if !is_digits(whole) || !is_digits(decimals) {
        return None;
    }
    let decimals = format!("{decimals:0<2}");
    let hundredths = whole.parse::<u16>().ok()?.checked_mul(100)?.checked_add(decimals.get(..2)?.parse().ok()?)?;
    (hundredths < 10_000).then_some(ReservedSpace::Share { hundredths })
}

/// A number with a unit, as the reference writes it (`MB`) and as configurations have it; bare numbers are bytes.
fn megabytes(text: &str) -> Option<ReservedSpace> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" => 10,
        "M" | "MB" => 20,
        "G" | "GB" => 30,
        "T" | "TB" => 40,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    let mb = if shift < 20 { number >> (20 - shift) } else { number.checked_mul(1 << (shift - 20))? };
    Some(ReservedSpace::Megabytes(mb))
}

/// Whether it is digits only, at least one.
fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A time of the day, written `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct TimeOfDay {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
}

impl TimeOfDay {
    /// Seconds since midnight.
    #[must_use]
    pub fn second_of_day(self) -> u32 {
        (u32::from(self.hour) * 60 + u32::from(self.minute)) * 60
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

impl FromStr for TimeOfDay {
    type Err = WireError;

    fn from_str(text: &str) -> Result<Self, WireError> {
        let number = |text: &str, max: u8| {
            (is_digits(text) && text.len() <= 2).then(|| text.parse().ok()).flatten().filter(|&n: &u8| n <= max)
        };
        let time = text
            .split_once(':')
            .and_then(|(hour, minute)| Some(Self { hour: number(hour, 23)?, minute: number(minute, 59)? }));
        time.ok_or_else(|| WireError::bad_text("time of day", text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reserved_space_is_read_as_configurations_write_it() {
        let reserved = |text: &str| text.parse::<ReservedSpace>().ok();
        assert_eq!(reserved("1.00%"), Some(ReservedSpace::Share { hundredths: 100 }));
        assert_eq!(reserved("20%"), Some(ReservedSpace::Share { hundredths: 2000 }));
        assert_eq!(reserved("0.5%"), Some(ReservedSpace::Share { hundredths: 50 }));
        assert_eq!(reserved("99.999%"), Some(ReservedSpace::Share { hundredths: 9999 }));
        assert_eq!(reserved("1024MB"), Some(ReservedSpace::Megabytes(1024)));
        assert_eq!(reserved("2G"), Some(ReservedSpace::Megabytes(2048)));
        assert_eq!(reserved("3000000"), Some(ReservedSpace::Megabytes(2)));
        for bad in [
            "",
            "%",
            "100%",
            "10 %",
            "-1%",
            "+1%",
            "1.%",
            "MB",
            "-1MB",
            "1X",
            "99999999999999999999",
            "9999999999999999T",
        ] {
            assert_eq!(reserved(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn times_of_day_are_read() {
        assert_eq!("02:00".parse(), Ok(TimeOfDay { hour: 2, minute: 0 }));
        assert_eq!("2:0".parse(), Ok(TimeOfDay { hour: 2, minute: 0 }));
        for bad in ["", "24:00", "12:60", "12", "12:", ":12", "+1:00", "012:00", "12:00:00"] {
            assert!(bad.parse::<TimeOfDay>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_value_round_trips(mb: u64, hundredths in 0..10_000u16, hour in 0..24u8, minute in 0..60u8) {
            for space in [ReservedSpace::Megabytes(mb), ReservedSpace::Share { hundredths }] {
                prop_assert_eq!(space.to_string().parse(), Ok(space));
            }
            let time = TimeOfDay { hour, minute };
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn any_text_is_judged_without_a_panic(text: String) {
            let _ = text.parse::<ReservedSpace>();
            let _ = text.parse::<TimeOfDay>();
        }
    }
}
