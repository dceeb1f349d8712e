//! The storage's side of a data connection: requests whose bodies may be larger than memory, answers that may be files.
//!
//! System calls are tried at once and awaited only when the kernel says "not now"; time is watched only while waiting.

mod checked;

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use fdfs_proto::{HEADER_LEN, Header, Status};
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::buffer::{Buffer, MEDIUM_BYTES, SMALL_BYTES};
use crate::error::{NetError, is_reset};
use crate::permits::Permits;
use crate::socket::read_now;

/// What a data connection may take.
#[derive(Debug, Clone, Copy)]
pub struct DataLimits {
    /// How long nothing may move in the middle of a request or an answer.
    pub network_timeout: Duration,
    /// The largest body that is buffered whole, in bytes, key `buff_size`.
    pub buff_size_bytes: usize,
}

/// Files up to this size are read into memory and sent with their header in one call; larger ones go by `sendfile`.
const SEND_COPIED_MAX_BYTES: u64 = 16 << 10;
/// The most that one `sendfile` call is asked for, so that one fast reader does not hold a worker for ever.
const SENDFILE_PIECE_BYTES: u64 = 1 << 20;
/// How long a peer that is being closed on may go on sending.
const LINGER_MAX: Duration = Duration::from_millis(500);
/// A piece of a streamed body is handed on when this much has come in: with half of it the calls to the disk double, with
/// more the first bytes have left the cache of the processor before they are checked and written.
const PIECE_MIN_BYTES: usize = 64 << 10;

/// One client's connection to the data port.
#[derive(Debug)]
pub struct DataConnection {
    stream: TcpStream,
    peer: SocketAddr,
    buffer: Buffer,
    limits: DataLimits,
    has_served: bool,
    /// What the last request needed: the next one is probably like it, and comes in with one read.
    likely_bytes: usize,
    /// Several requests come in before the first is answered.
    is_pipelined: bool,
}

impl DataConnection {
    /// A connection on an accepted socket.
    #[must_use]
    pub fn new(stream: TcpStream, peer: SocketAddr, limits: DataLimits) -> Self {
        let limits = DataLimits { buff_size_bytes: limits.buff_size_bytes.max(MEDIUM_BYTES), ..limits };
        Self {
            stream,
            peer,
            buffer: Buffer::default(),
            limits,
            has_served: false,
            likely_bytes: SMALL_BYTES,
            is_pipelined: false,
        }
    }

    /// The other side.
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Waits for the next request's header; `None` when the peer has closed. A connection that has served a request may
    /// be idle for ever, a new one only for `network_timeout` (wire specification, 1.4).
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn next_header(&mut self) -> Result<Option<Header>, NetError> {
        const DOING: &str = "reading a request of";
        if !self.next_bytes().await? {
            return Ok(None);
        }
        while self.buffer.filled().len() < HEADER_LEN {
            self.read_some(SMALL_BYTES, DOING).await?;
        }
        let (head, _) = self.buffer.filled().split_first_chunk().ok_or(self.closed(DOING))?;
        let header = Header::from_bytes(*head);
        self.buffer.consume(HEADER_LEN);
        Ok(Some(header))
    }

    /// Waits until something of the next request is buffered; `false` when the peer has closed.
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn next_bytes(&mut self) -> Result<bool, NetError> {
        Ok(!self.buffer.filled().is_empty() || self.wait_for_request("reading a request of").await?)
    }

    /// The peer sends requests before it has the answers to those before: as many as fit are read at once.
    pub const fn expect_pipelined(&mut self) {
        self.is_pipelined = true;
        self.likely_bytes = MEDIUM_BYTES;
    }

