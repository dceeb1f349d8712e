//! Options of connected sockets, and one question to the kernel.

use std::io;
use std::time::Duration;

use rustix::net::{RecvFlags, recv};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::Interest;
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

/// Reads what is there. Less than there is room for means that the socket is empty: the next wait is for news of the
/// kernel then, and the next read is not one in vain. 0 is the peer's end, where there is room.
///
/// # Errors
/// `WouldBlock` where nothing is there; what the socket gives.
pub fn read_now(stream: &TcpStream, room: &mut [u8]) -> io::Result<usize> {
    let wanted = room.len();
    let mut last = None;
    let read = stream.try_io(Interest::READABLE, || {
        let (n, _) = recv(stream, &mut *room, RecvFlags::empty())?;
        if n == 0 || n == wanted {
            return Ok(n);
        }
        last = Some(n);
        // What came in since the call began is newer than the readiness that this takes back.
        Err(io::ErrorKind::WouldBlock.into())
    });
    last.map_or(read, Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn after_a_read_that_left_room_the_next_wait_is_for_news() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let server = &listener.accept().await.unwrap().0;
        let mut room = [0; 4];
        let is_readable = async || tokio::time::timeout(Duration::ZERO, server.readable()).await.is_ok();
        client.write_all(b"abc").await.unwrap();
        server.readable().await.unwrap();
        assert_eq!(read_now(server, &mut room).unwrap(), 3);
        assert!(!is_readable().await, "old news");
        client.write_all(b"defgh").await.unwrap();
        server.readable().await.unwrap();
        assert_eq!(read_now(server, &mut room).unwrap(), 4);
        assert!(is_readable().await, "there is more");
        assert_eq!(read_now(server, &mut room).unwrap(), 1);
        drop(client);
        server.readable().await.unwrap();
        assert_eq!(read_now(server, &mut room).unwrap(), 0);
    }
}
