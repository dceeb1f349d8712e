//! Who may make a disk call on a store path: as many at once as the configuration says, and always fewer than workers.
//!
//! A disk call holds its worker until it returns. A disk that hangs would so take one worker after the other; the permits
//! of a store path bound how many it can take.

use fdfs_net::{Permit, Permits};

/// Permits of one store path.
#[derive(Debug)]
pub struct PathPermits {
    readers: Permits,
    /// `None`: readers and writers share (`disk_rw_separated = false`).
    writers: Option<Permits>,
}

/// How many disk calls a store path may have at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermitCounts {
    /// `disk_reader_threads`.
    pub readers: usize,
    /// `disk_writer_threads`.
    pub writers: usize,
    /// `disk_rw_separated`.
    pub is_separated: bool,
}

/// Disk calls that read, which a store path may have at once for each core, whatever the configuration says. A call that
/// finds its pages in memory takes microseconds, and waiting for a turn costs more than the call itself
/// (docs/decisions/0001-disk-permits.md).
const READERS_PER_CORE: usize = 4;
/// Those that write.
const WRITERS_PER_CORE: usize = 2;
/// The most workers a storage starts, however many store paths it has.
const WORKERS_MAX: usize = 1024;

impl PermitCounts {
    /// The counts as they are used: what is configured, but not less than keeps all cores busy.
    #[must_use]
    pub fn at_least_for(self, core_count: usize) -> Self {
        let least = |per_core: usize| core_count.saturating_mul(per_core);
        Self {
            readers: self.readers.max(least(READERS_PER_CORE)),
            writers: self.writers.max(least(WRITERS_PER_CORE)),
            ..self
        }
    }

    /// Disk calls that one path may have at once.
    #[must_use]
    pub const fn per_path(self) -> usize {
        let sum = self.readers.saturating_add(self.writers);
        if sum == 0 { 1 } else { sum }
    }

    /// How many workers the data port needs: what was asked for (0: `max(8, 4 x cores)`), but always some more than
    /// all permits together, so that hanging disks never take the last one.
    #[must_use]
    pub fn worker_count(self, path_count: usize, asked: usize, core_count: usize) -> usize {
        let wanted = if asked == 0 { (4 * core_count).max(8) } else { asked };
        wanted.max(self.per_path().saturating_mul(path_count).saturating_add(2)).min(WORKERS_MAX)
    }

    /// Whether all permits together leave workers free.
    #[must_use]
    pub const fn leaves_workers(self, path_count: usize, worker_count: usize) -> bool {
        self.per_path().saturating_mul(path_count) < worker_count
    }
}

impl PathPermits {
    /// Permits for one path.
    #[must_use]
    pub fn new(counts: PermitCounts) -> Self {
        Self {
            readers: Permits::new(if counts.is_separated { counts.readers } else { counts.per_path() }),
            writers: counts.is_separated.then(|| Permits::new(counts.writers)),
        }
    }

    /// Permits that nobody holds just now: for readers, and for writers where they have their own.
    #[must_use]
    pub fn free(&self) -> (usize, Option<usize>) {
        (self.readers.free(), self.writers.as_ref().map(Permits::free))
    }

    /// Those of readers, for a file that stays open.
    #[must_use]
    pub const fn readers(&self) -> &Permits {
        &self.readers
    }

    /// Waits until a disk may be read.
    pub async fn read(&self) -> Permit<'_> {
        self.readers.take().await
    }

    /// Waits until a disk may be written.
    pub async fn write(&self) -> Permit<'_> {
        self.writers.as_ref().unwrap_or(&self.readers).take().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hanging_disks_never_take_all_workers() {
        for path_count in 1..100 {
            for threads in 1..4 {
                let counts = PermitCounts { readers: threads, writers: threads, is_separated: true };
                let worker_count = counts.worker_count(path_count, 0, 2);
                assert!(worker_count >= 8);
                assert!(counts.leaves_workers(path_count, worker_count), "{path_count} paths, {threads} threads");
            }
        }
        let counts = PermitCounts { readers: 2, writers: 1, is_separated: true };
        assert_eq!((counts.worker_count(1, 0, 2), counts.worker_count(1, 3, 2)), (8, 5));
        let counts = counts.at_least_for(2);
        assert_eq!((counts.readers, counts.writers, counts.worker_count(1, 0, 2)), (8, 4, 14));
    }

    #[tokio::test]
    async fn readers_and_writers_wait_apart_unless_they_share() {
        let apart = PathPermits::new(PermitCounts { readers: 1, writers: 1, is_separated: true });
        let _read = apart.read().await;
        let _write = apart.write().await;
        let shared = PathPermits::new(PermitCounts { readers: 1, writers: 0, is_separated: false });
        let read = shared.read().await;
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), shared.write()).await.is_err());
        drop(read);
        let _write = shared.write().await;
    }
}