    /// Waits for the first bytes of a request without holding a buffer; `false` when the peer has closed.
    async fn wait_for_request(&mut self, doing: &'static str) -> Result<bool, NetError> {
        loop {
            self.buffer.release_if_empty();
            if self.has_served {
                self.stream.readable().await.map_err(|e| self.io(doing, e))?;
            } else {
                self.wait(Interest::READABLE, doing).await?;
            }
            self.buffer.reserve(self.likely_bytes);
            match read_now(&self.stream, self.buffer.spare()) {
                Ok(0) => return Ok(false),
                Ok(n) => {
                    self.buffer.advance(n);
                    return Ok(true);
                }
                // "Readable" may be old news: wait again, as long as that takes.
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(e) if is_reset(&e) => return Ok(false),
                Err(e) => return Err(self.io(doing, e)),
            }
        }
    }

    /// Reads until `len` bytes of the body are buffered. `len` is at most `buff_size`.
    ///
    /// # Errors
    /// [`NetError`]; [`NetError::TooLong`] for a `len` above `buff_size`.
    pub async fn buffer_body(&mut self, len: usize) -> Result<(), NetError> {
        const DOING: &str = "reading a request body of";
        if len > self.limits.buff_size_bytes {
            let max = self.limits.buff_size_bytes as u64;
            return Err(NetError::TooLong { peer: self.peer, doing: DOING, len: len as u64, max });
        }
        self.likely_bytes = if len <= SMALL_BYTES && !self.is_pipelined { SMALL_BYTES } else { MEDIUM_BYTES };
        while self.buffer.filled().len() < len {
            self.read_some(len, DOING).await?;
        }
        Ok(())
    }

