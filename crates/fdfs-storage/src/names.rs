//! What goes into the name of a new file: time and chance.

use std::sync::LazyLock;

use fdfs_log::{TimeZone, Timestamp};
use fdfs_proto::ExtName;
use fdfs_proto::file_id::{FormattedExt, NewKind, NewName, Source};

/// A name to be, without its sub directories and with no chance in it yet.
#[must_use]
pub fn blank_name(store_path_index: u8, source: Source, size: u64) -> NewName {
    NewName {
        store_path_index,
        high: 0,
        low: 0,
        source,
        created: 0,
        size,
        crc32: 0,
        kind: NewKind::Regular,
        random: 0,
        ext: FormattedExt::new(&ExtName::EMPTY, 0),
    }
}

/// The same name with fresh random bits and digits.
#[must_use]
pub fn with_chance(name: NewName, ext: &ExtName) -> NewName {
    NewName { random: fastrand::u32(..), ext: FormattedExt::new(ext, fastrand::u32(..)), ..name }
}

/// For tests alone: seconds by which the clock of a storage is wrong. It is read once, and a warning tells of any
/// value but 0.
pub const CLOCK_OFFSET_VAR: &str = "FDFS_CLOCK_OFFSET_SECS";

/// The clock that file systems stamp files with: the kernel's coarse one.
#[must_use]
pub fn now_unix_secs() -> i64 {
    rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse).tv_sec.saturating_add(clock_offset_secs())
}

/// See [`CLOCK_OFFSET_VAR`].
fn clock_offset_secs() -> i64 {
    static OFFSET: LazyLock<i64> = LazyLock::new(|| {
        let secs = std::env::var(CLOCK_OFFSET_VAR).ok().and_then(|secs| secs.parse().ok()).unwrap_or(0);
        if secs != 0 {
            tracing::warn!("the clock of this storage is {secs} s off, as {CLOCK_OFFSET_VAR} wants it");
        }
        secs
    });
    *OFFSET
}

/// Now in local time, as `YYYYMMDDhhmmss`: the end of the names of files that are kept aside.
#[must_use]
pub fn local_stamp() -> String {
    TimeZone::system().to_datetime(Timestamp::now()).strftime("%Y%m%d%H%M%S").to_string()
}

/// The second of the local day.
#[must_use]
pub fn second_of_local_day() -> u32 {
    let now = TimeZone::system().to_datetime(Timestamp::now());
    let part = |n: i8| u32::from(n.unsigned_abs());
    (part(now.hour()) * 60 + part(now.minute())) * 60 + part(now.second())
}

/// Unix seconds in 32 bits, as names and records keep them.
#[must_use]
pub fn in_name(unix_secs: i64) -> u32 {
    u32::try_from(unix_secs.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_of_equal_files_differ() {
        let blank = blank_name(0, Source::Id(1), 5);
        let names: BTreeSet<_> = (0..100).map(|_| with_chance(blank, &ExtName::EMPTY).build()).collect();
        assert_eq!(names.len(), 100);
    }
}
