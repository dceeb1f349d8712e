//! A storage's write path on a simulated file system, and what is left of it after a crash.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

pub(crate) mod replica;

use std::path::Path;
use std::sync::Arc;

use fdfs_proto::FileName;
use fdfs_proto::file_id::{FormattedExt, NewKind, NewName, Source};
use fdfs_storage::commit::{Commit, Durability};
use fdfs_storage::flusher::{FlushError, Flusher};
use fdfs_storage::permits::{PathPermits, PermitCounts};
use fdfs_storage::write_path::{FileLocks, History, PathSlot, WritePath};
use fdfs_store::fs::Fs;
use fdfs_store::sim_fs::{Fault, SimFs};
use fdfs_store::state_file::StateDir;
use fdfs_store::{Changes, FsFile, StorePath};

pub(crate) const STORE: &str = "/p0";
pub(crate) const BASE: &str = "/base/data";
pub(crate) const SYNC: &str = "/base/data/sync";
pub(crate) const NOW: u32 = 1_795_166_208;
/// No operation here makes more calls than this.
pub(crate) const CALLS_MAX: u64 = 200;

/// The name of a file with this content, in `00/01` of store path 0.
pub(crate) fn name_of(content: &[u8], kind: NewKind, random: u32) -> FileName {
    NewName {
        store_path_index: 0,
        high: 0,
        low: 1,
        source: Source::Id(100_001),
        created: NOW,
        size: content.len() as u64,
        crc32: crc32fast::hash(content),
        kind,
        random,
        ext: FormattedExt::new(&"txt".parse().unwrap(), random),
    }
    .build()
}

/// A storage's write path.
pub(crate) fn open(fs: &SimFs, durability: Durability, rotate_bytes: u64) -> WritePath<SimFs> {
    let path = StorePath::open(fs.clone(), 0, Path::new(STORE), false, 2).unwrap().path;
    path.make_subdirs().unwrap();
    let path = Arc::new(path);
    let flusher = |what: &str| {
        let (fs, path) = (fs.clone(), path.clone());
        let broken = path.clone();
        let sync = move || fs.sync_all(path.data());
        // Both flushers tell, where both fail.
        let on_failure = move |e: &FlushError| {
            broken.mark_broken(&e.to_string());
        };
        Arc::new(Flusher::start(what.into(), sync, on_failure).unwrap())
    };
    let is_durable = durability == Durability::Disk;
    let path_flusher = is_durable.then(|| flusher("path"));
    let (commit, _) =
        Commit::open(fs.clone(), Path::new(SYNC), rotate_bytes, is_durable.then(|| flusher("log"))).unwrap();
    let (changes, _) = Changes::open(StateDir::open(fs.clone(), Path::new(BASE)).unwrap()).unwrap();
    let permits = PathPermits::new(PermitCounts { readers: 1, writers: 1, is_separated: true });
    WritePath {
        slots: vec![PathSlot { path, permits, flusher: path_flusher }],
        commit,
        durability,
        sync_every_bytes: 0,
        locks: FileLocks::default(),
        history: History::default(),
        changes: Arc::new(changes),
    }
}

/// A disk on which a storage has run before, and which was synced then.
pub(crate) fn used_disk() -> SimFs {
    let fs = SimFs::new(Fault::None);
    drop(open(&fs, Durability::None, 1 << 30));
    fs.sync_all(&fs.open_dir(Path::new("/")).unwrap()).unwrap();
    fs
}

/// The content of a file.
pub(crate) fn read(fs: &SimFs, true_name: &str) -> Option<Vec<u8>> {
    let dir = fs.open_dir(&Path::new(STORE).join("data")).unwrap();
    let file = fs.open_no_follow(&dir, true_name).ok()?;
    let mut bytes = vec![0; file.stat().unwrap().len_bytes as usize];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
    Some(bytes)
}

/// What may be left by a power cut.
pub(crate) fn power_cuts(fs: &SimFs) -> Vec<(String, SimFs)> {
    let seeds = [None, Some(1), Some(2), Some(3), Some(4), Some(5), Some(6)];
    seeds.into_iter().map(|seed| (format!("power cut {seed:?}"), fs.after_power_cut(seed))).collect()
}

/// What is left when the process is killed.
pub(crate) fn killed(fs: &SimFs) -> Vec<(String, SimFs)> {
    vec![("killed".to_owned(), fs.after_crash())]
}
