//! How trackers compare when one must be chosen: as leader, or to fetch state from. Source: behaviour, 3.15.

use std::cmp::Reverse;

use super::addr::HostPort;
use super::cluster::Cluster;
use super::error::ClusterError;
use super::time::Now;

/// Times are rounded down to this, so that small differences do not matter.
const GRAIN_SECS: i64 = 300;

/// What a tracker tells of itself (64).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackerStatus {
    /// Whether it leads.
    pub is_leader: bool,
    /// How long it has run, in seconds.
    pub running_secs: i64,
    /// How long it was down before, in seconds; 0 when it never was.
    pub restart_interval_secs: i64,
}

impl TrackerStatus {
    /// The key by which trackers are ranked; the greatest wins. Addresses decide between equals.
    #[must_use]
    pub fn rank(&self, addr: HostPort) -> impl Ord + use<> {
        (self.is_leader, self.running_secs, Reverse(self.restart_interval_secs), addr)
    }
}

impl Cluster {
    /// What this tracker tells of itself (64). `up_time` is the start of its process, `last_check_time` that of the
    /// previous run's `.tracker_status`, 0 without one; both in unix seconds.
    ///
    /// # Errors
    /// [`ClusterError::NoGroups`]: it has nothing that could be worth fetching.
    pub fn tracker_status(&self, now: Now, up_time: i64, last_check_time: i64) -> Result<TrackerStatus, ClusterError> {
        if self.groups.is_empty() {
            return Err(ClusterError::NoGroups);
        }
        let grain = |secs: i64| secs.max(0) / GRAIN_SECS * GRAIN_SECS;
        let down_secs = if last_check_time > 0 { up_time.saturating_sub(last_check_time) } else { 0 };
        Ok(TrackerStatus {
            is_leader: self.trackers.is_leader(),
            running_secs: grain(now.unix_secs.saturating_sub(up_time)),
            restart_interval_secs: grain(down_secs),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::Settings;
    use crate::tracker::tests_support::{active, cluster_of, ip, now};

    #[test]
    fn leader_then_running_time_then_short_restart_then_address() {
        let status = |is_leader, running_secs, restart_interval_secs| TrackerStatus {
            is_leader,
            running_secs,
            restart_interval_secs,
        };
        let host = |text: &str, port| HostPort { ip: ip(text), port };
        let ranked = [
            (status(false, 0, 600), host("10.0.0.9", 1)),
            (status(false, 0, 300), host("10.0.0.1", 1)),
            (status(false, 300, 900), host("10.0.0.1", 1)),
            (status(false, 300, 900), host("10.0.0.1", 2)),
            (status(false, 300, 900), host("10.0.0.2", 1)),
            (status(true, 0, 900), host("10.0.0.1", 1)),
        ];
        assert!(ranked.iter().is_sorted_by(|(a, a_host), (b, b_host)| a.rank(*a_host) < b.rank(*b_host)));
    }

    #[test]
    fn times_are_rounded_down() {
        let cluster = cluster_of(Settings::default(), &[("g", &[active("10.0.0.1", 5)])]);
        for (now_secs, up_time, last_check_time, running_secs, restart_interval_secs) in
            [(1000, 400, 0, 600, 0), (999, 400, 99, 300, 300), (10, 400, 500, 0, 0)]
        {
            let status = cluster.tracker_status(now(now_secs), up_time, last_check_time).unwrap();
            assert_eq!(status, TrackerStatus { is_leader: false, running_secs, restart_interval_secs });
        }
        assert!(Cluster::new(Settings::default(), 1).tracker_status(now(1), 0, 0).is_err());
    }
}
