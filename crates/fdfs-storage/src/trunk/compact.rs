//! Replacing the log by the list of free blocks, while space is given out.

use std::sync::atomic::Ordering;

use fdfs_proto::disk::data_init_flag::CompressStage;
use fdfs_store::trunk::{SaveStage, TrunkLog};
use fdfs_store::{RealFs, StoreError};

use super::desk::Desk;
use super::error::TrunkError;
use super::term::TrunkTerm;
use crate::init_flag::InitFlag;
use crate::names::{in_name, now_unix_secs};

/// Saves stages in the init flag.
pub(super) fn saver(flag: &InitFlag) -> impl SaveStage + '_ {
    move |stage: CompressStage| -> Result<(), StoreError> {
        {
            let mut flag = flag.lock();
            flag.trunk_binlog_compress_stage = stage;
            if stage == CompressStage::CompressSuccess {
                flag.trunk_last_compress_time = now_unix_secs();
            }
        }
        flag.save()
    }
}

impl Desk {
    /// Compacts the log. What fails is undone, and the role stays (W-25).
    ///
    /// Differs from C: there the trunk server gives up its role when a compaction fails.
    ///
    /// # Errors
    /// [`TrunkError`]; the log is as it was before, with all that came since.
    pub(super) fn compact(&self) -> Result<(), TrunkError> {
        self.is_compacting.store(true, Ordering::Release);
        let result = self.compact_or_undo();
        self.is_compacting.store(false, Ordering::Release);
        self.grown.send_replace(self.log_size());
        result
    }

    fn compact_or_undo(&self) -> Result<(), TrunkError> {
        let result = self.try_compact();
        if result.is_err() {
            let stage = self.parts.init_flag.lock().trunk_binlog_compress_stage;
            let mut log = self.lock_log();
            log.recover_compaction(stage, &mut saver(&self.parts.init_flag))?;
        }
        result
    }

    fn try_compact(&self) -> Result<(), TrunkError> {
        let flag = &self.parts.init_flag;
        // Copies of the old log are no copies of the new one, whatever comes between.
        let term = self.lock().term;
        let generation = TrunkTerm::next_generation(term.generation, &self.parts.own_id);
        self.save_term(TrunkTerm { generation, ..term })?;
        let (snapshot, folders) = {
            let mut log = self.lock_log();
            let joins = self.parts.params.trunk_free_space_merge;
            let snapshot = self.write_pending_and(&mut log, |state| {
                if !state.serves || state.term.doubtful_below > 0 {
                    return Err(TrunkError::NotReady);
                }
                if joins {
                    // The new log begins with the joined blocks, so it needs no records of it.
                    state.space.join_neighbours(0, &mut Vec::new());
                }
                Ok(state.space.snapshot(in_name(now_unix_secs()), 0))
            })??;
            log.begin_compaction(&mut saver(flag))?;
            (snapshot, log.folders()?)
        };
        TrunkLog::<RealFs>::write_compacted(&folders.0, &folders.1, &snapshot, &mut saver(flag))?;
        let mut log = self.lock_log();
        self.write_pending(&mut log)?;
        log.sync()?;
        Ok(log.commit_compaction(&mut saver(flag))?)
    }
}
