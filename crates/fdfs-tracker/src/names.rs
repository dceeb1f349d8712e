//! Host names in `advertise` of tracker.conf: looked up at the start, and again and again, because a name is written where
//! addresses change.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fdfs_conf::AdvertiseRule;
use fdfs_core::tracker::{Advertise, StoragePick};
use fdfs_proto::ours::Route;
use tracing::{info, warn};

use crate::peer::ip_text;
use crate::tracker::Tracker;

/// How long an address of a name is used before the name is looked up again.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(10);

/// The rules with addresses in place of names, and the names that have none. Blocking.
pub(crate) fn resolved(rules: &[AdvertiseRule]) -> (Vec<Advertise>, Vec<String>) {
    let (mut found, mut nameless) = (Vec::with_capacity(rules.len()), Vec::new());
    for rule in rules {
        let ip = rule.host.parse::<IpAddr>().ok().or_else(|| fdfs_daemon::resolve(&rule.host));
        let Some(ip) = ip else {
            nameless.push(rule.host.clone());
            continue;
        };
        let storage = StoragePick { group: rule.storage.group, id: rule.storage.id.clone() };
        let route = Route { network: rule.network, ip: ip_text(ip), port: rule.port };
        found.push(Advertise { storage, route });
    }
    (found, nameless)
}

/// Says which names have no address.
pub(crate) fn warn_of(nameless: &[String]) {
    for name in nameless {
        warn!("advertise: the host {name} has no address; its line is left out until it has one");
    }
}

/// Looks the names up again until the tracker stops; returns at once where there are none.
pub(crate) async fn run(tracker: Arc<Tracker>, rules: Vec<AdvertiseRule>) {
    if rules.iter().all(|rule| rule.host.parse::<IpAddr>().is_ok()) {
        return;
    }
    let (mut known, mut unknown) = (tracker.read(|cluster| cluster.settings().advertise.clone()), Vec::new());
    let rules = Arc::new(rules);
    while tokio::time::timeout(LOOKUP_INTERVAL, tracker.shutdown.cancelled()).await.is_err() {
        let asked = rules.clone();
        let Ok((found, nameless)) = tokio::task::spawn_blocking(move || resolved(&asked)).await else { return };
        if nameless != unknown {
            warn_of(&nameless);
            unknown = nameless;
        }
        // A name that cannot be looked up just now has the address that it had.
        if found != known && found.len() >= known.len() {
            info!("advertise: names have other addresses now");
            known.clone_from(&found);
            let _ = tracker.change(|cluster| Ok::<_, std::convert::Infallible>(cluster.set_advertise(found)));
        }
    }
}
