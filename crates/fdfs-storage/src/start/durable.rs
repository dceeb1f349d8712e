//! Opening what makes changes durable: the binlog and one flusher for each file system.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use fdfs_conf::StorageConf;
use fdfs_conf::choice::SignatureMethod;
use fdfs_proto::disk::binlog_record::BinlogRecord;
use fdfs_store::binlog::{BinlogFinding, ROTATE_BYTES};
use fdfs_store::duplicates::{self, Duplicates, Method};
use fdfs_store::fs::Fs;
use fdfs_store::state_file::StateDir;
use fdfs_store::{Changes, RealFs, StorePath};

use super::error::StartError;
use crate::commit::{Commit, Durability};
use crate::flusher::{FlushError, Flusher};

/// What makes changes durable.
pub(super) struct Durable {
    pub(super) durability: Durability,
    pub(super) commit: Commit,
    pub(super) changes: Arc<Changes>,
    /// Changes in place that the last run left under way.
    pub(super) left: Vec<BinlogRecord>,
    /// One for each store path; those of one device are the same.
    pub(super) path_flushers: Vec<Option<Arc<Flusher>>>,
    /// Of the file system that `<base>/data` is on.
    pub(super) base_flusher: Option<Arc<Flusher>>,
}

/// Opens it all.
pub(super) fn open(
    conf: &StorageConf,
    state_dir: &StateDir<RealFs>,
    paths: &[Arc<StorePath>],
) -> Result<Durable, StartError> {
    let durability = match conf.durability {
        fdfs_conf::choice::Durability::None => Durability::None,
        fdfs_conf::choice::Durability::Disk => Durability::Disk,
    };
    let mut path_flushers = vec![None; paths.len()];
    let mut binlog_flusher = None;
    if durability == Durability::Disk {
        let log_device = state_dir.device()?;
        // One for each file system: whoever asks, a flush serves all who asked before it began.
        let mut flushers = BTreeMap::from([(log_device, Arc::new(start_flusher(state_dir, paths.to_vec())?))]);
        for (path, path_flusher) in paths.iter().zip(&mut path_flushers) {
            let flusher = match flushers.entry(path.device()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let same_disk = paths.iter().filter(|other| other.device() == path.device()).cloned().collect();
                    new.insert(Arc::new(start_path_flusher(path.clone(), same_disk)?))
                }
            };
            *path_flusher = Some(Arc::clone(flusher));
        }
        binlog_flusher = flushers.remove(&log_device);
    }
    let sync_dir = state_dir.path().join("sync");
    let (commit, findings) = Commit::open(RealFs, &sync_dir, ROTATE_BYTES, binlog_flusher.clone())?;
    for finding in findings {
        match finding {
            BinlogFinding::TornTail { file, cut_bytes } => {
                tracing::warn!("{file}: its last line was cut off in the middle; {cut_bytes} bytes of it are removed");
            }
            BinlogFinding::IndexRebuilt { why, index } => {
                tracing::warn!("binlog index: {why}; it goes on with file {index}");
            }
        }
    }
    let (changes, left) = Changes::open(StateDir::open(RealFs, state_dir.path())?)?;
    Ok(Durable { durability, commit, changes: Arc::new(changes), left, path_flushers, base_flusher: binlog_flusher })
}

fn start_path_flusher(path: Arc<StorePath>, same_disk: Vec<Arc<StorePath>>) -> Result<Flusher, StartError> {
    let what = format!("the file system of {}", path.data_path().display());
    start(what, move || path.fs().sync_all(path.data()), same_disk)
}

/// The flusher of the binlog's file system. Without the log no change counts, so its failure stops writes everywhere.
fn start_flusher(state_dir: &StateDir<RealFs>, paths: Vec<Arc<StorePath>>) -> Result<Flusher, StartError> {
    let what = format!("the file system of {}", state_dir.path().display());
    let dir = StateDir::open(RealFs, state_dir.path())?;
    start(what, move || RealFs.sync_all(dir.dir()), paths)
}

fn start(
    what: String,
    sync: impl FnMut() -> std::io::Result<()> + Send + 'static,
    paths: Vec<Arc<StorePath>>,
) -> Result<Flusher, StartError> {
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    let on_failure = move |error: &FlushError| {
        let _log = tracing::dispatcher::set_default(&dispatch);
        tracing::error!(crit = true, "{error}");
        for path in paths {
            if path.mark_broken(&error.to_string()) {
                tracing::error!(crit = true, "store path {} takes no more writes until a restart", path.index());
            }
        }
    };
    Flusher::start(what, sync, on_failure).map_err(StartError::Threads)
}

/// Opens the index of duplicates (`check_file_duplicate`). One that cannot be read is begun anew: no file depends on it.
pub(super) fn open_duplicates(
    conf: &StorageConf,
    state_dir: &StateDir<RealFs>,
) -> Result<Option<Duplicates>, StartError> {
    if !conf.check_file_duplicate {
        return Ok(None);
    }
    let method = match conf.file_signature_method {
        SignatureMethod::Hash => Method::Hash,
        SignatureMethod::Md5 => Method::Md5,
    };
    let open = || Duplicates::open(state_dir.path(), &conf.key_namespace, method);
    let opened = open().or_else(|e| {
        tracing::warn!("{e}; it is begun anew, and files that are there already are not found as duplicates");
        state_dir.remove(duplicates::FILE)?;
        open().map_err(|e| StartError::Conf { what: e.to_string() })
    });
    opened.map(Some)
}
