//! The asking side of a connection: one request, one answer, whole or in pieces.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fdfs_proto::{Command, HEADER_LEN, Header, Status};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};

use crate::NetError;
use crate::error::is_reset;
use crate::socket;
use crate::timed::{Wait, millis};

const SENDING: &str = "sending a request to";
const ANSWER: &str = "waiting for the answer of";
const CONTENT: &str = "reading the answer of";

/// Bytes of an unwanted body that are read and thrown away; beyond that it is cheaper to connect anew.
pub const MAX_DISCARD_BYTES: u64 = 64 * 1024;

/// Time limits and the local address of outgoing connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallOptions {
    /// How long a connect may take, key `connect_timeout`.
    pub connect_timeout: Duration,
    /// How long a peer may stay silent, or not take data; starts anew with every chunk. Key `network_timeout`.
    pub network_timeout: Duration,
    /// The address to connect from, where the machine has several.
    pub bind: Option<IpAddr>,
}

impl Default for CallOptions {
    /// The values of the sample files where they ask less patience of a user than the built-in ones: 5 s and 60 s.
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(5), network_timeout: Duration::from_secs(60), bind: None }
    }
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Success or the peer's errno.
    pub status: Status,
    /// The body; normally empty when the status is not success.
    pub body: Vec<u8>,
}

/// The head of an answer whose body is still on the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerHead {
    /// Success or the peer's errno.
    pub status: Status,
    /// Bytes of the body, as announced; not yet read.
    pub len: u64,
}

/// Where a connection stands between requests and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Nothing is under way; a request may be sent.
    Idle,
    /// So many bytes of the request's body are not sent yet.
    Sending(u64),
    /// So many bytes of the answer's body are not read yet.
    Reading(u64),
    /// Something went wrong; it can only be closed.
    Broken,
}

/// A connection to a server, asking one thing after the other.
#[derive(Debug)]
pub struct Caller<S = TcpStream> {
    stream: S,
    local: SocketAddr,
    wait: Wait,
    turn: Turn,
    answer_begun: bool,
}

impl Caller {
    /// Connects to `addr`.
    ///
    /// # Errors
    /// [`NetError::Connect`], [`NetError::ConnectTimeout`], [`NetError::Bind`].
    pub async fn connect(addr: SocketAddr, options: &CallOptions) -> Result<Self, NetError> {
        let connect = async {
            let fails = |source| NetError::Connect { peer: addr, source };
            let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(fails)?;
            // An address of the other family cannot be bound to; then the system chooses.
            if let Some(local) = options.bind.filter(|local| local.is_ipv4() == addr.is_ipv4()) {
                let bound = socket.bind(SocketAddr::new(local, 0));
                bound.map_err(|source| NetError::Bind { local, peer: addr, source })?;
            }
            socket.connect(addr).await.map_err(fails)
        };
        let stream = match tokio::time::timeout(options.connect_timeout, connect).await {
            Ok(stream) => stream?,
            Err(_) => {
                return Err(NetError::ConnectTimeout { peer: addr, timeout_ms: millis(options.connect_timeout) });
            }
        };
        socket::tune(&stream, None).map_err(|source| NetError::Connect { peer: addr, source })?;
        let local = stream.local_addr().map_err(|source| NetError::Connect { peer: addr, source })?;
        Ok(Self::over(stream, local, addr, options.network_timeout))
    }

