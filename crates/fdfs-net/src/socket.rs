//! Options of connected sockets, and one question to the kernel.

use std::io;
use std::time::Duration;

use rustix::net::{RecvFlags, recv};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// A connection idle for so long is probed.
pub const KEEPALIVE_IDLE_SECS: u64 = 60;
/// The pause between probes.
pub const KEEPALIVE_INTERVAL_SECS: u64 = 10;
/// So many probes without an answer end the connection.
pub const KEEPALIVE_PROBE_COUNT: u32 = 6;

/// Sets what every connection here has: no delay of small packages, keep-alive, and where wanted a limit to how long
/// sent bytes may stay unacknowledged (`TCP_USER_TIMEOUT`).
///
/// Differs from C: the keep-alive probes after one minute, not after the two hours of the kernel's default, so that a
/// peer whose machine died is noticed (behaviour, W-10).
///
/// # Errors
/// What the kernel says.
pub fn tune(stream: &TcpStream, user_timeout: Option<Duration>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(Duration::from_secs(KEEPALIVE_IDLE_SECS))
            .with_interval(Duration::from_secs(KEEPALIVE_INTERVAL_SECS))
            .with_retries(KEEPALIVE_PROBE_COUNT),
    )?;
    if user_timeout.is_some() {
        socket.set_tcp_user_timeout(user_timeout)?;
    }
    Ok(())
}

/// Whether the peer has neither sent anything that is unread, nor closed.
#[must_use]
pub fn is_quiet(stream: &TcpStream) -> bool {
    let mut byte = [0; 1];
    // The kernel is asked itself: the runtime may not have heard of the peer's end yet.
    let peeked = recv(stream, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT);
    matches!(peeked, Err(rustix::io::Errno::AGAIN))
}
