//! Replacing the trunk binlog by the list of the free blocks, in steps that a crash may come between.
//!
//! Files: B = `trunk/binlog`, BR = `trunk/binlog.rollback`, BT = `trunk/binlog.tmp`, S = `storage_trunk.dat`,
//! SR = `storage_trunk.dat.rollback`. Each stage is saved in the init flag before its step, so that the next start,
//! of a server of ours or of the reference, can go on or go back. Source: disk formats, A.6.6.

use fdfs_proto::disk::StateFile;
use fdfs_proto::disk::data_init_flag::CompressStage;
use fdfs_proto::disk::trunk_snapshot::TrunkSnapshot;

use super::log::{BINLOG, PIECE_BYTES, TrunkLog, read_full};
use crate::error::{At, StoreError};
use crate::fs::{Fs, FsFile};
use crate::state_file::StateDir;

const ROLLBACK: &str = "binlog.rollback";
const MERGED: &str = "binlog.tmp";
const SNAPSHOT_ROLLBACK: &str = "storage_trunk.dat.rollback";

/// Saves a stage durably.
pub trait SaveStage {
    /// Saves a stage durably.
    ///
    /// # Errors
    /// [`StoreError`]; the step that follows is not made then.
    fn save(&mut self, stage: CompressStage) -> Result<(), StoreError>;
}

impl<S: FnMut(CompressStage) -> Result<(), StoreError>> SaveStage for S {
    fn save(&mut self, stage: CompressStage) -> Result<(), StoreError> {
        self(stage)
    }
}

fn exists<F: Fs>(dir: &StateDir<F>, name: &str) -> bool {
    dir.fs().stat(dir.dir(), name).is_ok()
}

fn is_empty<F: Fs>(dir: &StateDir<F>, name: &str) -> bool {
    dir.fs().stat(dir.dir(), name).is_ok_and(|stat| stat.len_bytes == 0)
}

fn rename<F: Fs>(dir: &StateDir<F>, from: &str, to: &str) -> Result<(), StoreError> {
    dir.fs().rename(dir.dir(), from, to).at("rename", dir.path(), from)?;
    dir.fs().sync_dir(dir.dir(), "").at("sync directory", dir.path(), "")
}

impl<F: Fs> TrunkLog<F> {
    /// The first step: the old log and snapshot lie aside, an empty log takes the records from now on. `snapshot` must
    /// tell of the state at this moment.
    ///
    /// # Errors
    /// [`StoreError`]; [`TrunkLog::roll_back_compaction`] makes it undone.
    pub fn begin_compaction(&mut self, stage: &mut impl SaveStage) -> Result<(), StoreError> {
        self.dir.remove(ROLLBACK)?;
        self.data.remove(SNAPSHOT_ROLLBACK)?;
        self.sync()?;
        stage.save(CompressStage::Begin)?;
        if exists(&self.data, TrunkSnapshot::FILE) {
            rename(&self.data, TrunkSnapshot::FILE, SNAPSHOT_ROLLBACK)?;
        } else {
            self.data.write(SNAPSHOT_ROLLBACK, b"")?;
        }
        rename(&self.dir, BINLOG, ROLLBACK)?;
        self.file = self.dir.fs().create_or_empty(self.dir.dir(), BINLOG).at("create", self.dir.path(), BINLOG)?;
        self.dir.fs().sync_dir(self.dir.dir(), "").at("sync directory", self.dir.path(), "")?;
        self.len_bytes = 0;
        self.epoch += 1;
        stage.save(CompressStage::ApplyDone)
    }

    /// The long step, which needs no lock but that nobody else compacts: the snapshot and the new log's first part.
    ///
    /// # Errors
    /// As [`TrunkLog::begin_compaction`].
    pub fn write_compacted(
        data: &StateDir<F>,
        dir: &StateDir<F>,
        snapshot: &TrunkSnapshot,
        stage: &mut impl SaveStage,
    ) -> Result<(), StoreError> {
        let bytes = TrunkSnapshot { binlog_offset: 0, ..snapshot.clone() }.to_bytes();
        data.write(TrunkSnapshot::FILE, &bytes)?;
        stage.save(CompressStage::SaveDone)?;
        let lines = bytes.iter().position(|&b| b == b'\n').map_or(&[][..], |at| &bytes[at + 1..]);
        let merged = dir.fs().create_or_empty(dir.dir(), MERGED).at("create", dir.path(), MERGED)?;
        merged.write_all_at(lines, 0).at("write", dir.path(), MERGED)
    }

    /// The last step: what was recorded meanwhile is appended, and the compacted log takes its place.
    ///
    /// # Errors
    /// As [`TrunkLog::begin_compaction`].
    pub fn commit_compaction(&mut self, stage: &mut impl SaveStage) -> Result<(), StoreError> {
        append_file(&self.dir, BINLOG, MERGED)?;
        stage.save(CompressStage::CommitMerging)?;
        rename(&self.dir, MERGED, BINLOG)?;
        self.reopen()?;
        stage.save(CompressStage::CommitMergeDone)?;
        self.end_commit(stage)
    }

