//! Which files are listed: the options that `fdfs ls` and `fdfs find` share.

use fdfs_client::FileId;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::found::{Found, What};

/// Which files are wanted.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Filter {
    /// Only files of this kind; give it once for each
    #[arg(long)]
    kind: Vec<What>,
    /// Only files of at least so many bytes, such as 1000 or 10M (k, M, G, T: 1024 of the one before)
    #[arg(long, value_name = "BYTES", value_parser = size)]
    min_size: Option<u64>,
    /// Only files of at most so many bytes
    #[arg(long, value_name = "BYTES", value_parser = size)]
    max_size: Option<u64>,
    /// Only files named at this local time or later: 2026-11-20, 2026-11-20T18:30, or 7d, 12h, 30m ago
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Only files named before this local time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Only files whose ids begin so, such as group1/M00/0A/
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Only files behind this id, in the order of the list
    #[arg(long, value_name = "ID")]
    after: Option<FileId>,
}

/// More of it, for `fdfs find`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct MoreFilter {
    /// Only files with this extension, such as jpg; give it once for each
    #[arg(long)]
    ext: Vec<String>,
    /// Only files whose content was changed at this time or later
    #[arg(long, value_name = "TIME", value_parser = time)]
    changed_since: Option<Timestamp>,
    /// Only files whose content was changed before this time: with --kind appender, what has come to rest
    #[arg(long, value_name = "TIME", value_parser = time)]
    changed_until: Option<Timestamp>,
    /// Only files that lie in slots of trunk files (true) or on their own (false)
    #[arg(long, value_name = "YES")]
    in_trunk: Option<bool>,
}

impl Filter {
    /// Whether a file is wanted.
    pub(super) fn wants(&self, file: &Found) -> bool {
        let named_before = |time: &Timestamp| file.named < time.as_second();
        (self.kind.is_empty() || self.kind.contains(&file.what))
            && self.min_size.is_none_or(|min| file.size_bytes >= min)
            && self.max_size.is_none_or(|max| file.size_bytes <= max)
            && !self.since.as_ref().is_some_and(named_before)
            && self.until.as_ref().is_none_or(named_before)
            && self.prefix.as_ref().is_none_or(|prefix| file.id.to_string().starts_with(prefix))
    }

    /// The id behind which the list begins.
    pub(super) const fn after(&self) -> Option<FileId> {
        self.after
    }
}

impl MoreFilter {
    /// Whether a file is wanted.
    pub(super) fn wants(&self, file: &Found) -> bool {
        let name = file.id.name.as_str();
        let name = name.rsplit('/').next().unwrap_or(name);
        let ext = name.split_once('.').map_or("", |(_, ext)| ext);
        let changed_before = |time: &Timestamp| file.changed < time.as_second();
        (self.ext.is_empty() || self.ext.iter().any(|wanted| wanted.trim_start_matches('.') == ext))
            && !self.changed_since.as_ref().is_some_and(changed_before)
            && self.changed_until.as_ref().is_none_or(changed_before)
            && self.in_trunk.is_none_or(|wanted| wanted == file.slot_offset.is_some())
    }
}

/// A size such as `10M`.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        "t" | "tb" => 1u64 << 40,
        _ => return Err("write 1000, 64k, 10M, 2G or 1T".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "write 1000, 64k, 10M, 2G or 1T".to_owned())?;
    number.checked_mul(unit).ok_or_else(|| "larger than any file".to_owned())
}

/// A local time, or a time ago.
fn time(text: &str) -> Result<Timestamp, String> {
    if let Some(secs) = age_secs(text) {
        let then = Timestamp::now().as_second().saturating_sub(secs);
        return Timestamp::from_second(then).map_err(|error| error.to_string());
    }
    let bad = || "write 2026-11-20, 2026-11-20T18:30:00, or 7d, 12h, 30m for that long ago".to_owned();
    let time: DateTime = text.parse().map_err(|_| bad())?;
    let zoned = time.to_zoned(TimeZone::system()).map_err(|error| error.to_string())?;
    Ok(zoned.timestamp())
}

/// `7d` in seconds.
fn age_secs(text: &str) -> Option<i64> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    digits.parse::<u32>().ok().map(|count| i64::from(count) * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in
            [("0", 0), ("1000", 1000), ("4k", 4096), ("10M", 10 << 20), ("2GB", 2 << 30), ("1t", 1 << 40)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "k", "-1", "1x", "99999999999T", "1.5M"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_dates_or_ages() {
        assert_eq!(age_secs("7d"), Some(604_800));
        assert_eq!((age_secs("90m"), age_secs("2w")), (Some(5400), Some(1_209_600)));
        assert_eq!((age_secs("d"), age_secs("-1d"), age_secs(""), age_secs("2026-11-20")), (None, None, None, None));
        assert!(time("1h").is_ok_and(|then| then < Timestamp::now()));
        assert!(time("2026-11-20").is_ok() && time("yesterday").is_err() && time("\u{e9}").is_err());
    }
}
