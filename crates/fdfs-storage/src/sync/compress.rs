//! `compress_binlog`: once a day, the files of the log that every reader is behind are compressed.

use std::sync::Arc;
use std::time::Duration;

use fdfs_store::StoreError;
use fdfs_store::binlog_compress::{Compressed, compress_file};
use fdfs_store::state::Loaded;
use tokio_util::sync::CancellationToken;

use crate::names::now_unix_secs;
use crate::storage::Storage;

/// Waits for `compress_binlog_time` each day, and compresses, until `shutdown`.
pub async fn compress_daily(storage: Arc<Storage>, shutdown: CancellationToken) {
    if !storage.conf.compress_binlog {
        return;
    }
    let at = storage.conf.compress_binlog_time;
    loop {
        let pause = until(&jiff::Zoned::now(), i64::from(at.hour) * 3600 + i64::from(at.minute) * 60);
        if tokio::time::timeout(pause, shutdown.cancelled()).await.is_ok() {
            return;
        }
        if let Err(e) = storage.compress_binlog().await {
            tracing::error!("{e}; the file stays as it is until tomorrow");
        }
    }
}

/// How long it is until this second of the day.
fn until(now: &jiff::Zoned, second_of_day: i64) -> Duration {
    let second = i64::from(now.hour()) * 3600 + i64::from(now.minute()) * 60 + i64::from(now.second());
    let left = (second_of_day - second).rem_euclid(24 * 3600);
    Duration::from_secs(u64::try_from(if left == 0 { 24 * 3600 } else { left }).unwrap_or(1))
}

impl Storage {
    /// Compresses the files that every reader is behind; how many that were. The work is done on a thread of its own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn compress_binlog(&self) -> Result<usize, StoreError> {
        let mut files = self.write_path.commit.uncompressed_files().await;
        files.end = files.end.min(self.oldest_file_in_use()?);
        let mut count = 0;
        for index in files {
            let dir = self.sync.dir.clone();
            let dispatch = tracing::dispatcher::get_default(Clone::clone);
            let work = tokio::task::spawn_blocking(move || {
                let _log = tracing::dispatcher::set_default(&dispatch);
                compress_file(&dir, index, now_unix_secs())
            });
            match work.await {
                Ok(Ok(Compressed::Now)) => {
                    tracing::info!("file {index} of the binlog is compressed");
                    count += 1;
                }
                Ok(Ok(Compressed::Before)) => {}
                Ok(Ok(Compressed::Busy)) | Err(_) => break,
                Ok(Err(e)) => return Err(e),
            }
            self.write_path.commit.note_compressed(index + 1).await?;
        }
        Ok(count)
    }

    /// The first file that a sender still needs: by their marks, also of peers that are away.
    fn oldest_file_in_use(&self) -> Result<u32, StoreError> {
        let mut oldest = u32::MAX;
        for peer in self.peers.watch().borrow().iter() {
            match self.sync.marks.load(peer.id, now_unix_secs())? {
                Loaded::Read(mark) => oldest = oldest.min(mark.binlog_index),
                // Who has no mark yet may begin anywhere; compressed files can be read, too.
                Loaded::Missing | Loaded::SetAside { .. } => {}
            }
        }
        Ok(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_of_day_is_never_now() {
        let now: jiff::Zoned = "2026-11-20T01:29:30[UTC]".parse().unwrap();
        assert_eq!(until(&now, 90 * 60), Duration::from_secs(30));
        assert_eq!(until(&now, 89 * 60), Duration::from_secs(24 * 3600 - 30));
        assert_eq!(until(&now, 89 * 60 + 30), Duration::from_secs(24 * 3600));
    }
}
