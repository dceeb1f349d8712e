//! Random requests of every kind to one storage, against a plain map that says what must come of them.
//!
//! The map knows nothing of disks, logs or processes, so whatever a restart or a kill between two steps changes is seen.

mod ask;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use fdfs_proto::file_id::LogicName;

use crate::raw::RawConn;
use crate::wait::PATIENCE;

pub use ask::Outcome;

/// What lies under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// A file.
    File(Vec<u8>),
    /// A link to another name; it leads nowhere when that is deleted.
    Link(String),
}

/// Metadata by name.
type Meta = BTreeMap<Vec<u8>, Vec<u8>>;

/// What the storage should have, and where chance stands.
#[derive(Debug)]
pub struct Model {
    seed: u64,
    random: fastrand::Rng,
    group: String,
    files: BTreeMap<String, Entry>,
    /// Metadata of those files that have any.
    meta: BTreeMap<String, Meta>,
    /// Which of the names are slaves'.
    slaves: BTreeSet<String>,
    /// Slaves that are stored as links.
    linked: BTreeSet<String>,
    /// Slaves are stored as links (`store_slave_file_use_link`).
    has_linked_slaves: bool,
    /// Small files may go into trunk files (`use_trunk_file`).
    has_slots: bool,
    /// Names that were deleted or given up.
    gone: Vec<String>,
    step_count: usize,
}

/// Files that the model tries to have: with more it deletes, with fewer it uploads.
const FILES_WANTED: usize = 60;
/// Names of deleted files that it goes on asking for.
const GONE_KEPT: usize = 50;
/// The pause between two comparisons.
const PAUSE: Duration = Duration::from_millis(20);

impl Model {
    /// An empty storage of a group. The seed goes into every message.
    #[must_use]
    pub fn new(group: &str, seed: u64) -> Self {
        Self {
            seed,
            random: fastrand::Rng::with_seed(seed),
            group: group.to_owned(),
            files: BTreeMap::new(),
            meta: BTreeMap::new(),
            slaves: BTreeSet::new(),
            linked: BTreeSet::new(),
            has_linked_slaves: false,
            has_slots: false,
            gone: Vec::new(),
            step_count: 0,
        }
    }

    /// The storage stores slaves as links (`store_slave_file_use_link`).
    #[must_use]
    pub fn with_linked_slaves(mut self) -> Self {
        self.has_linked_slaves = true;
        self
    }

    /// Small files may go into trunk files (`use_trunk_file`).
    #[must_use]
    pub fn with_slots(mut self) -> Self {
        self.has_slots = true;
        self
    }

    /// Files that lie in trunk files, by their names.
    #[must_use]
    pub fn slot_count(&self) -> usize {
        self.files.keys().filter(|name| Self::logic(name).trunk_part().is_some()).count()
    }

    /// Files and links that should be there.
    #[must_use]
    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    /// Requests so far.
    #[must_use]
    pub const fn step_count(&self) -> usize {
        self.step_count
    }

    /// Makes `count` requests of any kind to the storage at `addr`.
    ///
    /// # Panics
    /// When one comes out differently than the map says; the message has the seed.
    pub fn run(&mut self, addr: SocketAddr, count: usize) {
        let mut conn = RawConn::connect(addr);
        for _ in 0..count {
            self.step_count += 1;
            let (what, is_closed) = self.step(&mut conn);
            match what {
                Ok(()) if is_closed => conn = RawConn::connect(addr),
                Ok(()) => {}
                Err(what) => panic!("seed {}, step {}: {what}", self.seed, self.step_count),
            }
        }
    }

    /// Compares all files, what is told of them, and their metadata; and that deleted ones stay away.
    ///
    /// # Panics
    /// When something differs; the message has the seed.
    pub fn check_all(&self, addr: SocketAddr) {
        if let Some(what) = self.difference(addr) {
            panic!("seed {}, after step {}: {what}", self.seed, self.step_count);
        }
    }

    /// What is first found to be different at a storage, if anything is.
    #[must_use]
    pub fn difference(&self, addr: SocketAddr) -> Option<String> {
        let mut conn = RawConn::connect(addr);
        for name in self.files.keys().chain(&self.gone) {
            for check in [Self::check_content, Self::check_info, Self::check_meta] {
                match check(self, &mut conn, name) {
                    Ok(is_closed) if is_closed => conn = RawConn::connect(addr),
                    Ok(_) => {}
                    Err(what) => return Some(what),
                }
            }
        }
        None
    }

    /// Waits until a storage has what the model says; `bases` are the base paths whose logs are shown otherwise.
    ///
    /// # Panics
    /// When that does not come; the message has the seed.
    pub fn wait_until_equal(&self, addr: SocketAddr, bases: &[&Path]) {
        let mut last = None;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let difference = self.difference(addr);
            let Some(what) = &difference else { return };
            if difference != last {
                println!("{what}");
            }
            if Instant::now() > deadline {
                let name = what.split(|c: char| c.is_whitespace() || c == ':').find_map(|word| word.rsplit_once('/'));
                for base in bases {
                    let log = std::fs::read_to_string(base.join("data/sync/binlog.000")).unwrap_or_default();
                    let lines = log.lines().filter(|line| name.is_some_and(|(_, name)| line.contains(name)));
                    println!("{}:\n{}", base.display(), lines.collect::<Vec<_>>().join("\n"));
                }
                panic!("seed {}, after step {}: {what}", self.seed, self.step_count);
            }
            last = difference;
            std::thread::sleep(PAUSE);
        }
    }

    /// The bytes that a name leads to.
    fn content(&self, name: &str) -> Option<&Vec<u8>> {
        match self.files.get(name)? {
            Entry::File(bytes) => Some(bytes),
            // No link leads to a link.
            Entry::Link(target) => match self.files.get(target)? {
                Entry::File(bytes) => Some(bytes),
                Entry::Link(_) => None,
            },
        }
    }

    /// Whether the content lies somewhere else: not for names that tell nothing of a slave, nor for those that are too long
    /// for the record of a link.
    fn is_linked_slave(&self, name: &str) -> bool {
        self.has_linked_slaves && self.linked.contains(name)
    }

    fn logic(name: &str) -> LogicName {
        name.parse().unwrap()
    }

    fn forget(&mut self, name: &str) {
        self.files.remove(name);
        self.slaves.remove(name);
        self.linked.remove(name);
        self.meta.remove(name);
        self.gone.push(name.to_owned());
        if self.gone.len() > GONE_KEPT {
            let any = self.random.usize(..self.gone.len());
            self.gone.swap_remove(any);
        }
    }
}
