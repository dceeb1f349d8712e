//! Up to when this storage has the changes of each other one; reported to the trackers (89).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fdfs_proto::StorageId;
use tokio::sync::watch;

/// The time of the newest change that came in from each source.
#[derive(Debug)]
pub struct Received {
    newest: Mutex<BTreeMap<StorageId, u32>>,
    changes: watch::Sender<u64>,
}

impl Default for Received {
    fn default() -> Self {
        Self { newest: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

impl Received {
    /// A change of `source`, made at `unix_secs` by its clock, is here and recorded.
    pub fn note(&self, source: StorageId, unix_secs: u32) {
        let mut newest = self.lock();
        let known = newest.entry(source).or_default();
        if unix_secs > *known {
            *known = unix_secs;
            drop(newest);
            self.changes.send_modify(|count| *count += 1);
        }
    }

    /// Everything of `source` up to `unix_secs` by its clock is here. That may be less than before: its clock was set back.
    pub fn set(&self, source: StorageId, unix_secs: u32) {
        if self.lock().insert(source, unix_secs) != Some(unix_secs) {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    /// A source goes by another id from now on.
    pub fn rename(&self, old: StorageId, new: StorageId) {
        let secs = self.lock().remove(&old);
        if let Some(secs) = secs {
            self.note(new, secs);
        }
    }

    /// What is known of each source, in the order of their ids.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(StorageId, u32)> {
        self.lock().iter().map(|(id, secs)| (*id, *secs)).collect()
    }

    /// Counts up with each change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<StorageId, u32>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_news_count() {
        let received = Received::default();
        let mut changes = received.changes();
        let source: StorageId = "100001".parse().unwrap();
        for (secs, is_news) in [(10, true), (9, false), (10, false), (11, true)] {
            received.note(source, secs);
            assert_eq!(changes.has_changed().unwrap(), is_news, "{secs}");
            changes.mark_unchanged();
        }
        assert_eq!(received.snapshot(), [(source, 11)]);
        let renamed: StorageId = "100002".parse().unwrap();
        received.rename(source, renamed);
        received.rename(source, renamed);
        assert_eq!(received.snapshot(), [(renamed, 11)]);
    }
}
