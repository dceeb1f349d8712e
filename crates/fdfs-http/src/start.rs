//! Listening and serving.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use fdfs_log::LogError;
use fdfs_net::{Gate, GateOptions, ListenError, listen};
use fdfs_proto::Status;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::access_log::HttpLog;
use crate::configure::{Configured, HttpConfError};
use crate::h1::connection;
use crate::server::Server;
use crate::site::Site;
use crate::tls::certificate::Certificate;
use crate::{admin, tls};

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 1024;

/// Why HTTP cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum HttpStartError {
    /// The configuration.
    #[error(transparent)]
    Conf(#[from] HttpConfError),
    /// The port.
    #[error("HTTP: {key}: {source}")]
    Listen {
        /// The key that says where.
        key: &'static str,
        /// Why not there.
        source: ListenError,
    },
    /// The log of requests.
    #[error("http.access_log: {0}")]
    Log(#[from] LogError),
    /// The operating system.
    #[error("HTTP: {0}")]
    Os(#[from] io::Error),
}

impl HttpStartError {
    /// The exit code: an errno.
    #[must_use]
    pub fn errno(&self) -> u8 {
        match self {
            Self::Conf(error) => error.errno(),
            Self::Listen { source, .. } => Status::from_io(&source.source).0,
            Self::Log(LogError::Directory { source, .. } | LogError::Open { source, .. }) | Self::Os(source) => {
                Status::from_io(source).0
            }
        }
    }
}

/// Open ports.
#[derive(Debug)]
pub struct HttpListeners {
    /// Plain ones.
    pub plain: Vec<TcpListener>,
    /// Those for TLS, and what it shows.
    pub secure: Option<Secure>,
    /// For health and metrics.
    pub admin: Vec<TcpListener>,
    /// The first address.
    pub addr: Option<SocketAddr>,
    /// The log of requests.
    pub access_log: Option<HttpLog>,
}

/// Ports for TLS.
pub struct Secure {
    listeners: Vec<TcpListener>,
    acceptor: TlsAcceptor,
    certificate: Arc<Certificate>,
}

impl std::fmt::Debug for Secure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secure").field("listeners", &self.listeners).finish_non_exhaustive()
    }
}

impl Secure {
    /// The first address.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.listeners.first().and_then(|listener| listener.local_addr().ok())
    }
}

/// Opens the port of a server that listens on the addresses `bind`, or on all of this host where that is empty. To be called
/// inside of the runtime that accepts.
///
/// # Errors
/// [`HttpStartError`].
pub fn open(configured: &Configured, bind: &[IpAddr], port: u16) -> Result<HttpListeners, HttpStartError> {
    let ips = match (configured.bind, bind) {
        (Some(ip), _) => vec![ip],
        (None, []) => every_address(),
        (None, ips) => without_covered(ips),
    };
    let addrs: Vec<SocketAddr> = ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
    let listen = |key, addrs: &[SocketAddr]| listen(addrs, BACKLOG).map_err(|source| listen_error(key, source));
    let plain = listen("http.server_port", &addrs)?;
    let addr = plain.first().map(TcpListener::local_addr).transpose()?;
    let secure = match &configured.tls {
        None => None,
        Some(files) => {
            let certificate = Certificate::load(files)?;
            let config = certificate.config().map_err(io::Error::other)?;
            let addrs: Vec<SocketAddr> = addrs.iter().map(|addr| SocketAddr::new(addr.ip(), files.port)).collect();
            let acceptor = TlsAcceptor::from(Arc::new(config));
            Some(Secure { listeners: listen("http.tls_port", &addrs)?, acceptor, certificate })
        }
    };
    let admin = configured.admin.map(admin::open).transpose()?.unwrap_or_default();
    let access_log = configured.access_log.as_ref().map(HttpLog::open).transpose()?;
    Ok(HttpListeners { plain, secure, admin, addr, access_log })
}

/// Where nobody can listen, with the key to change: that of the port, if it is not the address that is wrong.
pub(crate) fn listen_error(key: &'static str, source: ListenError) -> HttpStartError {
    let is_address = source.source.kind() == io::ErrorKind::AddrNotAvailable && key != "http.admin_addr";
    HttpStartError::Listen { key: if is_address { "http.bind_addr" } else { key }, source }
}

