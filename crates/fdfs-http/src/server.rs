//! What all connections of an HTTP server share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;

use crate::h1::stream::Patience;
use crate::pure::settings::Settings;
use crate::site::Site;
use crate::stats::Stats;

/// What all connections of an HTTP server share.
#[derive(Debug)]
pub struct Server<S> {
    /// What serves.
    pub site: S,
    /// How.
    pub settings: Settings,
    /// How long clients may take.
    pub patience: Patience,
    /// What is counted.
    pub stats: Stats,
    /// No further request is taken once it is cancelled.
    pub shutdown: CancellationToken,
    busy: AtomicUsize,
    connections: AtomicUsize,
}

/// Counts a request or a connection until it is dropped.
#[derive(Debug)]
pub struct Busy<'a>(&'a AtomicUsize);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

impl<S: Site> Server<S> {
    /// A server of a site.
    #[must_use]
    pub fn new(site: S, settings: Settings, patience: Patience, shutdown: CancellationToken) -> Self {
        Self {
            site,
            settings,
            patience,
            stats: Stats::default(),
            shutdown,
            busy: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
        }
    }

    /// A request begins; it ends when the value is dropped.
    pub fn begin(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(&self.busy)
    }

    /// A connection begins; it ends when the value is dropped.
    pub fn open_connection(&self) -> Busy<'_> {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Busy(&self.connections)
    }

    /// Connections that are open.
    #[must_use]
    pub fn connection_count(&self) -> u32 {
        u32::try_from(self.connections.load(Ordering::Acquire)).unwrap_or(u32::MAX)
    }

    /// Requests in work.
    #[must_use]
    pub fn busy_count(&self) -> usize {
        self.busy.load(Ordering::Acquire)
    }

    /// The time, unix microseconds.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}
