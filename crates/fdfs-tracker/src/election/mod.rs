//! This tracker's part in the choice of the leader: the core says what to ask whom, and hears what became of it.

mod calls;

use std::sync::Arc;
use std::time::Duration;

use fdfs_core::tracker::leader::{Answer, Ask};
use fdfs_core::tracker::{Cluster, HostPort};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::tracker::Tracker;
use calls::Calls;

/// Questions that wait to be asked: several rounds to all trackers that there can be. What does not fit counts as not
/// answered.
pub(crate) const QUEUE_LEN: usize = 8 * fdfs_proto::limits::TRACKERS;
/// How often the core looks at the time.
const TICK: Duration = Duration::from_millis(100);

/// Takes part until the tracker stops.
pub(crate) async fn run(tracker: Arc<Tracker>, mut asks: mpsc::Receiver<Ask>) {
    let calls = Arc::new(Calls::new(&tracker));
    let mut asking: JoinSet<(Ask, Answer)> = JoinSet::new();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = tracker.shutdown.cancelled() => return,
            _ = ticks.tick() => tracker.election_tick(),
            ask = asks.recv() => {
                let Some(ask) = ask else { return };
                let (tracker, calls) = (tracker.clone(), calls.clone());
                asking.spawn(async move { (ask, calls.ask(&tracker, &ask).await) });
            }
            Some(asked) = asking.join_next() => {
                if let Ok((ask, answer)) = asked {
                    tracker.election_answer(&ask, answer);
                }
            }
        }
    }
}

/// The name of a tracker in elections: this one's own name, or the first address of another one. `None`: nobody knows it.
pub(crate) fn name_of(cluster: &Cluster, host: HostPort) -> Option<HostPort> {
    let trackers = cluster.trackers();
    let known = trackers.addrs().find(|addr| addr.port == host.port && addr.addrs.contains(&host.ip))?;
    let is_me = known.addrs.iter().any(|ip| trackers.is_me(ip, known.port));
    let first = HostPort { ip: *known.addrs.first(), port: known.port };
    if is_me { trackers.me() } else { Some(first) }
}

/// The names of all trackers.
pub(crate) fn names(cluster: &Cluster) -> Vec<HostPort> {
    let first = |addr: &fdfs_core::tracker::TrackerAddr| HostPort { ip: *addr.addrs.first(), port: addr.port };
    cluster.trackers().addrs().filter_map(|addr| name_of(cluster, first(addr))).collect()
}
