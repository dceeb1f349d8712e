//! Listening sockets.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// How often a port is chosen anew when several addresses share port 0 and the chosen one is taken on one of them.
const PORT_TRY_COUNT: usize = 16;

/// Which kinds of addresses a server listens on, key `address_family`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressFamily {
    /// As the bound addresses are; without any: IPv4 if others can reach an IPv4 address of the machine, else both.
    #[default]
    Auto,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
    /// Both.
    Both,
}

/// Why a server could not listen.
#[derive(Debug, thiserror::Error)]
#[error("listen on {addr}: {source}{}", hint(*addr, source))]
pub struct ListenError {
    /// The address that was wanted.
    pub addr: SocketAddr,
    /// The system's reason.
    pub source: io::Error,
}

/// What the reader can do about it.
fn hint(addr: SocketAddr, source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            format!("; port {} is in use: stop the other program (ss -ltnp shows it) or set another port", addr.port())
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("; {} is not an address of this machine: correct bind_addr", addr.ip())
        }
        io::ErrorKind::PermissionDenied => "; ports below 1024 need privileges: set another port".into(),
        io::ErrorKind::Unsupported => "; this kind of address is switched off here: set address_family".into(),
        _ => String::new(),
    }
}

/// The addresses to listen on for the keys `bind_addr`, `address_family` and `port`. Bound addresses of a kind that
/// the family excludes are left out.
#[must_use]
pub fn listen_addrs(bind: &[IpAddr], family: AddressFamily, port: u16) -> Vec<SocketAddr> {
    let any_v4 = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let any_v6 = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let ips: Vec<IpAddr> = match (bind, family) {
        ([], AddressFamily::Auto) => {
            let (v4, v6) = auto(&addresses_here());
            [(v6, any_v6), (v4, any_v4)].into_iter().filter(|kind| kind.0).map(|kind| kind.1).collect()
        }
        ([], AddressFamily::V4) => vec![any_v4],
        ([], AddressFamily::V6) => vec![any_v6],
        ([], AddressFamily::Both) => vec![any_v4, any_v6],
        (bind, AddressFamily::Auto | AddressFamily::Both) => bind.to_vec(),
        (bind, AddressFamily::V4) => bind.iter().copied().filter(IpAddr::is_ipv4).collect(),
        (bind, AddressFamily::V6) => bind.iter().copied().filter(IpAddr::is_ipv6).collect(),
    };
    ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
}

/// Whether a host with these addresses is served over IPv4, and over IPv6, where nothing is said: over IPv4 if it has an
/// address that others can reach, else over IPv6 if it has such a one, and then over IPv4 as well for those on the host itself.
fn auto(here: &[IpAddr]) -> (bool, bool) {
    let reachable = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local(),
    };
    let v4 = here.iter().any(|ip| ip.is_ipv4() && reachable(ip));
    let v6 = !v4 && here.iter().any(|ip| ip.is_ipv6() && reachable(ip));
    let has_v4 = here.iter().any(IpAddr::is_ipv4);
    let has_v6 = here.iter().any(IpAddr::is_ipv6);
    // With nothing at all the answer of the system says what is wrong.
    (v4 || has_v4 || !has_v6, v6 || (has_v6 && !has_v4))
}

/// The addresses of this host; none where they cannot be listed.
fn addresses_here() -> Vec<IpAddr> {
    let mut here = Vec::new();
    for interface in nix::ifaddrs::getifaddrs().into_iter().flatten() {
        let Some(address) = interface.address else { continue };
        match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
            (Some(v4), _) => here.push(v4.ip().into()),
            (None, Some(v6)) => here.push(v6.ip().into()),
            (None, None) => {}
        }
    }
    here
}

/// Listens on all of `addrs`, with `SO_REUSEADDR` and a queue of `backlog` connections. Addresses with port 0 get one
/// free port together, as the listeners of one server must share theirs. Called inside a runtime, which will drive
/// the listeners.
///
/// # Errors
/// [`ListenError`] names the first address that could not be had and what to do; then nothing listens.
pub fn listen(addrs: &[SocketAddr], backlog: u32) -> Result<Vec<TcpListener>, ListenError> {
    let mut tries_left = PORT_TRY_COUNT;
    loop {
        match try_listen(addrs, backlog) {
            Err((ListenError { source, .. }, chosen))
                if chosen && source.kind() == io::ErrorKind::AddrInUse && tries_left > 0 =>
            {
                tries_left -= 1;
            }
            result => return result.map_err(|(error, _)| error),
        }
    }
}

