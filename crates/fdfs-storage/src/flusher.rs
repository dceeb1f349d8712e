//! Group commit: one flush of a file system serves everybody who asked before it began.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::watch;

/// Why a flush did not happen. It is never tried again: after a failed sync the kernel may have dropped the dirty pages,
/// and a second sync would report success for bytes that never reached the disk.
#[derive(Debug, Clone, thiserror::Error)]
#[error("sync of {what}: {source}; nothing more is written there until the storage is started again")]
pub struct FlushError {
    /// What was being synced.
    pub what: String,
    /// What the operating system said.
    pub source: Arc<io::Error>,
}

#[derive(Debug, Default)]
struct Wanted {
    /// Flushes asked for so far.
    tickets: u64,
    is_stopping: bool,
}

#[derive(Debug)]
struct Shared {
    wanted: Mutex<Wanted>,
    wake: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Wanted> {
        // Nothing panics while it is held; the counters are sound in any case.
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the flushing thread has done so far.
#[derive(Debug, Clone, Default)]
struct Done {
    ticket: u64,
    /// Flushes that succeeded.
    count: u64,
    failed: Option<FlushError>,
}

/// Flushes one file system on demand, on a thread of its own: a disk that hangs in a flush stops nobody else.
#[derive(Debug)]
pub struct Flusher {
    shared: Arc<Shared>,
    done: watch::Receiver<Done>,
    thread: Option<JoinHandle<()>>,
}

impl Flusher {
    /// Starts the thread. `sync` flushes; `what` names it in messages; `on_failure` is told of the first failure.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        what: String,
        mut sync: impl FnMut() -> io::Result<()> + Send + 'static,
        on_failure: impl FnOnce(&FlushError) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared { wanted: Mutex::new(Wanted::default()), wake: Condvar::new() });
        let (tell, done) = watch::channel(Done::default());
        let seen = shared.clone();
        let thread = std::thread::Builder::new().name("fdfs-flush".into()).spawn(move || {
            let mut served = 0;
            loop {
                let mut wanted = seen.lock();
                while wanted.tickets == served && !wanted.is_stopping {
                    wanted = seen.wake.wait(wanted).unwrap_or_else(PoisonError::into_inner);
                }
                if wanted.tickets == served {
                    return;
                }
                served = wanted.tickets;
                drop(wanted);
                if let Err(source) = sync() {
                    let error = FlushError { what, source: Arc::new(source) };
                    on_failure(&error);
                    tell.send_modify(|done| (done.ticket, done.failed) = (u64::MAX, Some(error)));
                    return;
                }
                tell.send_modify(|done| (done.ticket, done.count) = (served, done.count + 1));
            }
        })?;
        Ok(Self { shared, done, thread: Some(thread) })
    }

    /// Flushes that were asked for, and flushes that were made for them.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.shared.lock().tickets, self.done.borrow().count)
    }

    /// Waits for a flush that begins after this call: what was written before is durable then.
    ///
    /// # Errors
    /// [`FlushError`], also for every call after the first failure.
    pub async fn flush(&self) -> Result<(), FlushError> {
        let ticket = {
            let mut wanted = self.shared.lock();
            wanted.tickets += 1;
            wanted.tickets
        };
        self.shared.wake.notify_one();
        let mut done = self.done.clone();
        match done.wait_for(|done| done.ticket >= ticket).await {
            Ok(done) => done.failed.clone().map_or(Ok(()), Err),
            // The thread ends only when the flusher is dropped, or after it has told of a failure.
            Err(_) => Err(FlushError {
                what: "a store that is being closed".into(),
                source: Arc::new(io::ErrorKind::Interrupted.into()),
            }),
        }
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.shared.lock().is_stopping = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.is_finished()
        {
            // A thread that hangs in a dead disk is left to the end of the process.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    #[tokio::test]
    async fn many_requests_share_a_flush_and_none_is_served_by_one_that_began_before() {
        let count = Arc::new(AtomicUsize::new(0));
        let (let_go, gate) = mpsc::channel::<()>();
        let counter = count.clone();
        let sync = move || {
            counter.fetch_add(1, Ordering::SeqCst);
            gate.recv().map_err(io::Error::other)
        };
        let flusher = Arc::new(Flusher::start("a disk".into(), sync, |_| {}).unwrap());
        let ask = || {
            let flusher = flusher.clone();
            tokio::spawn(async move { flusher.flush().await })
        };
        let first = ask();
        while count.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let rest: Vec<_> = (0..20).map(|_| ask()).collect();
        while flusher.shared.lock().tickets < 21 {
            tokio::task::yield_now().await;
        }
        let_go.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert!(rest.iter().all(|task| !task.is_finished()), "served by a flush that began before they asked");
        let_go.send(()).unwrap();
        for task in rest {
            task.await.unwrap().unwrap();
        }
        assert_eq!(count.load(Ordering::SeqCst), 2);
        assert_eq!(flusher.counts(), (21, 2));
    }

    #[tokio::test]
    async fn a_failed_sync_is_told_to_all_and_never_tried_again() {
        let count = Arc::new(AtomicUsize::new(0));
        let (counter, (tell, told)) = (count.clone(), mpsc::channel());
        let sync = move || {
            counter.fetch_add(1, Ordering::SeqCst);
            Err(io::Error::from_raw_os_error(5))
        };
        let flusher = Flusher::start("a disk".into(), sync, move |e| tell.send(e.to_string()).unwrap()).unwrap();
        for _ in 0..3 {
            assert_eq!(flusher.flush().await.unwrap_err().source.raw_os_error(), Some(5));
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
        assert!(told.recv().unwrap().contains("a disk"));
    }
}