    /// Whether the connection can take another request right now: nothing under way, not closed by the peer, and no
    /// stray bytes from it. Asks the kernel, so it is meant for connections that were idle for a while.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.is_reusable() && socket::is_quiet(&self.stream)
    }

    /// Whether the peer has sent something, or closed: while a long request is being sent this means that the answer
    /// is there early and the rest need not be sent.
    #[must_use]
    pub fn has_early_answer(&self) -> bool {
        !socket::is_quiet(&self.stream)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Caller<S> {
    /// A caller over any stream that is connected already.
    pub const fn over(stream: S, local: SocketAddr, peer: SocketAddr, network_timeout: Duration) -> Self {
        let wait = Wait { peer, timeout: network_timeout };
        Self { stream, local, wait, turn: Turn::Idle, answer_begun: false }
    }

    /// The address on this side.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The address of the server.
    #[must_use]
    pub const fn peer_addr(&self) -> SocketAddr {
        self.wait.peer
    }

    /// Changes how long the server may stay silent.
    pub const fn set_network_timeout(&mut self, timeout: Duration) {
        self.wait.timeout = timeout;
    }

    /// Whether another request may be sent: the last answer was read to its end and nothing failed.
    #[must_use]
    pub fn is_reusable(&self) -> bool {
        self.turn == Turn::Idle
    }

    /// Whether a byte of the answer to the last request has arrived. A call on an idle connection that failed before
    /// that, because the server had closed it meanwhile, was never looked at.
    #[must_use]
    pub const fn answer_begun(&self) -> bool {
        self.answer_begun
    }

    /// The stream, for what this type does not offer (`sendfile`, `splice`). Whoever moves bytes on it himself must
    /// say so with [`Caller::note_content_sent`].
    pub const fn stream(&self) -> &S {
        &self.stream
    }

    /// Asks and waits for the whole answer, of at most `max_answer` bytes. An answer with an error status whose body
    /// is longer is given with an empty body, and the connection is not used again.
    ///
    /// # Errors
    /// Any [`NetError`] but those of connecting; the answer's status is not an error here.
    pub async fn call(
        &mut self,
        command: Command,
        status: u8,
        body: &[u8],
        max_answer: usize,
    ) -> Result<Answer, NetError> {
        self.send_request_head(command, status, body.len() as u64, body).await?;
        self.read_answer(max_answer).await
    }

    /// Asks for something whose answer has no body. A body that comes all the same is read and thrown away: the
    /// reference echoes the request in some cases (wire specification, 6, no. 6).
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub async fn call_expect_empty(&mut self, command: Command, status: u8, body: &[u8]) -> Result<Status, NetError> {
        self.send_request_head(command, status, body.len() as u64, body).await?;
        self.read_empty_answer().await
    }

    /// Sends the head of a request with a body of `total_len` bytes, and the first of them. The rest follows with
    /// [`Caller::send_content`].
    ///
    /// # Errors
    /// [`NetError::OutOfTurn`] when the last answer was not read to its end or `head` is longer than `total_len`, and
    /// what sending can give.
    pub async fn send_request_head(
        &mut self,
        command: Command,
        status: u8,
        total_len: u64,
        head: &[u8],
    ) -> Result<(), NetError> {
        let left = total_len.checked_sub(head.len() as u64).filter(|_| self.turn == Turn::Idle);
        let Some(left) = left else { return Err(self.out_of_turn(SENDING)) };
        let header = Header { status, ..Header::request(command, total_len) };
        self.answer_begun = false;
        self.turn = Turn::Broken; // Until it is known how the write went; also when this future is dropped halfway.
        self.wait.write_both(&mut self.stream, &header.to_bytes(), head, SENDING).await?;
        self.turn = Turn::Sending(left);
        Ok(())
    }

    /// Sends the next bytes of the request's body.
    ///
    /// When the server has closed its side it may have answered before; see [`Caller::read_early_answer`].
    ///
    /// # Errors
    /// [`NetError::OutOfTurn`] for more bytes than announced, and what sending can give.
    pub async fn send_content(&mut self, content: &[u8]) -> Result<(), NetError> {
        let Turn::Sending(left) = self.turn else { return Err(self.out_of_turn(SENDING)) };
        let Some(left) = left.checked_sub(content.len() as u64) else { return Err(self.out_of_turn(SENDING)) };
        self.turn = Turn::Broken;
        self.wait.write_both(&mut self.stream, content, &[], SENDING).await?;
        self.turn = Turn::Sending(left);
        Ok(())
    }

    /// Gives the stream away, for another way to use the connection.
    #[must_use]
    pub fn into_stream(self) -> S {
        self.stream
    }

    /// Notes that `len` bytes of the body were sent on [`Caller::stream`] by other means.
    ///
    /// # Errors
    /// [`NetError::OutOfTurn`] for more bytes than announced.
    pub fn note_content_sent(&mut self, len: u64) -> Result<(), NetError> {
        match self.turn {
            Turn::Sending(left) if len <= left => {
                self.turn = Turn::Sending(left - len);
                Ok(())
            }
            _ => Err(self.out_of_turn(SENDING)),
        }
    }

    /// Reads the head of the answer. The body follows with [`Caller::read_content`].
    ///
    /// # Errors
    /// [`NetError::NegativeLength`], [`NetError::OutOfTurn`] when the request was not sent to its end, and what
    /// receiving can give.
    pub async fn read_answer_head(&mut self) -> Result<AnswerHead, NetError> {
        if self.turn != Turn::Sending(0) {
            return Err(self.out_of_turn(ANSWER));
        }
        self.turn = Turn::Broken;
        let head = self.receive_head().await?;
        self.turn = if head.len == 0 { Turn::Idle } else { Turn::Reading(head.len) };
        Ok(head)
    }

    /// After sending failed with `error`: the answer that the server gave before it closed, or else `error` again.
    /// The connection is not used again either way.
    ///
    /// # Errors
    /// `error`, when there is no such answer.
    pub async fn read_early_answer(&mut self, error: NetError) -> Result<Status, NetError> {
        let closed = matches!(&error, NetError::Io { source, .. } if is_reset(source));
        if !closed && !error.is_closed() {
            return Err(error);
        }
        self.turn = Turn::Broken;
        match self.receive_head().await {
            // An answer of success to half a request is nonsense.
            Ok(head) if !head.status.is_ok() => Ok(head.status),
            _ => Err(error),
        }
    }

    /// Reads the next bytes of the answer's body; 0 at its end, or when `out` is empty.
    ///
    /// # Errors
    /// [`NetError::Closed`] when the peer ends before the body does, and what receiving can give.
    pub async fn read_content(&mut self, out: &mut [u8]) -> Result<usize, NetError> {
        let left = match self.turn {
            Turn::Reading(left) => left,
            Turn::Idle => return Ok(0),
            Turn::Sending(_) | Turn::Broken => return Err(self.out_of_turn(CONTENT)),
        };
        let len = out.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(out) = out.get_mut(..len).filter(|out| !out.is_empty()) else { return Ok(0) };
        self.turn = Turn::Broken;
        let n = self.wait.read_some(&mut self.stream, out, CONTENT).await?;
        if n == 0 {
            return Err(NetError::Closed { peer: self.wait.peer, doing: CONTENT });
        }
        self.turn = match left - n as u64 {
            0 => Turn::Idle,
            left => Turn::Reading(left),
        };
        Ok(n)
    }

    /// Reads a whole answer of at most `max_answer` bytes; the request must have been sent to its end.
    ///
    /// # Errors
    /// [`NetError::TooLong`], and as [`Caller::read_answer_head`].
    pub async fn read_answer(&mut self, max_answer: usize) -> Result<Answer, NetError> {
        let AnswerHead { status, len } = self.read_answer_head().await?;
        let fits = usize::try_from(len).ok().filter(|&len| len <= max_answer);
        let Some(len) = fits else {
            self.turn = Turn::Broken;
            if status.is_ok() {
                let max = max_answer as u64;
                return Err(NetError::TooLong { peer: self.wait.peer, doing: CONTENT, len, max });
            }
            return Ok(Answer { status, body: Vec::new() });
        };
        self.turn = Turn::Broken;
        let mut body = Vec::new();
        while body.len() < len {
            let missing = len - body.len();
            if self.wait.append_some(&mut self.stream, &mut body, missing, CONTENT).await? == 0 {
                return Err(NetError::Closed { peer: self.wait.peer, doing: CONTENT });
            }
        }
        self.turn = Turn::Idle;
        Ok(Answer { status, body })
    }

    /// Reads an answer that should have no body, and throws away one that is there.
    ///
    /// # Errors
    /// As [`Caller::read_answer_head`].
    pub async fn read_empty_answer(&mut self) -> Result<Status, NetError> {
        let head = self.read_answer_head().await?;
        self.discard_content().await;
        Ok(head.status)
    }

    /// Reads and throws away what is left of the answer's body, up to [`MAX_DISCARD_BYTES`]. Where that does not help,
    /// the connection is not reusable; the answer itself stays good.
    pub async fn discard_content(&mut self) {
        if let Turn::Reading(left) = self.turn {
            if left > MAX_DISCARD_BYTES {
                self.turn = Turn::Broken;
                return;
            }
            let mut sink = [0; 1024];
            while matches!(self.read_content(&mut sink).await, Ok(n) if n > 0) {}
        }
    }

    /// Reads and judges ten bytes.
    async fn receive_head(&mut self) -> Result<AnswerHead, NetError> {
        let mut bytes = [0; HEADER_LEN];
        let (first, rest) = bytes.split_at_mut(1);
        self.wait.read_exact(&mut self.stream, first, ANSWER).await?;
        self.answer_begun = true;
        self.wait.read_exact(&mut self.stream, rest, ANSWER).await?;
        // The command byte is not looked at: clients of the reference do not, and other servers may differ.
        let header = Header::from_bytes(bytes);
        match u64::try_from(header.body_len) {
            Ok(len) => Ok(AnswerHead { status: Status(header.status), len }),
            Err(_) => Err(NetError::NegativeLength { peer: self.wait.peer, doing: ANSWER, len: header.body_len }),
        }
    }

    fn out_of_turn(&mut self, doing: &'static str) -> NetError {
        self.turn = Turn::Broken;
        NetError::OutOfTurn { peer: self.wait.peer, doing }
    }
}

#[cfg(test)]
mod tests;
