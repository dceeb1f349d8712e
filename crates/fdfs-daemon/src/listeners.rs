//! `bind_addr`, `port` and their inner and outer forms: where a server listens.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use fdfs_conf::ServerConf;
use fdfs_net::{AddressFamily, ListenError, listen, listen_addrs};
use fdfs_proto::Status;
use tokio::net::TcpListener;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 1024;

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// A bind address is no address of any machine.
    #[error("bind_addr = {name}: {reason}; write an address of this machine, or leave it empty for all")]
    BadAddress {
        /// The address or host name.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// The port could not be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The operating system does not tell where it listens.
    #[error("listen: {0}")]
    Os(#[source] io::Error),
}

impl BindError {
    /// The exit code: an errno, as the reference gives.
    #[must_use]
    pub fn errno(&self) -> u8 {
        match self {
            Self::BadAddress { .. } => Status::ENOENT.0,
            Self::Listen(error) => Status::from_io(&error.source).0,
            Self::Os(error) => Status::from_io(error).0,
        }
    }
}

/// Open ports.
#[derive(Debug)]
pub struct Listeners {
    /// One for each address.
    pub all: Vec<TcpListener>,
    /// The first of them: of the inner port, which peers are told.
    pub addr: SocketAddr,
}

/// Opens the inner port, and the outer one where it differs. With inner port 0 any free port is taken, and the outer one
/// is not used. Must be called inside of the runtime that will accept. Blocks while names are resolved.
///
/// # Errors
/// [`BindError`].
pub fn listeners(server: &ServerConf) -> Result<Listeners, BindError> {
    let family = match server.address_family {
        fdfs_conf::AddressFamily::Auto => AddressFamily::Auto,
        fdfs_conf::AddressFamily::V4 => AddressFamily::V4,
        fdfs_conf::AddressFamily::V6 => AddressFamily::V6,
        fdfs_conf::AddressFamily::Both => AddressFamily::Both,
    };
    let inner = listen_addrs(&bind_addrs(&server.inner_bind_addrs)?, family, server.inner_port);
    let mut all = listen(&inner, BACKLOG)?;
    if server.inner_port != 0 {
        let outer = listen_addrs(&bind_addrs(&server.outer_bind_addrs)?, family, server.outer_port);
        // Where an inner listener has all addresses, the outer ones of the same port are its already.
        let is_new = |addr: &SocketAddr| {
            !inner.iter().any(|i| i.port() == addr.port() && (i.ip() == addr.ip() || i.ip().is_unspecified()))
        };
        all.append(&mut listen(&outer.into_iter().filter(is_new).collect::<Vec<_>>(), BACKLOG)?);
    }
    let first = all.first().ok_or_else(|| BindError::BadAddress {
        name: server.inner_bind_addrs.join(","),
        reason: "address_family excludes it",
    })?;
    let addr = first.local_addr().map_err(BindError::Os)?;
    Ok(Listeners { all, addr })
}

fn bind_addrs(names: &[String]) -> Result<Vec<IpAddr>, BindError> {
    let bad = |name: &String| BindError::BadAddress { name: name.clone(), reason: "the name has no address" };
    names.iter().map(|name| resolve(name).ok_or_else(|| bad(name))).collect()
}

/// The address of a host: its IPv4 address if it has one. Blocks.
#[must_use]
pub fn resolve(host: &str) -> Option<IpAddr> {
    resolve_from(host, None)
}

/// The same, but the address that it had, if it still has that: names with several addresses give them in any order. Blocks.
#[must_use]
pub fn resolve_from(host: &str, before: Option<IpAddr>) -> Option<IpAddr> {
    let ips: Vec<IpAddr> = (host, 0).to_socket_addrs().ok()?.map(|addr| addr.ip().to_canonical()).collect();
    let kept = before.filter(|before| ips.contains(before));
    kept.or_else(|| ips.iter().find(|ip| ip.is_ipv4()).or_else(|| ips.first()).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(inner: &str, outer: &str, inner_port: u16, outer_port: u16) -> ServerConf {
        ServerConf {
            inner_bind_addrs: vec![inner.to_owned()],
            outer_bind_addrs: vec![outer.to_owned()],
            inner_port,
            outer_port,
            ..fdfs_conf::StorageConf::default().server
        }
    }

    #[tokio::test]
    async fn the_outer_port_is_opened_where_it_differs() {
        let any = listeners(&server("127.0.0.1", "127.0.0.1", 0, 0)).unwrap();
        assert_eq!((any.all.len(), any.addr.port() == 0), (1, false));
        let taken = any.addr.port();
        drop(any);
        let same = listeners(&server("127.0.0.1", "127.0.0.1", taken, taken)).unwrap();
        assert_eq!(same.all.len(), 1);
        drop(same);
        let two = listeners(&server("127.0.0.1", "127.0.0.3", taken, taken)).unwrap();
        assert_eq!((two.all.len(), two.addr.port()), (2, taken));
        let error = listeners(&server("127.0.0.1", "127.0.0.1", taken, taken)).unwrap_err();
        assert_eq!(error.errno(), Status::EADDRINUSE.0);
        assert!(error.to_string().contains(&taken.to_string()), "{error}");
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_told() {
        let error = listeners(&server("no.such.host.invalid", "", 0, 0)).unwrap_err();
        assert!(error.to_string().contains("no.such.host.invalid"), "{error}");
    }
}
