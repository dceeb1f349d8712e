//! `advertise`: which address of a storage askers from which network are told.
//!
//! | file         | form                                      | example                                              |
//! |--------------|-------------------------------------------|------------------------------------------------------|
//! | storage.conf | `NETWORK -> ADDRESS[:PORT]`               | `203.0.113.0/24 -> 198.51.100.7:23001`               |
//! | tracker.conf | `STORAGE NETWORK -> ADDRESS[:PORT]`       | `group1/100001 10.8.0.0/16 -> 10.8.0.5`              |
//!
//! A network is `10.0.0.0/8`, one address, or `*` for everybody; an address may be a host name, and goes into brackets
//! where it is IPv6 and has a port. A storage is an id, an address, `GROUP/ID`, `GROUP/*`, or `*`. Of all lines that
//! match, the first counts; those of tracker.conf come before those of the storage.

use std::net::IpAddr;

use fdfs_proto::ours::{Network, ROUTES_MAX};
use fdfs_proto::{GroupName, Status};

use crate::address::Hosts;
use crate::table::{Key, Reading};

/// The most lines in tracker.conf.
pub const TRACKER_RULES_MAX: usize = 4096;

const STORAGE_FORM: &str = "NETWORK -> ADDRESS[:PORT], where NETWORK is 10.0.0.0/8, one address, or * for everybody";
const TRACKER_FORM: &str = "STORAGE NETWORK -> ADDRESS[:PORT], where STORAGE is an id, GROUP/ID, GROUP/* or *, and \
     NETWORK is 10.0.0.0/8, one address, or * for everybody";

/// Which storages a line is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoragePick {
    /// Only those of this group.
    pub group: Option<GroupName>,
    /// Only the one with this id or address.
    pub id: Option<String>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvertiseRule {
    /// Which storages; all of them in storage.conf, where it means the storage itself.
    pub storage: StoragePick,
    /// Who asks.
    pub network: Network,
    /// The address to tell, or a name for it; IPv6 without brackets.
    pub host: String,
    /// The port to tell; `None` for the storage's own.
    pub port: Option<u16>,
}

impl AdvertiseRule {
    /// Reads a value of storage.conf.
    #[must_use]
    pub fn of_storage(text: &str) -> Option<Self> {
        let (network, address) = text.split_once("->")?;
        Self::new(StoragePick::default(), network.trim(), address.trim())
    }

    /// Reads a value of tracker.conf.
    #[must_use]
    pub fn of_tracker(text: &str) -> Option<Self> {
        let (left, address) = text.split_once("->")?;
        let (storage, network) = left.trim().split_once(char::is_whitespace)?;
        let (group, id) = storage.rsplit_once('/').map_or((None, storage), |(group, id)| (Some(group), id));
        let group = match group {
            Some(group) => Some(group.parse::<GroupName>().ok().filter(|group| !group.is_empty())?),
            None => None,
        };
        let id = (id != "*").then(|| id.to_owned());
        if id.as_deref() == Some("") {
            return None;
        }
        Self::new(StoragePick { group, id }, network.trim(), address.trim())
    }

    fn new(storage: StoragePick, network: &str, address: &str) -> Option<Self> {
        let network = network.parse().ok()?;
        // A single IPv6 address may go without brackets when it has no port.
        let (host, port) = match address.parse::<IpAddr>() {
            Ok(ip) => (ip.to_string(), None),
            Err(_) => {
                let Hosts { hosts, port } = Hosts::parse(address)?;
                let [host] = hosts.as_slice() else { return None };
                (host.clone(), port)
            }
        };
        // An address that nobody can be sent to.
        if host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified() || ip.is_multicast()) {
            return None;
        }
        Some(Self { storage, network, host, port })
    }

    /// Whether an earlier line takes all that it is about, so that it never counts. An earlier IPv6 address does not: askers
    /// who cannot be told one are told the next.
    fn is_behind(&self, earlier: &Self) -> bool {
        let (ours, theirs) = (&self.storage, &earlier.storage);
        let of_storage =
            (theirs.group.is_none() || theirs.group == ours.group) && (theirs.id.is_none() || theirs.id == ours.id);
        of_storage && earlier.network.covers(&self.network) && earlier.host.parse::<std::net::Ipv4Addr>().is_ok()
    }
}

