//! The state files as another tracker copies them (61, 62, 63).
//!
//! Differs from C: what is lent is a snapshot, and no lock is held: joins and saves go on (behaviour, W-32). A second
//! tracker is told to come back later (`EBUSY`) and never kept waiting; a snapshot that is not read from is taken back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fdfs_core::tracker::{Cluster, ClusterError, ConnId, Now};
use fdfs_proto::cmd::tracker::SysFile;
use fdfs_proto::disk::StateFile as _;

use crate::error::RequestError;
use crate::stored_rows;

/// For how long a snapshot is kept after it was last read from.
const LENT_MS: u64 = 30_000;

/// The bytes of the files, in the order of [`SysFile::ALL`].
pub(crate) type Snapshot = Arc<[Vec<u8>; SysFile::ALL.len()]>;

/// The snapshot that is lent, to at most one connection.
#[derive(Debug, Default)]
pub(crate) struct SysFiles {
    lent: Mutex<Option<Lent>>,
}

#[derive(Debug)]
struct Lent {
    conn: ConnId,
    read_mono_ms: u64,
    files: Snapshot,
}

impl SysFiles {
    /// Lends a snapshot (61).
    ///
    /// # Errors
    /// [`RequestError::SysFilesLent`].
    pub(crate) fn lend(&self, conn: ConnId, now: Now, files: Snapshot) -> Result<(), RequestError> {
        let mut lent = self.lent();
        let is_in_use = |lent: &Lent| lent.conn != conn && now.since_ms(lent.read_mono_ms) < LENT_MS;
        if lent.as_ref().is_some_and(is_in_use) {
            return Err(RequestError::SysFilesLent);
        }
        *lent = Some(Lent { conn, read_mono_ms: now.mono_ms, files });
        Ok(())
    }

    /// What this connection was lent (63).
    pub(crate) fn lent_to(&self, conn: ConnId, now: Now) -> Option<Snapshot> {
        let mut lent = self.lent();
        let lent = lent.as_mut().filter(|lent| lent.conn == conn)?;
        lent.read_mono_ms = now.mono_ms;
        Some(lent.files.clone())
    }

    /// Takes it back (62, or the end of the connection).
    pub(crate) fn give_back(&self, conn: ConnId) {
        let mut lent = self.lent();
        if lent.as_ref().is_some_and(|lent| lent.conn == conn) {
            *lent = None;
        }
    }

    fn lent(&self) -> MutexGuard<'_, Option<Lent>> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The files as they would be written now.
///
/// # Errors
/// [`ClusterError::NoGroups`]: there is nothing worth copying.
pub(crate) fn snapshot(cluster: &Cluster) -> Result<Snapshot, ClusterError> {
    if cluster.groups().is_empty() {
        return Err(ClusterError::NoGroups);
    }
    Ok(Arc::new([
        stored_rows::groups_file(&cluster.group_rows()).to_bytes(),
        stored_rows::servers_file(&cluster.server_rows()).to_bytes(),
        stored_rows::timestamps_file(&cluster.timestamp_rows()).to_bytes(),
        cluster.changelog().text().as_bytes().to_vec(),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mono_ms: u64) -> Now {
        Now { unix_secs: 0, mono_ms }
    }

    #[test]
    fn w32_a_snapshot_is_lent_to_one_tracker_and_not_for_ever() {
        let (files, one, two) = (SysFiles::default(), ConnId(1), ConnId(2));
        let snapshot: Snapshot = Arc::default();
        files.lend(one, at(0), snapshot.clone()).unwrap();
        assert!(matches!(files.lend(two, at(5), snapshot.clone()), Err(RequestError::SysFilesLent)));
        assert!(files.lent_to(two, at(6)).is_none());
        assert!(files.lent_to(one, at(20_000)).is_some(), "reading extends it");
        assert!(files.lend(two, at(49_999), snapshot.clone()).is_err());
        files.lend(two, at(50_000), snapshot.clone()).unwrap();
        assert!(files.lent_to(one, at(50_001)).is_none());
        files.give_back(one);
        assert!(files.lent_to(two, at(50_002)).is_some(), "only its own connection gives it back");
        files.give_back(two);
        files.lend(one, at(50_003), snapshot).unwrap();
    }
}
