//! `storage_servers_new.dat`: the storages that a tracker knows.

use super::ini::{Ini, IniWriter, Keys};
use super::{DiskError, StateFile, ValueFault, number, stat_keys};
use crate::shared::{StorageStat, StorageStatus};
use crate::{GroupName, IpText, StorageId, VersionText};

/// The file `storage_servers_new.dat`: a section for each storage, then a `[Global]` section with the count.
///
/// `storage_count` and each `group_name` and `ip_addr` must be there; all other keys are 0 or empty when they are
/// missing. As the count stands at the end, a file that was cut off is an error.
///
/// Source: disk formats, B.3.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrackerServers {
    /// The storages: groups by name, the storages of a group in the order in which they came. The caller leaves out
    /// those that are deleted or have a new address.
    pub storages: Vec<StoredStorage>,
}

/// One storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStorage {
    /// Its id; only with storage ids.
    pub id: Option<StorageId>,
    /// Its group.
    pub group_name: GroupName,
    /// The address in use.
    pub ip_addr: IpText,
    /// Its status; a number that is none reads as OFFLINE.
    pub status: StorageStatus,
    /// The version of its program.
    pub version: VersionText,
    /// When it was started for the first time, unix seconds.
    pub join_time: i64,
    /// Its port; 0 for that of its group.
    pub storage_port: u16,
    /// Who sends it the old files; empty if it was the first.
    pub sync_src_server: StorageId,
    /// Up to when that one sends the records of others too, unix seconds.
    pub sync_until_timestamp: i64,
    /// The sum of its store paths, MiB.
    pub total_mb: i64,
    /// What is free of it, MiB.
    pub free_mb: i64,
    /// Bytes of the changelog that it has been given.
    pub changelog_offset: u64,
    /// Its store paths.
    pub store_path_count: u32,
    /// Sub-directories on each of the two levels.
    pub subdir_count_per_path: u32,
    /// Its priority for uploads; the lowest number wins.
    pub upload_priority: i32,
    /// Its counters; those of modify and truncate and the connections are not in the file.
    pub stat: StorageStat,
}

impl StateFile for TrackerServers {
    const FILE: &'static str = "storage_servers_new.dat";

    fn encode(&self, out: &mut Vec<u8>) {
        for (index, storage) in self.storages.iter().enumerate() {
            storage.encode(&section_name(index), out);
        }
        out.push(b'\n');
        IniWriter::new(out).section("Global");
        IniWriter::indented(out).unsigned("storage_count", self.storages.len() as u64);
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        let ini = Ini::parse(bytes);
        ini.whole(Self::FILE)?;
        let global = ini.section(Self::FILE, "Global");
        let count: u32 = global.required("storage_count", global.number("storage_count")?)?;
        let mut storages = Vec::new();
        // The count only says when to stop: the first section that is missing ends the loop with an error.
        for index in 0..count as usize {
            storages.push(storage(&ini.section(Self::FILE, &section_name(index)))?);
        }
        Ok(Self { storages })
    }
}

impl StoredStorage {
    fn encode(&self, section: &str, out: &mut Vec<u8>) {
        let ipv6 = self.ip_addr.as_bytes().contains(&b':');
        out.extend_from_slice(if ipv6 { b"# storage: [" } else { b"# storage: " });
        out.extend_from_slice(self.ip_addr.as_bytes());
        out.extend_from_slice(if ipv6 { b"]:" } else { b":" });
        number::put_unsigned(out, self.storage_port.into());
        out.push(b'\n');
        let mut ini = IniWriter::indented(out);
        ini.section(section);
        if let Some(id) = &self.id {
            ini.text("id", id.as_str());
        }
        ini.text("group_name", self.group_name.as_str());
        ini.text("ip_addr", self.ip_addr.as_str());
        ini.unsigned("status", self.status.number());
        ini.text("version", self.version.as_str());
        ini.signed("join_time", self.join_time);
        ini.unsigned("storage_port", self.storage_port);
        ini.text("sync_src_server", self.sync_src_server.as_str());
        ini.signed("sync_until_timestamp", self.sync_until_timestamp);
        ini.signed("total_mb", self.total_mb);
        ini.signed("free_mb", self.free_mb);
        ini.unsigned("changelog_offset", self.changelog_offset);
        ini.unsigned("store_path_count", self.store_path_count);
        ini.unsigned("subdir_count_per_path", self.subdir_count_per_path);
        ini.signed("upload_priority", self.upload_priority);
        stat_keys::write(&stat_keys::TRACKER, &self.stat, &mut ini);
        ini.blank();
    }
}

fn section_name(index: usize) -> String {
    format!("Storage{:03}", index + 1)
}

