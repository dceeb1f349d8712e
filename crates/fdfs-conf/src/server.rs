//! The keys that tracker.conf and storage.conf have in common.
//!
//! Source: configuration, 3.

use std::net::IpAddr;
use std::path::PathBuf;

use fdfs_proto::Status;

use crate::allow_hosts::{AllowHosts, entries};
use crate::choice::{AddressFamily, LogLevel};
use crate::env::Env;
use crate::table::{Action, Key, Reading, Section};
use crate::value::{BadBytes, parse_bytes, print_bytes};
use crate::{ConfError, Severity};

/// What both daemons need: addresses, limits, the account they run as.
///
/// The daemons' defaults differ: they are in `TrackerConf::default().server` and `StorageConf::default().server`. The
/// `Default` of this struct is zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerConf {
    /// `base_path`: the folder of state files and logs, without a trailing slash. Made (0775) if absent.
    pub base_path: PathBuf,
    /// `inner_port`, else `port`: where the server listens, and the port that it tells its peers.
    pub inner_port: u16,
    /// `outer_port`, else `port`: a second listener if it differs from the inner one.
    pub outer_port: u16,
    /// `inner_bind_addr`, else `bind_addr`: at most one IPv4 and one IPv6 address; empty for all addresses.
    pub inner_bind_addrs: Vec<String>,
    /// `outer_bind_addr`, else `bind_addr`.
    pub outer_bind_addrs: Vec<String>,
    /// `address_family`.
    pub address_family: AddressFamily,
    /// `connect_timeout`, seconds.
    pub connect_timeout_secs: u64,
    /// `network_timeout`: seconds without a byte after which a connection is given up.
    pub network_timeout_secs: u64,
    /// `max_connections`: connections at the same time.
    pub max_connections: u32,
    /// `buff_size`: the buffer of a connection, in bytes.
    pub buff_size_bytes: u64,
    /// `min_buff_size`: what a connection's buffer begins with, in bytes.
    pub min_buff_size_bytes: u64,
    /// `max_buff_size`: what a connection's buffer may grow to, in bytes.
    pub max_buff_size_bytes: u64,
    /// `accept_threads`.
    pub accept_threads: u32,
    /// `work_threads`.
    pub work_threads: u32,
    /// `thread_stack_size`, in bytes; without effect.
    pub thread_stack_size_bytes: u64,
    /// `tcp_quick_ack`.
    pub tcp_quick_ack: bool,
    /// `use_io_uring`; without effect.
    pub use_io_uring: bool,
    /// `use_send_zc`; without effect.
    pub use_send_zc: bool,
    /// `run_by_group`: empty for the caller's.
    pub run_by_group: String,
    /// `run_by_user`: empty for the caller's.
    pub run_by_user: String,
    /// `allow_hosts`: who may connect.
    pub allow_hosts: AllowHosts,
    /// `log_level`.
    pub log_level: LogLevel,
    /// `use_connection_pool`: whether outgoing connections are kept for reuse.
    pub use_connection_pool: bool,
    /// `connection_pool_max_idle_time`: seconds after which an idle one is closed.
    pub connection_pool_max_idle_time_secs: u64,
}

/// The address families a server listens on, once everything is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Families {
    /// IPv4.
    pub v4: bool,
    /// IPv6.
    pub v6: bool,
}

impl ServerConf {
    /// The families to listen on. `auto` asks the bind addresses first, else takes IPv4 if the host has any IPv4
    /// address; with nothing known about the host that is IPv4, too.
    #[must_use]
    pub fn families(&self, env: &Env) -> Families {
        match self.address_family {
            AddressFamily::V4 => Families { v4: true, v6: false },
            AddressFamily::V6 => Families { v4: false, v6: true },
            AddressFamily::Both => Families { v4: true, v6: true },
            AddressFamily::Auto => {
                let bound: Vec<IpAddr> = self.inner_bind_addrs.iter().filter_map(|addr| addr.parse().ok()).collect();
                let ips = if bound.is_empty() { &env.local_ips } else { &bound };
                let v4 = ips.is_empty() || ips.iter().any(IpAddr::is_ipv4);
                let v6 = if bound.is_empty() { !v4 } else { bound.iter().any(IpAddr::is_ipv6) };
                Families { v4, v6 }
            }
        }
    }
}

