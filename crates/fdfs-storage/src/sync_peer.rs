//! Who replicates on a connection, as far as it has said.

use std::net::SocketAddr;

use fdfs_proto::StorageId;

use crate::storage::Storage;

/// What a connection has said of who replicates on it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SyncPeer {
    /// Its id, told by `REPORT_SERVER_ID`.
    pub told: Option<StorageId>,
    /// It has said `SYNC_HELLO`, which only ours do.
    pub is_ours: bool,
}

impl SyncPeer {
    /// Who tells by what it sends up to when all its files are here: one of the reference, which sends them one after the
    /// other. Ours say it ([`SyncReached`](fdfs_proto::ours::SyncReached)).
    #[must_use]
    pub fn tells_by_sending(&self) -> Option<StorageId> {
        self.told.filter(|_| !self.is_ours)
    }

    /// Who sends. The reference tells its id only on the first of several connections; what comes on the others is known
    /// by the address, if only one storage has it.
    #[must_use]
    pub fn sender(&self, storage: &Storage, addr: SocketAddr) -> Option<StorageId> {
        self.told.or_else(|| {
            let peers = storage.peers.watch().borrow().clone();
            let mut there = peers.iter().filter(|peer| peer.addr.ip() == addr.ip());
            let first = there.next()?;
            there.next().is_none().then_some(first.id)
        })
    }
}
