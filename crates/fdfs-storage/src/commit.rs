//! The commit stage: after it, and only after it, a client is answered.
//!
//! A change is placed on its store path first, then its record goes into the binlog. Records that come in while one
//! write is under way go in together with the next.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use fdfs_http::histogram::Histogram;
use fdfs_proto::Status;
use fdfs_proto::disk::BinlogPosition;
use fdfs_proto::disk::binlog_record::{BinlogRecord, RecordError};
use fdfs_store::binlog::BinlogFinding;
use fdfs_store::{Binlog, Fs, RealFs, StoreError};
use tokio::sync::watch;

use crate::flusher::{FlushError, Flusher};
use crate::names::now_unix_secs;

/// What the client's OK means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// File and record are with the kernel: a killed process loses nothing, a power cut may.
    None,
    /// File, its name and its record are on stable storage.
    Disk,
}

/// Why a change could not be committed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// The binlog could not be written: the record is not in it.
    #[error("binlog: {0}")]
    Append(Arc<StoreError>),
    /// The flush failed, now or earlier.
    #[error(transparent)]
    Flush(#[from] FlushError),
    /// The record cannot be written in a way that a reader would take.
    #[error("binlog: {0}")]
    Record(#[from] RecordError),
}

impl CommitError {
    /// The status byte for the client.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Append(e) => e.status(),
            Self::Flush(_) => Status::EIO,
            Self::Record(_) => Status::EINVAL,
        }
    }
}

#[derive(Debug, Default)]
struct Pending {
    /// Lines of records that wait for the next write.
    lines: Vec<u8>,
    /// The number of the last record that was put there.
    last: u64,
}

#[derive(Debug)]
struct Writer<F: Fs> {
    binlog: Binlog<F>,
    /// The lines of the batch being written: swapped with the pending ones, so that neither is allocated again.
    batch: Vec<u8>,
    /// Batches that failed: the numbers of their first and last record. Only the latest few matter, because everybody
    /// who waits for one looks as soon as the writer is free.
    failures: Vec<(u64, u64, Arc<StoreError>)>,
}

/// Failed batches that are remembered.
const FAILURES_KEPT: usize = 64;

/// The commit stage of a storage.
#[derive(Debug)]
pub struct Commit<F: Fs = RealFs> {
    pending: Mutex<Pending>,
    writer: tokio::sync::Mutex<Writer<F>>,
    /// The number of the last record whose write was tried.
    written: AtomicU64,
    /// Batches that could not be written so far; 0 spares the successful a look at the list.
    failed_batches: AtomicU64,
    /// The end of the log after the last write that succeeded.
    end: Mutex<BinlogPosition>,
    /// Up to where records are as durable as the policy asks: what senders may see. They wait for it.
    committed: watch::Sender<BinlogPosition>,
    flusher: Option<Arc<Flusher>>,
    /// How long requests waited for their records.
    pub took: Histogram,
}

