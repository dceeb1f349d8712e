//! At which address a storage is reached, and by whom: `advertise` of tracker.conf and of the storage, else its own
//! addresses.

use std::net::IpAddr;

use fdfs_proto::ours::Route;
use fdfs_proto::shared::AddrSize;
use fdfs_proto::{GroupName, IpText};

use super::addr::Addrs;
use super::settings::Settings;
use super::storage::Storage;

/// Which storages a rule of tracker.conf is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoragePick {
    /// Only those of this group.
    pub group: Option<GroupName>,
    /// Only the one with this id or address.
    pub id: Option<String>,
}

/// One line `advertise` of tracker.conf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertise {
    /// Which storages.
    pub storage: StoragePick,
    /// Who is told what.
    pub route: Route,
}

impl Advertise {
    fn is_about(&self, group: &GroupName, storage: &Storage) -> bool {
        let StoragePick { group: of_group, id } = &self.storage;
        let is_it = |id: &String| storage.id.as_str() == id || storage.addrs.iter().any(|ip| ip.as_str() == id);
        of_group.is_none_or(|of_group| of_group == *group) && id.as_ref().is_none_or(is_it)
    }
}

/// How wide the addresses of an answer are (`response_ip_addr_size`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnswerWidth {
    /// 16 bytes for everybody.
    Narrow,
    /// 46 bytes for those who ask over IPv6: whoever does so reads them.
    ///
    /// Differs from C: there `auto` without an IPv6 address in storage_ids.conf means 16 bytes for everybody.
    #[default]
    ByAsker,
    /// 46 bytes for everybody.
    Wide,
}

impl AnswerWidth {
    /// The width for one asker.
    #[must_use]
    pub fn for_asker(self, asker: &IpText) -> AddrSize {
        match self {
            Self::Wide => AddrSize::V6,
            Self::ByAsker if asker.as_str().contains(':') => AddrSize::V6,
            Self::ByAsker | Self::Narrow => AddrSize::V4,
        }
    }
}

impl Storage {
    /// The address and the port that `asker` is told, in an answer of that width: the first route that matches, else its
    /// own address. A route whose address the answer cannot hold is passed over.
    #[must_use]
    pub fn reached_by(&self, asker: &IpText, size: AddrSize) -> (IpText, u16) {
        let route = if self.routes.is_empty() { None } else { self.route_for(asker, size) };
        match route {
            Some(route) => (route.ip, route.port.unwrap_or(self.port)),
            None => (*self.addrs.for_asker_within(asker, size), self.port),
        }
    }

    fn route_for(&self, asker: &IpText, size: AddrSize) -> Option<&Route> {
        let asker: IpAddr = asker.as_str().parse().ok()?;
        let fits = |route: &&Route| holds(size, &route.ip);
        self.routes.iter().filter(fits).find(|route| route.network.contains(asker))
    }

    /// Works out its routes: those of tracker.conf that are about it, then its own. Whether they changed.
    pub(crate) fn set_routes(&mut self, group: &GroupName, settings: &Settings) -> bool {
        let of_tracker = settings.advertise.iter().filter(|rule| rule.is_about(group, self)).map(|rule| rule.route);
        let routes: Vec<Route> = of_tracker.chain(self.own_routes.iter().copied()).collect();
        let has_changed = routes != self.routes;
        self.routes = routes;
        has_changed
    }

    /// Who is told what beside its own addresses, the first that matches counts.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }
}

/// Whether whoever reads answers of this width understands the address.
fn holds(size: AddrSize, ip: &IpText) -> bool {
    size == AddrSize::V6 || !ip.as_str().contains(':')
}

