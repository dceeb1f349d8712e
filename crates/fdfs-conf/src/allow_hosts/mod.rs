//! `allow_hosts`: who may connect.
//!
//! | form              | meaning                                                                  |
//! |-------------------|--------------------------------------------------------------------------|
//! | `*`               | everybody, as is an absent key                                           |
//! | `10.0.1.7`, `::1` | one address                                                              |
//! | `10.0.1.[1-5,9]`  | ranges of the last number                                                |
//! | `10.0.1.0/24`     | a network                                                                |
//! | `host.example`    | a host name; the shell resolves it and calls [`AllowHosts::add_address`] |
//! | `host[01-08].x`   | several host names                                                       |
//!
//! Addresses are matched by masks and ranges; no list of addresses is ever made.
//!
//! Source: configuration, 3.

mod cidr;
mod ranges;

pub use cidr::Cidr;
pub use ranges::LastOctet;
pub(crate) use ranges::is_host_name;

use std::net::IpAddr;

/// How many host names one entry with ranges may stand for.
pub const HOSTS_PER_ENTRY_MAX: usize = 1024;

/// Who may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowHosts {
    everybody: bool,
    networks: Vec<Cidr>,
    ranges: Vec<LastOctet>,
    host_names: Vec<String>,
}

/// An absent key: everybody.
impl Default for AllowHosts {
    fn default() -> Self {
        Self::everybody()
    }
}

impl AllowHosts {
    /// Everybody may connect.
    #[must_use]
    pub const fn everybody() -> Self {
        Self { everybody: true, networks: Vec::new(), ranges: Vec::new(), host_names: Vec::new() }
    }

    /// Nobody may connect, until entries are added.
    #[must_use]
    pub const fn nobody() -> Self {
        Self { everybody: false, networks: Vec::new(), ranges: Vec::new(), host_names: Vec::new() }
    }

    /// Whether everybody may connect.
    #[must_use]
    pub const fn is_everybody(&self) -> bool {
        self.everybody
    }

    /// Whether no address at all is allowed, so far.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        !self.everybody && self.networks.is_empty() && self.ranges.is_empty()
    }

    /// The host names that the shell has to resolve.
    #[must_use]
    pub fn host_names(&self) -> &[String] {
        &self.host_names
    }

    /// Allows one address: what a host name was resolved to.
    pub fn add_address(&mut self, ip: IpAddr) {
        self.networks.push(Cidr::single(ip));
    }

    /// Adds one entry; `false` when it has none of the forms.
    pub fn add_entry(&mut self, entry: &str) -> bool {
        if entry == "*" {
            self.everybody = true;
        } else if let Some(network) = Cidr::parse_or_single(entry) {
            self.networks.push(network);
        } else if let Some(range) = LastOctet::parse(entry) {
            self.ranges.push(range);
        } else if let Some(names) = ranges::host_names(entry, HOSTS_PER_ENTRY_MAX) {
            self.host_names.extend(names);
        } else {
            return false;
        }
        true
    }

    /// Whether a peer with this address may connect. IPv4 inside IPv6 (`::ffff:10.0.0.1`) counts as IPv4.
    #[must_use]
    pub fn allows(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.everybody
            || self.networks.iter().any(|network| network.contains(ip))
            || self.ranges.iter().any(|range| range.contains(ip))
    }
}

/// The entries of one value: separated by commas, but not by those inside of brackets.
pub fn entries(value: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    value
        .split(move |c| {
            match c {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        })
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(value: &str) -> AllowHosts {
        let mut hosts = AllowHosts::nobody();
        for entry in entries(value) {
            assert!(hosts.add_entry(entry), "{entry}");
        }
        hosts
    }

    #[track_caller]
    fn check(value: &str, yes: &[&str], no: &[&str]) {
        let hosts = allow(value);
        for ip in yes {
            assert!(hosts.allows(ip.parse().unwrap()), "{value} must allow {ip}");
        }
        for ip in no {
            assert!(!hosts.allows(ip.parse().unwrap()), "{value} must not allow {ip}");
        }
    }

    #[test]
    fn every_form_is_matched() {
        check("*", &["1.2.3.4", "::1"], &[]);
        check("10.0.1.7", &["10.0.1.7", "::ffff:10.0.1.7"], &["10.0.1.8", "::1"]);
        check("10.0.1.[1-5,9]", &["10.0.1.1", "10.0.1.5", "10.0.1.9"], &["10.0.1.0", "10.0.1.6", "10.0.2.1"]);
        check("10.0.1.0/24, ::1", &["10.0.1.0", "10.0.1.255", "::1"], &["10.0.2.0", "::2"]);
        check("2001:db8::/32", &["2001:db8:1::1"], &["2001:db9::1"]);
        check("172.16.0.0/12", &["172.31.255.255"], &["172.32.0.0"]);
        check("1.2.3.4/31", &["1.2.3.4", "1.2.3.5"], &["1.2.3.6"]);
    }

    #[test]
    fn a_network_written_with_host_bits_is_the_whole_network() {
        check("10.0.1.77/24", &["10.0.1.0", "10.0.1.255"], &["10.0.2.77"]);
    }

    #[test]
    fn a_network_and_six_single_addresses() {
        let hosts = allow("10.78.0.0/24,10.78.1.1,10.78.1.2,10.78.1.3,10.78.1.4,10.78.1.5,10.78.1.6");
        let all = (0..=0xFFFF_u16).map(|n| IpAddr::from([10, 78, n.to_be_bytes()[0], n.to_be_bytes()[1]]));
        assert_eq!(all.filter(|&ip| hosts.allows(ip)).count(), 262);
    }

    #[test]
    fn host_names_wait_for_the_shell() {
        let mut hosts = allow("node[08-10].example,other");
        assert_eq!(hosts.host_names(), ["node08.example", "node09.example", "node10.example", "other"]);
        assert!(hosts.is_nobody());
        hosts.add_address("10.0.0.1".parse().unwrap());
        assert!(hosts.allows("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn rubbish_is_refused() {
        for entry in ["10.0.0.0/33", "10.0.1.[5-1]", "10.0.1.[1-256]", "10.0.1.[", "a b", "::1/129", "host[1-99999]"] {
            assert!(!AllowHosts::nobody().add_entry(entry), "{entry}");
        }
    }
}
