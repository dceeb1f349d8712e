//! What all connections of an HTTP server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::access_log::{Ended, HttpLog, Line};
use crate::h1::stream::Patience;
use crate::pure::answer::Origin;
use crate::pure::settings::Settings;
use crate::site::Site;
use crate::stats::Stats;

/// What all connections of an HTTP server share.
#[derive(Debug)]
pub struct Server<S> {
    /// What serves.
    pub site: S,
    settings: watch::Sender<Arc<Settings>>,
    /// How long clients may take.
    pub patience: Patience,
    /// What is counted.
    pub stats: Stats,
    /// A line for each request, where that is wanted.
    pub access_log: Option<HttpLog>,
    /// No further request is taken once it is cancelled.
    pub shutdown: CancellationToken,
    busy: AtomicUsize,
    connections: AtomicUsize,
}

/// How files are served, as a connection has last seen it: to see that nothing has changed costs no lock.
#[derive(Debug)]
pub struct CurrentSettings {
    news: watch::Receiver<Arc<Settings>>,
    known: Arc<Settings>,
}

impl CurrentSettings {
    /// As it is now.
    pub fn get(&mut self) -> &Settings {
        if self.news.has_changed().unwrap_or(false) {
            self.known = self.news.borrow_and_update().clone();
        }
        &self.known
    }
}

/// Counts a request or a connection until it is dropped.
#[derive(Debug)]
pub struct Busy<'a>(&'a AtomicUsize);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// Counts a request that outlives its caller.
#[derive(Debug)]
pub struct SharedBusy<S>(Arc<Server<S>>);

impl<S> SharedBusy<S> {
    /// The server.
    #[must_use]
    pub const fn server(&self) -> &Arc<Server<S>> {
        &self.0
    }
}

impl<S> Drop for SharedBusy<S> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Release);
    }
}

impl<S: Site> Server<S> {
    /// A server of a site.
    #[must_use]
    pub fn new(site: S, settings: Settings, patience: Patience, shutdown: CancellationToken) -> Self {
        Self {
            site,
            settings: watch::Sender::new(Arc::new(settings)),
            patience,
            stats: Stats::default(),
            access_log: None,
            shutdown,
            busy: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
        }
    }

    /// With a log of its requests.
    #[must_use]
    pub fn logging(mut self, log: Option<HttpLog>) -> Self {
        self.access_log = log;
        self
    }

    /// How files are served. A request keeps to what it began with.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.borrow().clone()
    }

    /// How files are served, for a connection that asks before each of its requests.
    #[must_use]
    pub fn current_settings(&self) -> CurrentSettings {
        let mut news = self.settings.subscribe();
        let known = news.borrow_and_update().clone();
        CurrentSettings { news, known }
    }

    /// The configuration was read again: requests that begin from now on are served like this.
    pub fn set_settings(&self, settings: Settings) {
        self.settings.send_replace(Arc::new(settings));
    }

    /// The signal HUP: begins a new file of the log of requests.
    pub fn hang_up(&self) {
        if let Some(log) = &self.access_log {
            log.hang_up();
        }
    }

    /// An answer went out, or as much of it as its client took.
    pub fn ended(&self, ended: Ended, origin: Origin, line: Option<Box<Line>>) {
        self.stats.count(ended.status, ended.body_bytes, ended.took);
        if !ended.is_whole {
            self.stats.cut.fetch_add(1, Ordering::Relaxed);
        }
        match origin {
            Origin::Ours => {}
            Origin::Here => self.site.served(ended.body_bytes, ended.is_whole),
            Origin::Elsewhere => {
                self.stats.fetched.fetch_add(1, Ordering::Relaxed);
            }
        }
        if let (Some(log), Some(line)) = (&self.access_log, line) {
            log.end(*line, ended);
        }
    }

    /// A request begins; it ends when the value is dropped.
    pub fn begin(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(&self.busy)
    }

    /// A request begins that outlives its caller; it ends when the value is dropped.
    #[must_use]
    pub fn begin_shared(self: &Arc<Self>) -> SharedBusy<S> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        SharedBusy(self.clone())
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

    /// The time, unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        i64::try_from(self.now_us() / 1_000_000).unwrap_or(i64::MAX)
    }

    /// The time, unix microseconds.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}
