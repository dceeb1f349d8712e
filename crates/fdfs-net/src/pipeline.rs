//! The asking side of a connection on which several requests are under way: replication. One task sends while another
//! reads the answers, which come in the order of the requests.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use fdfs_proto::{HEADER_LEN, Header, Status};
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::NetError;
use crate::call::Caller;
use crate::permits::Permits;
use crate::timed::millis;

const SENDING: &str = "sending to";
const ANSWER: &str = "waiting for the answer of";
/// The longest body of an answer. No request of replication has one that is longer than a few names; the reference echoes
/// the request in some cases.
const ANSWER_MAX_BYTES: usize = 64 << 10;
/// Bytes of a file that the kernel is asked to send at once.
pub const FILE_PIECE_BYTES: u64 = 256 << 10;
/// Bytes of answers that are read at once.
const READ_BYTES: usize = 4096;

/// A connection on which several requests are under way.
#[derive(Debug)]
pub struct Pipeline {
    stream: TcpStream,
    peer: SocketAddr,
    timeout: Duration,
}

/// The answers of a [`Pipeline`]: bytes that came in and were not yet used.
#[derive(Debug, Default)]
pub struct Answers {
    bytes: Vec<u8>,
    start: usize,
}

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PipelineAnswer<'a> {
    /// Success or the peer's errno.
    pub status: Status,
    /// The body, normally empty.
    pub body: &'a [u8],
}

impl Pipeline {
    /// Goes on with a connection on which nothing is under way.
    #[must_use]
    pub fn new(caller: Caller, timeout: Duration) -> Self {
        let peer = caller.peer_addr();
        Self { stream: caller.into_stream(), peer, timeout }
    }

    /// The other side.
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// How long the peer may stay silent while something is under way.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// [`NetError::Io`], [`NetError::Timeout`]. The connection must be closed then, also when this future is dropped.
    pub async fn send(&self, mut bytes: &[u8]) -> Result<(), NetError> {
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) => self.after_write(e).await?,
            }
        }
        Ok(())
    }

    /// Sends a piece of a file, from `offset` up to at most `end`, and gives where it ends. The file is read under one of
    /// its `permits`, and none is held while the peer takes nothing.
    ///
    /// # Errors
    /// As [`Pipeline::send`]; a file that ends before `end` is [`NetError::Io`].
    pub async fn send_file(&self, file: &impl AsFd, offset: u64, end: u64, permits: &Permits) -> Result<u64, NetError> {
        let mut at = offset;
        let want = usize::try_from((end - offset).min(FILE_PIECE_BYTES)).unwrap_or(usize::MAX);
        loop {
            let permit = permits.take().await;
            let sent = self
                .stream
                .try_io(Interest::WRITABLE, || Ok(rustix::fs::sendfile(&self.stream, file, Some(&mut at), want)?));
            drop(permit);
            match sent {
                Ok(0) => return Err(self.io(SENDING, io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => return Ok(at),
                Err(e) => self.after_write(e).await?,
            }
        }
    }

    /// Waits until more can be written, if that is what is wrong.
    async fn after_write(&self, error: io::Error) -> Result<(), NetError> {
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(()),
            io::ErrorKind::WouldBlock => match tokio::time::timeout(self.timeout, self.stream.writable()).await {
                Ok(ready) => ready.map_err(|e| self.io(SENDING, e)),
                Err(_) => Err(self.timed_out(SENDING)),
            },
            _ => Err(self.io(SENDING, error)),
        }
    }

    const fn io(&self, doing: &'static str, source: io::Error) -> NetError {
        NetError::Io { peer: self.peer, doing, source }
    }

    fn timed_out(&self, doing: &'static str) -> NetError {
        NetError::Timeout { peer: self.peer, doing, timeout_ms: millis(self.timeout) }
    }

    /// The error of a file that is not what was announced.
    #[must_use]
    pub fn ends_early(&self) -> NetError {
        self.io(SENDING, io::ErrorKind::UnexpectedEof.into())
    }

    /// The error of a peer that stays silent for too long.
    #[must_use]
    pub fn silent(&self) -> NetError {
        self.timed_out(ANSWER)
    }
}

