//! The rows of the keys that both daemons know.

use fdfs_proto::Status;

use super::HasServer;
use super::read::{read_allow_hosts, read_bind_addrs, read_buff_sizes, read_disabled, read_port};
use crate::Severity;
use crate::choice::{AddressFamily, LogLevel};
use crate::table::{Action, Key};

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
            .allowed("true, false")
            .otherwise("false"),
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
            "address families to listen on; auto: as bind_addr, else IPv4 if the host has an IPv4 address that others can \
             reach, else both",
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
