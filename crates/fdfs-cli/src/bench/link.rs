//! One connection to a server, with one buffer for its answers: a small answer is read at once, head and body, and
//! nothing is allocated for it. What [`fdfs_net::Caller`] does more costs the load generator more.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use fdfs_net::{AnswerHead, CallOptions, NetError, socket};
use fdfs_proto::{HEADER_LEN, Header, Status};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes that are read at once. Only what was ever filled is really taken from the system.
const BUFFER_BYTES: usize = 256 << 10;
/// The longest body that must lie in the buffer as a whole; answers to uploads and queries are far shorter.
pub(crate) const SMALL_BODY_MAX: u64 = 4096;

const SENDING: &str = "sending a request to";
const ANSWER: &str = "waiting for the answer of";
const CONTENT: &str = "reading the answer of";

/// A connection. After any error it can only be dropped.
#[derive(Debug)]
pub(crate) struct Link {
    stream: TcpStream,
    peer: SocketAddr,
    patience: Duration,
    buffer: Box<[u8]>,
    /// The bytes that were read and not yet taken are those from here ...
    start: usize,
    /// ... to here.
    end: usize,
}

impl Link {
    /// Connects.
    ///
    /// # Errors
    /// [`NetError::Connect`], [`NetError::ConnectTimeout`].
    pub(crate) async fn connect(peer: SocketAddr, options: &CallOptions) -> Result<Self, NetError> {
        let fails = |source| NetError::Connect { peer, source };
        let stream = match tokio::time::timeout(options.connect_timeout, TcpStream::connect(peer)).await {
            Ok(stream) => stream.map_err(fails)?,
            Err(_) => return Err(NetError::ConnectTimeout { peer, timeout_ms: millis(options.connect_timeout) }),
        };
        socket::tune(&stream, None).map_err(fails)?;
        let buffer = vec![0; BUFFER_BYTES].into();
        Ok(Self { stream, peer, patience: options.network_timeout, buffer, start: 0, end: 0 })
    }

