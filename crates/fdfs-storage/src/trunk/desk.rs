//! The desk where trunk space is given out: the free blocks, their log, and whether this storage may serve.
//!
//! Every storage of a cluster with trunk files has one; only that of the trunk server is open. A closed desk keeps the
//! copy of the log that the trunk server sends.
//!
//! Records of many requests go into the log with one write. Locks are taken in this order: `writing`, `making`, `log`,
//! `state`; none is held across an await.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fdfs_core::trunk::{FreeSpace, SpaceError, TrunkRules, after_file_id};
use fdfs_proto::cmd::storage::TrunkInfo;
use fdfs_proto::cmd::tracker::Parameters;
use fdfs_proto::disk::trunk_record::TrunkBlock;
use fdfs_proto::disk::trunk_snapshot::TrunkSnapshot;
use fdfs_proto::ours::TrunkAsk;
use fdfs_proto::{Status, StorageId};
use fdfs_store::slot::TrunkFileId;
use fdfs_store::state_file::StateDir;
use fdfs_store::trunk::TrunkLog;
use fdfs_store::{Changes, RealFs, StoreError, StorePath};
use tokio::sync::watch;

use super::error::TrunkError;
use super::log_conns::LogConns;
use super::term::TrunkTerm;
use crate::flusher::Flusher;
use crate::init_flag::InitFlag;
use crate::names::{in_name, now_unix_secs};
use crate::placing::Placing;

/// Bytes of records that may wait for a log that cannot be written.
const PENDING_MAX_BYTES: usize = 16 << 20;
/// Numbers of trunk files that are tried before an allocation fails.
const FILE_TRIES: usize = 100;

/// What a desk is made of.
#[derive(Debug)]
pub(crate) struct DeskParts {
    pub(crate) params: Parameters,
    pub(crate) paths: Vec<Arc<StorePath>>,
    pub(crate) placing: Arc<Placing>,
    pub(crate) init_flag: Arc<InitFlag>,
    /// This storage.
    pub(crate) own_id: StorageId,
    /// Notes of uploads that are about to be confirmed.
    pub(crate) changes: Arc<Changes>,
    /// Of the file system of `<base>/data`; `None` when the policy asks for no flushes.
    pub(crate) flusher: Option<Arc<Flusher>>,
}

#[derive(Debug)]
pub(super) struct State {
    /// Whether space is given out.
    pub(super) serves: bool,
    /// The leader of the trackers was not heard: nothing is given out until it is.
    pub(super) is_suspended: bool,
    /// The generation that this storage is about to take the role in.
    pub(super) claim: Option<u64>,
    pub(super) space: FreeSpace,
    pub(super) term: TrunkTerm,
    /// Records that wait for the next write.
    pending: Vec<u8>,
    /// The number of the last change.
    last: u64,
}

/// The desk.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) rules: TrunkRules,
    pub(super) parts: DeskParts,
    /// `<base>/data`.
    pub(super) dir: StateDir<RealFs>,
    pub(super) state: Mutex<State>,
    pub(super) log: Mutex<TrunkLog>,
    /// Held by whoever makes a trunk file.
    making: Mutex<()>,
    /// Requests wait here for the one that writes the log for all of them, so that none holds a worker meanwhile.
    writing: tokio::sync::Mutex<()>,
    /// The number of the last change that is in the log.
    written: AtomicU64,
    /// Bytes of the log; wakes the senders.
    pub(super) grown: watch::Sender<u64>,
    /// Over which connections the log of another storage comes in. Taken after `log`.
    pub(super) conns: Mutex<LogConns>,
    /// Storages that were heard since this one took the role.
    pub(super) heard: Mutex<BTreeSet<StorageId>>,
    /// The log is being compacted: what is in it is not all.
    pub(super) is_compacting: AtomicBool,
    started: Instant,
    /// The generation of the role that this run took first; 0: none.
    first_generation: AtomicU64,
}

pub(super) fn rules(params: &Parameters) -> TrunkRules {
    TrunkRules {
        slot_min_bytes: params.slot_min_size_bytes.max(params.trunk_alloc_alignment_size_bytes).max(1),
        slot_max_bytes: params.slot_max_size_bytes,
        alignment_bytes: params.trunk_alloc_alignment_size_bytes,
        file_bytes: params.trunk_file_size_bytes,
    }
}