impl Answers {
    /// Waits for the next answer, however long that takes. When the future is dropped nothing is lost.
    ///
    /// # Errors
    /// [`NetError::Closed`], [`NetError::Io`], [`NetError::NegativeLength`], [`NetError::TooLong`].
    pub async fn next(&mut self, pipeline: &Pipeline) -> Result<PipelineAnswer<'_>, NetError> {
        let peer = pipeline.peer;
        loop {
            let have = &self.bytes[self.start..];
            if let Some((head, rest)) = have.split_first_chunk::<HEADER_LEN>() {
                let header = Header::from_bytes(*head);
                let len = u64::try_from(header.body_len).map_err(|_| NetError::NegativeLength {
                    peer,
                    doing: ANSWER,
                    len: header.body_len,
                })?;
                let max = ANSWER_MAX_BYTES as u64;
                let fits = usize::try_from(len).ok().filter(|len| *len <= ANSWER_MAX_BYTES);
                let len = fits.ok_or(NetError::TooLong { peer, doing: ANSWER, len, max })?;
                if rest.len() >= len {
                    let from = self.start + HEADER_LEN;
                    self.start = from + len;
                    let body = &self.bytes[from..from + len];
                    return Ok(PipelineAnswer { status: Status(header.status), body });
                }
            }
            self.read(pipeline).await?;
        }
    }

    async fn read(&mut self, pipeline: &Pipeline) -> Result<(), NetError> {
        pipeline.stream.readable().await.map_err(|e| pipeline.io(ANSWER, e))?;
        self.bytes.drain(..self.start);
        self.start = 0;
        let end = self.bytes.len();
        self.bytes.resize(end + READ_BYTES, 0);
        let read = pipeline.stream.try_read(&mut self.bytes[end..]);
        self.bytes.truncate(end + read.as_ref().map_or(0, |n| *n));
        match read {
            Ok(0) => Err(NetError::Closed { peer: pipeline.peer, doing: ANSWER }),
            Ok(_) => Ok(()),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(()),
            Err(e) => Err(pipeline.io(ANSWER, e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CallOptions;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn pair(timeout: Duration) -> (Pipeline, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let options = CallOptions::default();
        let (caller, accepted) = tokio::join!(Caller::connect(addr, &options), listener.accept());
        (Pipeline::new(caller.unwrap(), timeout), accepted.unwrap().0)
    }

    #[tokio::test]
    async fn answers_come_one_by_one_however_they_are_cut() {
        let (pipeline, mut peer) = pair(Duration::from_secs(5)).await;
        let mut bytes = Header::answer(Status::EEXIST, 0).to_bytes().to_vec();
        bytes.extend_from_slice(&Header::answer(Status::OK, 3).to_bytes());
        bytes.extend_from_slice(b"abc");
        bytes.extend_from_slice(&Header::answer(Status::OK, 0).to_bytes());
        let write = tokio::spawn(async move {
            for piece in bytes.chunks(7) {
                peer.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let mut answers = Answers::default();
        for (status, body) in [(Status::EEXIST, &b""[..]), (Status::OK, b"abc"), (Status::OK, b"")] {
            assert_eq!(answers.next(&pipeline).await.unwrap(), PipelineAnswer { status, body });
        }
        write.await.unwrap();
        assert!(matches!(answers.next(&pipeline).await, Err(NetError::Closed { .. })));
    }

    #[tokio::test]
    async fn rubbish_ends_the_connection_and_takes_no_memory() {
        for (len, is_negative) in [(-1, true), (1 << 40, false)] {
            let (pipeline, mut peer) = pair(Duration::from_secs(5)).await;
            peer.write_all(&Header { body_len: len, command: 100, status: 0 }.to_bytes()).await.unwrap();
            let error = Answers::default().next(&pipeline).await.unwrap_err();
            assert_eq!(matches!(error, NetError::NegativeLength { .. }), is_negative, "{error}");
        }
    }

    #[tokio::test]
    async fn files_go_out_in_pieces_and_a_file_that_shrank_is_an_error() {
        let temp = tempfile::NamedTempFile::new().unwrap();
        let content: Vec<u8> = (0..1_000_000u32).map(|n| (n >> 3) as u8).collect();
        std::fs::write(temp.path(), &content).unwrap();
        let (file, permits) = (std::fs::File::open(temp.path()).unwrap(), Permits::new(1));
        let (pipeline, mut peer) = pair(Duration::from_secs(5)).await;
        let received = tokio::spawn(async move {
            let mut bytes = vec![0; 999_998];
            peer.read_exact(&mut bytes).await.unwrap();
            bytes
        });
        pipeline.send(b"ab").await.unwrap();
        let mut at = 4;
        while at < 1_000_000 {
            at = pipeline.send_file(&file, at, 1_000_000, &permits).await.unwrap();
        }
        let received = received.await.unwrap();
        assert!(received[..2] == *b"ab" && received[2..] == content[4..]);
        assert!(pipeline.send_file(&file, 1_000_000, 1_000_001, &permits).await.is_err());
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_holds_no_permit_of_the_disk() {
        use crate::connection::tests::{file_of, step};
        let (file, permits) = file_of(1 << 20);
        let (pipeline, _peer) = pair(Duration::from_secs(5)).await;
        let mut sending = Box::pin(async {
            loop {
                pipeline.send_file(&file, 0, 1 << 20, &permits).await.unwrap();
            }
        });
        let is_endless: Option<()> = step(sending.as_mut()).await;
        assert!(is_endless.is_none());
        assert_eq!(permits.free(), 1);
    }

    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let (pipeline, _peer) = pair(Duration::from_millis(50)).await;
        let much = vec![0; 64 << 20];
        assert!(pipeline.send(&much).await.unwrap_err().is_timeout());
    }
}
