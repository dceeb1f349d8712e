//! What the trunk server does by the clock: trunk files made in advance, compaction, files that are not used any more,
//! holds that nobody ends, and blocks that wait to be given back.

use fdfs_core::trunk::{files_to_make, secs_until_next};
use fdfs_proto::cmd::tracker::Parameters;
use fdfs_store::trunk::trunk_file_name;
use tokio::time::{Duration, Instant};

use super::blocks::is_occupied;
use super::desk::Desk;
use super::error::TrunkError;
use super::leases::Works;
use crate::names::{now_unix_secs, second_of_local_day};

/// A trunk server that has just begun compacts nothing. Source: behaviour, 4.13.
const QUIET: Duration = Duration::from_secs(600);
/// Trunk files made in advance in one go.
const FILES_MAX: u64 = 4096;
/// Blocks that are given back in one go.
const FREES_AT_ONCE: usize = 256;

/// When what is next.
#[derive(Debug)]
pub(super) struct Timetable {
    make_files_at: Option<Instant>,
    compact_at: Option<Instant>,
    begun: Instant,
    /// Bytes of the log at the last compaction.
    compacted_bytes: u64,
}

fn next(base: u32, interval: u32) -> Option<Instant> {
    let secs = secs_until_next(base, interval, second_of_local_day())?;
    Some(Instant::now() + Duration::from_secs(secs))
}

impl Timetable {
    pub(super) fn new(params: &Parameters) -> Self {
        Self {
            // The first time at once: a trunk server begins with what its uploads will need.
            make_files_at: params.trunk_create_file_advance.then(Instant::now),
            compact_at: next_compaction(params),
            begun: Instant::now(),
            compacted_bytes: 0,
        }
    }

    /// Does what is due.
    pub(super) async fn tick(&mut self, desk: &Desk) {
        let ended = {
            let mut state = desk.lock();
            state.space.end_old_holds(desk.mono_secs())
        };
        if ended > 0 {
            tracing::info!("{ended} blocks of trunk files were leased and never heard of again; they are free");
        }
        let params = &desk.parts.params;
        let now = Instant::now();
        if self.make_files_at.is_some_and(|at| at <= now) {
            let base = params.trunk_create_file_time_base.second_of_day();
            self.make_files_at = next(base, params.trunk_create_file_interval_secs);
            make_files(desk);
        }
        if self.compact_at.is_some_and(|at| at <= now) {
            self.compact_at = next_compaction(params);
            let len = desk.lock_log().len_bytes();
            let since_secs = now_unix_secs() - desk.parts.init_flag.lock().trunk_last_compress_time;
            let half = i64::from(params.trunk_compress_binlog_interval_secs) / 2;
            if self.begun.elapsed() >= QUIET && len != self.compacted_bytes && since_secs > half {
                self.compact(desk);
            }
        }
    }

    fn compact(&mut self, desk: &Desk) {
        if desk.parts.params.delete_unused_trunk_files {
            remove_unused(desk);
        }
        let before = desk.lock_log().len_bytes();
        match tokio::task::block_in_place(|| desk.compact()) {
            Ok(()) => {
                self.compacted_bytes = desk.lock_log().len_bytes();
                tracing::info!("trunk binlog compacted from {before} to {} bytes", self.compacted_bytes);
            }
            Err(TrunkError::NotReady) => {}
            Err(e) => tracing::error!("the trunk binlog is not compacted: {e}; it goes on as it was"),
        }
    }
}

fn next_compaction(params: &Parameters) -> Option<Instant> {
    let base = params.trunk_compress_binlog_time_base.second_of_day();
    let interval = params.trunk_compress_binlog_interval_secs.max(params.trunk_compress_binlog_min_interval_secs);
    if params.trunk_compress_binlog_interval_secs == 0 { None } else { next(base, interval) }
}

/// Makes trunk files until enough is free, round and round on the store paths that have room.
fn make_files(desk: &Desk) {
    let params = &desk.parts.params;
    let free = desk.lock().space.bytes();
    let count = files_to_make(free, params.trunk_create_file_space_threshold_bytes, desk.rules.file_bytes, FILES_MAX);
    let paths = u8::try_from(desk.parts.paths.len()).unwrap_or(u8::MAX);
    let (mut made, mut refused, mut path) = (0, 0, 0);
    while made < count && refused < paths {
        match tokio::task::block_in_place(|| desk.make_file_ahead(path)) {
            Ok(()) => (made, refused) = (made + 1, 0),
            Err(TrunkError::NoSpace { .. }) => refused += 1,
            Err(e) => {
                tracing::warn!("trunk files are not made in advance: {e}");
                break;
            }
        }
        path = if path + 1 < paths { path + 1 } else { 0 };
    }
    if made > 0 {
        tracing::info!("{made} trunk files made in advance");
    }
}

/// Removes trunk files that are free as a whole: here only, as the reference does.
fn remove_unused(desk: &Desk) {
    let unused = desk.lock().space.unused_files();
    for file in unused {
        let (was_free, change) = desk.change(|space, now, log| space.take(now, &file, log));
        if !was_free {
            continue;
        }
        if let Err(e) = desk.write_out(change) {
            tracing::error!("{e}; no unused trunk file is removed");
            return;
        }
        let name = trunk_file_name(file.subdir_high, file.subdir_low, file.file_id);
        if let Some(path) = desk.parts.paths.get(usize::from(file.store_path_index)) {
            match path.remove(&name) {
                Ok(()) => tracing::info!("trunk file {name} was free and is removed"),
                Err(e) if e.is_not_found() => {}
                Err(e) => tracing::warn!("{e}"),
            }
        }
    }
}

/// Gives back blocks that had to wait (W-21). One whose header says that it is in use by now is somebody else's.
pub(super) async fn retry_frees(works: &Works) {
    let told = *works.told.borrow();
    if works.frees.len() == 0 || told.server.is_none() {
        return;
    }
    if told.server == Some(super::Server::Me) && !works.desk.serves() {
        return;
    }
    let blocks = match works.frees.take(1) {
        Ok(blocks) => blocks,
        Err(e) => return tracing::error!("{e}; blocks wait to be given back"),
    };
    // One first: where the trunk server is not to be reached, all stay.
    let mut ahead = blocks;
    for _ in 0..FREES_AT_ONCE {
        let Some(block) = ahead.pop() else { return };
        if is_occupied(&works.desk.parts.paths, &block.into()) {
            tracing::debug!("a block that waited to be given back is in use");
        } else if let Err(e) = works.try_free(block).await {
            if e.is_undone() {
                if let Err(e) = works.frees.push(block) {
                    tracing::error!("{e}; {} bytes of a trunk file are lost", block.part.alloc_size);
                }
                return;
            }
            tracing::debug!("{e}");
        }
        ahead = works.frees.take(1).unwrap_or_default();
    }
    tracing::debug!("{} blocks wait to be given back", works.frees.len());
}
