//! What a storage does on the side: free space, statistics file, idle checks. On the control runtime, where a disk that
//! hangs holds up nothing but its own check.

use std::sync::Arc;
use std::time::Duration;

use fdfs_core::placement::PathFacts;
use fdfs_proto::disk::storage_stat::StorageStatFile;
use fdfs_proto::shared::ConnectionCounts;
use fdfs_store::fs::Space;
use tokio_util::sync::CancellationToken;

use crate::storage::Storage;

/// How often free space is looked at: the reserve is kept to what is written in this time.
const SPACE_INTERVAL: Duration = Duration::from_secs(2);
/// Bytes of a megabyte.
const MB: u64 = 1 << 20;

/// The figures of one store path. One that takes no uploads, because it is broken or being recovered, has no room for them.
#[must_use]
pub fn path_facts(space: Space, is_readonly: bool, takes_none: bool) -> PathFacts {
    let writable = !is_readonly && !takes_none;
    PathFacts { total_mb: space.total_bytes / MB, free_mb: space.free_bytes / MB, writable }
}

/// Keeps the figures of one store path fresh until `shutdown`. A path whose file system does not answer counts as full.
///
/// Differs from C: the reference gives up its connection to the tracker when one path fails (behaviour, W-24).
pub async fn watch_space(storage: Arc<Storage>, index: usize, shutdown: CancellationToken) {
    let Some(slot) = storage.write_path.slots.get(index) else { return };
    let mut is_failing = false;
    while !is_stopped(&shutdown, SPACE_INTERVAL).await {
        let path = slot.path.clone();
        let Ok(space) = tokio::task::spawn_blocking(move || path.space()).await else { return };
        let facts = match space {
            Ok(space) => {
                if is_failing {
                    tracing::info!("store path {index} answers again");
                }
                is_failing = false;
                let index = slot.path.index();
                let takes_none = slot.path.broken().is_some()
                    || storage.recovery.is_under_way(index)
                    || storage.terms.is_path_drained(index);
                path_facts(space, slot.path.is_readonly(), takes_none)
            }
            Err(e) => {
                if !is_failing {
                    tracing::error!("store path {index} takes no uploads: {e}");
                }
                is_failing = true;
                PathFacts::default()
            }
        };
        storage.placing.update_path(index, facts);
    }
}

/// Writes the statistics file each `sync_stat_file_interval` in which something changed.
pub async fn save_statistics(storage: Arc<Storage>, shutdown: CancellationToken) {
    let interval = Duration::from_secs(storage.conf.sync_stat_file_interval_secs.max(1));
    let mut saved = storage.stats.changes();
    while !is_stopped(&shutdown, interval).await {
        let changes = storage.stats.changes();
        if changes == saved {
            continue;
        }
        let writer = storage.clone();
        match tokio::task::spawn_blocking(move || writer.write_statistics()).await {
            Ok(Ok(())) => saved = changes,
            Ok(Err(e)) => tracing::error!("{e}; the statistics are kept and written later"),
            Err(_) => return,
        }
    }
}

impl Storage {
    /// Writes the statistics file now.
    ///
    /// # Errors
    /// [`fdfs_store::StoreError`].
    pub(crate) fn write_statistics(&self) -> Result<(), fdfs_store::StoreError> {
        let stat = self.stats.snapshot(ConnectionCounts::default());
        fdfs_store::state::save(&self.state_dir, &StorageStatFile { stat, cursor: self.placing.cursor() })
    }
}

/// Waits; whether the wait ended because of the shutdown.
async fn is_stopped(shutdown: &CancellationToken, interval: Duration) -> bool {
    tokio::time::timeout(interval, shutdown.cancelled()).await.is_ok()
}
