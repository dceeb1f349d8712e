//! A connection whose peer may be silent only so long, as in [`h1`](crate::h1): [`Patience::idle`] between requests, and
//! [`Patience::head`] for a head that has begun. The library knows one time for both.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::h1::stream::Patience;

/// Where a connection is; [`Phase`] holds it.
const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;

/// Whether a connection waits for a request, reads one, or is at work on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Phase(Arc<AtomicU8>);

impl Phase {
    /// The head is there: whoever serves it watches over what follows.
    pub(super) fn begin(&self) {
        self.0.store(BUSY, Ordering::Release);
    }

    /// The answer is complete.
    pub(super) fn end(&self) {
        self.0.store(IDLE, Ordering::Release);
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }
}

/// The connection. Waiting for too long is [`io::ErrorKind::TimedOut`].
#[derive(Debug)]
pub(super) struct Patient<S> {
    inner: S,
    phase: Phase,
    patience: Patience,
    /// With many requests at once only the wait for the first byte is watched here.
    has_streams: bool,
    timer: Pin<Box<Sleep>>,
    /// What the timer runs for.
    timed: Option<u8>,
}

impl<S> Patient<S> {
    /// To be made inside of the runtime.
    pub(super) fn new(inner: S, phase: Phase, patience: Patience, has_streams: bool) -> Self {
        let timer = Box::pin(tokio::time::sleep(patience.idle));
        Self { inner, phase, patience, has_streams, timer, timed: None }
    }

    fn time_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let phase = self.phase.get();
        let after: Duration = match phase {
            IDLE => self.patience.idle,
            HEAD => self.patience.head,
            _ => {
                self.timed = None;
                return Poll::Pending;
            }
        };
        if self.timed != Some(phase) {
            self.timed = Some(phase);
            self.timer.as_mut().reset(Instant::now() + after);
        }
        ready!(self.timer.as_mut().poll(cx));
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = Pin::new(&mut self.inner).poll_read(cx, buf) {
            if self.phase.get() == IDLE {
                self.phase.0.store(if self.has_streams { BUSY } else { HEAD }, Ordering::Release);
            }
            return Poll::Ready(read);
        }
        self.time_out(cx).map(Err)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // The time between requests begins when the last answer is out.
        self.timed = None;
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.timed = None;
        Pin::new(&mut self.inner).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Patience =
        Patience { head: Duration::from_secs(10), idle: Duration::from_secs(65), stall: Duration::from_secs(20) };

    fn patient(has_streams: bool) -> (Patient<DuplexStream>, DuplexStream, Phase) {
        let (here, there) = duplex(100);
        let phase = Phase::default();
        (Patient::new(here, phase.clone(), PATIENCE, has_streams), there, phase)
    }

    /// How long a read waits until it gives up.
    async fn gives_up_after(patient: &mut Patient<DuplexStream>) -> Duration {
        let start = Instant::now();
        let error = patient.read(&mut [0; 10]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        start.elapsed()
    }

    fn about(secs: u64) -> std::ops::Range<Duration> {
        Duration::from_secs(secs)..Duration::from_secs(secs) + Duration::from_millis(10)
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_never_begins_has_the_time_between_requests() {
        for has_streams in [false, true] {
            let (mut patient, _there, _) = patient(has_streams);
            assert!(about(65).contains(&gives_up_after(&mut patient).await));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_has_begun_has_less_however_it_drips() {
        let (mut patient, mut there, _) = patient(false);
        let start = Instant::now();
        let dripping = tokio::spawn(async move {
            loop {
                if there.write_all(b"G").await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
        });
        let error = loop {
            if let Err(error) = patient.read(&mut [0; 10]).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(about(10).contains(&start.elapsed()), "{:?}", start.elapsed());
        drop(patient);
        dripping.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn while_a_request_is_served_nobody_counts_and_after_the_answer_the_count_begins_anew() {
        let (mut patient, mut there, phase) = patient(false);
        there.write_all(b"GET").await.unwrap();
        patient.read_exact(&mut [0; 3]).await.unwrap();
        phase.begin();
        let forever = Duration::from_secs(10_000);
        assert!(timeout(forever, patient.read(&mut [0; 10])).await.is_err());
        phase.end();
        let mut buf = [0; 10];
        let mut buf = ReadBuf::new(&mut buf);
        // Waiting for 60 of the 65 seconds, then the last piece of the answer leaves.
        let waiting = poll_fn(|cx| Pin::new(&mut patient).poll_read(cx, &mut buf));
        assert!(timeout(Duration::from_secs(60), waiting).await.is_err());
        patient.write_all(b"the end").await.unwrap();
        assert!(about(65).contains(&gives_up_after(&mut patient).await));
    }

    #[tokio::test(start_paused = true)]
    async fn with_streams_the_first_byte_ends_the_count() {
        let (mut patient, mut there, _) = patient(true);
        there.write_all(b"PRI").await.unwrap();
        patient.read_exact(&mut [0; 3]).await.unwrap();
        assert!(timeout(Duration::from_secs(10_000), patient.read(&mut [0; 10])).await.is_err());
    }
}