impl<F: Fs> Commit<F> {
    /// Opens the binlog in `sync_dir`. With a `flusher` (of the file system that the binlog is on) records are durable
    /// before [`Commit::record`] returns.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(
        fs: F,
        sync_dir: &Path,
        rotate_bytes: u64,
        flusher: Option<Arc<Flusher>>,
    ) -> Result<(Self, Vec<BinlogFinding>), StoreError> {
        let (binlog, findings) = Binlog::open(fs, sync_dir, rotate_bytes, now_unix_secs())?;
        let end = binlog.end();
        let writer = Writer { binlog, batch: Vec::new(), failures: Vec::new() };
        let commit = Self {
            pending: Mutex::new(Pending::default()),
            writer: tokio::sync::Mutex::new(writer),
            written: AtomicU64::new(0),
            failed_batches: AtomicU64::new(0),
            end: Mutex::new(end),
            committed: watch::Sender::new(end),
            flusher,
            took: Histogram::default(),
        };
        Ok((commit, findings))
    }

    /// Writes records, and waits until they are as durable as the policy asks.
    ///
    /// # Errors
    /// [`CommitError`]. After [`CommitError::Append`] none of the records is in the log, and the change must be undone;
    /// after [`CommitError::Flush`] nobody knows.
    pub async fn record(&self, records: &[BinlogRecord]) -> Result<(), CommitError> {
        let started = Instant::now();
        let result = self.write_and_flush(records).await;
        self.took.count(started.elapsed());
        result
    }

    async fn write_and_flush(&self, records: &[BinlogRecord]) -> Result<(), CommitError> {
        let number = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            let start = pending.lines.len();
            for record in records {
                if let Err(e) = record.encode(&mut pending.lines) {
                    pending.lines.truncate(start);
                    return Err(e.into());
                }
            }
            pending.last += 1;
            pending.last
        };
        // The requests that are ready on this worker come first: their records then go in with the same write.
        tokio::task::yield_now().await;
        // Whoever gets the writer writes for all who came before; most find their record written already.
        if self.written.load(Ordering::Acquire) >= number && self.failed_batches.load(Ordering::Acquire) == 0 {
            return self.flushed().await;
        }
        let mut writer = self.writer.lock().await;
        if self.written.load(Ordering::Relaxed) < number {
            self.write_pending(&mut writer);
        }
        let failed = writer.failures.iter().find(|(first, last, _)| (*first..=*last).contains(&number));
        if let Some((_, _, error)) = failed {
            return Err(CommitError::Append(error.clone()));
        }
        drop(writer);
        self.flushed().await
    }

    /// Waits until what was written is as durable as the policy asks, and lets senders see it.
    pub(crate) async fn flushed(&self) -> Result<(), CommitError> {
        // Taken before the flush begins: all of it is durable when the flush is done.
        let end = *self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flusher) = &self.flusher {
            flusher.flush().await?;
        }
        self.committed.send_if_modified(|committed| {
            let is_news = *committed < end;
            *committed = end.max(*committed);
            is_news
        });
        Ok(())
    }

    /// Up to where records are committed, now and after each commit: senders read no further and are woken by it.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<BinlogPosition> {
        self.committed.subscribe()
    }

    /// The first file of the log that is not compressed yet, and the one that is being written.
    pub async fn uncompressed_files(&self) -> std::ops::Range<u32> {
        let writer = self.writer.lock().await;
        writer.binlog.first_uncompressed()..writer.binlog.file_index()
    }

    /// Notes that all files before `index` are compressed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_compressed(&self, index: u32) -> Result<(), StoreError> {
        self.writer.lock().await.binlog.note_compressed(index)
    }

    fn write_pending(&self, writer: &mut Writer<F>) {
        let last = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            writer.batch.clear();
            std::mem::swap(&mut pending.lines, &mut writer.batch);
            pending.last
        };
        let first = self.written.load(Ordering::Relaxed) + 1;
        if let Err(e) = writer.binlog.append(&writer.batch) {
            tracing::error!("{e}; {} requests fail, the file goes on as it was before", last + 1 - first);
            if writer.failures.len() == FAILURES_KEPT {
                writer.failures.remove(0);
            }
            writer.failures.push((first, last, Arc::new(e)));
            self.failed_batches.fetch_add(1, Ordering::Release);
        }
        if let Err(e) = writer.binlog.rotate_if_full() {
            tracing::error!("{e}; the binlog goes on in the file that is full");
        }
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = writer.binlog.end();
        self.written.store(last, Ordering::Release);
    }

    /// The end of the log and whether that is all of it, for the start after a crash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tail(&self, max_bytes: u64) -> Result<(Vec<u8>, bool), StoreError> {
        self.writer.lock().await.binlog.tail(max_bytes)
    }

    /// Makes the log durable, whatever the policy: at an orderly stop.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sync(&self) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        self.write_pending(&mut writer);
        writer.binlog.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_proto::disk::binlog_record::{Op, Origin};

    fn record(n: u32) -> BinlogRecord {
        let name = format!("M00/00/00/name-{n:06}").parse().unwrap();
        BinlogRecord { timestamp: n, origin: Origin::Source, name, op: Op::Create }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn every_acknowledged_record_is_in_the_file_exactly_once() {
        let temp = tempfile::tempdir().unwrap();
        let (commit, _) = Commit::open(RealFs, temp.path(), 1 << 30, None).unwrap();
        let commit = Arc::new(commit);
        let tasks: Vec<_> = (0..200)
            .map(|n| {
                let commit = commit.clone();
                tokio::spawn(async move { commit.record(&[record(n), record(n + 1000)]).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let text = std::fs::read_to_string(temp.path().join("binlog.000")).unwrap();
        let mut lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 400);
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 400);
        assert_eq!(*commit.committed().borrow(), BinlogPosition { file: 0, offset: text.len() as u64 });
    }

    #[tokio::test]
    async fn senders_see_a_record_only_after_it_is_durable() {
        let temp = tempfile::tempdir().unwrap();
        let (begun, flush_begins) = std::sync::mpsc::channel();
        let (go_on, may_end) = std::sync::mpsc::channel();
        let sync = move || {
            begun.send(()).unwrap();
            may_end.recv().unwrap()
        };
        let flusher = Flusher::start("a disk".into(), sync, |_| {}).unwrap();
        let (commit, _) = Commit::open(RealFs, temp.path(), 1 << 30, Some(Arc::new(flusher))).unwrap();
        let commit = Arc::new(commit);
        let seen = commit.committed();
        let write = |n| {
            let commit = commit.clone();
            tokio::spawn(async move { commit.record(&[record(n)]).await })
        };
        let first = write(1);
        let wait = tokio::task::spawn_blocking(move || flush_begins.recv().map(|()| flush_begins));
        let flush_begins = wait.await.unwrap().unwrap();
        assert_eq!((seen.borrow().offset, std::fs::read(temp.path().join("binlog.000")).unwrap().len()), (0, 26));
        go_on.send(Ok(())).unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(seen.borrow().offset, 26);
        // One whose flush fails is never seen.
        let second = write(2);
        tokio::task::spawn_blocking(move || flush_begins.recv()).await.unwrap().unwrap();
        go_on.send(Err(std::io::ErrorKind::Other.into())).unwrap();
        assert!(second.await.unwrap().is_err());
        assert_eq!(seen.borrow().offset, 26);
    }
}
