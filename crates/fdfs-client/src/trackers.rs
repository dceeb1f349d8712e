//! Which tracker is asked, and which one after it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use fdfs_net::NetError;
use fdfs_proto::Status;
use std::net::SocketAddr;

use crate::calls::{Ask, Calls};
use crate::error::{ClientError, TrackerFailure};
use crate::tracker_node::TrackerNode;

/// The trackers of a cluster.
#[derive(Debug)]
pub(crate) struct Trackers {
    nodes: RwLock<Arc<[Arc<TrackerNode>]>>,
    /// Where the next question begins.
    next: AtomicUsize,
}

/// What a tracker told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) body: Vec<u8>,
    pub(crate) tracker: SocketAddr,
}

impl Trackers {
    pub(crate) fn new(nodes: Vec<TrackerNode>) -> Self {
        Self { nodes: RwLock::new(nodes.into_iter().map(Arc::new).collect()), next: AtomicUsize::new(0) }
    }

    /// All of them, as they are now.
    pub(crate) fn all(&self) -> Arc<[Arc<TrackerNode>]> {
        self.nodes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts others in their place; those that stay keep what is known of them.
    pub(crate) fn replace(&self, nodes: Vec<TrackerNode>) {
        let before = self.all();
        let known = |node: TrackerNode| {
            let kept = before.iter().find(|kept| kept.hosts() == node.hosts()).cloned();
            kept.unwrap_or_else(|| Arc::new(node))
        };
        *self.nodes.write().unwrap_or_else(PoisonError::into_inner) = nodes.into_iter().map(known).collect();
    }

    /// Asks one tracker after the other until one answers. Only for questions that change nothing.
    ///
    /// Differs from C: a request that breaks is asked at the next tracker as well, not only a connect that fails; a
    /// tracker behind which others stand gets no more than `connect_timeout` to answer; and "no such group, no active
    /// storage" (`ENOENT`) is believed only when all of them say so: a tracker that was added after the storages were
    /// started knows none (behaviour, W-28, W-43, W-45).
    pub(crate) async fn ask(&self, calls: &Calls, ask: &Ask<'_>) -> Result<Told, ClientError> {
        let (mut failures, mut refused) = (Vec::new(), None);
        let nodes = self.all();
        let order = self.order(&nodes, calls);
        for (turn, node) in order.iter().enumerate() {
            let is_last = turn + 1 == order.len();
            match self.ask_node(node, calls, ask, !is_last).await {
                Ok(told) => return Ok(told),
                Err(Unanswered::Failed(mut failed)) => failures.append(&mut failed),
                Err(Unanswered::Refused(error @ ClientError::TrackerRefused { status: Status::ENOENT, .. })) => {
                    refused.get_or_insert(error);
                }
                Err(Unanswered::Refused(error)) => return Err(error),
            }
        }
        match refused {
            Some(refused) => Err(refused),
            None if failures.is_empty() => Err(ClientError::NoTrackerGiven),
            None => Err(ClientError::NoTrackerAnswers { doing: ask.doing, failures }),
        }
    }

    /// Asks one tracker, and nobody else.
    pub(crate) async fn ask_at(&self, node: &TrackerNode, calls: &Calls, ask: &Ask<'_>) -> Result<Told, ClientError> {
        self.ask_node(node, calls, ask, false).await.map_err(|unanswered| match unanswered {
            Unanswered::Refused(error) => error,
            Unanswered::Failed(failures) => ClientError::NoTrackerAnswers { doing: ask.doing, failures },
        })
    }

    /// All trackers, beginning with the one whose turn it is; those that could not be reached lately at the end.
    fn order<'n>(&self, nodes: &'n [Arc<TrackerNode>], calls: &Calls) -> Vec<&'n TrackerNode> {
        let start = self.next.fetch_add(1, Ordering::Relaxed) % nodes.len().max(1);
        let (before, from) = nodes.split_at(start);
        let mut order: Vec<&TrackerNode> = from.iter().chain(before).map(|node| &**node).collect();
        let is_dead = |node: &&TrackerNode| {
            node.known_addrs().is_some_and(|addrs| addrs.iter().all(|&addr| calls.dead.contains(addr)))
        };
        order.sort_by_cached_key(is_dead);
        order
    }

    async fn ask_node(
        &self,
        node: &TrackerNode,
        calls: &Calls,
        ask: &Ask<'_>,
        others_follow: bool,
    ) -> Result<Told, Unanswered> {
        let addrs = node.addrs(calls.options.connect_timeout).await;
        let mut addrs = addrs.map_err(|error| Unanswered::Failed(vec![error.into()]))?;
        addrs.sort_by_cached_key(|&addr| calls.dead.contains(addr));
        let (mut failures, mut looked_up) = (Vec::new(), false);
        let mut tried = Vec::new();
        loop {
            if addrs.is_empty() && !looked_up {
                looked_up = true;
                addrs = node.looked_up_again(&tried, calls.options.connect_timeout).await;
            }
            if addrs.is_empty() {
                break;
            }
            let addr = addrs.remove(0);
            tried.push(addr);
            match ask_addr(addr, calls, ask, others_follow).await {
                Ok(answer) if answer.status.is_ok() => {
                    node.note_works(addr);
                    return Ok(Told { body: answer.body, tracker: addr });
                }
                Ok(answer) => {
                    let (doing, status) = (ask.doing, answer.status);
                    return Err(Unanswered::Refused(ClientError::TrackerRefused { doing, tracker: addr, status }));
                }
                Err(error) if error.is_connect() => failures.push(error.into()),
                // It may have seen the request, and so it is not asked at its other address.
                Err(error) => {
                    failures.push(error.into());
                    break;
                }
            }
        }
        Err(Unanswered::Failed(failures))
    }
}

enum Unanswered {
    /// It answered with an error status.
    Refused(ClientError),
    /// It could not be asked.
    Failed(Vec<TrackerFailure>),
}

async fn ask_addr(
    addr: SocketAddr,
    calls: &Calls,
    ask: &Ask<'_>,
    others_follow: bool,
) -> Result<fdfs_net::Answer, NetError> {
    let mut conn = calls.take(addr).await?;
    if others_follow {
        let timeout: Duration = calls.options.connect_timeout.min(calls.options.network_timeout);
        conn.set_network_timeout(timeout);
    }
    calls.call_on(conn, ask).await
}
