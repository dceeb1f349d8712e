//! The counters of a storage under the names that state files give them.

use super::DiskError;
use super::ini::{IniWriter, Keys};
use crate::shared::StorageStat;

/// A key and the field it stands for.
pub(super) struct StatKey {
    /// The key.
    pub(super) key: &'static str,
    field: fn(&mut StorageStat) -> &mut i64,
}

/// Two keys, `total_x` and `success_x`, for each counter.
macro_rules! pairs {
    ($($name:ident),* $(,)?) => {
        &[$(
            StatKey { key: concat!("total_", stringify!($name)), field: |stat| &mut stat.$name.total },
            StatKey { key: concat!("success_", stringify!($name)), field: |stat| &mut stat.$name.success },
        )*]
    };
}

/// One key for each field.
macro_rules! singles {
    ($($name:ident),* $(,)?) => {
        &[$(StatKey { key: stringify!($name), field: |stat| &mut stat.$name },)*]
    };
}

/// The order of `storage_stat.dat`.
pub(super) const STORAGE: [&[StatKey]; 3] = [
    pairs![upload_count, append_count, modify_count, truncate_count, download_count],
    singles![last_source_update, last_sync_update],
    pairs![
        set_meta_count,
        delete_count,
        get_meta_count,
        create_link_count,
        delete_link_count,
        upload_bytes,
        append_bytes,
        modify_bytes,
        download_bytes,
        sync_in_bytes,
        sync_out_bytes,
        file_open_count,
        file_read_count,
        file_write_count,
    ],
];

/// The order of `storage_servers_new.dat`, which leaves out the counters of modify and truncate.
pub(super) const TRACKER: [&[StatKey]; 2] = [
    pairs![
        upload_count,
        append_count,
        set_meta_count,
        delete_count,
        download_count,
        get_meta_count,
        create_link_count,
        delete_link_count,
        upload_bytes,
        append_bytes,
        download_bytes,
        sync_in_bytes,
        sync_out_bytes,
        file_open_count,
        file_read_count,
        file_write_count,
    ],
    singles![last_source_update, last_sync_update, last_synced_timestamp, last_heart_beat_time],
];

/// Writes the counters in the order of `tables`.
pub(super) fn write(tables: &[&[StatKey]], stat: &StorageStat, ini: &mut IniWriter<'_>) {
    let mut stat = *stat;
    for entry in tables.iter().copied().flatten() {
        ini.signed(entry.key, *(entry.field)(&mut stat));
    }
}

/// Reads the counters; a key that is not there is 0.
pub(super) fn read(tables: &[&[StatKey]], keys: &Keys<'_, '_>) -> Result<StorageStat, DiskError> {
    let mut stat = StorageStat::default();
    for entry in tables.iter().copied().flatten() {
        *(entry.field)(&mut stat) = keys.number(entry.key)?.unwrap_or(0);
    }
    Ok(stat)
}