/// One try. An error comes with whether the port was one that had been chosen here for an address before.
fn try_listen(addrs: &[SocketAddr], backlog: u32) -> Result<Vec<TcpListener>, (ListenError, bool)> {
    let mut listeners: Vec<TcpListener> = Vec::with_capacity(addrs.len());
    let mut chosen_port = None;
    for &wanted in addrs {
        let chosen = chosen_port.filter(|_| wanted.port() == 0);
        let addr = SocketAddr::new(wanted.ip(), chosen.unwrap_or(wanted.port()));
        let fails = |source| (ListenError { addr, source }, chosen.is_some());
        let listener = listen_one(addr, backlog).map_err(fails)?;
        if wanted.port() == 0 {
            chosen_port = Some(listener.local_addr().map_err(fails)?.port());
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

fn listen_one(addr: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if addr.is_ipv6() {
        // Else `::` would take the IPv4 port too, and a server for both kinds could not listen on 0.0.0.0.
        socket.set_only_v6(true)?;
    }
    socket.bind(&addr.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn several_addresses_share_the_port_that_was_free() {
        let listeners = listen(&[addr("127.0.0.1:0"), addr("127.0.0.2:0")], 16).unwrap();
        let ports: Vec<u16> = listeners.iter().map(|l| l.local_addr().unwrap().port()).collect();
        assert_eq!(ports.len(), 2);
        assert!(ports[0] != 0 && ports[0] == ports[1]);
    }

    #[tokio::test]
    async fn a_port_in_use_is_named_with_what_to_do() {
        let first = listen(&[addr("127.0.0.1:0")], 16).unwrap();
        let taken = first[0].local_addr().unwrap();
        let error = listen(&[taken], 16).unwrap_err();
        assert_eq!(error.addr, taken);
        let text = error.to_string();
        assert!(text.contains(&taken.to_string()) && text.contains("is in use: stop the other program"), "{text}");
    }

    #[tokio::test]
    async fn a_foreign_address_is_named_with_what_to_do() {
        let error = listen(&[addr("192.0.2.1:0")], 16).unwrap_err();
        assert!(error.to_string().contains("192.0.2.1 is not an address of this machine"), "{error}");
    }

    #[test]
    fn a_host_without_ipv4_is_served_over_ipv6() {
        let auto_of = |here: &[&str]| auto(&here.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<_>>());
        for (here, over) in [
            (&["127.0.0.1", "10.0.0.1", "::1", "fd00::1"][..], (true, false)),
            (&["127.0.0.1", "10.0.0.1"], (true, false)),
            (&["127.0.0.1", "::1", "fe80::1", "fd00::1"], (true, true)),
            (&["::1", "fd00::1"], (false, true)),
            (&["127.0.0.1", "::1", "fe80::1"], (true, false)),
            (&["127.0.0.1"], (true, false)),
            (&["::1"], (false, true)),
            (&[], (true, false)),
        ] {
            assert_eq!(auto_of(here), over, "{here:?}");
        }
        assert!(!listen_addrs(&[], AddressFamily::Auto, 7).is_empty());
    }

    #[test]
    fn families_choose_among_the_addresses() {
        let bind: [IpAddr; 2] = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        let both = vec![addr("127.0.0.1:7"), addr("[::1]:7")];
        assert_eq!(listen_addrs(&bind, AddressFamily::Auto, 7), both);
        assert_eq!(listen_addrs(&bind, AddressFamily::Both, 7), both);
        assert_eq!(listen_addrs(&bind, AddressFamily::V4, 7), both[..1]);
        assert_eq!(listen_addrs(&bind, AddressFamily::V6, 7), both[1..]);
        assert_eq!(listen_addrs(&[], AddressFamily::Both, 7), vec![addr("0.0.0.0:7"), addr("[::]:7")]);
        assert_eq!(listen_addrs(&[], AddressFamily::V6, 7), vec![addr("[::]:7")]);
        assert_eq!(listen_addrs(&[], AddressFamily::V4, 7), vec![addr("0.0.0.0:7")]);
    }
}
