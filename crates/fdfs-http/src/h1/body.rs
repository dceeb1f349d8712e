//! The body of a request, whichever way it is framed.
//!
//! Source: RFC 9112, 6 and 7.

use std::io;

use super::head::Framing;
use super::stream::Stream;

/// The longest line of a chunk's head, or of what follows the last chunk, in bytes.
const LINE_BYTES_MAX: usize = 256;
/// The most lines behind the last chunk.
const TRAILERS_MAX: usize = 16;
/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 << 10;

/// The body of a request, piece by piece.
#[derive(Debug)]
pub struct BodyReader<'s> {
    stream: &'s mut Stream,
    state: State,
    /// The client waits for a word before it sends.
    expects_continue: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many bytes to come.
    Length(u64),
    /// So many bytes of a chunk to come, then its end.
    Chunk(u64),
    /// The head of a chunk comes; the first has no line end before it.
    ChunkHead {
        is_first: bool,
    },
    Done,
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed chunk")
}

impl<'s> BodyReader<'s> {
    /// The body that follows a head.
    #[must_use]
    pub const fn new(stream: &'s mut Stream, framing: Framing, expects_continue: bool) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(len) => State::Length(len),
            Framing::Chunked => State::ChunkHead { is_first: true },
        };
        Self { stream, state, expects_continue }
    }

    /// Bytes to come, where that is known.
    #[must_use]
    pub const fn bytes_to_come(&self) -> Option<u64> {
        match self.state {
            State::Length(len) => Some(len),
            State::Done => Some(0),
            State::Chunk(_) | State::ChunkHead { .. } => None,
        }
    }

    /// Whether all of it was read.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The next bytes; empty at the end.
    ///
    /// # Errors
    /// `InvalidData` for chunks that are none, `UnexpectedEof`, `TimedOut`, what the socket gives.
    pub async fn next(&mut self) -> io::Result<Vec<u8>> {
        if self.expects_continue && self.state != State::Done {
            self.expects_continue = false;
            self.stream.send(b"HTTP/1.1 100 Continue\r\n\r\n", false).await?;
        }
        loop {
            let left = match self.state {
                State::Done => return Ok(Vec::new()),
                State::ChunkHead { is_first } => {
                    self.state = self.chunk_head(is_first).await?;
                    continue;
                }
                State::Length(left) | State::Chunk(left) => left,
            };
            if self.stream.buffer.filled().is_empty() && self.stream.read_more(PIECE_BYTES, None).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let filled = self.stream.buffer.filled();
            let n = usize::try_from(left).unwrap_or(usize::MAX).min(filled.len());
            let piece = filled[..n].to_vec();
            self.stream.buffer.consume(n);
            let left = left - n as u64;
            self.state = match self.state {
                State::Chunk(_) if left == 0 => State::ChunkHead { is_first: false },
                State::Chunk(_) => State::Chunk(left),
                _ if left == 0 => State::Done,
                _ => State::Length(left),
            };
            return Ok(piece);
        }
    }

    /// Reads the line end behind a chunk and the head of the next, or all that follows the last.
    async fn chunk_head(&mut self, is_first: bool) -> io::Result<State> {
        if !is_first && !self.line().await?.is_empty() {
            return Err(malformed());
        }
        let line = self.line().await?;
        let size = line.split(|&b| b == b';').next().unwrap_or_default();
        let is_hex = (1..=15).contains(&size.len()) && size.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(size).map_err(|_| malformed())?;
        let size = u64::from_str_radix(text, 16).ok().filter(|_| is_hex).ok_or_else(malformed)?;
        if size > 0 {
            return Ok(State::Chunk(size));
        }
        for _ in 0..TRAILERS_MAX {
            if self.line().await?.is_empty() {
                return Ok(State::Done);
            }
        }
        Err(malformed())
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let filled = self.stream.buffer.filled();
            if let Some(at) = filled.iter().take(LINE_BYTES_MAX).position(|&b| b == b'\n') {
                let line = filled[..at].strip_suffix(b"\r").filter(|line| !line.contains(&b'\r'));
                let line = line.ok_or_else(malformed)?.to_vec();
                self.stream.buffer.consume(at + 1);
                return Ok(line);
            }
            if filled.len() >= LINE_BYTES_MAX {
                return Err(malformed());
            }
            let want = filled.len() + 1;
            if self.stream.read_more(want, None).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Reads and drops what is left, up to `max` bytes; whether that was all.
    pub async fn drain(&mut self, max: u64) -> bool {
        let mut left = max;
        if self.bytes_to_come().is_some_and(|to_come| to_come > max) {
            return false;
        }
        while self.state != State::Done {
            // A client that still waits for a word sends nothing, if it is let go.
            if self.expects_continue {
                return false;
            }
            match self.next().await {
                Ok(piece) if piece.len() as u64 <= left => left -= piece.len() as u64,
                _ => return false,
            }
        }
        true
    }
}
