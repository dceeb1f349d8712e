//! The keys that tracker.conf and storage.conf have in common.
//!
//! Source: configuration, 3.

mod keys;
mod read;

pub(crate) use keys::keys;
pub(crate) use read::read_port;

use std::net::IpAddr;
use std::path::PathBuf;

use fdfs_proto::Status;

use crate::allow_hosts::AllowHosts;
use crate::choice::{AddressFamily, LogLevel};
use crate::env::Env;
use crate::table::{Reading, Section};

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
