//! Idle connections kept for the next call to the same address.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::{CallOptions, Caller, NetError};

/// How many connections are kept and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolOptions {
    /// An idle connection is thrown away after this time, key `connection_pool_max_idle_time`.
    pub max_idle_time: Duration,
    /// The most idle connections kept to one address; 0 keeps none, as `use_connection_pool = false` asks.
    pub max_idle_per_addr: usize,
}

impl Default for PoolOptions {
    /// An hour, as the reference, and 64 connections.
    fn default() -> Self {
        Self { max_idle_time: Duration::from_secs(3600), max_idle_per_addr: 64 }
    }
}

/// Idle connections by address. Clones are the same pool.
///
/// Differs from C: a connection that the server has closed meanwhile is noticed before it is used again, and does not
/// cost a failed call (behaviour, W-36).
#[derive(Debug, Clone)]
pub struct Pool {
    options: PoolOptions,
    idle: Arc<Mutex<HashMap<SocketAddr, Vec<Idle>>>>,
}

#[derive(Debug)]
struct Idle {
    caller: Caller,
    since: Instant,
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(options: PoolOptions) -> Self {
        Self { options, idle: Arc::default() }
    }

    /// A connection to `addr`: an idle one that is still good, or a new one. It goes back when dropped, if the last
    /// answer was read to its end.
    ///
    /// # Errors
    /// Those of [`Caller::connect`].
    pub async fn take(&self, addr: SocketAddr, options: &CallOptions) -> Result<Pooled, NetError> {
        match self.take_idle(addr, options) {
            Some(pooled) => Ok(pooled),
            None => self.connect(addr, options).await,
        }
    }

    /// A new connection to `addr`, even when idle ones are there: for the second try after one of those failed.
    ///
    /// # Errors
    /// Those of [`Caller::connect`].
    pub async fn connect(&self, addr: SocketAddr, options: &CallOptions) -> Result<Pooled, NetError> {
        let caller = Caller::connect(addr, options).await?;
        Ok(Pooled { caller: Some(caller), pool: self.clone(), idle: None })
    }

    /// An idle connection that is still good.
    #[must_use]
    pub fn take_idle(&self, addr: SocketAddr, options: &CallOptions) -> Option<Pooled> {
        loop {
            // The youngest first, so that those beyond need grow old and go.
            let Idle { mut caller, since } = self.lock().get_mut(&addr)?.pop()?;
            if since.elapsed() < self.options.max_idle_time && caller.is_alive() {
                caller.set_network_timeout(options.network_timeout);
                let idle = Some(since.elapsed());
                return Some(Pooled { caller: Some(caller), pool: self.clone(), idle });
            }
        }
    }

    /// Throws away the idle connections to `addr`, because one of them turned out to be dead.
    pub fn forget(&self, addr: SocketAddr) {
        self.lock().remove(&addr);
    }

    /// Throws away what was idle for too long. To be called now and then; [`Pool::take`] never gives such ones.
    pub fn expire(&self) {
        let max_idle_time = self.options.max_idle_time;
        self.lock().retain(|_, idle| {
            idle.retain(|idle| idle.since.elapsed() < max_idle_time);
            !idle.is_empty()
        });
    }

    /// How many connections are idle.
    #[must_use]
    pub fn idle_count(&self) -> usize {
        self.lock().values().map(Vec::len).sum()
    }

    fn put(&self, caller: Caller) {
        let mut idle = self.lock();
        let of_addr = idle.entry(caller.peer_addr()).or_default();
        if of_addr.len() < self.options.max_idle_per_addr {
            of_addr.push(Idle { caller, since: Instant::now() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection on loan; it goes back when dropped, if it can be used again.
#[derive(Debug)]
pub struct Pooled {
    /// `None` only while it is being dropped.
    caller: Option<Caller>,
    pool: Pool,
    /// How long it was idle; `None` for a new one.
    idle: Option<Duration>,
}

impl Pooled {
    /// Whether it was idle before. A call on such a one that fails before a byte of the answer
    /// ([`Caller::answer_begun`]) with [`NetError::is_closed`] is worth one more try on a new connection.
    #[must_use]
    pub const fn was_reused(&self) -> bool {
        self.idle.is_some()
    }

    /// How long it was idle before it was taken; 0 for a new one.
    #[must_use]
    pub fn idle_time(&self) -> Duration {
        self.idle.unwrap_or_default()
    }
}

impl Deref for Pooled {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        self.caller.as_ref().expect("the caller is there until the drop")
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Caller {
        self.caller.as_mut().expect("the caller is there until the drop")
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if let Some(caller) = self.caller.take().filter(Caller::is_reusable) {
            self.pool.put(caller);
        }
    }
}

#[cfg(test)]
mod tests;
