//! Calls that can hold their worker for as long as a disk takes: so many at once, and no more.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

/// The right to make such calls, for some tasks at a time. Clones share it.
#[derive(Debug, Clone)]
pub struct Permits(Arc<Semaphore>);

/// The right to make such calls until it is dropped. It is not kept while a peer is waited for: a slow one would hold up
/// everybody else.
#[derive(Debug)]
#[must_use]
pub struct Permit<'a> {
    _permit: Option<SemaphorePermit<'a>>,
}

impl Permits {
    /// For so many tasks at a time; for one, where `count` is 0.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// How many nobody holds just now.
    #[must_use]
    pub fn free(&self) -> usize {
        self.0.available_permits()
    }

    /// Waits for a turn.
    pub async fn take(&self) -> Permit<'_> {
        // The semaphore is never closed, so there always is a permit in the end.
        let permit = match self.0.try_acquire() {
            Ok(permit) => Some(permit),
            Err(_) => self.0.acquire().await.ok(),
        };
        Permit { _permit: permit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_comes_when_another_ends() {
        let permits = Permits::new(0);
        let same = permits.clone();
        let held = permits.take().await;
        assert_eq!((permits.free(), same.free()), (0, 0));
        let mut next = std::pin::pin!(same.take());
        assert!(tokio::time::timeout(std::time::Duration::ZERO, next.as_mut()).await.is_err());
        drop(held);
        let _held = next.await;
        assert_eq!(permits.free(), 0);
    }
}
