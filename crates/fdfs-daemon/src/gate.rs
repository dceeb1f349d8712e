//! `max_connections` and `allow_hosts`: who may come in, and how many.

use std::sync::Arc;
use std::time::Duration;

use fdfs_conf::ServerConf;
use fdfs_net::nofile::raise_nofile;
use fdfs_net::{Gate, GateOptions};
use tokio::runtime::Handle;

use crate::listeners::resolve;

/// Descriptors that a server needs beside those of its connections: state files, logs, peers.
pub const GATE_FILES: u64 = 64;

/// The gate of a server. Host names in `allow_hosts` are resolved now; one without an address is skipped with a warning.
/// With `runtime` the connections are served there. Blocks while names are resolved.
#[must_use]
pub fn gate(server: &ServerConf, runtime: Option<Handle>) -> Gate {
    let mut allow = server.allow_hosts.clone();
    for name in server.allow_hosts.host_names() {
        match resolve(name) {
            Some(ip) => allow.add_address(ip),
            None => tracing::warn!("allow_hosts: {name} has no address and is skipped"),
        }
    }
    Gate::new(GateOptions {
        max_connections: server.max_connections,
        allow: Arc::new(move |ip| allow.allows(ip)),
        // A peer whose machine died is noticed, also while an answer to it is on its way (behaviour, W-10).
        user_timeout: Some(Duration::from_secs(server.network_timeout_secs)),
        runtime,
    })
}

/// Raises the limit of open files to what all connections can need; says so when the system allows less.
pub fn raise_file_limit(server: &ServerConf, files_per_connection: u64) {
    let needed = u64::from(server.max_connections) * files_per_connection + GATE_FILES;
    if let Err(error) = raise_nofile(needed) {
        tracing::warn!("{error}");
    }
}
