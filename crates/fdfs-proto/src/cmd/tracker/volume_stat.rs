//! 98: the space of all groups, in short.

use crate::cmd::tracker::record::{self, GROUP_NAME_NUL_LEN};
use crate::limits::GROUPS;
use crate::{Command, GroupName, Put, Reader, Request, Wire, WireError};

/// `filter_by` bit: compare "is disk available".
const BY_DISK: u8 = 1;
/// `filter_by` bit: compare "is trunk available".
const BY_TRUNK: u8 = 2;
/// `filter_by` bit: compare "is space available".
const BY_SPACE: u8 = 4;

/// Request of `SERVER_STORAGE_VOLUMN_STAT` (98): which groups to list.
///
/// | offset | size | field              | unit                                               |
/// |-------:|-----:|--------------------|----------------------------------------------------|
/// |      0 |    1 | filter by          | bit 1: compare disk, bit 2: trunk, bit 4: space    |
/// |      1 |    1 | is disk available  | 0 or 1                                             |
/// |      2 |    1 | is trunk available | 0 or 1                                             |
/// |      3 |    1 | is space available | 0 or 1: on disk or in trunk files                  |
///
/// Source: wire specification, 2.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VolumeStatRequest {
    /// Only those that have, or do not have, free space on disk.
    pub is_disk_available: Option<bool>,
    /// Only those that have, or do not have, free space in trunk files.
    pub is_trunk_available: Option<bool>,
    /// Only those that have, or do not have, free space at all.
    pub is_space_available: Option<bool>,
}

impl Wire for VolumeStatRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        let asked = [
            (BY_DISK, self.is_disk_available),
            (BY_TRUNK, self.is_trunk_available),
            (BY_SPACE, self.is_space_available),
        ];
        out.put_u8(asked.iter().filter(|(_, value)| value.is_some()).fold(0, |bits, (bit, _)| bits | bit));
        for (_, value) in asked {
            out.put_u8(u8::from(value.unwrap_or(false)));
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let [filter_by, disk, trunk, space] = reader.array("group filter")?;
        Ok(Self {
            is_disk_available: (filter_by & BY_DISK != 0).then_some(disk != 0),
            is_trunk_available: (filter_by & BY_TRUNK != 0).then_some(trunk != 0),
            is_space_available: (filter_by & BY_SPACE != 0).then_some(space != 0),
        })
    }
}

impl Request for VolumeStatRequest {
    const COMMAND: Command = Command::ServerStorageVolumnStat;
}

/// A group in the answer of 98.
///
/// | offset | size | field              | unit                                     |
/// |-------:|-----:|--------------------|------------------------------------------|
/// |      0 |   17 | group              | text, NUL-padded                         |
/// |     17 |    8 | total              | MB, i64 big-endian as all that follow    |
/// |     25 |    8 | free               | MB                                       |
/// |     33 |    8 | reserved           | MB                                       |
/// |     41 |    8 | available          | MB: free less reserved                   |
/// |     49 |    8 | trunk free         | MB                                       |
/// |     57 |    1 | is disk available  | 0 or 1                                   |
/// |     58 |    1 | is trunk available | 0 or 1                                   |
///
/// Source: wire specification, 2.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumeRow {
    /// Its name.
    pub group: GroupName,
    /// Size of the disks.
    pub total_mb: u64,
    /// Free on the disks.
    pub free_mb: u64,
    /// Kept free by `reserved_storage_space`.
    pub reserved_mb: u64,
    /// What uploads can take; below zero when the reserve itself is in use.
    pub available_mb: i64,
    /// Free inside trunk files.
    pub trunk_free_mb: u64,
    /// Whether there is free space on disk.
    pub is_disk_available: bool,
    /// Whether there is free space in trunk files.
    pub is_trunk_available: bool,
}

impl VolumeRow {
    /// Bytes of a record.
    pub const LEN: usize = 59;
}