    /// What has come in and was not consumed yet.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        self.buffer.filled()
    }

    /// Marks the first `n` buffered bytes as used.
    pub fn consume(&mut self, n: usize) {
        self.buffer.consume(n);
    }

    /// The largest body that can be buffered whole.
    #[must_use]
    pub const fn buff_size_bytes(&self) -> usize {
        self.limits.buff_size_bytes
    }

    /// The largest body that a file's content comes in as a whole; larger ones come in pieces.
    #[must_use]
    pub const fn whole_max_bytes(&self) -> usize {
        MEDIUM_BYTES
    }

    /// Waits for the next piece of a body of which `left` bytes are outstanding, and returns how many of them are
    /// buffered: as many as make a disk call worth while. The buffer is given back while a slow client sends nothing.
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn next_piece(&mut self, left: u64) -> Result<usize, NetError> {
        const DOING: &str = "reading a file of";
        let whole = usize::try_from(left).unwrap_or(usize::MAX).min(MEDIUM_BYTES);
        let enough = whole.min(PIECE_MIN_BYTES);
        while self.buffer.filled().len() < enough {
            self.read_some(whole, DOING).await?;
        }
        Ok(self.buffer.filled().len().min(whole))
    }

    /// Reads and drops `len` bytes of a body that nobody wants.
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn drain(&mut self, mut len: u64) -> Result<(), NetError> {
        while len > 0 {
            let have = self.buffer.filled().len();
            if have == 0 {
                self.read_some(SMALL_BYTES, "draining a request of").await?;
                continue;
            }
            let n = usize::try_from(len).unwrap_or(usize::MAX).min(have);
            self.buffer.consume(n);
            len -= n as u64;
        }
        Ok(())
    }

    /// Before a connection is closed on a peer that may still be sending: reads and drops up to `len` bytes for a short
    /// time. Closing with unread bytes would reset the connection, and could take the answer with it.
    pub async fn linger(&mut self, len: u64) {
        use std::net::Shutdown;
        // The answer ends here for the peer; what it has sent until then is of no interest, nor are errors.
        let _ = socket2::SockRef::from(&self.stream).shutdown(Shutdown::Write);
        let _ = tokio::time::timeout(LINGER_MAX, self.drain(len.max(1))).await;
    }

    /// Sends an answer with a small body.
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn respond(&mut self, status: Status, body: &[u8]) -> Result<(), NetError> {
        let header = Header::answer(status, body.len() as u64).to_bytes();
        self.has_served = true;
        if body.is_empty() {
            return self.send(&header).await;
        }
        let mut small = [0; 256];
        if let Some(message) = small.get_mut(..HEADER_LEN + body.len()) {
            message[..HEADER_LEN].copy_from_slice(&header);
            message[HEADER_LEN..].copy_from_slice(body);
            return self.send(message).await;
        }
        let mut message = Vec::with_capacity(HEADER_LEN + body.len());
        message.extend_from_slice(&header);
        message.extend_from_slice(body);
        self.send(&message).await
    }

    /// Sends answers that were put together by the caller.
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn respond_all(&mut self, answers: &[u8]) -> Result<(), NetError> {
        self.has_served = true;
        self.send(answers).await
    }

    /// Begins an answer whose body comes in pieces and ends with the connection; `len` is what it announces.
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn begin_endless(&mut self, status: Status, len: u64) -> Result<(), NetError> {
        self.has_served = true;
        self.send(&Header::answer(status, len).to_bytes()).await
    }

    /// Sends a piece of such an answer.
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn send_piece(&mut self, bytes: &[u8]) -> Result<(), NetError> {
        self.send(bytes).await
    }

    /// Sends an answer whose body is `len` bytes of `file` from `offset`. The file is read under one of its `permits`, and
    /// none is held while the peer takes nothing.
    ///
    /// # Errors
    /// [`NetError`]; the header may be out by then, so the connection must be closed.
    pub async fn respond_with_file(
        &mut self,
        file: &impl AsFd,
        offset: u64,
        len: u64,
        permits: &Permits,
    ) -> Result<(), NetError> {
        self.has_served = true;
        let header = Header::answer(Status::OK, len).to_bytes();
        if len <= SEND_COPIED_MAX_BYTES && self.buffer.filled().is_empty() {
            // A small file goes out in one call, through the buffer that is not in use just now.
            let message = {
                let _permit = permits.take().await;
                self.copied(file, offset, len as usize, &header)?
            };
            return self.send(message.filled()).await;
        }
        self.send_header_of_file(&header).await?;
        self.send_range(file, offset, offset + len, permits).await
    }

    /// Sends the bytes of `file` from `at` to `end` without copying them.
    async fn send_range(&mut self, file: &impl AsFd, mut at: u64, end: u64, permits: &Permits) -> Result<(), NetError> {
        const DOING: &str = "sending a file to";
        while at < end {
            let want = usize::try_from((end - at).min(SENDFILE_PIECE_BYTES)).unwrap_or(usize::MAX);
            let permit = permits.take().await;
            let sent = self
                .stream
                .try_io(Interest::WRITABLE, || Ok(rustix::fs::sendfile(&self.stream, file, Some(&mut at), want)?));
            drop(permit);
            match sent {
                Ok(0) => return Err(self.io(DOING, io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.wait(Interest::WRITABLE, DOING).await?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.io(DOING, e)),
            }
        }
        Ok(())
    }

    /// `head` and then bytes of a file, in a buffer that is not in use just now.
    fn copied(&self, file: &impl AsFd, offset: u64, len: usize, head: &[u8]) -> Result<Buffer, NetError> {
        const DOING: &str = "sending a file to";
        let whole = head.len() + len;
        let mut message = Buffer::default();
        message.reserve(whole);
        message.spare()[..head.len()].copy_from_slice(head);
        message.advance(head.len());
        while message.filled().len() < whole {
            let have = message.filled().len();
            let spare = &mut message.spare()[..whole - have];
            match rustix::io::pread(file, spare, offset + (have - head.len()) as u64) {
                Ok(0) => return Err(self.io(DOING, io::ErrorKind::UnexpectedEof.into())),
                Ok(n) => message.advance(n),
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(self.io(DOING, e.into())),
            }
        }
        Ok(message)
    }

    async fn send_header_of_file(&mut self, header: &[u8; HEADER_LEN]) -> Result<(), NetError> {
        use rustix::net::{SendFlags, send};
        const DOING: &str = "sending an answer to";
        let mut rest = &header[..];
        while !rest.is_empty() {
            // MSG_MORE: the header travels in the same segment as the first bytes of the file.
            let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
            match self.stream.try_io(Interest::WRITABLE, || Ok(send(&self.stream, rest, flags)?)) {
                Ok(n) => rest = &rest[n..],
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.wait(Interest::WRITABLE, DOING).await?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.io(DOING, e)),
            }
        }
        Ok(())
    }

    async fn send(&mut self, mut bytes: &[u8]) -> Result<(), NetError> {
        const DOING: &str = "sending an answer to";
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.wait(Interest::WRITABLE, DOING).await?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.io(DOING, e)),
            }
        }
        Ok(())
    }

    /// Reads once into a buffer that holds `len` unused bytes in all.
    async fn read_some(&mut self, len: usize, doing: &'static str) -> Result<(), NetError> {
        loop {
            self.buffer.reserve(len.max(1));
            match read_now(&self.stream, self.buffer.spare()) {
                Ok(0) => return Err(self.closed(doing)),
                Ok(n) => {
                    self.buffer.advance(n);
                    return Ok(());
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.buffer.release_if_empty();
                    self.wait(Interest::READABLE, doing).await?;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.io(doing, e)),
            }
        }
    }

    async fn wait(&self, interest: Interest, doing: &'static str) -> Result<(), NetError> {
        match tokio::time::timeout(self.limits.network_timeout, self.stream.ready(interest)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(e)) => Err(self.io(doing, e)),
            Err(_) => Err(NetError::Timeout {
                peer: self.peer,
                doing,
                timeout_ms: u64::try_from(self.limits.network_timeout.as_millis()).unwrap_or(u64::MAX),
            }),
        }
    }

    const fn closed(&self, doing: &'static str) -> NetError {
        NetError::Closed { peer: self.peer, doing }
    }

    const fn io(&self, doing: &'static str, source: io::Error) -> NetError {
        NetError::Io { peer: self.peer, doing, source }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use fdfs_proto::Command;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    pub(super) async fn pair(network_timeout: Duration) -> (TcpStream, DataConnection) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        (client, DataConnection::new(stream, peer, DataLimits { network_timeout, buff_size_bytes: MEDIUM_BYTES }))
    }

    fn request(body_len: u64) -> [u8; HEADER_LEN] {
        Header::request(Command::ActiveTest, body_len).to_bytes()
    }

    #[tokio::test]
    async fn a_new_connection_is_given_up_and_one_that_has_served_may_be_idle_for_ever() {
        let limit = Duration::from_millis(30);
        let (_silent, mut conn) = pair(limit).await;
        assert!(conn.next_header().await.unwrap_err().is_timeout());

        let (mut client, mut conn) = pair(limit).await;
        client.write_all(&request(0)).await.unwrap();
        assert!(conn.next_header().await.unwrap().is_some());
        conn.respond(Status::OK, &[]).await.unwrap();
        let idle = tokio::time::timeout(5 * limit, conn.next_header()).await;
        assert!(idle.is_err(), "an idle connection ended: {idle:?}");
        assert_eq!(conn.buffer.capacity(), 0, "an idle connection holds a buffer");
        drop(client);
        assert_eq!(conn.next_header().await.unwrap(), None);
    }

    #[tokio::test]
    async fn half_a_request_is_given_up() {
        let (mut client, mut conn) = pair(Duration::from_millis(30)).await;
        client.write_all(&request(0)[..4]).await.unwrap();
        assert!(conn.next_header().await.unwrap_err().is_timeout());
    }

    #[tokio::test]
    async fn two_requests_in_one_segment_are_both_read() {
        let (mut client, mut conn) = pair(Duration::from_secs(5)).await;
        let mut both = request(3).to_vec();
        both.extend_from_slice(b"abc");
        both.extend_from_slice(&request(0));
        client.write_all(&both).await.unwrap();
        assert_eq!(conn.next_header().await.unwrap().unwrap().body_len, 3);
        conn.buffer_body(3).await.unwrap();
        assert_eq!(&conn.buffered()[..3], b"abc");
        conn.consume(3);
        assert_eq!(conn.next_header().await.unwrap().unwrap().body_len, 0);
        assert!(conn.buffer_body(MEDIUM_BYTES + 1).await.is_err(), "more than the buffer holds");
    }

    /// A file of ones, and the one permit to read it.
    pub(crate) fn file_of(len: usize) -> (std::fs::File, Permits) {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &vec![1; len]).unwrap();
        (file, Permits::new(1))
    }

    /// Polls once: all that can be done without waiting is done then.
    pub(crate) async fn step<T>(work: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let mut work = Some(work);
        std::future::poll_fn(|cx| {
            let polled = work.take().map(|work| work.poll(cx));
            std::task::Poll::Ready(match polled {
                Some(std::task::Poll::Ready(value)) => Some(value),
                _ => None,
            })
        })
        .await
    }

    #[tokio::test]
    async fn a_disk_is_read_under_a_permit_only() {
        for (len, is_checked) in [(4096, false), (100_000, false), (4096, true), (100_000, true)] {
            let (mut client, mut conn) = pair(Duration::from_secs(5)).await;
            let (file, permits) = file_of(len as usize);
            let held = permits.take().await;
            let mut sending = Box::pin(async {
                match is_checked {
                    true => conn.respond_with_checked_file(&file, 0, len, &permits, || Ok(true)).await.map(|_| ()),
                    false => conn.respond_with_file(&file, 0, len, &permits).await,
                }
            });
            assert!(step(sending.as_mut()).await.is_none(), "{len} bytes, {is_checked}");
            let mut buf = vec![0; HEADER_LEN + len as usize];
            drop(held);
            let (sent, _) = tokio::join!(sending, client.read_exact(&mut buf));
            sent.unwrap();
            assert!(buf[HEADER_LEN..].iter().all(|&b| b == 1));
        }
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_holds_no_permit() {
        const LEN: u64 = 64 << 20;
        for is_checked in [false, true] {
            let (client, mut conn) = pair(Duration::from_secs(5)).await;
            let (file, permits) = file_of(LEN as usize);
            let mut sending = Box::pin(async {
                match is_checked {
                    true => conn.respond_with_checked_file(&file, 0, LEN, &permits, || Ok(true)).await.map(|_| ()),
                    false => conn.respond_with_file(&file, 0, LEN, &permits).await,
                }
            });
            assert!(step(sending.as_mut()).await.is_none(), "all of it fits into the socket");
            assert_eq!(permits.free(), 1, "{is_checked}");
            drop(client);
        }
    }

    #[tokio::test]
    async fn files_of_all_sizes_arrive_whole_and_ranges_where_they_should() {
        let temp = tempfile::NamedTempFile::new().unwrap();
        let content: Vec<u8> = (0..3_000_000u32).map(|n| ((n * 31) >> 3) as u8).collect();
        std::fs::write(temp.path(), &content).unwrap();
        let file = std::fs::File::open(temp.path()).unwrap();
        let (mut client, mut conn) = pair(Duration::from_secs(5)).await;
        let ranges = [(0, 0), (0, 10), (5, 4096), (1, 16 << 10), (7, (16 << 10) + 1), (100, 2_900_000)];
        let server = tokio::spawn(async move {
            for (offset, len) in ranges {
                conn.respond_with_file(&file, offset, len, &Permits::new(1)).await.unwrap();
            }
        });
        for (offset, len) in ranges {
            let mut head = [0; HEADER_LEN];
            client.read_exact(&mut head).await.unwrap();
            assert_eq!(Header::from_bytes(head), Header::answer(Status::OK, len));
            let mut body = vec![0; len as usize];
            client.read_exact(&mut body).await.unwrap();
            assert!(body == content[offset as usize..(offset + len) as usize], "{len} bytes at {offset}");
        }
        server.await.unwrap();
    }
}
