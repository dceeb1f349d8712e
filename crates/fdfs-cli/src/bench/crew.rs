//! The threads of the load generator, each with a runtime and its share of the workers, and the gates at which all of
//! them wait for each other.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Barrier, mpsc};
use tokio::task::JoinSet;

use super::failure::Failure;
use super::ids::StoredFile;
use super::routes::Way;
use super::shared::Shared;
use super::tally::Tally;
use super::worker::{CleanUp, Worker};

/// All threads.
#[derive(Debug)]
pub(crate) struct Crew {
    /// Where they wait for each other.
    pub(crate) gates: Arc<Gates>,
    ends: mpsc::UnboundedReceiver<ThreadEnd>,
}

/// Where all threads and the one that conducts them wait for each other. Between two gates the conductor looks at the
/// servers' processes while nobody works.
#[derive(Debug)]
pub(crate) struct Gates {
    /// All are connected, or one failed.
    pub(crate) ready: Barrier,
    /// The run begins.
    pub(crate) start: Barrier,
    /// All have done their last operation.
    pub(crate) finished: Barrier,
    /// Cleaning up begins.
    pub(crate) clean: Barrier,
    failed: Mutex<Option<Failure>>,
}

/// What the workers of one thread, or of all, bring back.
#[derive(Debug, Default)]
pub(crate) struct ThreadEnd {
    /// What they counted, in the order of [`super::plan::Kind::ALL`].
    pub(crate) tallies: [Tally; 3],
    /// What they uploaded and neither deleted nor shall delete.
    pub(crate) files: Vec<StoredFile>,
    /// What became of the files that they shall delete.
    pub(crate) clean_up: CleanUp,
}

impl Gates {
    fn new(thread_count: usize) -> Self {
        let gate = || Barrier::new(thread_count + 1);
        Self { ready: gate(), start: gate(), finished: gate(), clean: gate(), failed: Mutex::default() }
    }

    fn fail(&self, failure: Failure) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
    }

    /// Why not all could connect.
    pub(crate) fn take_failure(&self) -> Option<Failure> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Crew {
    /// Starts the threads, which connect.
    ///
    /// # Errors
    /// The system gives no threads.
    pub(crate) fn start(shared: &Arc<Shared>, way: &Way) -> io::Result<Self> {
        let thread_count = shared.plan.thread_count;
        let gates = Arc::new(Gates::new(thread_count));
        let (sender, ends) = mpsc::unbounded_channel();
        for thread in 0..thread_count {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let (shared, way, gates, sender) = (shared.clone(), way.clone(), gates.clone(), sender.clone());
            let work = move || {
                // Nobody listens any more only when the program ends.
                let _ = sender.send(work(&runtime, thread, &shared, &way, &gates));
            };
            std::thread::Builder::new().name(format!("bench-{thread}")).spawn(work)?;
        }
        Ok(Self { gates, ends })
    }

    /// What the next thread brings back; `None` when all are done.
    pub(crate) async fn next_end(&mut self) -> Option<ThreadEnd> {
        self.ends.recv().await
    }
}

impl ThreadEnd {
    /// Adds another one.
    pub(crate) fn merge(&mut self, other: Self) {
        for (tally, more) in self.tallies.iter_mut().zip(&other.tallies) {
            tally.merge(more);
        }
        self.files.extend(other.files);
        self.clean_up.merge(other.clean_up);
    }
}

/// The life of a thread.
fn work(runtime: &Runtime, thread: usize, shared: &Arc<Shared>, way: &Way, gates: &Gates) -> ThreadEnd {
    runtime.block_on(async {
        let mut workers = Vec::new();
        for index in (thread..shared.plan.connection_count).step_by(shared.plan.thread_count) {
            if shared.is_stopped() {
                break;
            }
            match Worker::open(shared.clone(), way.clone(), index).await {
                Ok(worker) => workers.push(worker),
                Err(failure) => {
                    gates.fail(failure);
                    shared.stop();
                }
            }
        }
        gates.ready.wait().await;
        gates.start.wait().await;
        let workers = all(workers.into_iter().map(|mut worker| async move {
            worker.run().await;
            worker
        }));
        let mut workers = workers.await;
        gates.finished.wait().await;
        gates.clean.wait().await;
        let mut end = ThreadEnd::default();
        if shared.plan.cleans_up {
            let cleaned = all(workers.into_iter().map(|mut worker| async move {
                let done = worker.clean_up().await;
                (worker, done)
            }));
            workers = Vec::new();
            for (worker, done) in cleaned.await {
                end.clean_up.merge(done);
                workers.push(worker);
            }
        }
        for worker in workers {
            let files = if shared.plan.cleans_up { Vec::new() } else { worker.files };
            end.merge(ThreadEnd { tallies: worker.tallies, files, clean_up: CleanUp::default() });
        }
        end
    })
}

/// Runs all at once and waits for all.
async fn all<T: Send + 'static>(tasks: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let mut set: JoinSet<T> = tasks.collect();
    let mut done = Vec::with_capacity(set.len());
    while let Some(joined) = set.join_next().await {
        match joined {
            Ok(value) => done.push(value),
            // Only a panic, which has been told; the others would wait at the gates for ever. 101 is its exit code.
            Err(_) => std::process::exit(101),
        }
    }
    done
}
