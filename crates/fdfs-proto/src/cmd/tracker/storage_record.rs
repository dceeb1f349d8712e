//! One storage in the list of a group.

use crate::cmd::tracker::record;
use crate::limits::{STORAGE_ID_LEN, VERSION_LEN};
use crate::shared::{AddrSize, RwMode, StorageStat, StorageStatus};
use crate::{IpText, Put, Reader, StorageId, VersionText, Wire, WireError};

/// A storage in the answer of 92; 487 or 517 bytes.
///
/// | field                    | size    | offset, narrow | offset, wide | unit                              |
/// |--------------------------|--------:|---------------:|-------------:|-----------------------------------|
/// | status                   |       1 |              0 |            0 | [`StorageStatus`]                 |
/// | mode                     |       1 |              1 |            1 | [`RwMode`]                        |
/// | id                       |      16 |              2 |            2 | text, NUL-padded                  |
/// | ip address               | 16 / 46 |             18 |           18 | text, NUL-padded                  |
/// | source storage id        |      16 |             34 |           64 | text, NUL-padded; empty is none   |
/// | version                  |       8 |             50 |           80 | text, NUL-padded                  |
/// | join time                |       8 |             58 |           88 | unix seconds, i64 big-endian      |
/// | up time                  |       8 |             66 |           96 | unix seconds of the daemon's start |
/// | total                    |       8 |             74 |          104 | MB                                |
/// | free                     |       8 |             82 |          112 | MB                                |
/// | reserved                 |       8 |             90 |          120 | MB                                |
/// | upload priority          |       8 |             98 |          128 | smaller comes first               |
/// | store paths              |       8 |            106 |          136 | count                             |
/// | sub directories per path |       8 |            114 |          144 | count                             |
/// | current write path       |       8 |            122 |          152 | index from 0                      |
/// | port                     |       8 |            130 |          160 |                                   |
/// | counters                 |     348 |            138 |          168 | [`StorageStat`]                   |
/// | trunk server             |       1 |            486 |          516 | 0 or 1                            |
///
/// Source: wire specification, 2.1.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageRecord {
    /// Its status.
    pub status: StorageStatus,
    /// What it may be used for.
    pub rw_mode: RwMode,
    /// Its id.
    pub id: StorageId,
    /// Its address.
    pub ip: IpText,
    /// The storage that copied, or copies, the old files to it.
    pub source_id: Option<StorageId>,
    /// The version of its program.
    pub version: VersionText,
    /// When it joined for the first time.
    pub join_time_secs: i64,
    /// When its daemon was started.
    pub up_time_secs: i64,
    /// Size of its disks.
    pub total_mb: u64,
    /// Free on its disks.
    pub free_mb: u64,
    /// Kept free by `reserved_storage_space`.
    pub reserved_mb: u64,
    /// Its priority for uploads: smaller comes first.
    pub upload_priority: i64,
    /// Its store paths.
    pub store_path_count: u64,
    /// Sub directories on each level of a store path.
    pub subdir_count: u64,
    /// The store path whose turn it is.
    pub current_write_path_index: u64,
    /// Its port.
    pub port: u16,
    /// Its counters.
    pub stat: StorageStat,
    /// Whether it is the trunk server of its group.
    pub is_trunk_server: bool,
}

impl StorageRecord {
    /// Bytes of a record.
    #[must_use]
    pub const fn len(size: AddrSize) -> usize {
        471 + size.width()
    }

    /// Appends the bytes to `out`.
    pub fn encode(&self, size: AddrSize, out: &mut Vec<u8>) {
        out.put_u8(self.status.number());
        out.put_u8(self.rw_mode.number());
        self.id.put(out, STORAGE_ID_LEN);
        // Differs from C: an address that the narrow field cannot hold is left empty; cut, it would be another one.
        let ip = if self.ip.as_bytes().len() < size.width() { self.ip } else { IpText::EMPTY };
        ip.put(out, size.width());
        record::put_maybe_id(out, self.source_id.as_ref());
        self.version.put(out, VERSION_LEN);
        out.put_i64(self.join_time_secs);
        out.put_i64(self.up_time_secs);
        out.put_size(self.total_mb);
        out.put_size(self.free_mb);
        out.put_size(self.reserved_mb);
        out.put_i64(self.upload_priority);
        out.put_size(self.store_path_count);
        out.put_size(self.subdir_count);
        out.put_size(self.current_write_path_index);
        out.put_i64(i64::from(self.port));
        self.stat.encode(out);
        out.put_u8(u8::from(self.is_trunk_server));
    }

