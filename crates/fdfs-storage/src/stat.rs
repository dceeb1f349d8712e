//! The storage's counters, raised by every request without a lock.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use fdfs_proto::shared::{ConnectionCounts, Counter, StorageStat};

/// A pair of counters: tries and successes.
#[derive(Debug, Default)]
pub struct Pair {
    total: AtomicI64,
    success: AtomicI64,
}

impl Pair {
    /// Counts one try of `amount` (1, or bytes).
    pub fn count(&self, amount: u64, is_ok: bool) {
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        self.total.fetch_add(amount, Relaxed);
        if is_ok {
            self.success.fetch_add(amount, Relaxed);
        }
    }

    fn load(&self) -> Counter {
        // Success first: a pair read in between shows a try that has not succeeded yet, never more successes than tries.
        let success = self.success.load(Relaxed);
        Counter { total: self.total.load(Relaxed).max(success), success }
    }

    fn store(&self, counter: Counter) {
        self.total.store(counter.total, Relaxed);
        self.success.store(counter.success, Relaxed);
    }
}

macro_rules! stats {
    ($($field:ident)*) => {
        /// All counters of a storage; fields as in [`StorageStat`].
        #[derive(Debug, Default)]
        pub struct Stats {
            $(#[doc = concat!("See [`StorageStat::", stringify!($field), "`].")] pub $field: Pair,)*
            /// When a client last changed something here, unix seconds.
            pub last_source_update: AtomicI64,
            /// When replication last changed something here, unix seconds.
            pub last_sync_update: AtomicI64,
            /// Changes of any counter so far: beats without news are empty.
            changes: AtomicU64,
        }

        impl Stats {
            /// The counters now.
            #[must_use]
            pub fn snapshot(&self, connections: ConnectionCounts) -> StorageStat {
                StorageStat {
                    connections,
                    $($field: self.$field.load(),)*
                    last_source_update: self.last_source_update.load(Relaxed),
                    last_sync_update: self.last_sync_update.load(Relaxed),
                    last_synced_timestamp: 0,
                    last_heart_beat_time: 0,
                }
            }

            /// Takes over the counters of an earlier run.
            pub fn restore(&self, stat: &StorageStat) {
                $(self.$field.store(stat.$field);)*
                self.last_source_update.store(stat.last_source_update, Relaxed);
                self.last_sync_update.store(stat.last_sync_update, Relaxed);
            }
        }
    };
}

stats! {
    upload_count append_count modify_count truncate_count set_meta_count delete_count download_count get_meta_count
    create_link_count delete_link_count upload_bytes append_bytes modify_bytes download_bytes sync_in_bytes
    sync_out_bytes file_open_count file_read_count file_write_count
}

impl Stats {
    /// A request was counted.
    pub fn touch(&self) {
        self.changes.fetch_add(1, Relaxed);
    }

    /// A client changed a file.
    pub fn source_update(&self, now_unix_secs: i64) {
        self.last_source_update.store(now_unix_secs, Relaxed);
    }

    /// How often something was counted so far; equal numbers mean that there is no news.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_survive_a_restart() {
        let stats = Stats::default();
        stats.upload_count.count(1, true);
        stats.upload_count.count(1, false);
        stats.upload_bytes.count(4096, true);
        stats.source_update(7);
        stats.touch();
        let seen = stats.snapshot(ConnectionCounts::default());
        assert_eq!(seen.upload_count, Counter { total: 2, success: 1 });
        assert_eq!(seen.upload_bytes, Counter { total: 4096, success: 4096 });
        let next = Stats::default();
        next.restore(&seen);
        assert_eq!(next.snapshot(ConnectionCounts::default()), seen);
        assert_eq!((stats.changes(), next.changes()), (1, 0));
    }
}