/// A configuration with the keys of a daemon. The constants are where the daemons differ.
pub(crate) trait HasServer: 'static {
    const PORT: u16;
    const PORT_TEXT: &'static str;
    const NETWORK_TIMEOUT_SECS: u64;
    const SAMPLE_THREAD_STACK: &'static str;
    fn server(&mut self) -> &mut ServerConf;
}

const EINVAL: Action = Action::Refuse(Status::EINVAL);

/// The rows of the common keys.
pub(crate) fn keys<C: HasServer>() -> Vec<Key<C>> {
    let mut keys = identity_keys();
    keys.extend(limit_keys());
    keys
}

fn identity_keys<C: HasServer>() -> Vec<Key<C>> {
    vec![
        Key::custom("disabled", "bool", "false", |_, r, key| read_disabled(r, key), "true: this server does not start")
            .allowed("true, yes, on, 1; false, no, off, 0"),
        Key::path("base_path", "", |c: &mut C, v| c.server().base_path = v, "folder of state files and logs; required")
            .allowed("a path; made if absent")
            .sample("/opt/fastdfs"),
        Key::custom(
            "port",
            "port",
            C::PORT_TEXT,
            |c: &mut C, r, key| {
                let port = read_port(r, key, Some(C::PORT)).unwrap_or(C::PORT);
                (c.server().inner_port, c.server().outer_port) = (port, port);
            },
            "the port to listen on",
        )
        .allowed("1 to 65535")
        .otherwise("0 and less: default; more: refused (22)"),
        Key::custom(
            "inner_port",
            "port",
            "",
            |c: &mut C, r, key| {
                if let Some(port) = read_port(r, key, None) {
                    c.server().inner_port = port;
                }
            },
            "port for the inner network, where it is not port; peers are told this one",
        )
        .allowed("1 to 65535")
        .otherwise("0 and less: port; more: refused (22)"),
        Key::custom(
            "outer_port",
            "port",
            "",
            |c: &mut C, r, key| {
                if let Some(port) = read_port(r, key, None) {
                    c.server().outer_port = port;
                }
            },
            "port for the outer network, where it is not port",
        )
        .allowed("1 to 65535")
        .otherwise("0 and less: port; more: refused (22)"),
        Key::custom(
            "bind_addr",
            "address[, address]",
            "",
            |c: &mut C, r, key| {
                let addrs = read_bind_addrs(r, key).unwrap_or_default();
                c.server().inner_bind_addrs.clone_from(&addrs);
                c.server().outer_bind_addrs = addrs;
            },
            "address to listen on, one IPv4 and one IPv6; empty for all",
        )
        .allowed(BIND_ADDRS)
        .otherwise("refused (22)"),
        Key::custom(
            "inner_bind_addr",
            "address[, address]",
            "",
            |c: &mut C, r, key| {
                if let Some(addrs) = read_bind_addrs(r, key) {
                    c.server().inner_bind_addrs = addrs;
                }
            },
            "address for the inner network, where it is not bind_addr",
        )
        .allowed(BIND_ADDRS)
        .otherwise("refused (22)"),
        Key::custom(
            "outer_bind_addr",
            "address[, address]",
            "",
            |c: &mut C, r, key| {
                if let Some(addrs) = read_bind_addrs(r, key) {
                    c.server().outer_bind_addrs = addrs;
                }
            },
            "address for the outer network, where it is not bind_addr",
        )
        .allowed(BIND_ADDRS)
        .otherwise("refused (22)"),
        Key::word(
            "address_family",
            "auto",
            EINVAL,
            |c: &mut C, word| AddressFamily::from_word(word).map(|v| c.server().address_family = v).is_some(),
            "address families to listen on; auto: as bind_addr, else IPv4 if the host has any IPv4 address",
        )
        .allowed("auto, IPv4, IPv6, both")
        .since("6.11"),
        Key::text(
            "run_by_group",
            "",
            |c: &mut C, v| c.server().run_by_group = v.to_owned(),
            "group to run as; empty for the caller's",
        )
        .allowed("a group of this host, or empty"),
        Key::text(
            "run_by_user",
            "",
            |c: &mut C, v| c.server().run_by_user = v.to_owned(),
            "user to run as; empty for the caller",
        )
        .allowed("a user of this host, or empty"),
        Key::custom(
            "allow_hosts",
            "list, repeatable",
            "*",
            |c: &mut C, r, key| c.server().allow_hosts = read_allow_hosts(r, key),
            "who may connect; others are closed without a word",
        )
        .allowed("*, an address, a host name, 10.0.1.[1-5,9], 10.0.1.0/24")
        .otherwise("skipped, with a warning"),
        Key::word(
            "log_level",
            "info",
            Action::UseDefault(Severity::Warning),
            |c: &mut C, word| LogLevel::from_prefix(word).map(|v| c.server().log_level = v).is_some(),
            "what is logged: this level and all more urgent ones",
        )
        .allowed("emerg, alert, crit, error, warn, notice, info, debug"),
    ]
}