/// The row of storage.conf.
pub(crate) const fn storage_key<C>(read: fn(&mut C, &mut Reading<'_>, &Key<C>)) -> Key<C> {
    Key::custom(
        "advertise",
        "rule, repeatable",
        "",
        read,
        "which address of this storage clients and other storages from which network are told; the first line that \
         matches counts, without one the address that the tracker sees",
    )
    .allowed(STORAGE_FORM)
    .otherwise("refused (22)")
    .since("own key")
}

/// The row of tracker.conf.
pub(crate) const fn tracker_key<C>(read: fn(&mut C, &mut Reading<'_>, &Key<C>)) -> Key<C> {
    Key::custom(
        "advertise",
        "rule, repeatable",
        "",
        read,
        "which address of a storage clients and other storages from which network are told; comes before what the \
         storage itself advertises",
    )
    .allowed(TRACKER_FORM)
    .otherwise("refused (22)")
    .since("own key")
}

/// All lines of storage.conf.
pub(crate) fn read_storage<C>(reading: &mut Reading<'_>, key: &Key<C>) -> Vec<AdvertiseRule> {
    read(reading, key, AdvertiseRule::of_storage, ROUTES_MAX)
}

/// All lines of tracker.conf.
pub(crate) fn read_tracker<C>(reading: &mut Reading<'_>, key: &Key<C>) -> Vec<AdvertiseRule> {
    read(reading, key, AdvertiseRule::of_tracker, TRACKER_RULES_MAX)
}

fn read<C>(
    reading: &mut Reading<'_>,
    key: &Key<C>,
    parse: fn(&str) -> Option<AdvertiseRule>,
    max: usize,
) -> Vec<AdvertiseRule> {
    let mut rules = Vec::new();
    for item in reading.all(key.section, key.name) {
        match parse(&item.value) {
            None => reading.refuse(item, key.allowed, Status::EINVAL),
            Some(_) if rules.len() == max => {
                reading.refuse(item, format!("at most {max} lines"), Status::EINVAL);
                break;
            }
            Some(rule) => {
                if let Some(earlier) = rules.iter().find(|earlier| rule.is_behind(earlier)) {
                    let what =
                        format!("never counts: the line for {} before it is about the same askers", earlier.network);
                    reading.note(item, what, "");
                }
                rules.push(rule);
            }
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rule: Option<AdvertiseRule>) -> Option<String> {
        let rule = rule?;
        let StoragePick { group, id } = rule.storage;
        Some(format!("{group:?} {id:?} {} {} {:?}", rule.network, rule.host, rule.port))
    }

    #[test]
    fn lines_of_storages() {
        for (text, expected) in [
            ("203.0.113.0/24 -> 198.51.100.7:23001", "None None 203.0.113.0/24 198.51.100.7 Some(23001)"),
            ("*->files.example", "None None * files.example None"),
            ("10.0.0.1 -> fd00::7", "None None 10.0.0.1 fd00::7 None"),
            ("fd00::/8 -> [FD00::0:7]:23000", "None None fd00::/8 fd00::7 Some(23000)"),
        ] {
            assert_eq!(shown(AdvertiseRule::of_storage(text)).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "10.0.0.0/8", "10.0.0.0/8 = 1.2.3.4", "10.0.0.0/33 -> a", "* -> ", "* -> a,b", "* -> a:0"] {
            assert_eq!(AdvertiseRule::of_storage(text), None, "{text}");
        }
    }

    #[test]
    fn lines_that_never_count_are_known() {
        let rule = |text: &str| AdvertiseRule::of_tracker(text).unwrap();
        for (earlier, later, never) in [
            ("* * -> 1.1.1.1", "* 10.0.0.0/8 -> 2.2.2.2", true),
            ("* 10.0.0.0/8 -> 1.1.1.1", "g/7 10.1.0.0/16 -> 2.2.2.2", true),
            ("* 10.0.0.0/8 -> 1.1.1.1", "* 10.0.0.0/8 -> 2.2.2.2", true),
            ("* 10.1.0.0/16 -> 1.1.1.1", "* 10.0.0.0/8 -> 2.2.2.2", false),
            ("g/7 * -> 1.1.1.1", "g/8 * -> 2.2.2.2", false),
            ("g/* * -> 1.1.1.1", "h/* * -> 2.2.2.2", false),
            ("* * -> ::1", "* 10.0.0.0/8 -> 2.2.2.2", false),
            ("* ::/0 -> 1.1.1.1", "* 10.0.0.0/8 -> 2.2.2.2", false),
            ("* ::/0 -> 1.1.1.1", "* fd00::/8 -> 2.2.2.2", true),
            ("* 0.0.0.0/0 -> 1.1.1.1", "* * -> 2.2.2.2", false),
        ] {
            assert_eq!(rule(later).is_behind(&rule(earlier)), never, "{earlier}, {later}");
        }
        for text in ["* -> 0.0.0.0", "* -> [::]:7", "* -> 224.0.0.1"] {
            assert_eq!(AdvertiseRule::of_storage(text), None, "{text}");
        }
    }

    #[test]
    fn lines_of_trackers() {
        for (text, expected) in [
            ("100001 10.8.0.0/16 -> 10.8.0.5", r#"None Some("100001") 10.8.0.0/16 10.8.0.5 None"#),
            ("g1/10.0.0.9   * -> h:1", r#"Some("g1") Some("10.0.0.9") * h Some(1)"#),
            ("g1/* * -> h", r#"Some("g1") None * h None"#),
            ("* 127.0.0.0/8 -> 127.0.0.1", "None None 127.0.0.0/8 127.0.0.1 None"),
        ] {
            assert_eq!(shown(AdvertiseRule::of_tracker(text)).as_deref(), Some(expected), "{text}");
        }
        for text in ["10.0.0.0/8 -> a", "/1 * -> a", "a b/1 * -> c", "g!/1 * -> a", "g/ * -> a"] {
            assert_eq!(AdvertiseRule::of_tracker(text), None, "{text}");
        }
    }
}
