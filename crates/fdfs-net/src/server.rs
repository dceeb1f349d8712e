//! The answering side of a connection whose requests fit a buffer, as all of a tracker's do.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use fdfs_proto::{HEADER_LEN, Header, Status};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::NetError;
use crate::timed::{Wait, grow, millis};

const READING: &str = "reading a request of";
const ANSWERING: &str = "answering";

/// A buffer that grew beyond this is given back while the connection is idle.
const IDLE_BUFFER_BYTES: usize = 8 * 1024;

/// Limits of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// The largest package, header and body, in bytes: `max_pkg_size`, 262144 with the sample configuration.
    pub max_package_bytes: usize,
    /// How long a peer may stay silent inside a package, not take an answer, or take for its first request. Key
    /// `network_timeout`.
    pub network_timeout: Duration,
}

/// A request, as it stands in the connection's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The command byte; it may be no command.
    pub command: u8,
    /// The status byte; of meaning in a few commands only.
    pub status: u8,
    /// The body.
    pub body: &'a [u8],
}

/// A connection that is served. One request after the other: read one, answer it, read the next.
///
/// * A header with a negative length, or one longer than the limit, is an error as soon as it is in, before any of its
///   body is waited for. Differs from C: so is a length of 2^31 and more, of which C takes the low 32 bits.
/// * Requests that a peer sends without waiting for answers are served in their order.
/// * A new connection must complete its first request within `network_timeout`, a package that has begun must go on
///   within it; between requests a peer may stay silent for ever, as storages do.
/// * A peer that closes its sending side after a request gets its answer.
///
/// Source: wire specification, 1.3, 1.4.
#[derive(Debug)]
pub struct ServerConn<S = TcpStream> {
    stream: S,
    wait: Wait,
    max_package_bytes: usize,
    shutdown: CancellationToken,
    buffer: Vec<u8>,
    /// Bytes at the front of the buffer that belong to the request that was given out last.
    used: usize,
    /// Until when the first request must be complete; `None` once it was.
    first_until: Option<Instant>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ServerConn<S> {
    /// Serves `stream`. Once `shutdown` is cancelled no further request is given out; one whose bytes had begun to arrive
    /// before still is.
    #[must_use]
    pub fn new(stream: S, peer: SocketAddr, limits: ServerLimits, shutdown: CancellationToken) -> Self {
        Self {
            stream,
            wait: Wait { peer, timeout: limits.network_timeout },
            max_package_bytes: limits.max_package_bytes.max(HEADER_LEN),
            shutdown,
            buffer: Vec::new(),
            used: 0,
            first_until: Some(Instant::now() + limits.network_timeout),
        }
    }

    /// The address of the peer.
    #[must_use]
    pub const fn peer_addr(&self) -> SocketAddr {
        self.wait.peer
    }

    /// The stream, to ask it for its local address.
    pub const fn stream(&self) -> &S {
        &self.stream
    }

    /// Waits for the next request. `None` when the peer closed between two requests, or the server shuts down. `QUIT`
    /// is a request like any other here; what answers it is dropping the connection.
    ///
    /// The future may be dropped at any time and asked for again: no byte is lost.
    ///
    /// # Errors
    /// [`NetError::NegativeLength`], [`NetError::TooLong`], [`NetError::Timeout`], [`NetError::Closed`] inside a package,
    /// [`NetError::Io`]. After any of them the connection is to be dropped without an answer.
    pub async fn next_request(&mut self) -> Result<Option<Request<'_>>, NetError> {
        self.release();
        // A peer that keeps the buffer filled must not keep the server from stopping.
        if self.shutdown.is_cancelled() {
            return Ok(None);
        }
        let (header, body) = loop {
            if let Some(package) = self.buffered_package()? {
                break package;
            }
            if self.read_more().await? == 0 {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                return Err(NetError::Closed { peer: self.wait.peer, doing: READING });
            }
        };
        self.first_until = None;
        self.used = body.end;
        let body = self.buffer.get(body).unwrap_or_default();
        Ok(Some(Request { command: header.command, status: header.status, body }))
    }

    /// Sends an answer.
    ///
    /// # Errors
    /// [`NetError::Timeout`] when the peer does not take it, [`NetError::Io`], [`NetError::Closed`].
    pub async fn respond(&mut self, status: Status, body: &[u8]) -> Result<(), NetError> {
        let header = Header::answer(status, body.len() as u64).to_bytes();
        self.wait.write_both(&mut self.stream, &header, body, ANSWERING).await
    }

    /// Forgets the request that was given out last.
    fn release(&mut self) {
        self.buffer.drain(..self.used.min(self.buffer.len()));
        self.used = 0;
        if self.buffer.is_empty() && self.buffer.capacity() > IDLE_BUFFER_BYTES {
            self.buffer = Vec::new();
        }
    }

    /// The package at the front of the buffer and where its body lies, once it is there to its end. A header that
    /// cannot be served is an error at once.
    fn buffered_package(&self) -> Result<Option<(Header, Range<usize>)>, NetError> {
        let Some((head, rest)) = self.buffer.split_first_chunk::<HEADER_LEN>() else { return Ok(None) };
        let header = Header::from_bytes(*head);
        let peer = self.wait.peer;
        let len = u64::try_from(header.body_len).map_err(|_| NetError::NegativeLength {
            peer,
            doing: READING,
            len: header.body_len,
        })?;
        let max = self.max_package_bytes - HEADER_LEN;
        let fits = usize::try_from(len).ok().filter(|&len| len <= max);
        let len = fits.ok_or(NetError::TooLong { peer, doing: READING, len, max: max as u64 })?;
        Ok((rest.len() >= len).then_some((header, HEADER_LEN..HEADER_LEN + len)))
    }

    /// Reads what there is; 0 at the peer's end, and at a shutdown while nothing has begun.
    async fn read_more(&mut self) -> Result<usize, NetError> {
        let begun = !self.buffer.is_empty();
        let until = self.first_until.or_else(|| begun.then(|| Instant::now() + self.wait.timeout));
        let room = self.max_package_bytes.saturating_sub(self.buffer.len());
        grow(&mut self.buffer, room);
        let Wait { peer, timeout } = self.wait;
        let shutdown = self.shutdown.clone();
        let read = self.stream.read_buf(&mut self.buffer);
        let limited = async {
            match until {
                Some(until) => tokio::time::timeout_at(until, read).await.ok(),
                None => Some(read.await),
            }
        };
        let result = tokio::select! {
            biased;
            result = limited => result,
            () = shutdown.cancelled(), if !begun => return Ok(0),
        };
        match result {
            Some(Ok(n)) => Ok(n),
            Some(Err(source)) => Err(NetError::Io { peer, doing: READING, source }),
            None => Err(NetError::Timeout { peer, doing: READING, timeout_ms: millis(timeout) }),
        }
    }
}

#[cfg(test)]
mod tests;
