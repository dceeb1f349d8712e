//! Who leads the trackers, until they elect a leader among themselves.
//!
//! The interim rule: of the trackers that joins have named, the one whose address text is the lowest leads. All trackers
//! come to the same leader from the same list without asking each other, and one tracker alone leads itself. A leader
//! that another tracker announces and commits (66, 67), as those of the reference do after their election, counts
//! instead of the rule.

use fdfs_core::tracker::{Cluster, ClusterError, HostPort, Now, TrackerAddr};

use crate::error::RequestError;

/// After a resignation the others get this long to commit a leader before the rule counts again.
const VACANCY_MS: u64 = 10_000;

/// What this tracker was told about the leader.
#[derive(Debug, Default)]
pub(crate) struct Leadership {
    /// Announced as the next leader, not yet committed.
    announced: Option<HostPort>,
    /// The leader was committed by the trackers, so the rule does not count.
    elected: bool,
    /// When this tracker resigned.
    resigned_mono_ms: Option<u64>,
}

impl Leadership {
    /// Joins named trackers that were not known before.
    pub(crate) fn trackers_changed(&mut self, cluster: &mut Cluster, now: Now) {
        if !self.elected && !self.is_vacant(now) {
            let leader = lowest(cluster);
            cluster.set_leader(leader);
        }
    }

    /// Time passed: a vacancy ends.
    pub(crate) fn tick(&mut self, cluster: &mut Cluster, now: Now) {
        if cluster.trackers().leader().is_none() {
            self.trackers_changed(cluster, now);
        }
    }

    /// A tracker announces the next leader (66).
    pub(crate) fn announce(&mut self, cluster: &mut Cluster, now: Now, leader: HostPort) -> Result<(), RequestError> {
        check_known(cluster, leader)?;
        let is_me = cluster.trackers().is_me(&leader.ip, leader.port);
        if cluster.trackers().is_leader() && !is_me {
            // The asker's round fails, and its next one finds this tracker without the role.
            self.resign(cluster, now);
            return Err(RequestError::Resigned(leader));
        }
        self.announced = Some(leader);
        Ok(())
    }

    /// The announced leader leads from now on (67).
    pub(crate) fn commit(&mut self, cluster: &mut Cluster, leader: HostPort) -> Result<(), RequestError> {
        check_known(cluster, leader)?;
        if self.announced != Some(leader) {
            return Err(RequestError::NotAnnounced(leader));
        }
        *self = Self { elected: true, ..Self::default() };
        cluster.set_leader(Some(leader));
        Ok(())
    }

    /// A storage met two leaders (68).
    pub(crate) fn reselect(&mut self, cluster: &mut Cluster, now: Now) -> Result<(), RequestError> {
        if !cluster.trackers().is_leader() {
            return Err(ClusterError::NotLeader.into());
        }
        self.resign(cluster, now);
        Ok(())
    }

    fn resign(&mut self, cluster: &mut Cluster, now: Now) {
        *self = Self { resigned_mono_ms: Some(now.mono_ms), ..Self::default() };
        cluster.set_leader(None);
    }

    fn is_vacant(&self, now: Now) -> bool {
        self.resigned_mono_ms.is_some_and(|resigned| now.since_ms(resigned) < VACANCY_MS)
    }
}

fn check_known(cluster: &Cluster, host: HostPort) -> Result<(), RequestError> {
    match cluster.trackers().is_known(&host.ip, host.port) {
        true => Ok(()),
        false => Err(RequestError::UnknownTracker(host)),
    }
}

/// The tracker with the lowest address text, under the name that it knows itself by if it is this one.
fn lowest(cluster: &Cluster) -> Option<HostPort> {
    let trackers = cluster.trackers();
    let first = |addr: &TrackerAddr| HostPort { ip: *addr.addrs.first(), port: addr.port };
    let lowest = trackers.addrs().min_by_key(|addr| first(addr))?;
    let is_me = lowest.addrs.iter().any(|ip| trackers.is_me(ip, lowest.port));
    trackers.me().filter(|_| is_me).or_else(|| Some(first(lowest)))
}