fn space_error(error: SpaceError) -> TrunkError {
    match error {
        SpaceError::Invalid => TrunkError::Invalid { what: "no trunk file has such a block" },
        SpaceError::NotHeld => TrunkError::NotHeld,
        SpaceError::AlreadyFree => TrunkError::AlreadyFree,
        SpaceError::TooManyHolds => TrunkError::Busy { waiting: fdfs_core::trunk::HOLDS_MAX },
    }
}

fn now() -> u32 {
    in_name(now_unix_secs())
}

impl Desk {
    /// Opens the log. Warnings are logged.
    pub(super) fn open(data_path: &Path, parts: DeskParts) -> Result<Self, StoreError> {
        let (mut log, cut_bytes) = TrunkLog::open(RealFs, data_path)?;
        if cut_bytes > 0 {
            tracing::warn!(
                "trunk binlog: its last line was cut off in the middle; {cut_bytes} bytes of it are removed"
            );
        }
        let stage = parts.init_flag.lock().trunk_binlog_compress_stage;
        if log.recover_compaction(stage, &mut super::compact::saver(&parts.init_flag))? {
            tracing::info!("trunk binlog: a compaction that was cut off is ended");
        }
        let dir = StateDir::open(RealFs, data_path)?;
        let term = match fdfs_store::state::load::<TrunkTerm, _>(&dir, now_unix_secs())? {
            fdfs_store::state::Loaded::Read(term) => term,
            fdfs_store::state::Loaded::Missing => TrunkTerm::default(),
            fdfs_store::state::Loaded::SetAside { aside, what } => {
                tracing::warn!("{what}; it lies in {aside} now, and the trunk log is compared with the others'");
                TrunkTerm::default()
            }
        };
        let rules = rules(&parts.params);
        let (grown, _) = watch::channel(log.len_bytes());
        Ok(Self {
            rules,
            parts,
            dir,
            state: Mutex::new(State {
                serves: false,
                is_suspended: false,
                claim: None,
                space: FreeSpace::new(rules),
                term,
                pending: Vec::new(),
                last: 0,
            }),
            log: Mutex::new(log),
            making: Mutex::new(()),
            writing: tokio::sync::Mutex::default(),
            written: AtomicU64::new(0),
            grown,
            conns: Mutex::default(),
            heard: Mutex::default(),
            is_compacting: AtomicBool::new(false),
            started: Instant::now(),
            first_generation: AtomicU64::new(0),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock_log(&self) -> MutexGuard<'_, TrunkLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this storage gives out space now.
    pub(super) fn serves(&self) -> bool {
        self.lock().may_serve().is_ok()
    }

    /// Whether the role was another storage's since this run took it first.
    pub(super) fn is_another_generation(&self, generation: u64) -> bool {
        let first = self.first_generation.compare_exchange(0, generation, Ordering::Relaxed, Ordering::Relaxed);
        first.is_err_and(|first| first != generation)
    }

    /// Seconds on a clock that does not jump.
    pub(super) fn mono_secs(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    /// Puts a block on hold; makes a trunk file when there is none.
    pub(super) fn allocate(&self, path: u8, bytes: u32) -> Result<TrunkInfo, TrunkError> {
        if usize::from(path) >= self.parts.paths.len() {
            return Err(TrunkError::Invalid { what: "no such store path" });
        }
        let try_it = || -> Result<Option<TrunkBlock>, TrunkError> {
            let mut state = self.lock();
            state.may_serve()?;
            if state.pending.len() > PENDING_MAX_BYTES {
                return Err(TrunkError::NotReady);
            }
            let State { space, pending, last, .. } = &mut *state;
            let block = space.allocate(now(), self.mono_secs(), path, bytes, pending).map_err(space_error)?;
            *last += u64::from(block.is_some());
            Ok(block)
        };
        if let Some(block) = try_it()? {
            return Ok(block.into());
        }
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have made one meanwhile.
        if let Some(block) = try_it()? {
            return Ok(block.into());
        }
        self.make_file(path)?;
        try_it()?.map(TrunkInfo::from).ok_or(TrunkError::NoSpace { store_path_index: path })
    }

    /// Makes a trunk file ahead of need.
    pub(super) fn make_file_ahead(&self, path: u8) -> Result<(), TrunkError> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        self.lock().may_serve()?;
        self.make_file(path)
    }

    /// The number is durable before the file is there. Source: disk formats, G.
    fn make_file(&self, index: u8) -> Result<(), TrunkError> {
        let bytes = self.rules.file_bytes;
        let no_space = || TrunkError::NoSpace { store_path_index: index };
        let path = self.parts.paths.get(usize::from(index)).ok_or_else(no_space)?;
        if path.broken().is_some() || !self.parts.placing.allows(index, u64::from(bytes)) {
            return Err(no_space());
        }
        let dirs = self.parts.placing.draw_subdir();
        for _ in 0..FILE_TRIES {
            let id = {
                let mut flag = self.parts.init_flag.lock();
                let is_in_doubt = self.lock().term.doubtful_below > 0;
                flag.current_trunk_file_id = after_file_id(flag.current_trunk_file_id, is_in_doubt);
                flag.current_trunk_file_id
            };
            self.parts.init_flag.save()?;
            match path.create_trunk_file(TrunkFileId { high: dirs.high, low: dirs.low, id }, bytes) {
                Ok(()) => {
                    let file = TrunkBlock {
                        store_path_index: index,
                        subdir_high: dirs.high,
                        subdir_low: dirs.low,
                        file_id: id,
                        offset: 0,
                        size: bytes,
                    };
                    let mut state = self.lock();
                    let State { space, pending, last, .. } = &mut *state;
                    *last += 1;
                    return space.add_file(now(), &file, pending).map_err(space_error);
                }
                Err(StoreError::Exists { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Err(no_space())
    }

    /// Ends a hold; the number is that of the change, for [`Desk::settle`].
    pub(super) fn confirm(&self, block: &TrunkInfo, status: Status) -> Result<u64, TrunkError> {
        let is_used = status.is_ok() || status == Status::EEXIST;
        let mut state = self.lock();
        state.may_serve()?;
        let State { space, pending, last, .. } = &mut *state;
        space.confirm(now(), &(*block).into(), is_used, pending).map_err(space_error)?;
        *last += 1;
        Ok(*last)
    }

    /// Takes a block back; the number is that of the change, for [`Desk::settle`].
    pub(super) fn free(&self, block: &TrunkInfo) -> Result<u64, TrunkError> {
        if usize::from(block.store_path_index) >= self.parts.paths.len() {
            return Err(TrunkError::Invalid { what: "no such store path" });
        }
        let mut state = self.lock();
        state.may_serve()?;
        let State { space, pending, last, .. } = &mut *state;
        space.free(now(), self.mono_secs(), &(*block).into(), pending).map_err(space_error)?;
        *last += 1;
        Ok(*last)
    }

    /// Serves requests of another storage, all with one write and one flush.
    pub(super) async fn serve_batch(&self, asks: &[TrunkAsk]) -> Vec<Result<Option<TrunkInfo>, TrunkError>> {
        let mut ticket = 0;
        let mut answers = Vec::with_capacity(asks.len());
        for ask in asks {
            let changed = |ticket: &mut u64, change: u64| -> Option<TrunkInfo> {
                *ticket = change.max(*ticket);
                None
            };
            answers.push(match ask {
                TrunkAsk::Allocate { store_path_index, bytes } => self.allocate(*store_path_index, *bytes).map(Some),
                TrunkAsk::Confirm { block, status } => self.confirm(block, *status).map(|n| changed(&mut ticket, n)),
                TrunkAsk::Free { block } => self.free(block).map(|n| changed(&mut ticket, n)),
            });
        }
        if ticket > 0
            && let Err(e) = self.settle(ticket, true).await
        {
            // Whether the confirmed blocks are theirs nobody knows: they are told no.
            for (ask, answer) in asks.iter().zip(&mut answers) {
                if !matches!(ask, TrunkAsk::Allocate { .. }) && answer.is_ok() {
                    *answer = Err(e.clone());
                }
            }
        }
        answers
    }

    /// Waits until a change is in the log; with `is_durable` as durable as the policy asks.
    pub(super) async fn settle(&self, change: u64, is_durable: bool) -> Result<(), TrunkError> {
        // The requests that are ready on this worker come first: their records then go in with the same write.
        tokio::task::yield_now().await;
        self.write_for(change).await?;
        match &self.parts.flusher {
            Some(flusher) if is_durable => Ok(flusher.flush().await?),
            _ => Ok(()),
        }
    }

    /// Waits until a change is in the log, without waiting for others.
    pub(super) async fn write_for(&self, change: u64) -> Result<(), TrunkError> {
        if self.written.load(Ordering::Acquire) < change {
            let _writing = self.writing.lock().await;
            self.write_out(change)?;
        }
        Ok(())
    }

    /// Writes all records up to a change into the log.
    pub(super) fn write_out(&self, change: u64) -> Result<(), TrunkError> {
        if self.written.load(Ordering::Acquire) >= change {
            return Ok(());
        }
        let mut log = self.lock_log();
        if self.written.load(Ordering::Acquire) >= change {
            return Ok(());
        }
        self.write_pending(&mut log)
    }

    /// Writes all records into the log. A log that cannot be written keeps them for the next try, in their order.
    pub(super) fn write_pending(&self, log: &mut TrunkLog) -> Result<(), TrunkError> {
        self.write_pending_and(log, |_| ())
    }

    /// The same, and looks at the state that the log then tells of.
    pub(super) fn write_pending_and<T>(
        &self,
        log: &mut TrunkLog,
        look: impl FnOnce(&mut State) -> T,
    ) -> Result<T, TrunkError> {
        let (lines, last, seen) = {
            let mut state = self.lock();
            let seen = look(&mut state);
            (std::mem::take(&mut state.pending), state.last, seen)
        };
        // The notes of what is confirmed here were made before. Without them it is confirmed all the same.
        if !lines.is_empty()
            && let Err(e) = self.parts.changes.save_all()
        {
            tracing::warn!("{e}; slots that are confirmed now are lost if the process is killed");
        }
        if let Err(e) = log.append(&lines) {
            let mut state = self.lock();
            let newer = std::mem::replace(&mut state.pending, lines);
            state.pending.extend_from_slice(&newer);
            tracing::error!("{e}; uploads go on without trunk files");
            return Err(e.into());
        }
        self.written.store(last, Ordering::Release);
        if !lines.is_empty() {
            self.grown.send_replace(log.len_bytes());
        }
        Ok(seen)
    }

    /// Adds records that [`FreeSpace`] wrote for a change that was made under the lock of the state.
    pub(super) fn change<T>(&self, make: impl FnOnce(&mut FreeSpace, u32, &mut Vec<u8>) -> T) -> (T, u64) {
        let mut state = self.lock();
        let State { space, pending, last, .. } = &mut *state;
        let made = make(space, now(), pending);
        *last += 1;
        (made, *last)
    }

    /// Saves what is remembered of the log.
    pub(super) fn save_term(&self, term: TrunkTerm) -> Result<(), StoreError> {
        fdfs_store::state::save(&self.dir, &term)?;
        self.lock().term = term;
        Ok(())
    }

    /// Gives out nothing from now on; all records are in the log when it returns.
    pub(super) fn close(&self) -> Result<(), TrunkError> {
        self.lock().serves = false;
        let mut log = self.lock_log();
        self.write_pending(&mut log)
    }

    /// Saves a snapshot, so that the next start need not read the whole log; only where the reference would.
    pub(super) fn save_snapshot(&self) -> Result<(), TrunkError> {
        if self.parts.params.trunk_compress_binlog_interval_secs > 0 {
            return Ok(());
        }
        let mut log = self.lock_log();
        let joins = self.parts.params.trunk_free_space_merge;
        // Joined blocks come with their records, so that every copy of the log tells of them.
        if joins {
            let _ = self.change(|space, now, records| space.join_neighbours(now, records));
        }
        let snapshot = self.write_pending_and(&mut log, |state| state.space.snapshot(now(), 0))?;
        let snapshot = TrunkSnapshot { binlog_offset: log.len_bytes(), ..snapshot };
        Ok(log.save_snapshot(&snapshot)?)
    }

    /// Waits for a log that is as durable as the policy asks.
    pub(super) async fn flush(&self) -> Result<(), TrunkError> {
        match &self.parts.flusher {
            Some(flusher) => Ok(flusher.flush().await?),
            None => Ok(()),
        }
    }

    /// The largest number of a trunk file so far, and free megabytes in trunk files: what the trackers are told.
    pub(super) fn report(&self) -> (u32, u64) {
        let id = self.parts.init_flag.lock().current_trunk_file_id;
        (id, self.lock().space.bytes() >> 20)
    }
}

impl State {
    /// Whether space is given out.
    pub(super) const fn may_serve(&self) -> Result<(), TrunkError> {
        if self.serves && !self.is_suspended { Ok(()) } else { Err(TrunkError::NotReady) }
    }
}

/// How long a trunk server may take for an answer: an upload waits for it.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
