//! Calls that can hold their worker for as long as a disk takes: so many at once, and no more.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::sync::Notify;

/// The right to make such calls, for some tasks at a time. Clones share it.
///
/// Who asks while there is a permit has it at once, also before others that were woken for it and have not come to run yet.
/// Handing it to them would leave it unused until they do, and with short calls more and more would wait.
#[derive(Debug, Clone)]
pub struct Permits(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    free: AtomicUsize,
    waiting: AtomicUsize,
    returned: Notify,
}

/// The right to make such calls until it is dropped. It is not kept while a peer is waited for: a slow one would hold up
/// everybody else.
#[derive(Debug)]
#[must_use]
pub struct Permit<'a>(&'a Shared);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        // In one order for all: either this sees who waits, or who waits sees what is free.
        self.0.free.fetch_add(1, SeqCst);
        if self.0.waiting.load(SeqCst) > 0 {
            self.0.returned.notify_one();
        }
    }
}

/// Counts who waits, also one that gives up.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Permits {
    /// For so many tasks at a time; for one, where `count` is 0.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self(Arc::new(Shared {
            free: AtomicUsize::new(count.max(1)),
            waiting: AtomicUsize::new(0),
            returned: Notify::new(),
        }))
    }

    /// How many nobody holds just now.
    #[must_use]
    pub fn free(&self) -> usize {
        self.0.free.load(SeqCst)
    }

    /// Waits for a permit.
    pub async fn take(&self) -> Permit<'_> {
        match self.0.try_take() {
            Some(permit) => permit,
            None => self.0.wait().await,
        }
    }
}

impl Shared {
    fn try_take(&self) -> Option<Permit<'_>> {
        self.free.fetch_update(SeqCst, SeqCst, |free| free.checked_sub(1)).is_ok().then(|| Permit(self))
    }

    async fn wait(&self) -> Permit<'_> {
        self.waiting.fetch_add(1, SeqCst);
        let _waiting = Waiting(&self.waiting);
        loop {
            // Heard from here on, even before it is awaited: what is returned before the next look is seen by it.
            let mut returned = pin!(self.returned.notified());
            returned.as_mut().enable();
            if let Some(permit) = self.try_take() {
                return permit;
            }
            returned.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn a_permit_comes_when_another_ends() {
        let permits = Permits::new(0);
        let same = permits.clone();
        let held = permits.take().await;
        assert_eq!((permits.free(), same.free()), (0, 0));
        let mut next = std::pin::pin!(same.take());
        assert!(timeout(Duration::ZERO, next.as_mut()).await.is_err());
        drop(held);
        let _held = next.await;
        assert_eq!(permits.free(), 0);
    }

    #[tokio::test]
    async fn one_that_gives_up_leaves_its_permit_to_the_next() {
        let permits = Permits::new(1);
        let held = permits.take().await;
        let mut first = Box::pin(permits.take());
        let mut second = std::pin::pin!(permits.take());
        assert!(timeout(Duration::ZERO, first.as_mut()).await.is_err());
        assert!(timeout(Duration::ZERO, second.as_mut()).await.is_err());
        // The first is woken, and gives up before it runs.
        drop(held);
        drop(first);
        let _held = timeout(Duration::from_secs(20), second).await.unwrap();
        assert_eq!((permits.free(), permits.0.waiting.load(SeqCst)), (0, 0));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn never_more_than_there_are_and_nobody_waits_for_ever() {
        let permits = Permits::new(3);
        let inside = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let (permits, inside) = (permits.clone(), inside.clone());
                tokio::spawn(async move {
                    for round in 0..500 {
                        let permit = permits.take().await;
                        assert!(inside.fetch_add(1, SeqCst) < 3);
                        if round % 7 == 0 {
                            tokio::task::yield_now().await;
                        }
                        inside.fetch_sub(1, SeqCst);
                        drop(permit);
                    }
                })
            })
            .collect();
        for task in tasks {
            timeout(Duration::from_secs(60), task).await.unwrap().unwrap();
        }
        assert_eq!((permits.free(), permits.0.waiting.load(SeqCst)), (3, 0));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn those_that_give_up_keep_nobody_else_waiting() {
        let permits = Permits::new(2);
        let tasks: Vec<_> = (0..32)
            .map(|task| {
                let permits = permits.clone();
                tokio::spawn(async move {
                    for round in 0..500 {
                        // Every other one looks once and goes, at whatever moment that is for the others.
                        if (task + round) % 2 == 0 {
                            let _ = timeout(Duration::ZERO, permits.take()).await;
                            continue;
                        }
                        let permit = permits.take().await;
                        if round % 5 == 0 {
                            tokio::task::yield_now().await;
                        }
                        drop(permit);
                    }
                })
            })
            .collect();
        for task in tasks {
            timeout(Duration::from_secs(60), task).await.unwrap().unwrap();
        }
        assert_eq!((permits.free(), permits.0.waiting.load(SeqCst)), (2, 0));
    }
}
