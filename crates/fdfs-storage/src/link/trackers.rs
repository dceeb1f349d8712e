//! The trackers of the configuration, which may become others while the storage runs.
//!
//! Each has a number that stays its own: one that is taken out leaves its place empty.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use fdfs_conf::address::TrackerServer;
use fdfs_core::roster::TrackerIndex;
use fdfs_proto::IpText;
use fdfs_proto::cmd::tracker::{HostAddrs, TrackerLine};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Places that are ever given; more changes than that need a restart.
const PLACES_MAX: usize = 1000;

/// The trackers of the configuration.
#[derive(Debug)]
pub struct TrackerList {
    places: RwLock<Vec<Place>>,
    /// Grows with every change.
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct Place {
    server: TrackerServer,
    /// Cancelled when it is taken out.
    ended: CancellationToken,
    /// As it was told to trackers last: its name may have no address for a while.
    line: Option<TrackerLine>,
}

impl Place {
    fn new(server: TrackerServer) -> Self {
        Self { server, ended: CancellationToken::new(), line: None }
    }

    fn is_in_use(&self) -> bool {
        !self.ended.is_cancelled()
    }
}

/// What became of the list.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TrackerChange {
    /// Numbers of those that are new.
    pub added: Vec<TrackerIndex>,
    /// Those that are no longer in it.
    pub removed: Vec<TrackerServer>,
    /// Those for which there was no place.
    pub refused: Vec<TrackerServer>,
}

impl TrackerList {
    /// The trackers that the storage starts with.
    #[must_use]
    pub fn new(servers: &[TrackerServer]) -> Self {
        let places = servers.iter().cloned().map(Place::new).collect();
        Self { places: RwLock::new(places), changes: watch::Sender::new(0) }
    }

    /// All of them with their numbers.
    #[must_use]
    pub fn all(&self) -> Vec<(TrackerIndex, TrackerServer)> {
        let places = self.read();
        places
            .iter()
            .enumerate()
            .filter(|(_, place)| place.is_in_use())
            .map(|(index, place)| (index, place.server.clone()))
            .collect()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.read().iter().filter(|place| place.is_in_use()).count()
    }

    /// One of them.
    #[must_use]
    pub fn find(&self, index: TrackerIndex) -> Option<TrackerServer> {
        self.read().get(index).filter(|place| place.is_in_use()).map(|place| place.server.clone())
    }

    /// Is cancelled when it is taken out.
    #[must_use]
    pub fn ended(&self, index: TrackerIndex) -> CancellationToken {
        self.read().get(index).map_or_else(CancellationToken::new, |place| place.ended.clone())
    }

    /// Wakes whoever waits for another list.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The configuration names these now. An empty list is none: then nothing changes.
    pub fn replace(&self, servers: &[TrackerServer]) -> TrackerChange {
        let mut change = TrackerChange::default();
        if servers.is_empty() {
            return change;
        }
        {
            let mut places = self.write();
            for place in places.iter().filter(|place| place.is_in_use() && !servers.contains(&place.server)) {
                place.ended.cancel();
                change.removed.push(place.server.clone());
            }
            for server in servers {
                if places.iter().any(|place| place.is_in_use() && place.server == *server) {
                    continue;
                }
                if places.len() >= PLACES_MAX {
                    change.refused.push(server.clone());
                    continue;
                }
                change.added.push(places.len());
                places.push(Place::new(server.clone()));
            }
        }
        if change != TrackerChange::default() {
            self.changes.send_modify(|count| *count += 1);
        }
        change
    }

    /// The line of a tracker whose names lead to `ips` just now. The one that it had stays while that is right: names with
    /// several addresses give them in any order, and one that has no address for a while leads where it led.
    pub(super) fn line(&self, index: TrackerIndex, ips: &[IpText], port: u16, has_two: bool) -> Option<TrackerLine> {
        let mut places = self.write();
        let place = places.get_mut(index)?;
        let is_right = |line: &TrackerLine| {
            let HostAddrs { first, second } = line.addrs;
            ips.is_empty() || ips.contains(&first) && second.is_none_or(|second| ips.contains(&second))
        };
        if !place.line.as_ref().is_some_and(is_right) {
            let first = *ips.first()?;
            let second = ips.get(1).copied().filter(|_| has_two);
            place.line = Some(TrackerLine { addrs: HostAddrs { first, second }, port });
        }
        place.line
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Place>> {
        self.places.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Place>> {
        self.places.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(texts: &[&str]) -> Vec<TrackerServer> {
        texts.iter().map(|text| TrackerServer::parse(text, 22122).unwrap()).collect()
    }

    #[test]
    fn numbers_stay_with_their_trackers() {
        let list = TrackerList::new(&servers(&["10.0.0.1", "10.0.0.2"]));
        let mut changes = list.changes();
        let ended = list.ended(0);
        let change = list.replace(&servers(&["10.0.0.2", "10.0.0.3"]));
        assert_eq!((change.added, change.removed), (vec![2], servers(&["10.0.0.1"])));
        assert!(ended.is_cancelled() && !list.ended(1).is_cancelled() && changes.has_changed().unwrap());
        assert_eq!(list.all().iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((list.find(0), list.count()), (None, 2));

        changes.mark_unchanged();
        assert_eq!(list.replace(&servers(&["10.0.0.3", "10.0.0.2"])), TrackerChange::default());
        assert_eq!(list.replace(&[]), TrackerChange::default(), "no tracker at all is a mistake");
        assert!(!changes.has_changed().unwrap());
        assert_eq!(list.replace(&servers(&["10.0.0.1", "10.0.0.2"])).added, [3], "who comes back has a new number");
    }

    #[test]
    fn a_line_stays_while_it_is_right() {
        let list = TrackerList::new(&servers(&["a.example"]));
        let ips = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpText>>();
        let line = |texts: &[&str]| {
            list.line(0, &ips(texts), 22122, false).map(|line| (line.addrs.first.to_string(), line.addrs.second))
        };
        let one = |text: &str| Some((text.to_owned(), None));
        assert_eq!(line(&[]), None);
        assert_eq!(line(&["10.0.0.1", "10.0.0.2"]), one("10.0.0.1"));
        assert_eq!(line(&["10.0.0.2", "10.0.0.1"]), one("10.0.0.1"), "the same in another order");
        assert_eq!(line(&[]), one("10.0.0.1"), "the name server is down");
        assert_eq!(line(&["10.0.0.3"]), one("10.0.0.3"), "it has moved");
    }
}
