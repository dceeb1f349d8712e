//! Bodies of answers, piece by piece.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body as HyperBody, Bytes, Frame, SizeHint};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::h1::send::REMOTE_HOLD;
use crate::pure::answer::{Body, Part};
use crate::site::remote::RemotePiece;
use crate::source::Source;

/// Bytes of a piece.
const PIECE_BYTES: usize = 64 << 10;
/// Pieces that wait to be sent.
const PIECES_MAX: usize = 2;

/// What is done at the end of a body, with the bytes that were taken and whether those were all.
type OnEnd = Box<dyn FnOnce(u64, bool) + Send>;

/// A body on its way.
pub struct Pieces {
    state: State,
    left: u64,
    taken: u64,
    on_end: Option<OnEnd>,
}

impl std::fmt::Debug for Pieces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pieces").field("state", &self.state).field("left", &self.left).finish_non_exhaustive()
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        if let Some(on_end) = self.on_end.take() {
            on_end(self.taken, self.left == 0);
        }
    }
}

#[derive(Debug)]
enum State {
    Whole(Option<Bytes>),
    Coming(mpsc::Receiver<io::Result<Bytes>>),
}

impl Pieces {
    /// No body.
    #[must_use]
    pub const fn empty() -> Self {
        Self { state: State::Whole(None), left: 0, taken: 0, on_end: None }
    }

    /// Does something at the end, whole or not.
    #[must_use]
    pub fn and_then(mut self, on_end: impl FnOnce(u64, bool) + Send + 'static) -> Self {
        self.on_end = Some(Box::new(on_end));
        self
    }

    /// The body of an answer. A client that takes nothing for `stall` gets no more.
    #[must_use]
    pub fn of(body: Body, stall: Duration) -> Self {
        let left = body.len();
        let state = match body {
            Body::Empty => State::Whole(None),
            Body::Bytes(bytes) => State::Whole(Some(Bytes::from(bytes.into_owned()))),
            Body::File { source, parts, tail } => {
                let (sender, receiver) = mpsc::channel(PIECES_MAX);
                tokio::spawn(async move {
                    let to = Sender { sender, stall };
                    if let Err(error) = send(&source, &parts, tail, &to).await {
                        // The client sees a body that is too short.
                        let _ = to.sender.try_send(Err(error));
                    }
                });
                State::Coming(receiver)
            }
        };
        Self { state, left, taken: 0, on_end: None }
    }
}

struct Sender {
    sender: mpsc::Sender<io::Result<Bytes>>,
    stall: Duration,
}

impl Sender {
    async fn put(&self, bytes: Vec<u8>) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        match timeout(self.stall, self.sender.send(Ok(bytes.into()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Sender {
    /// Room for a piece; while there is none for long, a file of another storage is left alone.
    async fn room(&self, remote: Option<&mut RemotePiece<'_>>) -> io::Result<mpsc::Permit<'_, io::Result<Bytes>>> {
        let mut reserved = timeout(REMOTE_HOLD.min(self.stall), self.sender.reserve()).await;
        if reserved.is_err() {
            if let Some(remote) = remote {
                remote.rest(0);
            }
            reserved = timeout(self.stall, self.sender.reserve()).await;
        }
        match reserved {
            Ok(Ok(room)) => Ok(room),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// Sends all parts.
async fn send(source: &Source, parts: &[Part], tail: Vec<u8>, to: &Sender) -> io::Result<()> {
    for part in parts {
        to.put(part.head.clone()).await?;
        let mut remote = match source {
            Source::Remote(file) => Some(file.piece(part.offset, part.len)),
            _ => None,
        };
        let (mut at, end) = (part.offset, part.offset + part.len);
        while at < end {
            let want = usize::try_from(end - at).unwrap_or(usize::MAX).min(PIECE_BYTES);
            let room = to.room(remote.as_mut()).await?;
            let mut piece = vec![0; want];
            let n = match (source, &mut remote) {
                (Source::Disk(disk), _) => {
                    let _permit = disk.permits.take().await;
                    disk.file.read_at(&mut piece, at).map_err(io::Error::other)?
                }
                (Source::Memory(bytes), _) => {
                    let from = usize::try_from(at).map_err(|_| io::ErrorKind::UnexpectedEof)?;
                    piece.copy_from_slice(bytes.get(from..from + want).ok_or(io::ErrorKind::UnexpectedEof)?);
                    want
                }
                (Source::Remote(_), Some(remote)) => remote.next(&mut piece).await?,
                (Source::Remote(_), None) => 0,
            };
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            piece.truncate(n);
            at += n as u64;
            room.send(Ok(piece.into()));
        }
    }
    to.put(tail).await
}

impl HyperBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = match &mut self.state {
            State::Whole(bytes) => bytes.take().map(Ok),
            State::Coming(receiver) => ready!(receiver.poll_recv(context)),
        };
        match piece {
            Some(Ok(bytes)) => {
                self.left = self.left.saturating_sub(bytes.len() as u64);
                self.taken += bytes.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None if self.left > 0 => Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
