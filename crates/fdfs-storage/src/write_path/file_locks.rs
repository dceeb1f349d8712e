//! Locks that keep changes of one file apart; files share them by chance.

use tokio::sync::{Mutex, MutexGuard};

/// How many locks there are: enough that two busy files seldom share one.
const LOCK_COUNT: usize = 1024;

/// What the name of a metadata file ends with: a file and its metadata share their lock.
const META_SUFFIX: &str = "-m";

/// Locks of files by their logic names. Whoever changes, replaces, renames or deletes a file that has its name already
/// holds its lock until the record of the change is in the binlog, so that records of one file stand in the order in
/// which its bytes changed. A new file under a name that nobody knows yet needs none.
#[derive(Debug)]
pub struct FileLocks {
    locks: Vec<Mutex<()>>,
}

/// The locks of one or two files, until it is dropped.
#[derive(Debug)]
pub struct FileGuard<'a> {
    _first: MutexGuard<'a, ()>,
    _second: Option<MutexGuard<'a, ()>>,
}

impl Default for FileLocks {
    fn default() -> Self {
        Self { locks: (0..LOCK_COUNT).map(|_| Mutex::new(())).collect() }
    }
}

impl FileLocks {
    /// Waits for the lock of a file; `name` is its logic name or that of its metadata.
    pub async fn lock(&self, name: &str) -> FileGuard<'_> {
        FileGuard { _first: self.locks[index(name)].lock().await, _second: None }
    }

    /// Waits for the locks of two files, always in the same order, so that two such tasks cannot wait for each other.
    pub async fn lock_two(&self, one: &str, other: &str) -> FileGuard<'_> {
        let (low, high) = (index(one).min(index(other)), index(one).max(index(other)));
        let first = self.locks[low].lock().await;
        let second = if high == low { None } else { Some(self.locks[high].lock().await) };
        FileGuard { _first: first, _second: second }
    }
}

fn index(name: &str) -> usize {
    let file = name.strip_suffix(META_SUFFIX).unwrap_or(name);
    crc32fast::hash(file.as_bytes()) as usize % LOCK_COUNT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_and_its_metadata_share_a_lock_and_two_names_may() {
        let locks = FileLocks::default();
        let held = locks.lock("M00/00/00/abc.txt").await;
        assert!(locks.locks[index("M00/00/00/abc.txt-m")].try_lock().is_err());
        drop(held);
        let _both = locks.lock_two("M00/00/00/abc.txt", "M00/00/00/abc.txt-m").await;
    }
}
