//! Servers that could not be reached a moment ago.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a server that did not answer is asked last: finding that out again costs a time-out.
pub(crate) const SILENT_FOR: Duration = Duration::from_secs(30);
/// How long one that refused is: finding that out again costs nothing, and a restart takes a second.
const REFUSED_FOR: Duration = Duration::from_secs(3);
/// After that time one request tries it again, and for so long all others still take it for dead.
const TRIAL: Duration = Duration::from_secs(10);
/// The most servers that are remembered; a cluster has at most 16 trackers and 512 groups of 32 storages.
const MAX_REMEMBERED: usize = 1024;

/// Servers that could not be reached a moment ago. They are asked last, not never; when their time is over, one request
/// tries them first.
///
/// Differs from C: it remembers nothing, and every request that begins with a dead tracker waits for `connect_timeout`
/// (behaviour, W-45).
#[derive(Debug, Default)]
pub(crate) struct DeadPeers(Mutex<HashMap<SocketAddr, Instant>>);

impl DeadPeers {
    /// `addr` refused a connection.
    pub(crate) fn note_refused(&self, addr: SocketAddr) {
        self.note(addr, REFUSED_FOR);
    }

    /// `addr` could not be reached, or is silent.
    pub(crate) fn note_silent(&self, addr: SocketAddr) {
        self.note(addr, SILENT_FOR);
    }

    fn note(&self, addr: SocketAddr, time: Duration) {
        let (mut dead, now) = (self.lock(), Instant::now());
        if dead.len() >= MAX_REMEMBERED {
            dead.retain(|_, until| *until > now);
        }
        if dead.len() < MAX_REMEMBERED {
            dead.insert(addr, now + time);
        }
    }

    /// `addr` works.
    pub(crate) fn forget(&self, addr: SocketAddr) {
        self.lock().remove(&addr);
    }

    /// Whether `addr` failed a short time ago.
    pub(crate) fn contains(&self, addr: SocketAddr) -> bool {
        let (mut dead, now) = (self.lock(), Instant::now());
        match dead.get_mut(&addr) {
            None => false,
            Some(until) if *until > now => true,
            Some(until) => {
                // This one tries it.
                *until = now + TRIAL;
                false
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn w45_a_dead_server_is_remembered_until_it_works_again() {
        let (a, b): (SocketAddr, SocketAddr) = ("10.0.0.1:1".parse().unwrap(), "10.0.0.1:2".parse().unwrap());
        let dead = DeadPeers::default();
        dead.note_silent(a);
        assert!(dead.contains(a) && !dead.contains(b));
        dead.forget(a);
        assert!(!dead.contains(a));
    }

    #[tokio::test(start_paused = true)]
    async fn when_its_time_is_over_one_request_tries_it() {
        let addr: SocketAddr = "10.0.0.1:1".parse().unwrap();
        let dead = DeadPeers::default();
        dead.note_silent(addr);
        tokio::time::advance(SILENT_FOR).await;
        assert_eq!([(); 3].map(|()| dead.contains(addr)), [false, true, true]);
        dead.note_refused(addr);
        tokio::time::advance(REFUSED_FOR).await;
        assert!(!dead.contains(addr));
    }

    #[test]
    fn what_is_remembered_is_limited() {
        let dead = DeadPeers::default();
        for port in 0..3000 {
            dead.note_silent(SocketAddr::from(([10, 0, 0, 1], port)));
        }
        assert!(dead.lock().len() <= MAX_REMEMBERED);
    }
}
