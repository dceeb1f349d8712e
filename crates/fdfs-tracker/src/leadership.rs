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

#[cfg(test)]
mod tests {
    use fdfs_core::tracker::{Addrs, ConnId, Join, JoinPeer, Settings};
    use fdfs_proto::{IpText, StorageId};

    use super::*;

    fn ip(text: &str) -> IpText {
        text.parse().unwrap()
    }

    fn host(text: &str) -> HostPort {
        HostPort { ip: ip(text), port: 22122 }
    }

    /// 10.0.0.5, to which a storage told of some trackers.
    fn cluster(trackers: &[&str]) -> Cluster {
        let mut cluster = Cluster::new(Settings::default(), 22122);
        let peer = JoinPeer { conn: ConnId(1), ip: ip("10.0.0.9"), local_ip: ip("10.0.0.5") };
        let join = Join {
            group: "group1".parse().unwrap(),
            port: 23000,
            path_count: 1,
            subdir_count: 256,
            upload_priority: 10,
            join_time: 1,
            up_time: 1,
            version: "6.16.1".parse().unwrap(),
            init_flag: true,
            own_status: -1,
            id: StorageId::EMPTY,
            dialled_ip: ip("10.0.0.5"),
            trackers: trackers.iter().map(|text| TrackerAddr { addrs: Addrs::one(ip(text)), port: 22122 }).collect(),
        };
        let _ = cluster.join(Now::default(), &peer, &join).unwrap();
        cluster
    }

    fn at(mono_ms: u64) -> Now {
        Now { unix_secs: 0, mono_ms }
    }

    #[test]
    fn the_lowest_address_leads() {
        for (trackers, expected) in [
            (&["10.0.0.5"][..], "10.0.0.5"),
            (&["10.0.0.5", "10.0.0.6"], "10.0.0.5"),
            (&["10.0.0.7", "10.0.0.4", "10.0.0.5"], "10.0.0.4"),
        ] {
            let mut cluster = cluster(trackers);
            Leadership::default().trackers_changed(&mut cluster, at(0));
            assert_eq!(cluster.leader(), Ok(host(expected)), "{trackers:?}");
            assert_eq!(cluster.trackers().is_leader(), expected == "10.0.0.5");
        }
        let mut unknown = Cluster::new(Settings::default(), 22122);
        Leadership::default().tick(&mut unknown, at(0));
        assert!(unknown.leader().is_err(), "before the first join nobody is known");
    }

    #[test]
    fn after_a_resignation_the_rule_waits() {
        let mut cluster = cluster(&["10.0.0.5", "10.0.0.6"]);
        let mut leadership = Leadership::default();
        leadership.trackers_changed(&mut cluster, at(0));
        let refused = leadership.announce(&mut cluster, at(1000), host("10.0.0.6"));
        assert!(matches!(refused, Err(RequestError::Resigned(_))));
        leadership.tick(&mut cluster, at(10_999));
        assert!(cluster.leader().is_err());
        leadership.tick(&mut cluster, at(11_000));
        assert_eq!(cluster.leader(), Ok(host("10.0.0.5")));
    }

    #[test]
    fn a_leader_that_was_elected_is_not_overruled() {
        let mut cluster = cluster(&["10.0.0.5", "10.0.0.6"]);
        let mut leadership = Leadership::default();
        leadership.announce(&mut cluster, at(0), host("10.0.0.6")).unwrap();
        leadership.commit(&mut cluster, host("10.0.0.6")).unwrap();
        leadership.trackers_changed(&mut cluster, at(50_000));
        leadership.tick(&mut cluster, at(60_000));
        assert_eq!(cluster.leader(), Ok(host("10.0.0.6")));
        let again = leadership.commit(&mut cluster, host("10.0.0.6"));
        assert!(matches!(again, Err(RequestError::NotAnnounced(_))), "an announcement counts once");
    }
}