    /// Reads it from the front of `reader`.
    ///
    /// # Errors
    /// A [`WireError`] that names the field.
    pub fn decode(size: AddrSize, reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            status: record::read_status(reader)?,
            rw_mode: read_rw_mode(reader)?,
            id: StorageId::read(reader, STORAGE_ID_LEN)?,
            ip: IpText::read(reader, size.width())?,
            source_id: record::read_maybe_id(reader)?,
            version: VersionText::read(reader, VERSION_LEN)?,
            join_time_secs: reader.i64("join time")?,
            up_time_secs: reader.i64("up time")?,
            total_mb: reader.size("total MB")?,
            free_mb: reader.size("free MB")?,
            reserved_mb: reader.size("reserved MB")?,
            upload_priority: reader.i64("upload priority")?,
            store_path_count: reader.size("store path count")?,
            subdir_count: reader.size("sub directory count")?,
            current_write_path_index: reader.size("current write path")?,
            port: record::read_port(reader)?,
            stat: StorageStat::decode(reader)?,
            is_trunk_server: reader.u8("trunk server")? != 0,
        })
    }
}

/// Reads a mode byte.
fn read_rw_mode(reader: &mut Reader<'_>) -> Result<RwMode, WireError> {
    let number = reader.u8("rw mode")?;
    RwMode::from_number(number).ok_or(WireError::OutOfRange {
        field: "rw mode",
        value: i64::from(number),
        low: 0,
        high: 6,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    pub(crate) fn any_record() -> impl Strategy<Value = StorageRecord> {
        let modes = proptest::sample::select(vec![RwMode::None, RwMode::Read, RwMode::Write, RwMode::Both]);
        let texts = (check::maybe_id(), check::ipv4(), proptest::option::of(check::id()), check::version());
        let numbers = [check::size(), check::size(), check::size(), check::size(), check::size(), check::size()];
        (check::status(), modes, texts, any::<[i64; 3]>(), numbers, any::<u16>(), check::stat(), any::<bool>())
            .prop_map(|(status, rw_mode, texts, times, numbers, port, stat, is_trunk_server)| {
                let (id, ip, source_id, version) = texts;
                let [join_time_secs, up_time_secs, upload_priority] = times;
                let [total_mb, free_mb, reserved_mb, store_path_count, subdir_count, index] = numbers;
                StorageRecord {
                    status,
                    rw_mode,
                    id,
                    ip,
                    source_id,
                    version,
                    join_time_secs,
                    up_time_secs,
                    total_mb,
                    free_mb,
                    reserved_mb,
                    upload_priority,
                    store_path_count,
                    subdir_count,
                    current_write_path_index: index,
                    port,
                    stat,
                    is_trunk_server,
                }
            })
    }

    #[test]
    fn every_field_stands_at_its_offset_in_both_widths() {
        let record = StorageRecord {
            status: StorageStatus::Active,
            rw_mode: RwMode::Read,
            id: "100001".parse().unwrap(),
            ip: "10.78.1.11".parse().unwrap(),
            source_id: Some("100002".parse().unwrap()),
            version: "6.16.1".parse().unwrap(),
            join_time_secs: 1,
            up_time_secs: 2,
            total_mb: 3,
            free_mb: 4,
            reserved_mb: 5,
            upload_priority: 6,
            store_path_count: 7,
            subdir_count: 8,
            current_write_path_index: 9,
            port: 10,
            stat: StorageStat { last_heart_beat_time: 11, ..StorageStat::default() },
            is_trunk_server: true,
        };
        for (size, source) in [(AddrSize::V4, 34), (AddrSize::V6, 64)] {
            let texts: [(usize, &[u8]); 6] = [
                (0, &[7]),
                (1, &[4]),
                (2, b"100001"),
                (18, b"10.78.1.11"),
                (source, b"100002"),
                (source + 16, b"6.16.1"),
            ];
            let mut bytes = check::laid_out(StorageRecord::len(size), &texts);
            for n in 1..=10 {
                bytes[source + 24 + 8 * n - 1] = n as u8;
            }
            let stat = source + 104;
            bytes[stat + StorageStat::LEN - 1] = 11;
            bytes[stat + StorageStat::LEN] = 1;
            let mut out = Vec::new();
            record.encode(size, &mut out);
            assert_eq!(out, bytes);
            assert_eq!(StorageRecord::decode(size, &mut Reader::new(&bytes)), Ok(record));
        }
    }

    #[test]
    fn the_lengths_are_those_of_the_specification() {
        assert_eq!(StorageRecord::len(AddrSize::V4), 487);
        assert_eq!(StorageRecord::len(AddrSize::V6), 517);
    }

    proptest! {
        #[test]
        fn any_record_round_trips_in_both_widths_and_rejects_a_cut(record in any_record(), cut in 0usize..487) {
            for size in [AddrSize::V4, AddrSize::V6] {
                let mut bytes = Vec::new();
                record.encode(size, &mut bytes);
                prop_assert_eq!(bytes.len(), StorageRecord::len(size));
                prop_assert_eq!(StorageRecord::decode(size, &mut Reader::new(&bytes)), Ok(record));
                prop_assert!(StorageRecord::decode(size, &mut Reader::new(&bytes[..cut])).is_err());
            }
        }
    }
}
