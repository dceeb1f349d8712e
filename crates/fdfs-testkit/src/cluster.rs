//! A cluster in this process.

use std::net::SocketAddr;
use std::path::PathBuf;

use fdfs_client::{Client, StorageRecord};
use fdfs_proto::file_id::LogicName;
use fdfs_proto::limits::GROUP_NAME_LEN;
use fdfs_proto::shared::StorageStatus;

use crate::layout::{Layout, LayoutBuilder};
use crate::links::{Link, Links, Node};
use crate::loopback::Loopback;
use crate::node::{StorageNode, TrackerNode};
use crate::problems::ExpectedProblems;
use crate::raw::RawConn;
use crate::view::View;
use crate::wait::wait_for;

/// Upload of a file.
const UPLOAD_FILE: u8 = 11;

/// Trackers and storages in this process. When it goes, all are stopped, and nobody may have complained of anything that
/// the test did not expect.
#[derive(Debug)]
pub struct Cluster {
    /// The trackers.
    pub trackers: Vec<TrackerNode>,
    /// The storages, group by group.
    pub storages: Vec<StorageNode>,
    /// Its addresses; the hosts from 200 on are not used.
    pub loopback: Loopback,
    view: View,
    links: Option<Links>,
    expected: ExpectedProblems,
    /// Kept for its folder, which goes last.
    dir: tempfile::TempDir,
}

impl LayoutBuilder {
    /// Lays the cluster out and starts nothing.
    ///
    /// # Panics
    /// When there are no threads.
    #[must_use]
    pub fn build(&self) -> Cluster {
        Cluster::of(self.lay_out())
    }

    /// Starts everything, and waits until all storages are ACTIVE.
    #[must_use]
    pub fn start(&self) -> Cluster {
        let mut cluster = self.build();
        cluster.trackers.iter_mut().for_each(TrackerNode::start);
        let last = cluster.storages.iter().map(|storage| storage.plan.index).max().unwrap_or(0);
        // The first storage of a group first: a second one that is new, too, would have nobody to ask for files, which is
        // worth a warning.
        for index in 0..=last {
            cluster.start_storages(|storage| storage.plan.index == index);
            cluster.wait_until_active_where(|storage| storage.plan.index == index);
        }
        cluster
    }
}

impl Cluster {
    /// Describes a cluster.
    #[must_use]
    pub fn builder() -> LayoutBuilder {
        LayoutBuilder::default()
    }

    /// One tracker, `group1` with one storage: what most tests need.
    #[must_use]
    pub fn small() -> Self {
        Self::builder().group("group1", 1).start()
    }

    fn of(layout: Layout) -> Self {
        let expected = ExpectedProblems::default();
        let view = View::new(&layout);
        let tracker = |plan| TrackerNode::new(plan, expected.clone());
        let storage = |plan| StorageNode::new(plan, expected.clone());
        Self {
            trackers: layout.trackers.into_iter().map(tracker).collect(),
            storages: layout.storages.into_iter().map(storage).collect(),
            loopback: layout.loopback,
            view,
            links: layout.links,
            expected: expected.clone(),
            dir: layout.dir,
        }
    }

    /// Starts all trackers, then all storages side by side.
    ///
    /// # Panics
    /// When one does not start.
    pub fn start_all(&mut self) {
        self.trackers.iter_mut().for_each(TrackerNode::start);
        self.start_storages(|_| true);
    }

    fn start_storages(&mut self, which: impl Fn(&StorageNode) -> bool) {
        std::thread::scope(|scope| {
            for storage in self.storages.iter_mut().filter(|storage| which(storage)) {
                scope.spawn(|| storage.start());
            }
        });
    }

    /// Stops all storages, then all trackers.
    pub fn stop_all(&mut self) {
        std::thread::scope(|scope| {
            for storage in &mut self.storages {
                scope.spawn(|| storage.stop());
            }
        });
        self.trackers.iter_mut().for_each(TrackerNode::stop);
    }

    /// Stops everything, starts everything, and waits until all storages are ACTIVE.
    pub fn restart_all(&mut self) {
        self.stop_all();
        self.start_all();
        self.wait_until_active();
    }

