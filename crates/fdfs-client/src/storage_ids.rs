//! Addresses of storages whose ids stand in file names.

use std::collections::HashMap;
use std::net::IpAddr;

use fdfs_proto::cmd::tracker::{StorageIds, StorageIdsRequest};
use fdfs_proto::limits::{GROUPS, STORAGES_PER_GROUP};
use fdfs_proto::{Command, Wire};

use crate::calls::Ask;
use crate::query::read;
use crate::{Client, ClientError};

/// The longest answer with one page of the list, in bytes.
const PAGE_MAX: usize = 64 * 1024;
/// The most lines a list can have.
const LINES_MAX: usize = GROUPS * STORAGES_PER_GROUP;

impl Client {
    /// The address of a storage by its id, if it was configured or a tracker can be asked for it.
    pub(crate) async fn storage_ip(&self, id: u32) -> Option<IpAddr> {
        if let Some(ip) = self.inner.storage_ids.get(&id) {
            return Some(*ip);
        }
        if !self.inner.load_storage_ids {
            return None;
        }
        // A failure is not kept: the next question asks again, and meanwhile the storage itself is asked.
        let loaded = self.inner.loaded_storage_ids.get_or_try_init(|| self.load_storage_ids()).await;
        loaded.ok()?.get(&id).copied()
    }

    /// The whole list of a tracker, page by page (69).
    async fn load_storage_ids(&self) -> Result<HashMap<u32, IpAddr>, ClientError> {
        let doing = "load storage ids";
        let (mut ids, mut start_index) = (HashMap::new(), 0u32);
        loop {
            let body = StorageIdsRequest { start_index, allow_empty: true }.to_bytes();
            let command = Command::StorageFetchStorageIds;
            let told = self.ask(&Ask { doing, command, status: 0, body: &body, max_answer: PAGE_MAX }).await?;
            let page = read(doing, &told, StorageIds::from_bytes)?;
            for line in &page.lines {
                if let (Ok(id), Ok(ip)) = (line.id.as_str().parse(), line.addrs.first.as_str().parse()) {
                    ids.insert(id, ip);
                }
            }
            start_index = start_index.saturating_add(u32::try_from(page.lines.len()).unwrap_or(u32::MAX));
            if page.lines.is_empty() || start_index >= page.total || start_index as usize >= LINES_MAX {
                return Ok(ids);
            }
        }
    }
}
