//! A cluster of processes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::daemon::Daemon;
use crate::layout::Layout;
use crate::links::{Link, Links, Node};
use crate::problems::ExpectedProblems;
use crate::raw::RawConn;
use crate::view::View;

/// A cluster of processes. When it goes, all are killed, and nobody may have complained of anything that the test did not
/// expect.
#[derive(Debug)]
pub struct DaemonCluster {
    /// The trackers, as far as they run.
    pub trackers: Vec<Option<Daemon>>,
    /// The storages, as far as they run.
    pub storages: Vec<Option<Daemon>>,
    /// What they are described by.
    pub layout: Layout,
    /// What the trackers say.
    pub view: View,
    expected: ExpectedProblems,
    program: PathBuf,
}

impl DaemonCluster {
    /// A cluster of which nothing runs yet; `program` is `fdfs`.
    #[must_use]
    pub fn new(program: &Path, layout: Layout) -> Self {
        Self {
            trackers: layout.trackers.iter().map(|_| None).collect(),
            storages: layout.storages.iter().map(|_| None).collect(),
            view: View::new(&layout),
            layout,
            expected: ExpectedProblems::default(),
            program: program.to_owned(),
        }
    }

    /// Runs everything that `layout` describes with the program `fdfs`, and waits until all storages are ACTIVE.
    ///
    /// # Panics
    /// When one does not start.
    #[must_use]
    pub fn start(program: &Path, layout: Layout) -> Self {
        let mut cluster = Self::new(program, layout);
        (0..cluster.trackers.len()).for_each(|index| cluster.start_tracker(index));
        // The first storage of a group first: a second one that is new, too, would have nobody to ask for files.
        let last = cluster.layout.storages.iter().map(|plan| plan.index).max().unwrap_or(0);
        for index in 0..=last {
            let of_turn: Vec<_> =
                (0..cluster.storages.len()).filter(|i| cluster.layout.storages[*i].index == index).collect();
            of_turn.iter().for_each(|storage| cluster.start_storage(*storage));
            of_turn.iter().for_each(|storage| cluster.view.wait_until_active(&cluster.layout.storages[*storage]));
        }
        cluster
    }

    /// Starts a tracker that does not run, and waits until it serves.
    ///
    /// # Panics
    /// When it runs, or does not start.
    pub fn start_tracker(&mut self, index: usize) {
        assert!(self.trackers[index].is_none(), "tracker {index} runs");
        self.trackers[index] = Some(Daemon::tracker(&self.program, &self.layout.trackers[index]).ready());
    }

    /// Starts a storage that does not run, and waits until it serves.
    ///
    /// # Panics
    /// When it runs, or does not start.
    pub fn start_storage(&mut self, index: usize) {
        self.launch_storage(index);
        self.storages[index] = self.storages[index].take().map(Daemon::ready);
    }

    /// The same without waiting.
    ///
    /// # Panics
    /// When it runs.
    pub fn launch_storage(&mut self, index: usize) {
        assert!(self.storages[index].is_none(), "storage {index} runs");
        self.storages[index] = Some(Daemon::storage(&self.program, &self.layout.storages[index]));
    }

    /// `kill -9` for a storage.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill_storage(&mut self, index: usize) {
        self.storages[index].take().expect("the storage runs").kill();
    }

    /// `kill -9` for a tracker.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill_tracker(&mut self, index: usize) {
        self.trackers[index].take().expect("the tracker runs").kill();
    }

    /// The process of a storage.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn storage(&self, index: usize) -> &Daemon {
        self.storages[index].as_ref().expect("the storage runs")
    }

    /// Waits until the first tracker takes every storage for ACTIVE.
    ///
    /// # Panics
    /// When that does not come.
    pub fn wait_until_active(&self) {
        self.layout.storages.iter().for_each(|plan| self.view.wait_until_active(plan));
    }

    /// A raw connection to a storage, past its proxy.
    #[must_use]
    pub fn to_storage(&self, index: usize) -> RawConn {
        RawConn::connect(self.layout.storages[index].real_addr)
    }

    /// From now on this happens to what `from` sends to `to`.
    pub fn set_link(&self, from: Node, to: Node, link: Link) {
        self.links().set(from, to, link);
    }

    /// All links.
    ///
    /// # Panics
    /// When the layout has no proxies.
    #[must_use]
    pub fn links(&self) -> &Links {
        self.layout.links.as_ref().expect("the cluster has proxies")
    }

    /// Lines with this text are no reason for the test to fail, whoever logs them.
    pub fn expect_problem(&self, pattern: &str) {
        self.expected.expect(pattern);
    }

    /// The logs of all servers, by name.
    #[must_use]
    pub fn logs(&self) -> Vec<(Node, String)> {
        let trackers = self.layout.trackers.iter().map(|plan| (Node::Tracker(plan.index), &plan.conf_path));
        let storages = self.layout.storages.iter().enumerate();
        let storages = storages.map(|(index, plan)| (Node::Storage(index), &plan.conf_path));
        let read = |path: &PathBuf| fs::read_to_string(path.with_extension("log")).unwrap_or_default();
        trackers.chain(storages).map(|(node, path)| (node, read(path))).collect()
    }

    /// Complaints that the test did not expect.
    #[must_use]
    pub fn unexpected_problems(&self) -> Vec<String> {
        let of = |(node, log): (Node, String)| {
            let lines = self.expected.unexpected_in_text(&log);
            lines.into_iter().map(move |line| format!("{node}: {line}")).collect::<Vec<_>>()
        };
        self.logs().into_iter().flat_map(of).collect()
    }
}

impl Drop for DaemonCluster {
    fn drop(&mut self) {
        self.storages.clear();
        self.trackers.clear();
        let unexpected = self.unexpected_problems();
        // A test that fails already says enough.
        if !unexpected.is_empty() && !std::thread::panicking() {
            panic!("servers complained:\n{}", unexpected.join("\n"));
        }
        for line in unexpected {
            eprintln!("{line}");
        }
    }
}