    /// Waits until the first tracker takes every storage for ACTIVE and knows of its space: before, it offers none for
    /// uploads.
    ///
    /// # Panics
    /// When that does not come.
    pub fn wait_until_active(&self) {
        self.wait_until_active_where(|_| true);
    }

    fn wait_until_active_where(&self, which: impl Fn(&StorageNode) -> bool) {
        let storages = self.storages.iter().filter(|storage| which(storage));
        storages.for_each(|storage| self.view.wait_until_active(&storage.plan));
    }

    /// Waits until the first tracker gives a storage this status.
    ///
    /// # Panics
    /// When that does not come.
    pub fn wait_for_status(&self, storage: &StorageNode, status: StorageStatus) {
        self.view.wait_for_status(&storage.plan, status);
    }

    /// What the trackers say of a storage.
    #[must_use]
    pub fn record(&self, storage: &StorageNode) -> Option<StorageRecord> {
        self.view.record(&storage.plan)
    }

    /// Waits until small files that come to this storage go into slots of trunk files: a group that is ACTIVE may not know
    /// its trunk server yet. Leaves files behind.
    ///
    /// # Panics
    /// When that does not come.
    pub fn wait_for_slots(&self, index: usize) {
        let probe = b"is there a slot?";
        let mut body = vec![0];
        body.extend_from_slice(&(probe.len() as u64).to_be_bytes());
        body.extend_from_slice(b"txt\0\0\0");
        body.extend_from_slice(probe);
        wait_for("small files to go into slots", || {
            let stored = self.to_storage(index).ask(UPLOAD_FILE, &body).ok();
            let name: LogicName = std::str::from_utf8(&stored[GROUP_NAME_LEN..]).ok()?.parse().ok()?;
            name.trunk_part().map(drop)
        });
    }

    /// From now on this happens to what `from` sends to `to`.
    pub fn set_link(&self, from: Node, to: Node, link: Link) {
        self.links().set(from, to, link);
    }

    /// All links.
    ///
    /// # Panics
    /// Without [`LayoutBuilder::proxies`].
    #[must_use]
    pub fn links(&self) -> &Links {
        self.links.as_ref().expect("the cluster has proxies")
    }

    /// A client of this cluster, for [`Cluster::block_on`].
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.view.client
    }

    /// Runs a call of the client.
    pub fn block_on<F: Future>(&self, call: F) -> F::Output {
        self.view.block_on(call)
    }

    /// The address of the first tracker.
    #[must_use]
    pub fn tracker_addr(&self) -> SocketAddr {
        self.trackers[0].addr()
    }

    /// A raw connection to the first tracker, past its proxy.
    #[must_use]
    pub fn to_tracker(&self) -> RawConn {
        RawConn::connect(self.trackers[0].plan.real_addr)
    }

    /// A raw connection to a storage, past its proxy.
    #[must_use]
    pub fn to_storage(&self, index: usize) -> RawConn {
        RawConn::connect(self.storages[index].plan.real_addr)
    }

    /// Lines with this text are no reason for the test to fail, whoever logs them.
    pub fn expect_problem(&self, pattern: &str) {
        self.expected.expect(pattern);
    }

    /// Trackers that are away are no reason for the test to fail.
    pub fn expect_lost_trackers(&self) {
        for pattern in ["tried again until it works", "is the server running"] {
            self.expect_problem(pattern);
        }
    }

    /// A folder of its own for the test.
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    fn unexpected(&self) -> Vec<String> {
        let trackers = self.trackers.iter().map(|node| (format!("tracker {}", node.addr()), &node.log));
        let storages = self.storages.iter().map(|node| (format!("storage {}", node.addr()), &node.log));
        let of = |(name, log): (String, _)| {
            self.expected.unexpected(log).into_iter().map(move |line| format!("{name}: {line}")).collect::<Vec<_>>()
        };
        trackers.chain(storages).flat_map(of).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop_all();
        let unexpected = self.unexpected();
        // A test that fails already says enough.
        if !unexpected.is_empty() && !std::thread::panicking() {
            panic!("servers complained:\n{}", unexpected.join("\n"));
        }
        for line in unexpected {
            eprintln!("{line}");
        }
    }
}
