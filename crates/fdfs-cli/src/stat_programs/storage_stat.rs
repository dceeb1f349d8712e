//! `fdfs_storage_stat [-c CONFIG] [-A | -N] [-T | -t] [-d]`.

use fdfs_client::{Client, ClientError};
use fdfs_proto::cmd::tracker::{StatusMatch, StorageClusterStat, StorageClusterStatRequest};
use fdfs_proto::shared::StorageStatus;
use jiff::tz::TimeZone;

use super::{Stat, time};

/// What was asked for.
#[derive(Debug, Default)]
pub(super) struct StorageStat {
    pub(super) which: StorageClusterStatRequest,
    pub(super) with_details: bool,
}

impl Stat for StorageStat {
    const LETTERS: &'static str = "ANTtd";

    fn usage(program: &str) -> String {
        format!(
            "Usage: {program} [-c config_filename=/etc/fdfs/client.conf]\n\
             \t[-A] list ACTIVE storages\n\
             \t[-N] list None ACTIVE storages\n\
             \t[-d] show detail / more info\n\n\
             When use_trunk_file is true, including options:\n\
             \t[-T] list trunk servers / storages\n\
             \t[-t] list None trunk servers / storages\n\n\
             For example:\n\
             \t{program} -A\n\
             \t{program} -N\n"
        )
    }

    fn option(&mut self, letter: char) {
        const ACTIVE: u8 = StorageStatus::Active.number();
        match letter {
            'A' => self.which.status = Some(StatusMatch::Is(ACTIVE)),
            'N' => self.which.status = Some(StatusMatch::IsNot(ACTIVE)),
            'T' | 't' => self.which.is_trunk_server = Some(letter == 'T'),
            _ => self.with_details = true,
        }
    }

    async fn text(&self, client: &Client, zone: &TimeZone) -> Result<String, ClientError> {
        Ok(lines(&client.storage_cluster(&self.which).await?, self.with_details, zone))
    }
}

/// Nothing at all when there is none.
pub(super) fn lines(stat: &StorageClusterStat, with_details: bool, zone: &TimeZone) -> String {
    if stat.storages.is_empty() {
        return String::new();
    }
    let mut text = "\n".to_owned();
    for storage in &stat.storages {
        if stat.use_storage_id {
            text.push_str(&format!("{} ", storage.id));
        }
        text.push_str(&format!("{} {}, ", storage.host, storage.status));
        if stat.use_trunk_file {
            text.push_str(&format!("is_trunk_server: {}, ", u8::from(storage.is_trunk_server)));
        }
        let counts = storage.connections;
        let (alloc, current, max) = (counts.alloc, counts.current, counts.max);
        text.push_str(&format!("connections {{alloc: {alloc}, current: {current}, max: {max}}}\n"));
        if with_details {
            let (up_time, beat) = (time(storage.up_time_secs, zone), time(storage.last_heart_beat_secs, zone));
            let version = storage.version;
            text.push_str(&format!("  version: {version}, up_time: {up_time}, last_heartbeat_time: {beat}\n\n"));
        }
    }
    text + &format!("\nstorage server count: {}\n\n", stat.storages.len())
}
