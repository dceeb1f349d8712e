//! The other storages of the group, as the trackers tell of them.

use std::net::SocketAddr;
use std::sync::Arc;

use fdfs_proto::StorageId;
use fdfs_proto::shared::StorageStatus;
use tokio::sync::watch;

/// Another storage of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its id: that of storage_ids.conf, or its first address.
    pub id: StorageId,
    /// Where it is reached.
    pub addr: SocketAddr,
    /// Its status as far as the trackers agree, else as the leader sees it.
    pub status: StorageStatus,
}

/// All known peers, never this storage itself; watchers are woken by each change.
#[derive(Debug)]
pub struct Peers {
    list: watch::Sender<Arc<[Peer]>>,
}

impl Default for Peers {
    fn default() -> Self {
        Self { list: watch::Sender::new(Arc::from([])) }
    }
}

impl Peers {
    /// The list, now and after each change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<[Peer]>> {
        self.list.subscribe()
    }

    /// One of them.
    #[must_use]
    pub fn find(&self, id: StorageId) -> Option<Peer> {
        self.list.borrow().iter().find(|peer| peer.id == id).copied()
    }

    /// Replaces the list; nobody is woken when it is the same. Sorted by id.
    pub fn replace(&self, mut peers: Vec<Peer>) {
        peers.sort_by_key(|peer| peer.id);
        self.list.send_if_modified(|list| {
            let is_news = **list != *peers;
            if is_news {
                *list = peers.into();
            }
            is_news
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watchers_are_woken_by_changes_only() {
        let peers = Peers::default();
        let mut watch = peers.watch();
        let addr = "127.0.0.2:23000".parse().unwrap();
        let one = Peer { id: "127.0.0.2".parse().unwrap(), addr, status: StorageStatus::WaitSync };
        peers.replace(vec![one]);
        assert!(watch.has_changed().unwrap());
        watch.mark_unchanged();
        peers.replace(vec![one]);
        assert!(!watch.has_changed().unwrap());
        assert_eq!(peers.find(one.id), Some(one));
    }
}
