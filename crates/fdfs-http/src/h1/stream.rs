//! A socket: tried at once, awaited only when the kernel says "not now", with a limit on each wait.

use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fdfs_net::Permits;
use fdfs_net::buffer::{Buffer, SMALL_BYTES};
use fdfs_net::socket::read_now;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, timeout, timeout_at};

/// The most that one `sendfile` call is asked for, so that one fast reader does not hold a worker for ever.
const SENDFILE_PIECE_BYTES: u64 = 1 << 20;

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a whole head, from its first byte.
    pub head: Duration,
    /// Between two requests, and until the first.
    pub idle: Duration,
    /// Without a byte of a body, or without taking one of an answer.
    pub stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), idle: Duration::from_secs(65), stall: Duration::from_secs(30) }
    }
}

/// A plain socket with what came in and was not used.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    /// What came in and was not used.
    pub buffer: Buffer,
    patience: Patience,
    /// Bytes that went out.
    sent_bytes: AtomicU64,
    /// Ends the wait for a request.
    idle: Pin<Box<Sleep>>,
}

fn timed_out() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

impl Stream {
    /// A stream on an accepted socket.
    #[must_use]
    pub fn new(socket: TcpStream, patience: Patience) -> Self {
        let idle = Box::pin(tokio::time::sleep(patience.idle));
        Self { socket, buffer: Buffer::default(), patience, sent_bytes: AtomicU64::new(0), idle }
    }

    /// Bytes that went out so far.
    #[must_use]
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::Relaxed)
    }

    fn sent(&self, count: usize) {
        self.sent_bytes.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// The socket.
    #[must_use]
    pub const fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// The peer may be idle from now on, until the idle time is over.
    ///
    /// A timer that runs is only put off, which costs next to nothing; to start and to stop one for each request does not.
    pub fn rest(&mut self, now: std::time::Instant) {
        self.idle.as_mut().reset(Instant::from_std(now) + self.patience.idle);
    }

    /// Waits for the first bytes of a request without holding a buffer; `false` when the peer has closed.
    ///
    /// # Errors
    /// `TimedOut` when the idle time is over; what the socket gives.
    pub async fn first_bytes(&mut self) -> io::Result<bool> {
        loop {
            self.buffer.release_if_empty();
            tokio::select! {
                biased;
                readable = poll_fn(|cx| self.socket.poll_read_ready(cx)) => readable?,
                () = self.idle.as_mut() => return Err(timed_out()),
            }
            self.buffer.reserve(SMALL_BYTES);
            match read_now(&self.socket, self.buffer.spare()) {
                Ok(0) => return Ok(false),
                Ok(n) => {
                    self.buffer.advance(n);
                    return Ok(true);
                }
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// When a head that begins now must be complete.
    #[must_use]
    pub fn head_deadline(&self) -> Instant {
        Instant::now() + self.patience.head
    }

    /// Reads once, into a buffer that holds `len` unused bytes in all; 0 at the peer's end.
    ///
    /// # Errors
    /// `TimedOut` at `until`, or after the stall time; what the socket gives.
    pub async fn read_more(&mut self, len: usize, until: Option<Instant>) -> io::Result<usize> {
        let until = until.unwrap_or_else(|| Instant::now() + self.patience.stall);
        loop {
            self.buffer.reserve(len.max(1));
            match read_now(&self.socket, self.buffer.spare()) {
                Ok(n) => {
                    self.buffer.advance(n);
                    return Ok(n);
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    timeout_at(until, self.socket.readable()).await.map_err(|_| timed_out())??;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Holds back what is less than a packet, or lets it go.
    pub fn cork(&self, is_corked: bool) {
        // It saves packets; without it the same bytes go out.
        let _ = rustix::net::sockopt::set_tcp_cork(&self.socket, is_corked);
    }

    /// Sends bytes; with `more`, the kernel may hold them back for what follows.
    ///
    /// # Errors
    /// `TimedOut` when the peer takes nothing; what the socket gives.
    pub async fn send(&self, mut bytes: &[u8], more: bool) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.try_send(bytes, more) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Sends bytes until the peer takes none for so long; how many it took.
    ///
    /// # Errors
    /// What the socket gives.
    pub async fn send_within(&self, bytes: &[u8], hold: Duration) -> io::Result<usize> {
        let mut done = 0;
        while done < bytes.len() {
            match self.try_send(&bytes[done..], false) {
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => match timeout(hold, self.socket.writable()).await {
                    Ok(writable) => writable?,
                    Err(_) => break,
                },
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }

    fn try_send(&self, bytes: &[u8], more: bool) -> io::Result<usize> {
        use rustix::net::{SendFlags, send};
        let flags = if more { SendFlags::MORE | SendFlags::NOSIGNAL } else { SendFlags::NOSIGNAL };
        let n = self.socket.try_io(Interest::WRITABLE, || Ok(send(&self.socket, bytes, flags)?))?;
        self.sent(n);
        Ok(n)
    }

    /// Sends bytes of a file from `at` to `end` without copying them. The file is read under one of its `permits`, and none
    /// is held while the peer takes nothing.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file is shorter; `TimedOut` when the peer takes nothing; what the socket gives.
    pub async fn send_file(&self, file: &impl AsFd, mut at: u64, end: u64, permits: &Permits) -> io::Result<()> {
        while at < end {
            let want = usize::try_from((end - at).min(SENDFILE_PIECE_BYTES)).unwrap_or(usize::MAX);
            let permit = permits.take().await;
            let sent = self
                .socket
                .try_io(Interest::WRITABLE, || Ok(rustix::fs::sendfile(&self.socket, file, Some(&mut at), want)?));
            drop(permit);
            match sent {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => self.sent(n),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Waits until the peer takes something.
    ///
    /// # Errors
    /// `TimedOut` after the stall time; what the socket gives.
    pub async fn writable(&self) -> io::Result<()> {
        timeout(self.patience.stall, self.socket.writable()).await.map_err(|_| timed_out())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Poll;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_client_that_takes_nothing_holds_no_permit_of_the_disk() {
        const LEN: u64 = 64 << 20;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let stream = Stream::new(listener.accept().await.unwrap().0, Patience::default());
        let file = tempfile::tempfile().unwrap();
        file.set_len(LEN).unwrap();
        let permits = Permits::new(1);
        let held = permits.take().await;
        let mut sending = Box::pin(stream.send_file(&file, 0, LEN, &permits));
        // Polled once, all that can be done without waiting is done.
        let is_waiting = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx).is_pending())).await;
        assert!(is_waiting && stream.sent_bytes() == 0, "read without a permit");
        drop(held);
        let is_waiting = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx).is_pending())).await;
        assert!(is_waiting, "all of it fits into the socket");
        assert!(stream.sent_bytes() > 0);
        assert_eq!(permits.free(), 1);
        drop(client);
    }
}