impl Addrs {
    /// As [`Addrs::for_asker`], but rather the other address than one that the answer cannot hold.
    fn for_asker_within(&self, asker: &IpText, size: AddrSize) -> &IpText {
        let told = self.for_asker(asker);
        if holds(size, told) { told } else { self.iter().find(|ip| holds(size, ip)).unwrap_or(told) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::tests_support::{active, cluster_of, id, ip, name};
    use crate::tracker::{Cluster, ConnId, Effect};
    use fdfs_proto::ours::StorageTerms;

    fn route(network: &str, address: &str, port: Option<u16>) -> Route {
        Route { network: network.parse().unwrap(), ip: ip(address), port }
    }

    fn told(cluster: &mut Cluster, asker: &str) -> String {
        let found = cluster.query_store_one(None, &ip(asker)).unwrap().storage;
        format!("{}:{}", found.ip, found.port)
    }

    #[test]
    fn askers_are_told_the_address_of_the_first_rule_that_matches() {
        let mut cluster = cluster_of(Settings::default(), &[("g", &[active("10.0.0.1", 5000)])]);
        let terms = StorageTerms {
            drained: false,
            routes: vec![
                route("192.168.7.0/24", "192.168.7.2", Some(9000)),
                route("192.168.0.0/16", "192.168.0.2", None),
                route("*", "2001:db8::7", None),
            ],
        };
        let effects = cluster.set_terms(ConnId(1), &terms).unwrap();
        assert!(effects.contains(&Effect::GroupChanged { group: name("g") }));
        assert_eq!(cluster.set_terms(ConnId(1), &terms), Ok(vec![]), "no news");
        for (asker, expected) in [
            ("192.168.7.9", "192.168.7.2:9000"),
            ("192.168.8.9", "192.168.0.2:23000"),
            ("9.9.9.9", "10.0.0.1:23000"),
            ("2001:db8::1", "2001:db8::7:23000"),
        ] {
            assert_eq!(told(&mut cluster, asker), expected, "{asker}: an answer to IPv4 holds no IPv6 address");
        }
        // The other storages are told so in records, which are always wide.
        let view = cluster.group_view(&name("g"), &id("10.0.0.2"), &ip("9.9.9.9")).unwrap();
        assert_eq!(view.storages[0].ip, ip("2001:db8::7"));
        let own = cluster.group_view(&name("g"), &id("10.0.0.1"), &ip("192.168.7.9")).unwrap();
        assert_eq!((own.storages[0].ip, own.storages[0].port), (ip("10.0.0.1"), 23000), "itself by its own address");
    }

    #[test]
    fn rules_of_the_tracker_come_first_and_choose_their_storages() {
        let rule = |group: Option<&str>, id: Option<&str>, network, address| Advertise {
            storage: StoragePick { group: group.map(name), id: id.map(str::to_owned) },
            route: route(network, address, None),
        };
        let advertise = vec![
            rule(Some("x"), None, "*", "1.1.1.1"),
            rule(None, Some("10.0.0.2"), "*", "2.2.2.2"),
            rule(Some("g"), Some("10.0.0.1"), "10.0.0.0/8", "3.3.3.3"),
        ];
        let settings = Settings { advertise, ..Settings::default() };
        let mut cluster = cluster_of(settings, &[("g", &[active("10.0.0.1", 5000)])]);
        assert_eq!(told(&mut cluster, "10.9.9.9"), "3.3.3.3:23000");
        let terms = StorageTerms { drained: false, routes: vec![route("*", "4.4.4.4", Some(4))] };
        let _ = cluster.set_terms(ConnId(1), &terms).unwrap();
        assert_eq!(told(&mut cluster, "10.9.9.9"), "3.3.3.3:23000");
        assert_eq!(told(&mut cluster, "11.9.9.9"), "4.4.4.4:4");
        assert!(cluster.set_advertise(Vec::new()).contains(&Effect::GroupChanged { group: name("g") }));
        assert_eq!(told(&mut cluster, "10.9.9.9"), "4.4.4.4:4");
        assert!(cluster.set_terms(ConnId(9), &terms).is_err(), "only of a joined storage");
    }

    #[test]
    fn a_narrow_answer_tells_the_address_that_it_can_hold() {
        let mut cluster = cluster_of(Settings::default(), &[("g", &[active("1", 5000)])]);
        cluster.groups[0].storages[0].addrs = Addrs::new(ip("fd00::aaaa:bbbb:cccc"), Some(ip("88.1.1.1")));
        assert_eq!(told(&mut cluster, "10.0.0.9"), "88.1.1.1:23000");
        assert_eq!(told(&mut cluster, "fd00::2"), "88.1.1.1:23000", "of its kind, as the reference has it");
    }
}
