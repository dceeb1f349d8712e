//! Storages that wait for a change of their group (our own command 241).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fdfs_proto::GroupName;
use tokio::sync::watch;

/// Who waits for which group. Only groups that exist are waited for, and those that nobody waits for are dropped.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    groups: Mutex<BTreeMap<GroupName, watch::Sender<()>>>,
}

impl Watchers {
    /// Is changed by everything that happens to the group from now on.
    pub(crate) fn watch(&self, group: GroupName) -> watch::Receiver<()> {
        let mut groups = self.lock();
        groups.retain(|name, waiting| *name == group || waiting.receiver_count() > 0);
        groups.entry(group).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    /// A group changed.
    pub(crate) fn wake(&self, group: &GroupName) {
        if let Some(waiting) = self.lock().get(group) {
            waiting.send_replace(());
        }
    }

    /// Something changed that is told of every group: the leader.
    pub(crate) fn wake_all(&self) {
        for waiting in self.lock().values() {
            waiting.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<GroupName, watch::Sender<()>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_who_watch_the_group_wake() {
        let (watchers, one, other) = (Watchers::default(), "g1".parse().unwrap(), "g2".parse().unwrap());
        let (first, mut second) = (watchers.watch(one), watchers.watch(other));
        watchers.wake(&one);
        assert!(first.has_changed().unwrap() && !second.has_changed().unwrap());
        drop(first);
        watchers.wake_all();
        assert!(second.has_changed().unwrap());
        second.mark_unchanged();
        let _third = watchers.watch(other);
        assert_eq!(watchers.lock().len(), 1, "nobody watches the first group any more");
        assert!(!second.has_changed().unwrap());
    }
}