impl Wire for VolumeRow {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_NUL_LEN);
        out.put_size(self.total_mb);
        out.put_size(self.free_mb);
        out.put_size(self.reserved_mb);
        out.put_i64(self.available_mb);
        out.put_size(self.trunk_free_mb);
        out.put_u8(u8::from(self.is_disk_available));
        out.put_u8(u8::from(self.is_trunk_available));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            group: GroupName::read(reader, GROUP_NAME_NUL_LEN)?,
            total_mb: reader.size("total MB")?,
            free_mb: reader.size("free MB")?,
            reserved_mb: reader.size("reserved MB")?,
            available_mb: reader.i64("available MB")?,
            trunk_free_mb: reader.size("trunk free MB")?,
            is_disk_available: reader.u8("is disk available")? != 0,
            is_trunk_available: reader.u8("is trunk available")? != 0,
        })
    }
}

/// Answer of 98.
///
/// | offset | size   | field            | unit              |
/// |-------:|-------:|------------------|-------------------|
/// |      0 |      1 | trunk files used | 0 or 1            |
/// |      1 |      4 | count            | n, u32 big-endian |
/// |      5 | n × 59 | groups           | [`VolumeRow`]     |
///
/// Source: wire specification, 2.2.3.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VolumeStat {
    /// Whether small files go into trunk files.
    pub use_trunk_file: bool,
    /// The groups.
    pub groups: Vec<VolumeRow>,
}

impl Wire for VolumeStat {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(u8::from(self.use_trunk_file));
        out.put_u32(u32::try_from(self.groups.len()).unwrap_or(u32::MAX));
        for group in &self.groups {
            group.encode(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let use_trunk_file = reader.u8("use trunk file")? != 0;
        let count = reader.u32("group count")?;
        Ok(Self { use_trunk_file, groups: record::read_counted(reader, count, VolumeRow::LEN, GROUPS, "group count")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    #[test]
    fn requests_are_four_bytes() {
        let all = VolumeStatRequest::default();
        check::fixed(&all, &[0, 0, 0, 0]);
        check::fixed(&VolumeStatRequest { is_disk_available: Some(true), ..all }, &[1, 1, 0, 0]);
        check::fixed(&VolumeStatRequest { is_trunk_available: Some(true), ..all }, &[2, 0, 1, 0]);
        check::fixed(&VolumeStatRequest { is_space_available: Some(true), ..all }, &[4, 0, 0, 1]);
        check::fixed(&VolumeStatRequest { is_space_available: Some(false), ..all }, &[4, 0, 0, 0]);
    }

    #[test]
    fn every_field_stands_at_its_offset() {
        let row = VolumeRow {
            group: "group1".parse().unwrap(),
            total_mb: 1,
            free_mb: 2,
            reserved_mb: 3,
            available_mb: 4,
            trunk_free_mb: 5,
            is_disk_available: true,
            is_trunk_available: false,
        };
        let parts: [(usize, &[u8]); 7] =
            [(0, b"group1"), (24, &[1]), (32, &[2]), (40, &[3]), (48, &[4]), (56, &[5]), (57, &[1])];
        check::fixed(&row, &check::laid_out(VolumeRow::LEN, &parts));
    }

    #[test]
    fn the_count_must_be_true() {
        check::fixed(&VolumeStat::default(), &[0; 5]);
        assert!(VolumeStat::from_bytes(&[0, 0xFF, 0xFF, 0xFF, 0xFF]).is_err());
    }

    prop_compose! {
        fn row()(group in check::group(), mb in [check::size(), check::size(), check::size(), check::size()],
                 available_mb: i64, is_disk_available: bool, is_trunk_available: bool) -> VolumeRow {
            let [total_mb, free_mb, reserved_mb, trunk_free_mb] = mb;
            VolumeRow {
                group, total_mb, free_mb, reserved_mb, available_mb, trunk_free_mb, is_disk_available, is_trunk_available,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_answer_round_trips_and_rejects_every_cut(
            use_trunk_file: bool,
            groups in proptest::collection::vec(row(), 0..8),
        ) {
            let stat = VolumeStat { use_trunk_file, groups };
            check::fixed(&stat, &stat.to_bytes());
        }
    }
}