    fn end_commit(&mut self, stage: &mut impl SaveStage) -> Result<(), StoreError> {
        self.remove_snapshot()?;
        self.dir.remove(ROLLBACK)?;
        self.data.remove(SNAPSHOT_ROLLBACK)?;
        self.sync_folders()?;
        stage.save(CompressStage::CompressSuccess)?;
        self.remove_marks()?;
        stage.save(CompressStage::Finished)
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.file = self.dir.fs().open_write(self.dir.dir(), BINLOG).at("open", self.dir.path(), BINLOG)?;
        self.epoch += 1;
        self.cut_torn_tail().map(|_| ())
    }

    /// Goes back to the log as it was before, with what was recorded since behind it.
    ///
    /// # Errors
    /// [`StoreError`]; the next start tries again.
    pub fn roll_back_compaction(&mut self, stage: &mut impl SaveStage) -> Result<(), StoreError> {
        if exists(&self.dir, ROLLBACK) {
            if is_empty(&self.dir, ROLLBACK) {
                self.dir.remove(ROLLBACK)?;
            } else if exists(&self.dir, BINLOG) {
                copy_file(&self.dir, ROLLBACK, MERGED)?;
                append_file(&self.dir, BINLOG, MERGED)?;
                stage.save(CompressStage::RollbackMerging)?;
                rename(&self.dir, MERGED, BINLOG)?;
            } else {
                rename(&self.dir, ROLLBACK, BINLOG)?;
            }
        }
        stage.save(CompressStage::RollbackMergeDone)?;
        self.end_roll_back(stage)
    }

    fn end_roll_back(&mut self, stage: &mut impl SaveStage) -> Result<(), StoreError> {
        self.dir.remove(ROLLBACK)?;
        self.dir.remove(MERGED)?;
        if exists(&self.data, SNAPSHOT_ROLLBACK) {
            if is_empty(&self.data, SNAPSHOT_ROLLBACK) {
                self.data.remove(TrunkSnapshot::FILE)?;
                self.data.remove(SNAPSHOT_ROLLBACK)?;
            } else {
                rename(&self.data, SNAPSHOT_ROLLBACK, TrunkSnapshot::FILE)?;
            }
        }
        self.reopen()?;
        self.sync_folders()?;
        stage.save(CompressStage::Finished)
    }

    fn sync_folders(&self) -> Result<(), StoreError> {
        for dir in [&self.data, &self.dir] {
            dir.fs().sync_dir(dir.dir(), "").at("sync directory", dir.path(), "")?;
        }
        Ok(())
    }

    /// At a start: ends what a crash cut off, forwards or backwards, as the saved stage asks. Returns whether there was
    /// anything to end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn recover_compaction(&mut self, saved: CompressStage, stage: &mut impl SaveStage) -> Result<bool, StoreError> {
        let is_merged_away = !exists(&self.dir, MERGED);
        match saved {
            CompressStage::None | CompressStage::Finished => return Ok(false),
            CompressStage::Begin | CompressStage::ApplyDone | CompressStage::SaveDone => {
                self.roll_back_compaction(stage)?;
            }
            CompressStage::CommitMerging if is_merged_away => self.end_commit(stage)?,
            CompressStage::CommitMerging => self.roll_back_compaction(stage)?,
            CompressStage::CommitMergeDone => self.end_commit(stage)?,
            CompressStage::CompressSuccess => {
                self.remove_marks()?;
                stage.save(CompressStage::Finished)?;
            }
            CompressStage::RollbackMerging if is_merged_away => self.end_roll_back(stage)?,
            CompressStage::RollbackMerging => self.roll_back_compaction(stage)?,
            CompressStage::RollbackMergeDone => self.end_roll_back(stage)?,
        }
        self.reopen()?;
        Ok(true)
    }

    /// Handles of both folders for [`TrunkLog::write_compacted`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn folders(&self) -> Result<(StateDir<F>, StateDir<F>), StoreError> {
        let open = |dir: &StateDir<F>| StateDir::open(dir.fs().clone(), dir.path());
        Ok((open(&self.data)?, open(&self.dir)?))
    }
}

fn copy_file<F: Fs>(dir: &StateDir<F>, from: &str, to: &str) -> Result<(), StoreError> {
    drop(dir.fs().create_or_empty(dir.dir(), to).at("create", dir.path(), to)?);
    append_file(dir, from, to)
}

