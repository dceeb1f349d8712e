//! What is broken in a storm, and for how long.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::history::History;
use crate::daemons::DaemonCluster;
use crate::links::{Link, Node};

/// Faults at the same time.
const FAULT_MAX: usize = 2;
/// How long a fault lasts.
const LASTING_MS: std::ops::Range<u64> = 200..3500;
/// The pause before the next one.
const PAUSE_MS: std::ops::Range<u64> = 100..2000;

/// What servers may complain of in a storm.
pub const EXPECTED_COMPLAINTS: &[&str] = &[
    "] WARNING - tracker 127.",
    "] WARNING - to 127.",
    "] WARNING - waiting for the answer of 127.",
    "] WARNING - sending a request to 127.",
    "] WARNING - connect to 127.",
    "no tracker answers; starting with what was learnt",
    "silent for longer than check_active_interval",
];

/// Something that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9`, and a start at the end.
    Kill(Node),
    /// A process that does nothing.
    Freeze(usize),
    /// One direction between two servers.
    OneWay(Node, Node, Link),
    /// Both directions.
    BothWays(Node, Node, Link),
    /// A storage that no other server reaches, and that reaches none.
    Alone(usize, Link),
}

impl Fault {
    /// Any fault of a cluster.
    fn by_chance(random: &mut fastrand::Rng, storage_count: usize) -> Self {
        let one = random.usize(..storage_count);
        let other = (one + random.usize(1..storage_count)) % storage_count;
        let (one_node, other_node) = (Node::Storage(one), Node::Storage(other));
        match random.u32(..20) {
            0..6 => Self::Kill(one_node),
            6 => Self::Kill(Node::Tracker(0)),
            7..9 => Self::Freeze(one),
            9..13 => Self::OneWay(one_node, other_node, Self::link(random)),
            13..16 => Self::BothWays(one_node, other_node, Self::link(random)),
            16..18 => Self::BothWays(one_node, Node::Tracker(0), [Link::Cut, Link::Hang][random.usize(..2)]),
            _ => Self::Alone(one, [Link::Cut, Link::Hang][random.usize(..2)]),
        }
    }

    fn link(random: &mut fastrand::Rng) -> Link {
        match random.u32(..9) {
            0..3 => Link::Cut,
            3..6 => Link::Hang,
            6 => Link::Slow(random.u32(1_000..100_000)),
            7 => Link::Delay(Duration::from_millis(random.u64(5..200))),
            _ => Link::Garble,
        }
    }

    /// Whether both may not be at the same time: a dead process cannot be frozen, and a link has one state.
    fn meets(self, other: Self) -> bool {
        let nodes = |fault| match fault {
            Self::Kill(node) => vec![node],
            Self::Freeze(index) => vec![Node::Storage(index)],
            Self::OneWay(from, to, _) | Self::BothWays(from, to, _) => vec![from, to],
            Self::Alone(..) => Vec::new(),
        };
        let is_process = |fault| matches!(fault, Self::Kill(_) | Self::Freeze(_));
        match (self, other) {
            (Self::Alone(..), other) | (other, Self::Alone(..)) => !is_process(other),
            (one, other) if is_process(one) != is_process(other) => false,
            (one, other) => nodes(one).iter().any(|node| nodes(other).contains(node)),
        }
    }

    fn begin(self, cluster: &mut DaemonCluster) {
        match self {
            Self::Kill(Node::Tracker(index)) => cluster.kill_tracker(index),
            Self::Kill(Node::Storage(index)) => cluster.kill_storage(index),
            Self::Kill(Node::Client) => {}
            Self::Freeze(index) => cluster.storage(index).freeze(),
            Self::OneWay(from, to, link) => cluster.links().set(from, to, link),
            Self::BothWays(one, other, link) => cluster.links().set_both(one, other, link),
            Self::Alone(index, link) => cluster.links().isolate(Node::Storage(index), link),
        }
    }

    fn end(self, cluster: &mut DaemonCluster) {
        match self {
            Self::Kill(Node::Tracker(index)) => cluster.start_tracker(index),
            // It may wait for a tracker that is away, too.
            Self::Kill(Node::Storage(index)) => cluster.launch_storage(index),
            Self::Kill(Node::Client) => {}
            Self::Freeze(index) => cluster.storage(index).thaw(),
            Self::OneWay(from, to, _) => cluster.links().set(from, to, Link::Pass),
            Self::BothWays(one, other, _) => cluster.links().set_both(one, other, Link::Pass),
            Self::Alone(index, _) => cluster.links().isolate(Node::Storage(index), Link::Pass),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(node) => write!(f, "kill {node}"),
            Self::Freeze(index) => write!(f, "freeze storage {index}"),
            Self::OneWay(from, to, link) => write!(f, "{link:?} from {from} to {to}"),
            Self::BothWays(one, other, link) => write!(f, "{link:?} between {one} and {other}"),
            Self::Alone(index, link) => write!(f, "{link:?} around storage {index}"),
        }
    }
}

/// The faults of a storm, one after the other.
#[derive(Debug)]
pub struct Faults {
    random: fastrand::Rng,
    history: Arc<History>,
    active: Vec<(Fault, Instant)>,
    next_at: Instant,
    told: Vec<String>,
    count: usize,
}

impl Faults {
    /// None yet.
    #[must_use]
    pub fn new(seed: u64, history: Arc<History>) -> Self {
        let (random, next_at) = (fastrand::Rng::with_seed(seed), Instant::now() + Duration::from_millis(500));
        Self { random, history, active: Vec::new(), next_at, told: Vec::new(), count: 0 }
    }

    /// Waits for the next begin or end of a fault, and lets it happen.
    pub fn step(&mut self, cluster: &mut DaemonCluster) {
        let is_room = self.active.len() < FAULT_MAX;
        let first_end = self.active.iter().map(|(_, end)| *end).min();
        let at = first_end.into_iter().chain(is_room.then_some(self.next_at)).min().unwrap_or(self.next_at);
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        let now = Instant::now();
        while let Some(over) = self.active.iter().position(|(_, end)| *end <= now) {
            let (fault, _) = self.active.swap_remove(over);
            self.tell(fault, "ends");
            fault.end(cluster);
        }
        if self.active.len() < FAULT_MAX && self.next_at <= now {
            self.next_at = now + Duration::from_millis(self.random.u64(PAUSE_MS));
            let fault = Fault::by_chance(&mut self.random, cluster.storages.len());
            let lasting = Duration::from_millis(self.random.u64(LASTING_MS));
            if !self.active.iter().any(|(other, _)| fault.meets(*other)) {
                self.tell(fault, "begins");
                fault.begin(cluster);
                self.active.push((fault, now + lasting));
                self.count += 1;
            }
        }
    }

    /// Ends all, and waits until everybody serves.
    pub fn heal(&mut self, cluster: &mut DaemonCluster) {
        for (fault, _) in std::mem::take(&mut self.active) {
            self.tell(fault, "is healed");
            fault.end(cluster);
        }
        cluster.links().heal();
        cluster.wait_until_active();
    }

    /// In one line.
    #[must_use]
    pub fn summary(&self) -> String {
        format!("{} faults", self.count)
    }

    /// Begin and end of each.
    #[must_use]
    pub fn report(&self) -> String {
        self.told.join("\n")
    }

    fn tell(&mut self, fault: Fault, what: &str) {
        self.told.push(format!("{:.3?} {fault} {what}", self.history.now()));
    }
}
