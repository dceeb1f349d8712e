//! Mark files: where the replication to each peer stands.

use std::io;
use std::sync::Arc;

use fdfs_proto::StorageId;
use fdfs_proto::disk::sync_mark::{MarkName, SyncMark};
use fdfs_proto::disk::{BinlogPosition, StateFile};

use crate::error::{At, StoreError};
use crate::fs::Fs;
use crate::real_fs::RealFs;
use crate::state::Loaded;
use crate::state_file::StateDir;

/// The mark files in `<base>/data/sync`.
#[derive(Debug, Clone)]
pub struct Marks<F: Fs = RealFs> {
    dir: Arc<StateDir<F>>,
    /// Our own port: part of the names where there are no storage ids.
    port: Option<u16>,
}

impl<F: Fs> Marks<F> {
    /// The marks in `dir`; `port` is our own, `None` with storage ids.
    #[must_use]
    pub const fn new(dir: Arc<StateDir<F>>, port: Option<u16>) -> Self {
        Self { dir, port }
    }

    fn name(&self, id: StorageId) -> String {
        MarkName { id, port: self.port }.file_name()
    }

    /// Reads the mark of a peer. One that cannot be read is moved aside under a name that says so, and counts as missing.
    ///
    /// Differs from C: the reference ends its process.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn load(&self, id: StorageId, now_unix_secs: i64) -> Result<Loaded<SyncMark>, StoreError> {
        let name = self.name(id);
        let Some(bytes) = self.dir.read(&name)? else { return Ok(Loaded::Missing) };
        match SyncMark::decode(&bytes) {
            Ok(mark) => Ok(Loaded::Read(mark)),
            Err(e) => {
                let what = format!("{name}: {e}");
                Ok(Loaded::SetAside { aside: self.dir.set_aside(&name, now_unix_secs)?, what })
            }
        }
    }

    /// Writes the mark of a peer.
    ///
    /// # Errors
    /// [`StoreError`]; the old one is then still there.
    pub fn save(&self, id: StorageId, mark: &SyncMark) -> Result<(), StoreError> {
        self.dir.write(&self.name(id), &mark.to_bytes())
    }

    /// The peer was deleted: its mark gets the time behind its name, `YYYYMMDDhhmmss`, and is kept. Whether there was
    /// one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn retire(&self, id: StorageId, local_stamp: &str) -> Result<bool, StoreError> {
        let name = self.name(id);
        self.rename(&name, &format!("{name}.{local_stamp}"))
    }

    /// The peer has a new address: its mark gets the new name, unless that exists already. Whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rename_peer(&self, old: StorageId, new: StorageId) -> Result<bool, StoreError> {
        self.rename_new(&self.name(old), &self.name(new))
    }

    /// Takes over the mark that a peer had under another name: with storage ids, that of its address; after a change of
    /// our own port, that of the old one. Whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn adopt(&self, id: StorageId, old: MarkName) -> Result<bool, StoreError> {
        self.rename_new(&old.file_name(), &self.name(id))
    }

    /// Our own port was `old_port` before: all marks that carry it get the new one. How many there were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn change_own_port(&self, old_port: u16) -> Result<usize, StoreError> {
        let Some(port) = self.port.filter(|port| *port != old_port) else { return Ok(0) };
        let names = self.dir.fs().list(self.dir.dir(), "").at("list", self.dir.path(), "")?;
        let mut count = 0;
        for name in names {
            if let Some(id) = name.strip_suffix(&format!("_{old_port}.mark")) {
                count += usize::from(self.rename_new(&name, &format!("{id}_{port}.mark"))?);
            }
        }
        Ok(count)
    }

    /// No mark stands behind `end`, where the log ends when it is opened: after a power cut its last records may be gone,
    /// and what is written in their place has to be sent. Gives the marks that were put back: the peer, and where its mark
    /// stood.
    ///
    /// Differs from C: the reference sends nothing until its log has grown to the mark again, and never what stands before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_back_to(&self, end: BinlogPosition) -> Result<Vec<(StorageId, BinlogPosition)>, StoreError> {
        let mut put_back = Vec::new();
        for name in self.dir.fs().list(self.dir.dir(), "").at("list", self.dir.path(), "")? {
            let Some(of) = MarkName::from_file_name(&name) else { continue };
            // One that cannot be read is dealt with when its peer is there.
            let Some(Ok(mark)) = self.dir.read(&name)?.map(|bytes| SyncMark::decode(&bytes)) else { continue };
            if mark.position() > end {
                self.dir.write(&name, &mark.at(end).to_bytes())?;
                put_back.push((of.id, mark.position()));
            }
        }
        Ok(put_back)
    }

    fn rename(&self, from: &str, to: &str) -> Result<bool, StoreError> {
        match self.dir.fs().rename(self.dir.dir(), from, to) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other.at("rename", self.dir.path(), from)?,
        }
        self.dir.fs().sync_dir(self.dir.dir(), "").at("sync directory", self.dir.path(), "")?;
        Ok(true)
    }

    fn rename_new(&self, from: &str, to: &str) -> Result<bool, StoreError> {
        match self.dir.fs().rename_new(self.dir.dir(), from, to) {
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) => return Ok(false),
            other => other.at("rename", self.dir.path(), from)?,
        }
        self.dir.fs().sync_dir(self.dir.dir(), "").at("sync directory", self.dir.path(), "")?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binlog_reader::open_sync_dir;
    use crate::sim_fs::{Fault, SimFs};
    use std::path::Path;

    const MARK: SyncMark = SyncMark {
        binlog_index: 1,
        binlog_offset: 57,
        need_sync_old: true,
        sync_old_done: false,
        until_timestamp: 9,
        scan_row_count: 3,
        sync_row_count: 2,
    };

    fn id(text: &str) -> StorageId {
        text.parse().unwrap()
    }

    #[test]
    fn marks_behind_the_end_of_the_log_are_put_back_to_it() {
        let temp = tempfile::tempdir().unwrap();
        let dir = open_sync_dir(RealFs, temp.path()).unwrap();
        let marks = Marks::new(dir.clone(), Some(23000));
        let (early, late) = (id("10.78.2.12"), id("10.78.2.13"));
        marks.save(early, &MARK).unwrap();
        // Under whatever port: names of marks may change after this.
        Marks::new(dir.clone(), Some(23001)).save(late, &SyncMark { binlog_offset: 58, ..MARK }).unwrap();
        dir.write("10.78.2.14_23000.mark", b"rubbish").unwrap();
        dir.write("10.78.2.15_23000.mark.20261120091539", &MARK.to_bytes()).unwrap();
        let at = |offset| BinlogPosition { file: 1, offset };
        assert_eq!(marks.put_back_to(at(57)).unwrap(), [(late, at(58))]);
        assert_eq!(marks.put_back_to(at(57)).unwrap(), []);
        assert!(matches!(Marks::new(dir, Some(23001)).load(late, 7).unwrap(), Loaded::Read(mark) if mark == MARK));
        assert!(matches!(marks.load(early, 7).unwrap(), Loaded::Read(mark) if mark == MARK));
        let one_file_back = BinlogPosition { file: 0, offset: 999 };
        assert_eq!(marks.put_back_to(one_file_back).unwrap().len(), 2);
    }

    #[test]
    fn marks_have_the_names_of_the_reference_and_move_with_their_peer() {
        let temp = tempfile::tempdir().unwrap();
        let dir = open_sync_dir(RealFs, temp.path()).unwrap();
        let marks = Marks::new(dir.clone(), Some(23000));
        let (old, new) = (id("10.78.2.12"), id("10.78.2.13"));
        assert!(matches!(marks.load(old, 7).unwrap(), Loaded::Missing));
        marks.save(old, &MARK).unwrap();
        assert!(temp.path().join("10.78.2.12_23000.mark").exists());
        assert!(marks.rename_peer(old, new).unwrap());
        assert!(!marks.rename_peer(old, new).unwrap());
        assert!(matches!(marks.load(new, 7).unwrap(), Loaded::Read(mark) if mark == MARK));
        let moved = Marks::new(dir.clone(), Some(23001));
        assert_eq!(moved.change_own_port(23000).unwrap(), 1);
        assert!(moved.retire(new, "20261120091539").unwrap());
        assert!(temp.path().join("10.78.2.13_23001.mark.20261120091539").exists());
        assert!(!moved.retire(new, "20261120091539").unwrap());
        // With storage ids the mark of the address is taken over.
        moved.save(old, &MARK).unwrap();
        let by_id = Marks::new(dir, None);
        assert!(by_id.adopt(id("100002"), MarkName { id: old, port: Some(23001) }).unwrap());
        assert!(temp.path().join("100002.mark").exists());
    }

    #[test]
    fn an_unreadable_mark_is_set_aside_and_counts_as_missing() {
        let temp = tempfile::tempdir().unwrap();
        let marks = Marks::new(open_sync_dir(RealFs, temp.path()).unwrap(), None);
        std::fs::write(temp.path().join("100002.mark"), b"binlog_index=1\nbinlog_offset=-5\n").unwrap();
        assert!(matches!(marks.load(id("100002"), 7).unwrap(), Loaded::SetAside { .. }));
        assert!(temp.path().join("100002.mark.corrupt.7").exists());
        assert!(matches!(marks.load(id("100002"), 7).unwrap(), Loaded::Missing));
    }

    #[test]
    fn a_save_that_is_cut_at_any_call_leaves_the_old_mark_or_the_new_one() {
        let first = SimFs::new(Fault::None);
        let path = Path::new("/sync");
        Marks::new(open_sync_dir(first.clone(), path).unwrap(), None).save(id("100002"), &MARK).unwrap();
        let newer = SyncMark { binlog_offset: 99, ..MARK };
        for calls in 0.. {
            let fs = first.after_crash();
            let marks = Marks::new(open_sync_dir(fs.clone(), path).unwrap(), None);
            fs.set_fault(Fault::StopsAfter(calls));
            let saved = marks.save(id("100002"), &newer);
            for after in [fs.after_crash(), fs.after_power_cut(None), fs.after_power_cut(Some(calls))] {
                let found = Marks::new(open_sync_dir(after, path).unwrap(), None).load(id("100002"), 7).unwrap();
                let Loaded::Read(found) = found else { panic!("no mark after {calls} calls") };
                assert!(found == MARK || found == newer);
                assert!(saved.is_err() || found == newer);
            }
            if saved.is_ok() {
                return;
            }
        }
    }
}