/// Appends the whole lines of one file to another, and makes that durable.
fn append_file<F: Fs>(dir: &StateDir<F>, from: &str, to: &str) -> Result<(), StoreError> {
    let source = dir.fs().open_read(dir.dir(), from).at("open", dir.path(), from)?;
    let target = dir.fs().open_write(dir.dir(), to).at("open", dir.path(), to)?;
    let mut at = target.stat().at("stat", dir.path(), to)?.len_bytes;
    let (mut piece, mut offset) = (vec![0; PIECE_BYTES], 0);
    loop {
        let have = read_full(&source, &mut piece, offset).at("read", dir.path(), from)?;
        if have == 0 {
            break;
        }
        target.write_all_at(&piece[..have], at).at("write", dir.path(), to)?;
        (offset, at) = (offset + have as u64, at + have as u64);
    }
    target.sync().at("sync", dir.path(), to)?;
    // Whether it is still there tells the next start what was done.
    dir.fs().sync_dir(dir.dir(), "").at("sync directory", dir.path(), "")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::path::Path;

    use fdfs_proto::disk::trunk_record::TrunkBlock;
    use fdfs_proto::disk::trunk_snapshot::FreeBlock;

    use super::*;
    use crate::sim_fs::{Fault, SimFs};

    const DATA: &str = "/base/data";
    const OLD: &[u8] = b"1 A 0 0 0 1 0 900\n2 D 0 0 0 1 0 900\n2 A 0 0 0 1 300 600\n";
    const NEW: &[u8] = b"9 D 0 0 0 1 300 600\n";
    const COMPACT: &[u8] = b"5 A 0 0 0 1 300 600\n9 D 0 0 0 1 300 600\n";

    fn snapshot() -> TrunkSnapshot {
        let block =
            TrunkBlock { store_path_index: 0, subdir_high: 0, subdir_low: 0, file_id: 1, offset: 300, size: 600 };
        TrunkSnapshot { binlog_offset: 0, blocks: vec![FreeBlock { timestamp: 5, block }] }
    }

    fn compact(log: &mut TrunkLog<SimFs>, stage: &mut impl SaveStage) -> Result<(), StoreError> {
        log.begin_compaction(stage)?;
        let (data, dir) = log.folders()?;
        TrunkLog::write_compacted(&data, &dir, &snapshot(), stage)?;
        log.append(NEW)?;
        log.sync()?;
        log.commit_compaction(stage)
    }

    fn text(log: &TrunkLog<SimFs>) -> Vec<u8> {
        log.lines_at(0, 10_000).unwrap()
    }

    #[test]
    fn a_compaction_leaves_the_free_blocks_and_what_came_since() {
        let fs = SimFs::new(Fault::None);
        let (mut log, _) = TrunkLog::open(fs.clone(), Path::new(DATA)).unwrap();
        log.append(OLD).unwrap();
        let mut stages = Vec::new();
        compact(&mut log, &mut |stage: CompressStage| {
            stages.push(stage.number());
            Ok(())
        })
        .unwrap();
        assert_eq!(stages, [1, 2, 3, 4, 5, 6, 9]);
        assert_eq!(text(&log), COMPACT);
        assert_eq!(fs.list(log.dir.dir(), "").unwrap(), ["binlog"]);
        assert!(log.snapshot().unwrap().is_none());
    }

    /// W-25: at whatever call it fails, the log is as it was, with all that came since, and goes on.
    #[test]
    fn w25_a_compaction_that_fails_or_is_cut_off_loses_no_record() {
        for call in 1..120 {
            for (is_crash, fault) in [(false, Fault::FailsAt(call, 28)), (true, Fault::StopsAfter(call))] {
                let fs = SimFs::new(Fault::None);
                let (mut log, _) = TrunkLog::open(fs.clone(), Path::new(DATA)).unwrap();
                log.append(OLD).unwrap();
                log.sync().unwrap();
                fs.sync_all(log.dir.dir()).unwrap();
                fs.set_fault(fault);
                let saved = Cell::new(CompressStage::None);
                let mut save = |stage: CompressStage| {
                    // The init flag is on the same disk: a machine that has stopped saves nothing.
                    log_probe(&fs)?;
                    saved.set(stage);
                    Ok(())
                };
                let result = compact(&mut log, &mut save);
                let fs = if is_crash { fs.after_power_cut(None) } else { fs.after_crash() };
                let (mut log, _) = TrunkLog::open(fs.clone(), Path::new(DATA)).unwrap();
                log.recover_compaction(saved.get(), &mut |stage: CompressStage| {
                    saved.set(stage);
                    Ok(())
                })
                .unwrap();
                let have = text(&log);
                let with_new = [OLD, NEW].concat();
                let fine = have == COMPACT || have == with_new || (result.is_err() && have == OLD);
                assert!(fine, "{fault:?} at stage {:?}: {}", saved.get(), String::from_utf8_lossy(&have));
                assert!(matches!(saved.get(), CompressStage::None | CompressStage::Finished));
                assert_eq!(fs.list(log.dir.dir(), "").unwrap(), ["binlog"], "{fault:?}");
            }
        }
    }

    fn log_probe(fs: &SimFs) -> Result<(), StoreError> {
        let root = fs.open_dir(Path::new("/")).at("open", Path::new("/"), "")?;
        fs.sync_dir(&root, "").at("sync", Path::new("/"), "")
    }
}
