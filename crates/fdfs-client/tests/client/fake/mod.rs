//! A tracker and storages for tests.

mod server;
mod storage;
mod tracker;

use std::time::{Duration, Instant};

pub(crate) use server::{Server, refused_addr};
pub(crate) use storage::{FakeStorage, Mood, id_of};
pub(crate) use tracker::FakeTracker;

use fdfs_client::{Client, ClientBuilder};

/// Longer than anything takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// One tracker and some storages of group1.
pub(crate) struct Cluster {
    pub(crate) tracker: FakeTracker,
    pub(crate) storages: Vec<FakeStorage>,
}

impl Cluster {
    pub(crate) async fn start(storage_count: usize) -> Self {
        let mut storages = Vec::new();
        for _ in 0..storage_count {
            storages.push(FakeStorage::start().await);
        }
        let tracker = FakeTracker::start(storages.iter().map(|s| s.server.addr).collect()).await;
        Self { tracker, storages }
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder().tracker(&self.tracker.server.addr.to_string()).connect_timeout(LONG).network_timeout(LONG)
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::task::yield_now().await;
    }
}
