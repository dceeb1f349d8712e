//! One tracker: its names, and the addresses they lead to.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fdfs_conf::TrackerServer;
use fdfs_net::resolve::{HostPort, ResolveError};
use fdfs_proto::limits::TRACKER_PORT;
use tokio::time::Instant;

/// How long the addresses of a name are used before the name is looked up again.
const RESOLVED_FOR: Duration = Duration::from_secs(60);

/// One tracker: one or two names, of which the second leads to it from another network.
#[derive(Debug)]
pub(crate) struct TrackerNode {
    hosts: Vec<HostPort>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    addrs: Vec<SocketAddr>,
    resolved: Option<Instant>,
    /// Where it last answered.
    works: Option<SocketAddr>,
}

impl TrackerNode {
    pub(crate) fn new(host: HostPort) -> Self {
        Self { hosts: vec![host], known: Mutex::default() }
    }

    pub(crate) fn from_conf(server: &TrackerServer) -> Self {
        let host = |a: &fdfs_conf::Address| HostPort { host: a.host.clone(), port: Some(a.port) };
        Self { hosts: server.addresses.iter().map(host).collect(), known: Mutex::default() }
    }

    /// Its names.
    pub(crate) fn hosts(&self) -> &[HostPort] {
        &self.hosts
    }

    /// Its addresses, the one that last worked first.
    pub(crate) async fn addrs(&self, timeout: Duration) -> Result<Vec<SocketAddr>, ResolveError> {
        if let Some(addrs) = self.known_addrs() {
            return Ok(addrs);
        }
        let (mut addrs, mut failure) = (Vec::new(), None);
        for host in &self.hosts {
            match host.resolve(TRACKER_PORT, timeout).await {
                Ok(found) => addrs.extend(found),
                Err(error) => failure = Some(error),
            }
        }
        let mut known = self.lock();
        match failure {
            // Old addresses are better than none.
            Some(error) if addrs.is_empty() && known.addrs.is_empty() => return Err(error),
            Some(_) if addrs.is_empty() => {}
            _ => {
                known.addrs = addrs;
                known.resolved = Some(Instant::now());
            }
        }
        Ok(known.in_order())
    }

    /// None of its addresses could be connected to: where its names lead now, if that is elsewhere.
    ///
    /// Differs from C: it looks a name up once (behaviour, W-45).
    pub(crate) async fn looked_up_again(&self, tried: &[SocketAddr], timeout: Duration) -> Vec<SocketAddr> {
        let is_name = |host: &HostPort| host.host.parse::<std::net::IpAddr>().is_err();
        if !self.hosts.iter().any(is_name) {
            return Vec::new();
        }
        self.lock().resolved = None;
        let mut addrs = self.addrs(timeout).await.unwrap_or_default();
        addrs.retain(|addr| !tried.contains(addr));
        addrs
    }

    /// Its addresses as far as they are known, without asking anybody; `None` when they are not, or are too old.
    pub(crate) fn known_addrs(&self) -> Option<Vec<SocketAddr>> {
        let known = self.lock();
        let fresh = known.resolved.is_some_and(|resolved| resolved.elapsed() < RESOLVED_FOR);
        fresh.then(|| known.in_order())
    }

    /// It answered at `addr`.
    pub(crate) fn note_works(&self, addr: SocketAddr) {
        self.lock().works = Some(addr);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn in_order(&self) -> Vec<SocketAddr> {
        let mut addrs = self.addrs.clone();
        addrs.sort_by_key(|addr| self.works != Some(*addr));
        addrs
    }
}

/// Its names, separated by commas.
impl fmt::Display for TrackerNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, host) in self.hosts.iter().enumerate() {
            write!(f, "{}{host}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_address_that_worked_comes_first() {
        let server = TrackerServer::parse("10.0.0.1,192.168.0.1:7", TRACKER_PORT).unwrap();
        let node = TrackerNode::from_conf(&server);
        assert_eq!(node.to_string(), "10.0.0.1:7,192.168.0.1:7");
        let (a, b): (SocketAddr, SocketAddr) = ("10.0.0.1:7".parse().unwrap(), "192.168.0.1:7".parse().unwrap());
        assert_eq!(node.known_addrs(), None);
        assert_eq!(node.addrs(Duration::ZERO).await.unwrap(), [a, b]);
        node.note_works(b);
        assert_eq!(node.known_addrs().unwrap(), [b, a]);
    }

    #[tokio::test]
    async fn w45_a_name_is_looked_up_again_when_its_address_leads_nowhere() {
        let node = TrackerNode::new("localhost:7".parse().unwrap());
        let gone: SocketAddr = "192.0.2.1:7".parse().unwrap();
        *node.lock() = Known { addrs: vec![gone], resolved: Some(Instant::now()), works: None };
        assert_eq!(node.addrs(Duration::from_secs(30)).await.unwrap(), [gone]);
        let now = node.looked_up_again(&[gone], Duration::from_secs(30)).await;
        assert!(!now.is_empty() && now.iter().all(|addr| addr.ip().is_loopback()), "{now:?}");
        assert_eq!(node.known_addrs(), Some(now.clone()));
        assert_eq!(node.looked_up_again(&now, Duration::from_secs(30)).await, [], "nothing new");
        let fixed = TrackerNode::new("192.0.2.1:7".parse().unwrap());
        assert_eq!(fixed.looked_up_again(&[gone], Duration::ZERO).await, []);
    }
}
