//! The thread that flushes, rotates and tidies logs.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;

use crate::ServerLog;

/// Something to look after about once a second.
pub trait Tick: Send + Sync + 'static {
    /// Does what is due at `now`. May wait for disks.
    fn tick(&self, now: Timestamp);

    /// Does what cannot be left undone at the end.
    fn finish(&self, now: Timestamp) {
        self.tick(now);
    }
}

/// How often logs are looked after.
const TICK_INTERVAL: Duration = Duration::from_secs(1);

/// A thread that ticks for logs. It ends with a last tick when this is dropped.
///
/// A thread of its own, so that a log disk that hangs holds up nothing else, and a runtime under load does not hold up
/// the logs.
#[derive(Debug)]
pub struct LogTimer {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    is_wanted: Mutex<bool>,
    changed: Condvar,
}

impl LogTimer {
    /// Starts the thread. What it has to say itself goes to `server_log`.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(server_log: &ServerLog, logs: Vec<Arc<dyn Tick>>) -> std::io::Result<Self> {
        Self::start_in(server_log.dispatch(), logs)
    }

    /// Starts the thread. What it has to say itself goes where the caller logs.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start_here(logs: Vec<Arc<dyn Tick>>) -> std::io::Result<Self> {
        Self::start_in(tracing::dispatcher::get_default(Clone::clone), logs)
    }

    fn start_in(dispatch: tracing::Dispatch, logs: Vec<Arc<dyn Tick>>) -> std::io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let run = {
            let stop = stop.clone();
            move || {
                let _entered = tracing::dispatcher::set_default(&dispatch);
                while !stop.wait(TICK_INTERVAL) {
                    logs.iter().for_each(|log| log.tick(Timestamp::now()));
                }
                logs.iter().for_each(|log| log.finish(Timestamp::now()));
            }
        };
        let thread = std::thread::Builder::new().name("log-timer".into()).spawn(run)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Stop {
    /// Waits for `interval` or the wish to stop; whether it is wished.
    fn wait(&self, interval: Duration) -> bool {
        let is_wanted = self.is_wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(is_wanted, interval, |is_wanted| !*is_wanted);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for LogTimer {
    fn drop(&mut self) {
        *self.stop.is_wanted.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // Its panic has been shown; there is nothing to add.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CapturedLog, Level};
    use std::sync::atomic::{AtomicU32, Ordering};

    #[derive(Default)]
    struct Counting {
        ticks: AtomicU32,
        ends: AtomicU32,
    }

    impl Tick for Counting {
        fn tick(&self, _: Timestamp) {
            self.ticks.fetch_add(1, Ordering::SeqCst);
        }
        fn finish(&self, _: Timestamp) {
            tracing::info!("the end");
            self.ends.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn the_end_comes_once_and_at_once() {
        let log = Arc::new(Counting::default());
        let start = std::time::Instant::now();
        let captured = CapturedLog::new();
        let server_log = ServerLog::new(captured.clone(), Level::Info);
        drop(LogTimer::start(&server_log, vec![log.clone()]).unwrap());
        assert!(captured.contains("the end"));
        assert_eq!(log.ends.load(Ordering::SeqCst), 1);
        assert!(log.ticks.load(Ordering::SeqCst) <= 1);
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}
