//! `storage_groups.dat` and `storage_servers.dat`: what trackers wrote before the `_new` files. Read, never written.

use super::line::{Columns, lines};
use super::tracker_groups::StoredGroup;
use super::tracker_servers::{StoredStorage, status};
use super::{DiskError, LineFault};
use crate::shared::StorageStat;
use crate::{GroupName, IpText, StorageId, VersionText};

/// The name of the old file of groups.
pub const GROUPS_FILE: &str = "storage_groups.dat";
/// The name of the old file of storages.
pub const SERVERS_FILE: &str = "storage_servers.dat";

/// Reads `storage_groups.dat`: lines of `group,port` or `group,port,store_path_count,subdir_count_per_path`.
///
/// Source: disk formats, B.7.
///
/// # Errors
/// [`DiskError::BadLine`], [`DiskError::Unfinished`].
pub fn decode_groups(bytes: &[u8]) -> Result<Vec<StoredGroup>, DiskError> {
    decode(bytes, GROUPS_FILE, group)
}

/// Reads `storage_servers.dat`: lines of 17, 18, 20 or 22 columns. A port that a line does not have is 0, for that of
/// the group.
///
/// Source: disk formats, B.7.
///
/// # Errors
/// [`DiskError::BadLine`], [`DiskError::Unfinished`].
pub fn decode_servers(bytes: &[u8]) -> Result<Vec<StoredStorage>, DiskError> {
    decode(bytes, SERVERS_FILE, storage)
}

fn decode<T>(
    bytes: &[u8],
    file: &'static str,
    row: impl Fn(&mut Columns<'_>) -> Result<T, LineFault>,
) -> Result<Vec<T>, DiskError> {
    let mut rows = Vec::new();
    for line in lines(bytes) {
        let text = line.whole(file)?.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let mut columns = Columns::trimmed(text, b',');
        let value = row(&mut columns).and_then(|value| columns.finish().map(|()| value));
        rows.push(value.map_err(|fault| line.error(file, fault))?);
    }
    Ok(rows)
}

fn group(columns: &mut Columns<'_>) -> Result<StoredGroup, LineFault> {
    let name = columns.name("group", GroupName::new)?;
    let storage_port = Some(columns.number("port")?);
    let (mut store_path_count, mut subdir_count_per_path) = (0, 0);
    if columns.left() > 0 {
        store_path_count = columns.number("store path count")?;
        subdir_count_per_path = columns.number("sub-directories per path")?;
    }
    Ok(StoredGroup {
        name,
        storage_port,
        store_path_count,
        subdir_count_per_path,
        current_trunk_file_id: 0,
        trunk_server: StorageId::EMPTY,
        last_trunk_server: StorageId::EMPTY,
    })
}

fn storage(columns: &mut Columns<'_>) -> Result<StoredStorage, LineFault> {
    let group_name = columns.name("group", GroupName::new)?;
    let ip_addr = columns.name("address", IpText::new)?;
    let status = status(columns.number("status")?);
    let sync_src_server = columns.text("sync source", StorageId::new)?;
    let sync_until_timestamp = columns.number("sync until")?;
    let mut stat = StorageStat::default();
    for counter in [
        &mut stat.upload_count,
        &mut stat.set_meta_count,
        &mut stat.delete_count,
        &mut stat.download_count,
        &mut stat.get_meta_count,
    ] {
        counter.total = columns.number("counter")?;
        counter.success = columns.number("counter")?;
    }
    stat.last_source_update = columns.number("last source update")?;
    stat.last_sync_update = columns.number("last sync update")?;
    let changelog_offset = if columns.left() > 0 { columns.number("changelog offset")? } else { 0 };
    let mut storage_port = 0;
    if columns.left() > 0 {
        storage_port = columns.number("port")?;
        // Column 20 came with the port and never meant anything.
        columns.bytes("ignored")?;
    }
    let (mut join_time, mut version) = (0, VersionText::EMPTY);
    if columns.left() > 0 {
        join_time = columns.number("join time")?;
        version = columns.text("version", VersionText::new)?;
    }
    Ok(StoredStorage {
        id: None,
        group_name,
        ip_addr,
        status,
        version,
        join_time,
        storage_port,
        sync_src_server,
        sync_until_timestamp,
        total_mb: 0,
        free_mb: 0,
        changelog_offset,
        store_path_count: 0,
        subdir_count_per_path: 0,
        upload_priority: 0,
        stat,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::StorageStatus;
    use proptest::prelude::*;

    const COLUMNS: &str = "group1, 10.0.0.1,7,,100,1,2,3,4,5,6,7,8,9,10,1000,2000,300,23001,x,50,1.23";

    fn columns(n: usize) -> String {
        format!("{}\n", COLUMNS.split(',').take(n).collect::<Vec<_>>().join(","))
    }

    #[test]
    fn groups_of_two_and_four_columns_read() {
        let groups = decode_groups(b"group1,23000\n\n group2 , 23001 , 2 , 256\n").unwrap();
        assert_eq!((groups[0].storage_port, groups[0].store_path_count), (Some(23000), 0));
        assert_eq!((groups[1].name.as_str(), groups[1].subdir_count_per_path), ("group2", 256));
        for bad in ["g\n", "g,1,2\n", "g,1,2,3,4\n", "g,1,2,3", ",1\n", "g,x\n"] {
            assert!(decode_groups(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn storages_of_17_18_20_and_22_columns_read_and_no_others() {
        for n in 0..=22 {
            assert_eq!(decode_servers(columns(n).as_bytes()).is_ok(), [0, 17, 18, 20, 22].contains(&n), "{n} columns");
        }
        assert!(decode_servers(format!("{COLUMNS},x\n").as_bytes()).is_err());
        let storage = decode_servers(columns(22).as_bytes()).unwrap().remove(0);
        assert_eq!((storage.ip_addr.as_str(), storage.status), ("10.0.0.1", StorageStatus::Active));
        assert_eq!((storage.stat.get_meta_count.success, storage.stat.last_sync_update), (10, 2000));
        assert_eq!((storage.changelog_offset, storage.storage_port), (300, 23001));
        assert_eq!((storage.join_time, storage.version.as_str()), (50, "1.23"));
    }

    #[test]
    fn no_cut_panics() {
        let text = columns(22);
        for len in 1..text.len() {
            assert!(decode_servers(&text.as_bytes()[..len]).is_err(), "cut at {len}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_groups(&bytes);
            let _ = decode_servers(&bytes);
        }
    }
}