/// All addresses of each kind that this host has.
fn every_address() -> Vec<IpAddr> {
    let all = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    let here: Vec<IpAddr> = all.into_iter().filter(|&ip| std::net::UdpSocket::bind((ip, 0)).is_ok()).collect();
    if here.is_empty() { vec![all[0]] } else { here }
}

/// Each address once, and none that all addresses of its kind cover.
fn without_covered(ips: &[IpAddr]) -> Vec<IpAddr> {
    let mut kept: Vec<IpAddr> = Vec::new();
    for &ip in ips {
        let covers = |other: &IpAddr| other.is_unspecified() && other.is_ipv4() == ip.is_ipv4();
        if !kept.contains(&ip) && (ip.is_unspecified() || !ips.iter().any(covers)) {
            kept.push(ip);
        }
    }
    kept
}

/// The addresses of a server's own port: HTTP is served on the same ones.
pub fn addresses_of<'l>(listeners: impl IntoIterator<Item = &'l TcpListener>) -> Vec<IpAddr> {
    listeners.into_iter().filter_map(|listener| Some(listener.local_addr().ok()?.ip())).collect()
}

/// A gate for HTTP connections; they are served by `runtime` where it is not the one that accepts.
#[must_use]
pub fn gate(configured: &Configured, runtime: Option<Handle>) -> Gate {
    Gate::new(GateOptions {
        user_timeout: Some(configured.patience.stall),
        runtime,
        ..GateOptions::for_all(configured.max_connections)
    })
}

/// Accepts and serves until the server's shutdown.
pub fn spawn<S: Site>(
    server: &Arc<Server<S>>,
    listeners: HttpListeners,
    gate: &Gate,
    tasks: &TaskTracker,
    accept: &Handle,
) {
    for listener in listeners.plain {
        let (server, gate, tasks) = (server.clone(), gate.clone(), tasks.clone());
        accept.spawn(async move {
            let shutdown = server.shutdown.clone();
            fdfs_net::serve(listener, gate, shutdown, &tasks, move |socket, peer, permit| {
                let server = server.clone();
                async move {
                    connection::serve(server, socket, peer).await;
                    drop(permit);
                }
            })
            .await;
        });
    }
    let Some(Secure { listeners, acceptor, certificate }) = listeners.secure else { return };
    accept.spawn(certificate.watch(server.shutdown.clone()));
    for listener in listeners {
        let (server, gate, tasks, acceptor) = (server.clone(), gate.clone(), tasks.clone(), acceptor.clone());
        accept.spawn(async move {
            let shutdown = server.shutdown.clone();
            fdfs_net::serve(listener, gate, shutdown, &tasks, move |socket, peer, permit| {
                let (server, acceptor) = (server.clone(), acceptor.clone());
                async move {
                    tls::serve(server, acceptor, socket, peer).await;
                    drop(permit);
                }
            })
            .await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_is_opened_twice() {
        let kept = |ips: &[&str]| {
            let ips: Vec<IpAddr> = ips.iter().map(|ip| ip.parse().unwrap()).collect();
            without_covered(&ips).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(kept(&["10.0.0.1", "10.0.0.2", "10.0.0.1"]), ["10.0.0.1", "10.0.0.2"]);
        assert_eq!(kept(&["0.0.0.0", "10.0.0.1", "::1"]), ["0.0.0.0", "::1"]);
        assert_eq!(kept(&["::1", "0.0.0.0", "::"]), ["0.0.0.0", "::"]);
    }

    #[tokio::test]
    async fn without_addresses_all_of_each_kind_are_served() {
        let configured = Configured::usual().map(|usual| Configured { admin: None, ..usual }).unwrap();
        let opened = open(&configured, &[], 0).unwrap();
        let ips = addresses_of(&opened.plain);
        assert_eq!(ips, every_address());
        assert!(ips.iter().all(IpAddr::is_unspecified) && !ips.is_empty());
    }
}
