//! What all workers of a run share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::content::Pool;
use super::failure::{Cause, Failure};
use super::ids::StoredFile;
use super::plan::{Kind, Plan};

/// So many failures are told in words, each cause once.
const TOLD_MAX: usize = 5;

/// What all workers of a run share. Nothing in it is locked but by operations that fail.
#[derive(Debug)]
pub(crate) struct Shared {
    /// What the run does.
    pub(crate) plan: Plan,
    /// What the files contain.
    pub(crate) pool: Pool,
    /// Files to download or to delete.
    pub(crate) files: Vec<StoredFile>,
    /// Operations that hang are given up.
    pub(crate) abort: CancellationToken,
    /// Files that were uploaded are left where they are.
    pub(crate) leave: CancellationToken,
    /// For the progress: operations that succeeded, failed, and bytes moved.
    pub(crate) progress: Counters,
    next_operation: AtomicU64,
    next_upload: AtomicU64,
    stop: AtomicBool,
    deadline: OnceLock<Instant>,
    told: Mutex<Told>,
}

/// Counts for the progress, a little behind the tallies.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Operations that succeeded.
    pub(crate) success_count: AtomicU64,
    /// Operations that failed.
    pub(crate) failure_count: AtomicU64,
    /// Bytes of content.
    pub(crate) bytes: AtomicU64,
    /// Files that were deleted behind the run.
    pub(crate) cleaned_count: AtomicU64,
}

#[derive(Debug, Default)]
struct Told {
    seen: Vec<(Kind, Cause)>,
    waiting: Vec<String>,
}

impl Shared {
    /// Nothing has begun.
    pub(crate) fn new(plan: Plan, files: Vec<StoredFile>) -> Self {
        Self {
            plan,
            pool: Pool::new(),
            files,
            abort: CancellationToken::new(),
            leave: CancellationToken::new(),
            progress: Counters::default(),
            next_operation: AtomicU64::new(0),
            next_upload: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            deadline: OnceLock::new(),
            told: Mutex::default(),
        }
    }

    /// The time of the run begins; no operation begins after its end.
    pub(crate) fn start_clock(&self, duration: Option<Duration>) {
        if let Some(deadline) = duration.and_then(|duration| Instant::now().checked_add(duration)) {
            // Set once; a second start would be a second run.
            let _ = self.deadline.set(deadline);
        }
    }

    /// No further operation begins.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether somebody ended it early.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The number of the next operation; `None` when there is none any more.
    pub(crate) fn next_operation(&self) -> Option<u64> {
        if self.is_stopped() || self.deadline.get().is_some_and(|deadline| Instant::now() >= *deadline) {
            return None;
        }
        let number = self.next_operation.fetch_add(1, Ordering::Relaxed);
        self.plan.count.is_none_or(|count| number < count).then_some(number)
    }

    /// The number of the next new file, which its size and content follow from.
    pub(crate) fn next_upload(&self) -> u64 {
        self.next_upload.fetch_add(1, Ordering::Relaxed)
    }

    /// The file that an operation is about, of those that are given; they are taken in turns.
    pub(crate) fn file(&self, number: u64) -> Option<&StoredFile> {
        let index = usize::try_from(number % (self.files.len() as u64).max(1)).ok()?;
        self.files.get(index)
    }

    /// Has the failure told to the user, unless enough were told, or one like it.
    pub(crate) fn tell(&self, kind: Kind, failure: &Failure) {
        let like = (kind, failure.cause());
        let mut told = self.told();
        if told.seen.len() < TOLD_MAX && !told.seen.contains(&like) {
            told.seen.push(like);
            told.waiting.push(format!("{}: {failure}{}", kind.name(), failure.cause().hint(kind)));
        }
    }

    /// What is to be told now.
    pub(crate) fn take_told(&self) -> Vec<String> {
        std::mem::take(&mut self.told().waiting)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        // Lists are never half changed.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::failure::Server;
    use super::super::plan::Work;
    use super::super::sizes::Sizes;
    use super::*;
    use fdfs_proto::Status;

    fn shared(count: Option<u64>) -> Shared {
        let plan = Plan {
            work: Work::Only(Kind::Upload),
            sizes: Sizes::Fixed(1),
            connection_count: 1,
            thread_count: 1,
            duration: None,
            count,
            verify: false,
            group: None,
            remembers: false,
            cleans_up: false,
        };
        Shared::new(plan, Vec::new())
    }

    #[test]
    fn operations_end_with_their_count_their_time_or_a_stop() {
        let counted = shared(Some(2));
        assert_eq!([(); 4].map(|()| counted.next_operation()), [Some(0), Some(1), None, None]);
        let timed = shared(None);
        assert_eq!(timed.next_operation(), Some(0));
        timed.start_clock(Some(Duration::ZERO));
        assert_eq!(timed.next_operation(), None);
        let stopped = shared(None);
        stopped.stop();
        assert_eq!((stopped.next_operation(), stopped.file(7)), (None, None));
    }

    #[test]
    fn the_first_failure_of_each_cause_is_told_and_not_too_many() {
        let shared = shared(None);
        let peer = "10.0.0.1:1".parse().unwrap();
        let fail = |errno| {
            let failure = Failure::Refused { server: Server::Storage, peer, status: Status(errno) };
            shared.tell(Kind::Upload, &failure);
        };
        [28, 28, 28, 5].into_iter().for_each(fail);
        let told = shared.take_told();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("upload: storage 10.0.0.1:1 answers 28 ENOSPC"), "{told:?}");
        assert!(told[0].contains("reserved_storage_space"), "{told:?}");
        (100..200).for_each(fail);
        assert_eq!(shared.take_told().len(), TOLD_MAX - 2);
    }
}
