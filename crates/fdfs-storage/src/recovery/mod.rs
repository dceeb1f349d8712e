//! Refilling a store path that came back empty, while the others are served.
//!
//! A peer lists the files of the path (26), tasks download them (14) and put them in place; clients and senders go on
//! meanwhile, only uploads keep away from the path. The files in the path's `data` directory are those of the reference
//! ([`fdfs_store::recovery_files`]). docs/decisions/0006-disk-recovery.md

mod error;
mod fetch;
mod progress;
mod restore;
mod source;

use std::sync::Arc;
use std::time::Duration;

use fdfs_net::Backoff;
use fdfs_proto::shared::StorageStatus;
use fdfs_store::recovery_files::{RecoveryFiles, Stage};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use error::RecoveryError;
pub use progress::{PathRecovery, Recovery, RecoveryProgress, RecoveryStage};

use crate::housekeeping::path_facts;
use crate::link::questions::report_status;
use crate::storage::Storage;
use source::Group;

/// Pauses between tries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
/// How often progress is told in the log.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Recovers a store path, until it is done or `shutdown`; what is done is gone on with at the next start.
pub async fn run(storage: Arc<Storage>, index: u8, shutdown: CancellationToken) {
    let mut backoff = Backoff::new(PAUSES.0, PAUSES.1, u64::from(index));
    let mut told = String::new();
    loop {
        let recovered = tokio::select! {
            () = shutdown.cancelled() => return,
            recovered = recover(&storage, index) => recovered,
        };
        let Err(e) = recovered else { return };
        let text = e.to_string();
        if text != told {
            tracing::warn!("recovery of store path {index}: {text}; tried again until it works");
            told = text;
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(backoff.next_pause()) => {}
        }
    }
}

async fn recover(storage: &Arc<Storage>, index: u8) -> Result<(), RecoveryError> {
    let Some(path) = storage.recovery.path(index) else { return Ok(()) };
    let files = Arc::new(RecoveryFiles::open(storage.slot(index)?.path.data_path())?);
    let (tasks, saved_status) = match files.stage()? {
        Stage::Listed { tasks, saved_status } => {
            tracing::info!("store path {index} is still being recovered: going on with {tasks} lists");
            (tasks, saved_status)
        }
        Stage::Begin => {
            path.set_stage(RecoveryStage::Waiting);
            let own_status = match source::group(storage).await? {
                Group::Alone => return nothing_to_recover(storage, index, &files, "no other storage has its files"),
                Group::NoMember => {
                    return nothing_to_recover(storage, index, &files, "all files of the group come by replication");
                }
                Group::Member(own_status) => own_status,
            };
            files.begin(own_status)?;
            report(storage, StorageStatus::Recovery).await;
            path.set_stage(RecoveryStage::Listing);
            let tasks = storage.conf.disk_recovery_threads.max(1);
            let Some(peer) = fetch::fetch(storage, index, &files, tasks, path).await? else {
                return nothing_to_recover(storage, index, &files, "no other storage has such a store path");
            };
            files.listed(tasks, Some(own_status))?;
            tracing::info!(
                "store path {index}: storage {peer} has listed its files; they come over {tasks} connections"
            );
            (tasks, Some(own_status))
        }
    };
    restore_all(storage, index, &files, tasks, path).await?;
    if let Some(status) = saved_status.filter(|status| *status != StorageStatus::None) {
        report(storage, status).await;
    }
    tracing::info!("store path {index} is recovered: {}", path.snapshot().summary());
    end(storage, index, &files)
}

/// Restores all lists, side by side; tells how far it is.
async fn restore_all(
    storage: &Arc<Storage>,
    index: u8,
    files: &Arc<RecoveryFiles>,
    tasks: u32,
    path: &PathRecovery,
) -> Result<(), RecoveryError> {
    let mut restoring = JoinSet::new();
    path.begin_restoring();
    for task in 0..tasks {
        let (_, len) = files.open_list(task)?;
        path.add_list(len, files.mark(task)?.min(len));
    }
    for task in 0..tasks {
        restoring.spawn(restore::restore_list(storage.clone(), index, task, files.clone()));
    }
    let mut tick = tokio::time::interval(TOLD_EVERY);
    tick.tick().await;
    loop {
        tokio::select! {
            done = restoring.join_next() => match done {
                None => return Ok(()),
                Some(Ok(result)) => result?,
                // A task that panics has said so; the recovery goes on at its marks.
                Some(Err(_)) => return Ok(()),
            },
            _ = tick.tick() => tracing::info!("recovery of store path {index}: {}", path.snapshot().summary()),
        }
    }
}

fn nothing_to_recover(storage: &Storage, index: u8, files: &RecoveryFiles, why: &str) -> Result<(), RecoveryError> {
    tracing::info!("store path {index} is new and needs no recovery: {why}");
    end(storage, index, files)
}

/// The recovery is over: uploads may come.
fn end(storage: &Storage, index: u8, files: &RecoveryFiles) -> Result<(), RecoveryError> {
    files.end()?;
    if let Some(path) = storage.recovery.path(index) {
        path.set_stage(RecoveryStage::Done);
    }
    let path = &storage.slot(index)?.path;
    let takes_none = path.broken().is_some() || storage.terms.is_path_drained(index);
    let facts = path_facts(path.space()?, path.is_readonly(), takes_none);
    storage.placing.update_path(usize::from(index), facts);
    Ok(())
}

/// Tells the trackers; that one does not listen changes nothing.
async fn report(storage: &Storage, status: StorageStatus) {
    if let Err(e) = report_status(storage, storage.identity.storage_id(), status).await {
        tracing::info!("no tracker was told that this storage is {status}: {e}");
    }
}
