//! Servers that could not be reached a moment ago.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a server that could not be reached is asked last.
pub(crate) const DEAD_FOR: Duration = Duration::from_secs(30);
/// The most servers that are remembered; a cluster has at most 16 trackers and 512 groups of 32 storages.
const MAX_REMEMBERED: usize = 1024;

/// Servers that could not be reached a moment ago. They are asked last, not never.
///
/// Differs from C: it remembers nothing, and every request that begins with a dead tracker waits for `connect_timeout`
/// (behaviour, W-45).
#[derive(Debug, Default)]
pub(crate) struct DeadPeers(Mutex<HashMap<SocketAddr, Instant>>);

impl DeadPeers {
    /// `addr` could not be reached, or is silent.
    pub(crate) fn note(&self, addr: SocketAddr) {
        let mut dead = self.lock();
        if dead.len() >= MAX_REMEMBERED {
            dead.retain(|_, since| since.elapsed() < DEAD_FOR);
        }
        if dead.len() < MAX_REMEMBERED {
            dead.insert(addr, Instant::now());
        }
    }

    /// `addr` works.
    pub(crate) fn forget(&self, addr: SocketAddr) {
        self.lock().remove(&addr);
    }

    /// Whether `addr` failed a short time ago.
    pub(crate) fn contains(&self, addr: SocketAddr) -> bool {
        self.lock().get(&addr).is_some_and(|since| since.elapsed() < DEAD_FOR)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn w45_a_dead_server_is_remembered_until_it_works_again() {
        let (a, b): (SocketAddr, SocketAddr) = ("10.0.0.1:1".parse().unwrap(), "10.0.0.1:2".parse().unwrap());
        let dead = DeadPeers::default();
        dead.note(a);
        assert!(dead.contains(a) && !dead.contains(b));
        dead.forget(a);
        assert!(!dead.contains(a));
    }

    #[test]
    fn what_is_remembered_is_limited() {
        let dead = DeadPeers::default();
        for port in 0..3000 {
            dead.note(SocketAddr::from(([10, 0, 0, 1], port)));
        }
        assert!(dead.lock().len() <= MAX_REMEMBERED);
    }
}
