//! Reads and writes in which every wait is limited, and the limit starts anew with every byte that moves.

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::NetError;

/// Whom one talks to and how long a single wait may last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    pub(crate) peer: SocketAddr,
    pub(crate) timeout: Duration,
}

impl Wait {
    /// Runs one read or write under the time limit.
    async fn limit<T>(&self, doing: &'static str, step: impl Future<Output = io::Result<T>>) -> Result<T, NetError> {
        match tokio::time::timeout(self.timeout, step).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(source)) => Err(NetError::Io { peer: self.peer, doing, source }),
            Err(_) => Err(NetError::Timeout { peer: self.peer, doing, timeout_ms: millis(self.timeout) }),
        }
    }

    /// Reads what there is into `out`; 0 only at the end of the stream.
    pub(crate) async fn read_some<S: AsyncRead + Unpin>(
        &self,
        stream: &mut S,
        out: &mut [u8],
        doing: &'static str,
    ) -> Result<usize, NetError> {
        self.limit(doing, stream.read(out)).await
    }

    /// Appends what there is to `out`, at most `max` bytes and never more than one step of growth; 0 only at the end.
    pub(crate) async fn append_some<S: AsyncRead + Unpin>(
        &self,
        stream: &mut S,
        out: &mut Vec<u8>,
        max: usize,
        doing: &'static str,
    ) -> Result<usize, NetError> {
        grow(out, max);
        // A body that ends inside the spare room must not take bytes of what follows it.
        let mut limited = stream.take(max as u64);
        self.limit(doing, limited.read_buf(out)).await
    }

    /// Fills `out`.
    pub(crate) async fn read_exact<S: AsyncRead + Unpin>(
        &self,
        stream: &mut S,
        out: &mut [u8],
        doing: &'static str,
    ) -> Result<(), NetError> {
        let mut filled = 0;
        while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_some(stream, rest, doing).await? {
                0 => return Err(NetError::Closed { peer: self.peer, doing }),
                n => filled += n,
            }
        }
        Ok(())
    }

    /// Writes `head` and then `body`, in one system call where the kernel takes both.
    pub(crate) async fn write_both<S: AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        mut head: &[u8],
        mut body: &[u8],
        doing: &'static str,
    ) -> Result<(), NetError> {
        while !head.is_empty() || !body.is_empty() {
            let n = if head.is_empty() {
                self.limit(doing, stream.write(body)).await?
            } else {
                self.limit(doing, stream.write_vectored(&[IoSlice::new(head), IoSlice::new(body)])).await?
            };
            if n == 0 {
                return Err(NetError::Closed { peer: self.peer, doing });
            }
            let of_head = n.min(head.len());
            head = head.get(of_head..).unwrap_or_default();
            body = body.get(n - of_head..).unwrap_or_default();
        }
        self.limit(doing, stream.flush()).await
    }
}

/// The least room that is made for a read.
const LEAST_ROOM_BYTES: usize = 1024;

/// Makes room for at most `max` more bytes: as much again as there is already, so that memory follows what has really
/// arrived and never what was announced.
pub(crate) fn grow(out: &mut Vec<u8>, max: usize) {
    if out.capacity() == out.len() {
        out.reserve_exact(out.len().max(LEAST_ROOM_BYTES).min(max));
    }
}

/// Whole milliseconds, for messages.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_follows_what_arrived_and_not_what_was_announced() {
        let mut out = Vec::new();
        grow(&mut out, usize::MAX);
        assert_eq!(out.capacity(), LEAST_ROOM_BYTES);
        out.resize(5000, 0);
        out.shrink_to_fit();
        grow(&mut out, 1 << 40);
        assert!(out.capacity() <= 10_000, "{}", out.capacity());
        let mut small = Vec::new();
        grow(&mut small, 7);
        assert!(small.capacity() < 64, "{}", small.capacity());
    }
}
