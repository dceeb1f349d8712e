//! What all senders of a storage share.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fdfs_conf::StorageConf;
use fdfs_core::sync::Bandwidth;
use fdfs_proto::StorageId;
use fdfs_proto::disk::BinlogPosition;
use fdfs_proto::disk::binlog_index::binlog_file_name;
use fdfs_proto::disk::binlog_record::BinlogRecord;
use fdfs_store::binlog_reader::{Gap, ReadLine, open_sync_dir};
use fdfs_store::marks::Marks;
use fdfs_store::quarantine::{Bad, Quarantine};
use fdfs_store::state_file::StateDir;
use fdfs_store::{Fs, RealFs, StoreError};

use super::aside_file;
use super::mend::Spoilt;
use super::work::PeerWork;
use crate::names::now_unix_secs;

/// What all senders of a storage share.
#[derive(Debug)]
pub struct SyncState {
    /// `<base>/data/sync`.
    pub dir: Arc<StateDir<RealFs>>,
    /// The marks in it.
    pub marks: Marks,
    quarantine: Mutex<Quarantine>,
    bandwidth: Mutex<Bandwidth>,
    /// Links that are looked for.
    pub(super) spoilt: Spoilt,
    /// `write_mark_file_freq`.
    pub(super) save_after: u32,
    peers: Mutex<BTreeMap<StorageId, Arc<PeerWork>>>,
    /// The beginning of the clock of [`SyncState::now_ms`].
    began: Instant,
}

impl SyncState {
    /// Opens it. `own_port` stands in the names of marks where there are no storage ids.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(conf: &StorageConf, sync_dir: &Path, own_port: Option<u16>) -> Result<Self, StoreError> {
        let dir = open_sync_dir(RealFs, sync_dir)?;
        Ok(Self {
            marks: Marks::new(dir.clone(), own_port),
            quarantine: Mutex::new(Quarantine::open(dir.clone())?),
            bandwidth: Mutex::new(Bandwidth::new(conf.sync_bandwidth_limit_bytes)),
            spoilt: Spoilt::default(),
            peers: Mutex::default(),
            save_after: conf.write_mark_file_freq.max(1),
            began: Instant::now(),
            dir,
        })
    }

    /// A clock that never jumps, milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The work for a peer; made when it is seen first.
    pub(super) fn work_for(&self, id: StorageId) -> Arc<PeerWork> {
        self.lock_peers().entry(id).or_insert_with(|| Arc::new(PeerWork::new(id))).clone()
    }

    /// The work for all peers, in the order of their ids.
    pub(super) fn all_work(&self) -> Vec<Arc<PeerWork>> {
        self.lock_peers().values().cloned().collect()
    }

    /// A peer has another address, which is its id: its mark, and what is set aside for it, go by the new one. What is there
    /// under the new id already stays. Whether there was a mark.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rename_peer(&self, old: StorageId, new: StorageId) -> Result<bool, StoreError> {
        let (aside, _) = aside_file::load(&self.dir, old)?;
        if !aside.is_empty() && aside_file::load(&self.dir, new)?.0.is_empty() {
            aside_file::save(&self.dir, new, aside.into_iter())?;
        }
        // Last: the mark says that the records before it are dealt with.
        self.marks.rename_peer(old, new)
    }

    pub(super) fn forget(&self, id: StorageId) {
        self.lock_peers().remove(&id);
        #[cfg(test)]
        super::tests::pulse::beat();
    }

    fn lock_peers(&self) -> MutexGuard<'_, BTreeMap<StorageId, Arc<PeerWork>>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of the log between two places; those of compressed files count as compressed.
    pub(super) fn bytes_between(&self, from: BinlogPosition, to: BinlogPosition) -> u64 {
        if from.file == to.file {
            return to.offset.saturating_sub(from.offset);
        }
        let len = |file: u32| {
            let name = binlog_file_name(file);
            let (fs, dir) = (self.dir.fs(), self.dir.dir());
            let stat = fs.stat(dir, &name).or_else(|_| fs.stat(dir, &format!("{name}.gz")));
            stat.map_or(0, |stat| stat.len_bytes)
        };
        let between: u64 = (from.file..to.file).map(len).sum();
        between.saturating_sub(from.offset) + to.offset
    }

    /// Somebody is about to send to a peer: how long to wait before, milliseconds.
    pub(super) fn pace_ms(&self, bytes: u64) -> u64 {
        let now_ms = self.now_ms();
        self.bandwidth.lock().unwrap_or_else(PoisonError::into_inner).take(bytes, now_ms)
    }

    /// What is in quarantine.
    #[must_use]
    pub fn quarantine_count(&self) -> usize {
        self.quarantine.lock().unwrap_or_else(PoisonError::into_inner).count()
    }

    /// A line of the log that is no record.
    pub(super) fn quarantine_line(&self, line: &ReadLine<'_>, why: &str) {
        self.quarantine(&Bad { at: line.at, peer: None, why, text: line.text });
    }

    /// A part of the log that cannot be read.
    pub(super) fn quarantine_gap(&self, gap: &Gap) {
        self.quarantine(&Bad { at: gap.at, peer: None, why: &gap.why, text: b"" });
    }

    /// A record that a peer refuses for good.
    pub(super) fn quarantine_record(&self, at: BinlogPosition, peer: StorageId, record: &BinlogRecord, why: &str) {
        let mut text = Vec::new();
        // A record that was read can be written.
        let _ = record.encode(&mut text);
        self.quarantine(&Bad { at, peer: Some(peer.as_str()), why, text: text.trim_ascii_end() });
    }

    /// Puts something in quarantine, and tells of it once.
    fn quarantine(&self, bad: &Bad<'_>) {
        let put = self.quarantine.lock().unwrap_or_else(PoisonError::into_inner).put(bad, now_unix_secs());
        let text = String::from_utf8_lossy(bad.text);
        let whom = bad.peer.map_or_else(|| "no peer gets it".to_owned(), |peer| format!("{peer} does not get it"));
        match put {
            Ok(false) => {}
            Ok(true) => tracing::error!("{}: {}; {whom}, the rest goes on: {text}", bad.at, bad.why),
            Err(e) => tracing::error!("{}: {}; {whom}, the rest goes on: {text}; {e}", bad.at, bad.why),
        }
    }
}
