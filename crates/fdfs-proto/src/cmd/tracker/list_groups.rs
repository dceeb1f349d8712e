//! 90, 91: groups with their space and counts.

use crate::cmd::tracker::record::{self, GROUP_NAME_NUL_LEN};
use crate::limits::{GROUP_NAME_LEN, GROUPS};
use crate::{Command, GroupName, Put, Reader, Request, Wire, WireError};

/// Request of `SERVER_LIST_ONE_GROUP` (90); the answer is one [`GroupRecord`].
///
/// | offset | size | field | unit             |
/// |-------:|-----:|-------|------------------|
/// |      0 |   16 | group | text, NUL-padded |
///
/// Source: wire specification, 2.2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListOneGroup {
    /// The group.
    pub group: GroupName,
}

impl Wire for ListOneGroup {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { group: GroupName::read(reader, GROUP_NAME_LEN)? })
    }
}

impl Request for ListOneGroup {
    const COMMAND: Command = Command::ServerListOneGroup;
}

empty_request! {
    /// Request of `SERVER_LIST_ALL_GROUPS` (91): empty; the answer is a [`GroupList`].
    ///
    /// Source: wire specification, 2.2.3.
    ListAllGroups = ServerListAllGroups
}

/// A group in the answers of 90 and 91.
///
/// | offset | size | field                      | unit                                             |
/// |-------:|-----:|----------------------------|--------------------------------------------------|
/// |      0 |   17 | group                      | text, NUL-padded                                 |
/// |     17 |    8 | total                      | MB, i64 big-endian as all that follow            |
/// |     25 |    8 | free                       | MB                                               |
/// |     33 |    8 | reserved                   | MB                                               |
/// |     41 |    8 | trunk free                 | MB                                               |
/// |     49 |    8 | storages                   | count, deleted ones included                     |
/// |     57 |    8 | storage port               | -1 when the storages' ports differ               |
/// |     65 |    8 | readable servers           | count                                            |
/// |     73 |    8 | writable servers           | count                                            |
/// |     81 |    8 | current write server       | index from 0                                     |
/// |     89 |    8 | store paths                | count                                            |
/// |     97 |    8 | sub directories per path   | count                                            |
/// |    105 |    8 | current trunk file id      | -1 without trunk files                           |
///
/// The MB figures are those of the member with the least free space.
///
/// Source: wire specification, 2.1.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupRecord {
    /// Its name.
    pub group: GroupName,
    /// Size of the disks.
    pub total_mb: u64,
    /// Free on the disks.
    pub free_mb: u64,
    /// Kept free by `reserved_storage_space`.
    pub reserved_mb: u64,
    /// Free inside trunk files.
    pub trunk_free_mb: u64,
    /// Its storages, deleted ones included.
    pub storage_count: u64,
    /// The port of all its storages; `None` when they differ.
    pub storage_port: Option<u16>,
    /// Storages that clients may read from.
    pub readable_count: u64,
    /// Storages that clients may write to.
    pub writable_count: u64,
    /// The storage whose turn it is.
    pub current_write_server_index: u64,
    /// Store paths of each storage.
    pub store_path_count: u64,
    /// Sub directories on each level of a store path.
    pub subdir_count: u64,
    /// The newest trunk file; `None` without trunk files.
    pub current_trunk_file_id: Option<u32>,
}

impl GroupRecord {
    /// Bytes of a record.
    pub const LEN: usize = 113;
}

impl Wire for GroupRecord {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_NUL_LEN);
        for mb in [self.total_mb, self.free_mb, self.reserved_mb, self.trunk_free_mb] {
            out.put_size(mb);
        }
        out.put_size(self.storage_count);
        out.put_i64(self.storage_port.map_or(-1, i64::from));
        out.put_size(self.readable_count);
        out.put_size(self.writable_count);
        out.put_size(self.current_write_server_index);
        out.put_size(self.store_path_count);
        out.put_size(self.subdir_count);
        out.put_i64(self.current_trunk_file_id.map_or(-1, i64::from));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            group: GroupName::read(reader, GROUP_NAME_NUL_LEN)?,
            total_mb: reader.size("total MB")?,
            free_mb: reader.size("free MB")?,
            reserved_mb: reader.size("reserved MB")?,
            trunk_free_mb: reader.size("trunk free MB")?,
            storage_count: reader.size("storage count")?,
            storage_port: match reader.i64("storage port")? {
                -1 => None,
                port => Some(record::port(port)?),
            },
            readable_count: reader.size("readable server count")?,
            writable_count: reader.size("writable server count")?,
            current_write_server_index: reader.size("current write server")?,
            store_path_count: reader.size("store path count")?,
            subdir_count: reader.size("sub directory count")?,
            current_trunk_file_id: u32::try_from(reader.ranged("trunk file id", -1, i64::from(u32::MAX))?).ok(),
        })
    }
}

/// Answer of 91: every group, sorted by name; there may be none.
///
/// | offset | size    | field  | unit            |
/// |-------:|--------:|--------|-----------------|
/// |      0 | n × 113 | groups | [`GroupRecord`] |
///
/// Source: wire specification, 2.2.3.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupList {
    /// The groups.
    pub groups: Vec<GroupRecord>,
}

impl Wire for GroupList {
    fn encode(&self, out: &mut Vec<u8>) {
        for group in &self.groups {
            group.encode(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { groups: record::read_all(reader, GroupRecord::LEN, GROUPS, "group count")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn a_record_round_trips_and_rejects_every_cut() {
        let bytes = hex!(
            "67726f7570310000000000000000000000 000000000003efe3 0000000000010000 0000000000002000 0000000000000000
             0000000000000002 ffffffffffffffff 0000000000000002 0000000000000001 0000000000000001 0000000000000003
             0000000000000100 ffffffffffffffff"
        );
        let group = GroupRecord {
            group: "group1".parse().unwrap(),
            total_mb: 0x3efe3,
            free_mb: 0x10000,
            reserved_mb: 0x2000,
            trunk_free_mb: 0,
            storage_count: 2,
            storage_port: None,
            readable_count: 2,
            writable_count: 1,
            current_write_server_index: 1,
            store_path_count: 3,
            subdir_count: 256,
            current_trunk_file_id: None,
        };
        check::fixed(&group, &bytes);
        check::variable(&GroupList { groups: vec![group; 3] }, &bytes.repeat(3), &[0, 113, 226]);
        assert!(GroupList::from_bytes(&bytes.repeat(513)).is_err());
    }

    #[test]
    fn the_request_is_the_group_and_nothing_else() {
        check::fixed(&ListOneGroup { group: "group1".parse().unwrap() }, b"group1\0\0\0\0\0\0\0\0\0\0");
        check::fixed(&ListAllGroups, b"");
    }

    proptest! {
        #[test]
        fn any_record_round_trips(
            group in check::group(),
            mb in [check::size(), check::size(), check::size(), check::size()],
            counts in [check::size(), check::size(), check::size(), check::size(), check::size(), check::size()],
            storage_port: Option<u16>,
            current_trunk_file_id: Option<u32>,
        ) {
            let [total_mb, free_mb, reserved_mb, trunk_free_mb] = mb;
            let [storage_count, readable_count, writable_count, index, store_path_count, subdir_count] = counts;
            check::round_trip(&GroupRecord {
                group, total_mb, free_mb, reserved_mb, trunk_free_mb, storage_count, storage_port, readable_count,
                writable_count, current_write_server_index: index, store_path_count, subdir_count,
                current_trunk_file_id,
            });
        }
    }
}
