//! Host names in storage_ids.conf and in `advertise` of tracker.conf: looked up at the start, and again and again, because
//! a name is written where addresses change.
//!
//! Differs from C: there a name is looked up once, and one without an address keeps the tracker from starting.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fdfs_conf::{AdvertiseRule, ConfError, StorageIds};
use fdfs_core::tracker::{Advertise, Effect, StoragePick};
use fdfs_proto::ours::Route;
use tracing::{info, warn};

use crate::peer::ip_text;
use crate::settings::{id_lines, table_of};
use crate::tracker::Tracker;

/// How long an address of a name is used before the name is looked up again.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(10);
/// The same after a storage could not be identified, which may be one whose name has another address now.
const LOOKUP_PAUSE: Duration = Duration::from_secs(1);

/// What is looked up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    pub(crate) advertise: Vec<AdvertiseRule>,
    pub(crate) ids: Option<StorageIds>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) advertise: Vec<Advertise>,
    pub(crate) ids: Option<StorageIds>,
    /// Names that have no address, and where they stand.
    nameless: Vec<(&'static str, String)>,
    /// The addresses of names. A name that cannot be looked up just now has the address that it had.
    known: BTreeMap<String, IpAddr>,
}

impl Found {
    /// Says which names have no address, but for those in `told`.
    pub(crate) fn warn_of_nameless(&self, told: &[(&'static str, String)]) {
        for (file, name) in self.nameless.iter().filter(|nameless| !told.contains(nameless)) {
            warn!("{file}: the host {name} has no address; its line is left out until it has one");
        }
    }
}

impl Names {
    /// Looks all names up; `before` is what was found the last time. Blocking.
    ///
    /// # Errors
    /// [`ConfError`]: two storages have the same address and port.
    pub(crate) fn look_up(&self, before: &Found) -> Result<Found, ConfError> {
        self.look_up_with(before, fdfs_daemon::resolve_from)
    }

    fn look_up_with(
        &self,
        before: &Found,
        lookup: impl Fn(&str, Option<IpAddr>) -> Option<IpAddr>,
    ) -> Result<Found, ConfError> {
        let mut known = BTreeMap::new();
        for name in self.all() {
            let last = before.known.get(name).copied();
            if let Some(ip) = lookup(name, last).or(last) {
                known.insert(name.to_owned(), ip);
            }
        }
        let mut found = Found::default();
        for rule in &self.advertise {
            let ip = rule.host.parse::<IpAddr>().ok().or_else(|| known.get(&rule.host).copied());
            let Some(ip) = ip else {
                found.nameless.push(("advertise", rule.host.clone()));
                continue;
            };
            let storage = StoragePick { group: rule.storage.group, id: rule.storage.id.clone() };
            let route = Route { network: rule.network, ip: ip_text(ip), port: rule.port };
            found.advertise.push(Advertise { storage, route });
        }
        if let Some(ids) = &self.ids {
            let (ids, nameless) = ids.resolved(&|name| known.get(name).copied())?;
            found.ids = Some(ids);
            found.nameless.extend(nameless.into_iter().map(|name| ("storage_ids.conf", name)));
        }
        found.known = known;
        Ok(found)
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        let hosts = self.advertise.iter().map(|rule| rule.host.as_str());
        let hosts = hosts.filter(|host| host.parse::<IpAddr>().is_err());
        hosts.chain(self.ids.iter().flat_map(StorageIds::host_names))
    }
}

/// Looks the names up again until the tracker stops.
pub(crate) async fn run(tracker: Arc<Tracker>, mut last: Found) {
    let mut told_error = String::new();
    loop {
        let pause = async {
            tokio::time::sleep(LOOKUP_PAUSE).await;
            let _ = tokio::time::timeout(LOOKUP_INTERVAL - LOOKUP_PAUSE, tracker.lookups.notified()).await;
        };
        tokio::select! {
            () = tracker.shutdown.cancelled() => return,
            () = pause => {}
        }
        let names = tracker.names();
        if names.all().next().is_some() {
            let before = last.clone();
            let Ok(found) = tokio::task::spawn_blocking(move || names.look_up(&before)).await else { return };
            match found {
                Ok(found) if found != last => {
                    found.warn_of_nameless(&last.nameless);
                    if (&found.advertise, &found.ids) != (&last.advertise, &last.ids) {
                        info!("names of storage_ids.conf or advertise have other addresses now");
                    }
                    take_over(&tracker, &found);
                    last = found;
                }
                Ok(_) => told_error.clear(),
                Err(error) => {
                    if std::mem::replace(&mut told_error, error.to_string()) != told_error {
                        warn!("{error}; the addresses that names had before are used");
                    }
                }
            }
        }
    }
}

/// Makes what was found what the tracker goes by.
pub(crate) fn take_over(tracker: &Tracker, found: &Found) {
    let lines = found.ids.as_ref().map(id_lines);
    let table = lines.as_deref().and_then(|lines| match table_of(lines) {
        Ok(table) => Some(table),
        Err(error) => {
            warn!("storage_ids.conf: {error}; what it said before is used");
            None
        }
    });
    let advertise = found.advertise.clone();
    let _ = tracker.change(|cluster| {
        let mut effects: Vec<Effect> = Vec::new();
        if cluster.settings().advertise != advertise {
            effects.extend(cluster.set_advertise(advertise));
        }
        if let Some(table) =
            table.clone().filter(|table| cluster.settings().ids.as_ref().is_some_and(|ids| ids != table))
        {
            effects.extend(cluster.set_ids(table));
        }
        Ok::<_, Infallible>(effects)
    });
    if let (Some(lines), Some(_)) = (lines, table) {
        tracker.set_id_lines(lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let ids =
            StorageIds::parse("storage_ids.conf", b"1 g one.example\n2 g two.example\n3 g 10.0.0.3\n").unwrap().conf;
        Names { advertise: vec![AdvertiseRule::of_storage("10.0.0.0/8 -> one.example").unwrap()], ids: Some(ids) }
    }

    fn addrs(found: &Found) -> Vec<String> {
        found.ids.as_ref().unwrap().entries().iter().map(|entry| format!("{} {}", entry.id, entry.addrs[0])).collect()
    }

    #[test]
    fn names_lead_where_they_led_last() {
        let (names, at) = (names(), |text: &str| text.parse::<IpAddr>().ok());
        let one =
            |ip: &'static str| move |name: &str, _: Option<IpAddr>| if name == "one.example" { at(ip) } else { None };
        let first = names.look_up_with(&Found::default(), one("10.0.0.1")).unwrap();
        assert_eq!(addrs(&first), ["1 10.0.0.1", "3 10.0.0.3"]);
        assert_eq!(first.nameless, [("storage_ids.conf", "two.example".to_owned())]);

        let moved = names.look_up_with(&first, one("10.0.0.9")).unwrap();
        assert_eq!(addrs(&moved), ["1 10.0.0.9", "3 10.0.0.3"]);
        assert_eq!(moved.advertise[0].route.ip.as_str(), "10.0.0.9");

        let silent = names.look_up_with(&moved, |_, _| None).unwrap();
        assert_eq!(silent, moved, "a name server that is down changes nothing");
        assert!(names.look_up_with(&moved, |_, _| at("10.0.0.3")).is_err(), "two storages with one address");
    }
}
