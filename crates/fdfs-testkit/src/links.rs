//! Connections between servers that a test can break.
//!
//! With [`LayoutBuilder::proxies`](crate::LayoutBuilder::proxies) every server has two addresses: one that the others are
//! told, where a proxy listens, and one where it really listens and from which it connects. The proxy knows by that
//! address who calls, and calls on from the caller's told address: servers know each other by told addresses alone, and
//! every byte between two of them goes through here.

mod connection;
mod pump;
mod tape;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use tape::Recorded;
use tape::Tape;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Somebody who sends and receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// Whoever is no server of the cluster.
    Client,
    /// A tracker, by its number in the layout.
    Tracker(usize),
    /// A storage, by its number in the layout.
    Storage(usize),
}

/// As tests and reports write it: `storage 1`.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client => f.write_str("client"),
            Self::Tracker(index) => write!(f, "tracker {index}"),
            Self::Storage(index) => write!(f, "storage {index}"),
        }
    }
}

/// What happens to the bytes that one node sends to another, over connections opened by either of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Link {
    /// They arrive.
    #[default]
    Pass,
    /// Connections that the sender has opened are reset, and so is each new one. Those that the receiver opens live.
    Cut,
    /// They are kept, and arrive when the link passes again: a network that loses packets. Nobody is told of an end.
    Hang,
    /// They arrive at so many bytes a second.
    Slow(u32),
    /// Each piece of them arrives so much later.
    Delay(Duration),
    /// Connections between both are reset, and on new ones any bytes arrive instead: a peer that talks rubbish. As no
    /// connection begins well, nothing is spoilt that a receiver could not notice.
    Garble,
    /// One bit is wrong in every so many bytes, from the first multiple on: what a file's CRC is for.
    Flip(u32),
}

/// One direction between two nodes.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) state: watch::Sender<Link>,
    /// Bytes that arrived.
    pub(crate) passed: AtomicU64,
}

/// Who has which real address, who is told where, and the lines between all of them.
#[derive(Debug)]
pub(crate) struct Wiring {
    places: Vec<Place>,
    lines: Mutex<BTreeMap<(Node, Node), Arc<Line>>>,
    seed: AtomicU64,
    /// Keeps what is said.
    tape: Option<Tape>,
}

/// A server's two addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Who.
    pub node: Node,
    /// Where the others look for it: the proxy.
    pub told: SocketAddr,
    /// Where it listens, and from which it connects.
    pub real: SocketAddr,
}

/// All links of a cluster.
#[derive(Debug)]
pub struct Links {
    wiring: Arc<Wiring>,
    /// Runs the proxies; `None` only while this is dropped.
    runtime: Option<Runtime>,
}

impl Links {
    /// Starts a proxy for each place.
    ///
    /// # Panics
    /// When an address is not free.
    #[must_use]
    pub fn start(places: Vec<Place>) -> Self {
        Self::start_with(places, None)
    }

    /// The same, and keeps what goes over connections; servers' commands that the reference does not know are refused as it
    /// does.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_recording(places: Vec<Place>) -> Self {
        Self::start_with(places, Some(Tape::default()))
    }

    fn start_with(places: Vec<Place>, tape: Option<Tape>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("links").enable_all().build();
        let runtime = runtime.unwrap();
        let wiring = Arc::new(Wiring { places, lines: Mutex::default(), seed: AtomicU64::new(1), tape });
        for place in wiring.places.clone() {
            let listener = TcpListener::bind(place.told).unwrap_or_else(|e| panic!("a proxy at {}: {e}", place.told));
            listener.set_nonblocking(true).unwrap();
            runtime.spawn(connection::serve(listener, place, wiring.clone()));
        }
        Self { wiring, runtime: Some(runtime) }
    }

    /// From now on this happens to what `from` sends to `to`.
    pub fn set(&self, from: Node, to: Node, link: Link) {
        self.wiring.line(from, to).state.send_replace(link);
    }

    /// The same in both directions.
    pub fn set_both(&self, one: Node, other: Node, link: Link) {
        self.set(one, other, link);
        self.set(other, one, link);
    }

    /// The same for all that `node` and the other servers send to each other; clients still reach it.
    pub fn isolate(&self, node: Node, link: Link) {
        for other in self.wiring.places.iter().map(|place| place.node).filter(|other| *other != node) {
            self.set_both(node, other, link);
        }
    }

    /// Everything passes again.
    pub fn heal(&self) {
        let lines = self.wiring.lines();
        for line in lines.values() {
            line.state.send_replace(Link::Pass);
        }
    }

    /// What happens to the bytes of this direction.
    #[must_use]
    pub fn state(&self, from: Node, to: Node) -> Link {
        *self.wiring.line(from, to).state.borrow()
    }

    /// What has been said so far, connection by connection.
    ///
    /// # Panics
    /// Without [`start_recording`](Self::start_recording).
    #[must_use]
    pub fn recorded(&self) -> Vec<Recorded> {
        self.wiring.tape.as_ref().expect("nothing is recorded").read()
    }

    /// Bytes that `from` sent to `to` and that arrived.
    #[must_use]
    pub fn passed_bytes(&self, from: Node, to: Node) -> u64 {
        self.wiring.line(from, to).passed.load(Ordering::Relaxed)
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Wiring {
    pub(crate) fn line(&self, from: Node, to: Node) -> Arc<Line> {
        let new = || Arc::new(Line { state: watch::Sender::new(Link::Pass), passed: AtomicU64::new(0) });
        self.lines().entry((from, to)).or_insert_with(new).clone()
    }

    /// Who connects from an address, and the address that the others know them by.
    pub(crate) fn caller(&self, from: IpAddr) -> (Node, IpAddr) {
        let known = self.places.iter().find(|place| place.real.ip() == from);
        known.map_or((Node::Client, from), |place| (place.node, place.told.ip()))
    }

    /// Different for each connection.
    pub(crate) fn next_seed(&self) -> u64 {
        self.seed.fetch_add(1, Ordering::Relaxed)
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Node, Node), Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
