//! Addresses and ports that no other test uses.
//!
//! All of 127.0.0.0/8 is this machine, so every cluster gets a block of addresses, and every storage one of its own:
//! the storages of a group share a port, and a server is told by its address.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::net::TcpSocket;

/// Blocks of 256 addresses, below 127.0.0.0/8, without the first and the last: 127.0.0.x is for everybody.
const BLOCK_COUNT: u32 = 65_534;
/// Blocks between those of two processes, so that tests that run side by side begin far from each other.
const BLOCKS_PER_PROCESS: u32 = 131;
/// Ports are taken from here: below those that Linux gives to outgoing connections.
const PORT_FIRST: u16 = 10_000;
const PORT_COUNT: u16 = 20_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A block of loopback addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loopback {
    block: u32,
}

impl Loopback {
    /// A block that this process has not used yet.
    #[must_use]
    pub fn claim() -> Self {
        let number = std::process::id().wrapping_mul(BLOCKS_PER_PROCESS) ^ NEXT.fetch_add(1, Ordering::Relaxed);
        Self { block: 1 + number % BLOCK_COUNT }
    }

    /// A block whose addresses are as short as `127.1.2.`, for texts that must not get longer. There are few of them, so
    /// others may have the same; ports tell them apart.
    #[must_use]
    pub fn short() -> Self {
        Self { block: u32::from_be_bytes([0, 0, fastrand::u8(1..=9), fastrand::u8(1..=9)]) }
    }

    /// The address of host number `host`, from 1.
    #[must_use]
    pub fn ip(&self, host: u8) -> Ipv4Addr {
        let [.., high, low] = self.block.to_be_bytes();
        Ipv4Addr::new(127, high, low, host)
    }
}

/// A port that is free on all of these addresses.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_port(ips: &[Ipv4Addr]) -> u16 {
    for _ in 0..PORT_COUNT {
        let port = PORT_FIRST + fastrand::u16(..PORT_COUNT);
        let probes: Result<Vec<_>, _> = ips.iter().map(|&ip| TcpListener::bind(SocketAddr::from((ip, port)))).collect();
        if probes.is_ok() {
            return port;
        }
    }
    panic!("no port is free on {ips:?}");
}

/// An address of 127.0.0.1 where connections are refused. Its port is taken, so that no other test listens there, as long as
/// this process runs.
///
/// # Panics
/// When the system has none.
#[must_use]
pub fn refused_addr() -> SocketAddr {
    static TAKEN: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
    let addr = socket.local_addr().expect("its address");
    TAKEN.lock().expect("no test has failed in here").push(socket);
    addr
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_differ_and_are_loopback() {
        let (one, other) = (Loopback::claim(), Loopback::claim());
        assert_ne!(one.ip(1), other.ip(1));
        for ip in [one.ip(1), one.ip(200), other.ip(7)] {
            assert!(ip.is_loopback() && ip.octets()[1..3] != [0, 0], "{ip}");
        }
    }

    #[test]
    fn a_port_in_use_is_not_given() {
        let ips = [Loopback::claim().ip(1), Loopback::claim().ip(2)];
        let taken = TcpListener::bind((ips[1], 0)).unwrap().local_addr().unwrap().port();
        let port = free_port(&ips);
        assert_ne!(port, taken);
        assert!(TcpListener::bind((ips[0], port)).is_ok());
    }

    #[test]
    fn a_refused_address_refuses_and_is_nobody_elses() {
        let addr = refused_addr();
        let refused = std::net::TcpStream::connect(addr).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        assert_ne!(addr, refused_addr());
    }
}
