//! `storage_groups_new.dat`: the groups that a tracker knows.

use super::ini::{Ini, IniWriter, Keys};
use super::{DiskError, StateFile, ValueFault};
use crate::{GroupName, StorageId};

/// The file `storage_groups_new.dat`: a `[Global]` section with the count, then a section for each group.
///
/// `group_count` and each `group_name` must be there; all other keys are 0 or empty when they are missing.
///
/// Source: disk formats, B.2.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrackerGroups {
    /// The groups; the writer puts them in the order of their names.
    pub groups: Vec<StoredGroup>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredGroup {
    /// Its name.
    pub name: GroupName,
    /// The port of its storages; `None` (-1 in the file) when they have different ones, 0 when it is not known.
    pub storage_port: Option<u16>,
    /// Store paths of each of its storages.
    pub store_path_count: u32,
    /// Sub-directories on each of the two levels.
    pub subdir_count_per_path: u32,
    /// The trunk file id that was handed out last.
    pub current_trunk_file_id: u32,
    /// The storage that manages the trunk files now; empty if none does.
    pub trunk_server: StorageId,
    /// The storage that managed them before.
    pub last_trunk_server: StorageId,
}

const DIFFERENT_PORTS: i64 = -1;

impl StateFile for TrackerGroups {
    const FILE: &'static str = "storage_groups_new.dat";

    fn encode(&self, out: &mut Vec<u8>) {
        IniWriter::new(out).section("Global");
        IniWriter::indented(out).unsigned("group_count", self.groups.len() as u64);
        out.push(b'\n');
        for (index, group) in self.groups.iter().enumerate() {
            out.extend_from_slice(b"# group: ");
            out.extend_from_slice(group.name.as_bytes());
            out.push(b'\n');
            let mut ini = IniWriter::indented(out);
            ini.section(&section_name(index));
            ini.text("group_name", group.name.as_str());
            ini.signed("storage_port", group.storage_port.map_or(DIFFERENT_PORTS, i64::from));
            ini.unsigned("store_path_count", group.store_path_count);
            ini.unsigned("subdir_count_per_path", group.subdir_count_per_path);
            ini.unsigned("current_trunk_file_id", group.current_trunk_file_id);
            ini.text("trunk_server", group.trunk_server.as_str());
            ini.text("last_trunk_server", group.last_trunk_server.as_str());
            ini.blank();
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        let ini = Ini::parse(bytes);
        ini.whole(Self::FILE)?;
        let global = ini.section(Self::FILE, "Global");
        let count: u32 = global.required("group_count", global.number("group_count")?)?;
        let mut groups = Vec::new();
        // The count only says when to stop: the first section that is missing ends the loop with an error.
        for index in 0..count as usize {
            groups.push(group(&ini.section(Self::FILE, &section_name(index)))?);
        }
        Ok(Self { groups })
    }
}

fn section_name(index: usize) -> String {
    format!("Group{:03}", index + 1)
}

fn group(keys: &Keys<'_, '_>) -> Result<StoredGroup, DiskError> {
    let name = keys.required("group_name", keys.text("group_name", GroupName::new)?)?;
    if name.is_empty() {
        return Err(keys.bad_value("group_name", ValueFault::Empty));
    }
    let storage_port = match keys.number("storage_port")?.unwrap_or(0i64) {
        DIFFERENT_PORTS => None,
        _ => Some(keys.number("storage_port")?.unwrap_or(0)),
    };
    Ok(StoredGroup {
        name,
        storage_port,
        store_path_count: keys.number("store_path_count")?.unwrap_or(0),
        subdir_count_per_path: keys.number("subdir_count_per_path")?.unwrap_or(0),
        current_trunk_file_id: keys.number("current_trunk_file_id")?.unwrap_or(0),
        trunk_server: keys.text("trunk_server", StorageId::new)?.unwrap_or_default(),
        last_trunk_server: keys.text("last_trunk_server", StorageId::new)?.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_count_beyond_the_sections_is_an_error_and_takes_no_memory() {
        let error = TrackerGroups::decode(b"[Global]\ngroup_count=4294967295\n").unwrap_err();
        assert_eq!(error.to_string(), "storage_groups_new.dat: key [Group001] group_name is missing");
        assert!(TrackerGroups::decode(b"[Global]\ngroup_count=-1\n").is_err());
        assert_eq!(TrackerGroups::decode(b""), Err(DiskError::Empty { file: "storage_groups_new.dat" }));
    }

    #[test]
    fn a_group_needs_its_name_only() {
        let file = TrackerGroups::decode(b"[Global]\ngroup_count=1\n[Group001]\ngroup_name=g\n").unwrap();
        assert_eq!((file.groups[0].name.as_str(), file.groups[0].storage_port), ("g", Some(0)));
        let nameless = TrackerGroups::decode(b"[Global]\ngroup_count=1\n[Group001]\ngroup_name=\n").unwrap_err();
        assert_eq!(nameless.to_string(), "storage_groups_new.dat, line 4, key [Group001] group_name: it is empty");
        assert!(
            TrackerGroups::decode(b"[Global]\ngroup_count=1\n[Group001]\ngroup_name=g\nstorage_port=-2\n").is_err()
        );
    }

    prop_compose! {
        fn any_group()(
            name in "[a-z0-9]{1,16}", storage_port in any::<Option<u16>>(), counts in any::<[u32; 3]>(),
            trunk_server in "[0-9.]{0,16}", last_trunk_server in "[0-9.]{0,16}",
        ) -> StoredGroup {
            StoredGroup {
                name: name.parse().unwrap(), storage_port, store_path_count: counts[0],
                subdir_count_per_path: counts[1], current_trunk_file_id: counts[2],
                trunk_server: trunk_server.parse().unwrap(), last_trunk_server: last_trunk_server.parse().unwrap(),
            }
        }
    }

    proptest! {
        #[test]
        fn it_round_trips_and_no_cut_panics(groups in proptest::collection::vec(any_group(), 0..4)) {
            let file = TrackerGroups { groups };
            let bytes = file.to_bytes();
            for len in 0..bytes.len() {
                let _ = TrackerGroups::decode(&bytes[..len]);
            }
            prop_assert_eq!(TrackerGroups::decode(&bytes), Ok(file));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = TrackerGroups::decode(&bytes);
        }
    }
}
