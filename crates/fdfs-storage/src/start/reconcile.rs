//! After a run that was killed: files without a record get one, or go out of sight.

use fdfs_proto::disk::binlog_record::{BinlogRecord, binlog_lines};
use fdfs_proto::file_id::{LogicName, Source};
use fdfs_store::reconcile::{OVERLAP_OF_REFERENCE_SECS, OVERLAP_SECS, RecordedTail};

use super::LastRun;
use super::error::StartError;
use crate::write_path::{LogEnd, WritePath};

/// How much of the binlog is read back: the records of several minutes at full speed.
const TAIL_MAX_BYTES: u64 = 256 << 20;
/// Records of so many seconds may stand in another order than their times.
const SKEW_SECS: u32 = 3600;
/// Records that are written at once.
const BATCH: usize = 1000;
/// Names that are told in the log; the rest is counted.
const TOLD_MAX: usize = 10;

/// Undoes or records the changes in place that the last run left under way, however it ended: a request that failed half
/// way leaves one, too. Gives the uploads in slots that are to be taken back. `kept_log`: all that the last run has
/// acknowledged is in the log, and its notes of uploads are to be trusted.
pub(super) async fn recover(
    write_path: &WritePath,
    left: &[BinlogRecord],
    last_run: LastRun,
    kept_log: bool,
) -> Result<Vec<LogicName>, StartError> {
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let (lines, is_all) = write_path.commit.tail(TAIL_MAX_BYTES).await?;
    // The reference may have run since, and lost records with its life: nothing may be taken for unfinished then.
    let is_whole = last_run == LastRun::Killed;
    let first = binlog_lines(&lines).find_map(|line| line.record.ok()).map(|record| record.timestamp);
    let since = if is_all { Some(0) } else { first.map(|at| at.saturating_add(SKEW_SECS)) };
    let log = LogEnd { lines: &lines, is_whole, knows_since: since.filter(|_| is_whole && kept_log) };
    let recovered = write_path.recover(left, log).await.map_err(|e| StartError::Conf { what: e.to_string() })?;
    for line in &recovered.told {
        tracing::info!("{line}");
    }
    Ok(recovered.uploads)
}

/// Looks at all store paths; `own` is this storage as names tell it.
pub(super) async fn reconcile(write_path: &WritePath, last_run: LastRun, own: Source) -> Result<(), StartError> {
    let (lines, is_whole) = write_path.commit.tail(TAIL_MAX_BYTES).await?;
    let overlap_secs = match last_run {
        LastRun::ReferenceKilled => OVERLAP_OF_REFERENCE_SECS,
        LastRun::Killed | LastRun::Orderly => OVERLAP_SECS,
    };
    let mut tail = RecordedTail::new(&lines, is_whole, overlap_secs);
    if last_run == LastRun::Killed {
        tail = tail.with_changes_noted(own);
    }
    drop(lines);
    tracing::info!("the last run did not end orderly; looking for files without a record");
    for slot in &write_path.slots {
        let found = slot.path.reconcile(&tail)?;
        let index = slot.path.index();
        for batch in found.records.chunks(BATCH).chain(found.links.chunks(BATCH)) {
            write_path.commit.record(batch).await.map_err(|e| StartError::Conf { what: e.to_string() })?;
        }
        if !found.records.is_empty() {
            tracing::info!("store path {index}: {} whole files without a record got one", found.records.len());
        }
        for name in found.unfinished.iter().take(TOLD_MAX) {
            tracing::info!(
                "store path {index}: {name} was not finished when the last run ended, and never acknowledged"
            );
        }
        if !found.unfinished.is_empty() {
            let count = found.unfinished.len();
            tracing::info!("store path {index}: {count} unfinished files lie in data/.fdfs-unfinished now");
        }
    }
    Ok(())
}