fn limit_keys<C: HasServer>() -> Vec<Key<C>> {
    vec![
        Key::secs(
            "connect_timeout",
            10,
            |c: &mut C, v| c.server().connect_timeout_secs = v,
            "for outgoing connections",
        )
        .positive()
        .sample("5"),
        Key::secs(
            "network_timeout",
            C::NETWORK_TIMEOUT_SECS,
            |c: &mut C, v| c.server().network_timeout_secs = v,
            "without a byte, after which a connection is given up",
        )
        .positive()
        .sample("60"),
        Key::count(
            "max_connections",
            256,
            |c: &mut C, v| c.server().max_connections = v,
            "connections at the same time",
        )
        .positive()
        .sample("1024"),
        Key::bytes("buff_size", 256 << 10, |c: &mut C, v| c.server().buff_size_bytes = v, "buffer of a connection")
            .corrected(8 << 10, 1 << 30),
        // Both keys are read by the first of them, because one without the other counts for nothing.
        Key::custom(
            "min_buff_size",
            "bytes",
            "buff_size",
            |c: &mut C, r, key| read_buff_sizes(c.server(), r, key),
            "what a connection's buffer begins with; only together with max_buff_size",
        )
        .allowed("at least 4KB, with T, G, M, K and B")
        .otherwise("no size: refused (22); nearest, with a warning")
        .since("5.09")
        .sample("8KB"),
        Key::custom(
            "max_buff_size",
            "bytes",
            "buff_size",
            |_, _, _| {},
            "what a connection's buffer may grow to; only together with min_buff_size",
        )
        .allowed("at least 8KB, not less than min_buff_size, with T, G, M, K and B")
        .otherwise("no size: refused (22); nearest, with a warning")
        .since("5.09")
        .sample("128KB"),
        Key::count(
            "accept_threads",
            1,
            |c: &mut C, v| c.server().accept_threads = v,
            "threads that accept connections",
        )
        .at_least(1, EINVAL)
        .since("4.07"),
        Key::count("work_threads", 4, |c: &mut C, v| c.server().work_threads = v, "threads that serve connections")
            .at_least(1, EINVAL),
        // Differs from C: a storage starts with less than 320 KB, too, because its threads do not need this key; the
        // reference refuses its own default.
        Key::bytes(
            "thread_stack_size",
            256 << 10,
            |c: &mut C, v| c.server().thread_stack_size_bytes = v,
            "stack of a thread; accepted, without effect",
        )
        .corrected(64 << 10, 2 << 30)
        .sample(C::SAMPLE_THREAD_STACK),
        Key::bool("tcp_quick_ack", true, |c: &mut C, v| c.server().tcp_quick_ack = v, "acknowledge packets at once"),
        Key::bool("use_io_uring", false, |c: &mut C, v| c.server().use_io_uring = v, "accepted, without effect"),
        Key::bool("use_send_zc", true, |c: &mut C, v| c.server().use_send_zc = v, "accepted, without effect"),
        Key::bool(
            "use_connection_pool",
            false,
            |c: &mut C, v| c.server().use_connection_pool = v,
            "keep outgoing connections for reuse",
        )
        .sample("true"),
        Key::secs(
            "connection_pool_max_idle_time",
            3600,
            |c: &mut C, v| c.server().connection_pool_max_idle_time_secs = v,
            "after which an idle outgoing connection is closed",
        )
        .at_least(1, EINVAL),
    ]
}

const BIND_ADDRS: &str = "empty, an address, or one IPv4 and one IPv6 address";

/// Rules over several of the common keys.
pub(crate) fn finish(conf: &mut ServerConf, reading: &mut Reading<'_>) {
    if conf.base_path.as_os_str().is_empty() {
        reading.missing("base_path", "a path", Status::ENOENT);
    }
    if reading.last(Section::Global, "min_buff_size").is_none()
        || reading.last(Section::Global, "max_buff_size").is_none()
    {
        (conf.min_buff_size_bytes, conf.max_buff_size_bytes) = (conf.buff_size_bytes, conf.buff_size_bytes);
    }
}