fn storage(keys: &Keys<'_, '_>) -> Result<StoredStorage, DiskError> {
    let group_name = keys.required("group_name", keys.text("group_name", GroupName::new)?)?;
    if group_name.is_empty() {
        return Err(keys.bad_value("group_name", ValueFault::Empty));
    }
    let ip_addr = keys.required("ip_addr", keys.text("ip_addr", IpText::new)?)?;
    if ip_addr.is_empty() {
        return Err(keys.bad_value("ip_addr", ValueFault::Empty));
    }
    Ok(StoredStorage {
        id: keys.text("id", StorageId::new)?.filter(|id| !id.is_empty()),
        group_name,
        ip_addr,
        status: status(keys.number("status")?.unwrap_or(0)),
        version: keys.text("version", VersionText::new)?.unwrap_or_default(),
        join_time: keys.number("join_time")?.unwrap_or(0),
        storage_port: keys.number("storage_port")?.unwrap_or(0),
        sync_src_server: keys.text("sync_src_server", StorageId::new)?.unwrap_or_default(),
        sync_until_timestamp: keys.number("sync_until_timestamp")?.unwrap_or(0),
        total_mb: keys.number("total_mb")?.unwrap_or(0),
        free_mb: keys.number("free_mb")?.unwrap_or(0),
        changelog_offset: keys.number("changelog_offset")?.unwrap_or(0),
        store_path_count: keys.number("store_path_count")?.unwrap_or(0),
        subdir_count_per_path: keys.number("subdir_count_per_path")?.unwrap_or(0),
        upload_priority: keys.number("upload_priority")?.unwrap_or(0),
        stat: stat_keys::read(&stat_keys::TRACKER, keys)?,
    })
}

/// A status that no table knows is one of those that become OFFLINE at the start of a tracker anyway.
pub(super) fn status(number: i64) -> StorageStatus {
    u8::try_from(number).ok().and_then(StorageStatus::from_number).unwrap_or(StorageStatus::Offline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wire;
    use proptest::prelude::*;

    fn example() -> StoredStorage {
        let text = b"[Storage001]\ngroup_name=group1\nip_addr=fd00::1\n[Global]\nstorage_count=1\n";
        TrackerServers::decode(text).unwrap().storages.remove(0)
    }

    #[test]
    fn an_ipv6_address_is_bracketed_in_the_comment_alone() {
        let text = String::from_utf8(TrackerServers { storages: vec![example()] }.to_bytes()).unwrap();
        assert!(text.starts_with("# storage: [fd00::1]:0\n[Storage001]\n\tgroup_name=group1\n"));
        assert!(text.contains("\tip_addr=fd00::1\n"));
        assert!(text.ends_with("\tlast_heart_beat_time=0\n\n\n[Global]\n\tstorage_count=1\n"));
    }

    #[test]
    fn a_count_beyond_the_sections_is_an_error_and_takes_no_memory() {
        let error = TrackerServers::decode(b"[Global]\nstorage_count=4294967295\n").unwrap_err();
        assert_eq!(error.to_string(), "storage_servers_new.dat: key [Storage001] group_name is missing");
        assert_eq!(TrackerServers::decode(b"\n"), Err(DiskError::Empty { file: "storage_servers_new.dat" }));
    }

    #[test]
    fn every_cut_is_refused() {
        let bytes = TrackerServers { storages: vec![example(), example()] }.to_bytes();
        for len in 0..bytes.len() {
            assert!(TrackerServers::decode(&bytes[..len]).is_err(), "cut at {len}");
        }
    }

    prop_compose! {
        fn any_storage()(
            id in proptest::option::of("[0-9]{1,8}"), group_name in "[a-z0-9]{1,16}", ip_addr in "[0-9a-f.:]{1,46}",
            status in 0usize..10, version in "[0-9.]{0,8}", numbers in any::<[i64; 4]>(), storage_port in any::<u16>(),
            src in "[0-9.]{0,16}", changelog_offset in 0..=i64::MAX as u64, counts in any::<[u32; 2]>(),
            upload_priority in any::<i32>(), block in proptest::collection::vec(any::<u8>(), 336),
        ) -> StoredStorage {
            let mut bytes = vec![0; 12];
            bytes.extend(block);
            let mut stat = StorageStat::from_bytes(&bytes).unwrap();
            stat.modify_count = Default::default();
            stat.truncate_count = Default::default();
            stat.modify_bytes = Default::default();
            StoredStorage {
                id: id.map(|id| id.parse().unwrap()), group_name: group_name.parse().unwrap(),
                ip_addr: ip_addr.parse().unwrap(), status: StorageStatus::ALL[status],
                version: version.parse().unwrap(), join_time: numbers[0], storage_port,
                sync_src_server: src.parse().unwrap(), sync_until_timestamp: numbers[1], total_mb: numbers[2],
                free_mb: numbers[3], changelog_offset, store_path_count: counts[0],
                subdir_count_per_path: counts[1], upload_priority, stat,
            }
        }
    }

    proptest! {
        #[test]
        fn it_round_trips(storages in proptest::collection::vec(any_storage(), 0..4)) {
            let file = TrackerServers { storages };
            prop_assert_eq!(TrackerServers::decode(&file.to_bytes()), Ok(file));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = TrackerServers::decode(&bytes);
        }
    }
}