    /// The server.
    pub(crate) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Sends bytes of a request.
    ///
    /// # Errors
    /// As sending gives.
    pub(crate) async fn send(&mut self, mut bytes: &[u8]) -> Result<(), NetError> {
        while !bytes.is_empty() {
            match limited(self.peer, self.patience, SENDING, self.stream.write(bytes)).await? {
                0 => return Err(NetError::Closed { peer: self.peer, doing: SENDING }),
                n => bytes = bytes.get(n..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// Reads more into the buffer, of which everything was taken.
    async fn refill(&mut self, doing: &'static str) -> Result<(), NetError> {
        (self.start, self.end) = (0, 0);
        self.read_on(doing).await
    }

    /// Reads more behind what is in the buffer.
    async fn read_on(&mut self, doing: &'static str) -> Result<(), NetError> {
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        match limited(self.peer, self.patience, doing, self.stream.read(room)).await? {
            0 => Err(NetError::Closed { peer: self.peer, doing }),
            n => {
                self.end += n;
                Ok(())
            }
        }
    }

    /// Takes the next `len` bytes; they must fit the buffer.
    async fn take(&mut self, len: usize, doing: &'static str) -> Result<&[u8], NetError> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.start + len > self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        while self.end - self.start < len {
            self.read_on(doing).await?;
        }
        self.start += len;
        Ok(self.buffer.get(self.start - len..self.start).unwrap_or_default())
    }

    /// Reads the head of the answer. All of its body must be taken before the next request.
    ///
    /// # Errors
    /// [`NetError::NegativeLength`], and as receiving gives.
    pub(crate) async fn answer_head(&mut self) -> Result<AnswerHead, NetError> {
        let peer = self.peer;
        let bytes = self.take(HEADER_LEN, ANSWER).await?;
        let header = Header::from_bytes(bytes.try_into().unwrap_or_default());
        let negative = |_| NetError::NegativeLength { peer, doing: ANSWER, len: header.body_len };
        Ok(AnswerHead { status: Status(header.status), len: u64::try_from(header.body_len).map_err(negative)? })
    }

    /// The body of a small answer.
    ///
    /// # Errors
    /// [`NetError::TooLong`], and as receiving gives.
    pub(crate) async fn small_body(&mut self, len: u64) -> Result<&[u8], NetError> {
        match usize::try_from(len) {
            Ok(small) if len <= SMALL_BODY_MAX => self.take(small, CONTENT).await,
            _ => Err(NetError::TooLong { peer: self.peer, doing: CONTENT, len, max: SMALL_BODY_MAX }),
        }
    }

    /// The next bytes of a body of which `left` bytes were not taken yet; at least one unless `left` is 0.
    ///
    /// # Errors
    /// As receiving gives.
    pub(crate) async fn content(&mut self, left: u64) -> Result<&[u8], NetError> {
        if left > 0 && self.start == self.end {
            self.refill(CONTENT).await?;
        }
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(self.end - self.start);
        self.start += len;
        Ok(self.buffer.get(self.start - len..self.start).unwrap_or_default())
    }
}

/// A read or write that may take so long.
async fn limited<T>(
    peer: SocketAddr,
    patience: Duration,
    doing: &'static str,
    step: impl Future<Output = io::Result<T>>,
) -> Result<T, NetError> {
    match tokio::time::timeout(patience, step).await {
        Ok(done) => done.map_err(|source| NetError::Io { peer, doing, source }),
        Err(_) => Err(NetError::Timeout { peer, doing, timeout_ms: millis(patience) }),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A link to a server that answers with `bytes`, in pieces of `piece_len`, and closes.
    async fn answering(bytes: Vec<u8>, piece_len: usize) -> Link {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            for piece in bytes.chunks(piece_len) {
                stream.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        Link::connect(addr, &CallOptions::default()).await.unwrap()
    }

    fn answer(status: Status, body: &[u8]) -> Vec<u8> {
        [&Header::answer(status, body.len() as u64).to_bytes()[..], body].concat()
    }

    #[tokio::test]
    async fn answers_are_read_however_they_are_cut() {
        let large: Vec<u8> = (0..600_000u32).map(|at| at as u8).collect();
        let bytes = [answer(Status::OK, b"small"), answer(Status::ENOENT, b""), answer(Status::OK, &large)].concat();
        for piece_len in [1000, 65_536, usize::MAX] {
            let mut link = answering(bytes.clone(), piece_len).await;
            assert_eq!(link.answer_head().await.unwrap(), AnswerHead { status: Status::OK, len: 5 });
            assert_eq!(link.small_body(5).await.unwrap(), b"small");
            assert_eq!(link.answer_head().await.unwrap(), AnswerHead { status: Status::ENOENT, len: 0 });
            assert_eq!(link.content(0).await.unwrap(), b"");
            let mut left = link.answer_head().await.unwrap().len;
            let mut got = Vec::new();
            while left > 0 {
                let piece = link.content(left).await.unwrap();
                left -= piece.len() as u64;
                got.extend_from_slice(piece);
            }
            assert!(got == large);
            assert!(matches!(link.answer_head().await, Err(NetError::Closed { .. })));
        }
    }

    #[tokio::test]
    async fn what_a_server_announces_takes_no_memory() {
        for (len, is_expected) in [
            (-1, (|error| matches!(error, NetError::NegativeLength { len: -1, .. })) as fn(NetError) -> bool),
            (i64::MAX, |error| matches!(error, NetError::TooLong { .. })),
        ] {
            let header = Header { body_len: len, ..Header::answer(Status::OK, 0) };
            let mut link = answering(header.to_bytes().to_vec(), 100).await;
            let error = match link.answer_head().await {
                Ok(head) => link.small_body(head.len).await.unwrap_err(),
                Err(error) => error,
            };
            assert!(is_expected(error));
        }
    }
}