fn read_disabled<C>(reading: &mut Reading<'_>, key: &Key<C>) {
    if let Some(item) = reading.last(key.section, key.name) {
        match crate::value::parse_bool(&item.value) {
            Some(true) => reading.fail(ConfError::Disabled { at: item.at.clone() }),
            Some(false) => {}
            None => reading.note(item, format!("'{}' is read as false", item.value), key.allowed),
        }
    }
}

/// A port: 0 and less become `default`, where there is one. `None` for an absent key.
pub(crate) fn read_port<C>(reading: &mut Reading<'_>, key: &Key<C>, default: Option<u16>) -> Option<u16> {
    let item = reading.last(key.section, key.name)?;
    let value = crate::value::parse_int(&item.value).value;
    if value <= 0 {
        let used = default.map_or_else(|| "port".to_owned(), |port| port.to_string());
        reading.note(item, format!("{value} is not allowed, {used} is used"), key.allowed);
        return default;
    }
    // Differs from C: a port that does not exist is refused, where the reference listens on another one.
    let port = u16::try_from(value).ok();
    if port.is_none() {
        reading.refuse(item, key.allowed, Status::EINVAL);
    }
    port
}

fn read_bind_addrs<C>(reading: &mut Reading<'_>, key: &Key<C>) -> Option<Vec<String>> {
    let item = reading.last(key.section, key.name)?;
    let addrs: Vec<String> = entries(&item.value).map(str::to_owned).collect();
    let families: Vec<Option<bool>> =
        addrs.iter().map(|addr| addr.parse::<IpAddr>().ok().map(|ip| ip.is_ipv4())).collect();
    let fits = match families.as_slice() {
        [] | [_] => true,
        [a, b] => a.is_none() || b.is_none() || a != b,
        _ => false,
    };
    let plain =
        addrs.iter().zip(&families).all(|(addr, family)| family.is_some() || crate::allow_hosts::is_host_name(addr));
    if !fits || !plain {
        reading.refuse(item, key.allowed, Status::EINVAL);
        return None;
    }
    Some(addrs)
}

fn read_allow_hosts<C>(reading: &mut Reading<'_>, key: &Key<C>) -> AllowHosts {
    let items = reading.all(key.section, key.name);
    if items.is_empty() {
        return AllowHosts::everybody();
    }
    let mut hosts = AllowHosts::nobody();
    for item in &items {
        for entry in entries(&item.value) {
            if !hosts.add_entry(entry) {
                reading.warn(item, format!("{entry} is not allowed and skipped"), key.allowed);
            }
        }
    }
    if let Some(item) = items.last().filter(|_| hosts.is_nobody() && hosts.host_names().is_empty()) {
        reading.warn(item, "nobody may connect", key.allowed);
    }
    hosts
}

fn read_buff_sizes<C>(conf: &mut ServerConf, reading: &mut Reading<'_>, key: &Key<C>) {
    let min = reading.last(key.section, "min_buff_size");
    let max = reading.last(key.section, "max_buff_size");
    let (Some(min), Some(max)) = (min, max) else {
        for item in min.into_iter().chain(max) {
            reading.note(item, "not read: min_buff_size and max_buff_size count together only", "");
        }
        return;
    };
    let mut size = |item: &crate::ini::Item, default: u64, low: u64| match parse_bytes(&item.value) {
        Ok(bytes) if bytes >= low => bytes.min(1 << 30),
        Ok(_) => {
            reading.warn(item, format!("{} is not allowed, {} is used", item.value, print_bytes(low)), key.allowed);
            low
        }
        Err(BadBytes::Negative) => {
            reading.warn(item, format!("{} is not allowed, {} is used", item.value, print_bytes(default)), key.allowed);
            default
        }
        Err(BadBytes::NoSize) => {
            reading.refuse(item, key.allowed, Status::EINVAL);
            default
        }
    };
    conf.min_buff_size_bytes = size(min, 64 << 10, 4 << 10);
    conf.max_buff_size_bytes = size(max, 256 << 10, 8 << 10);
    if conf.max_buff_size_bytes < conf.min_buff_size_bytes {
        reading.warn(max, format!("less than min_buff_size, {} is used", print_bytes(conf.min_buff_size_bytes)), "");
        conf.max_buff_size_bytes = conf.min_buff_size_bytes;
    }
}
