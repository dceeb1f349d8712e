//! The body of a request, however it comes in.

use std::future::Future;
use std::io;

use crate::h1::body::BodyReader;

/// The body of a request, however it comes in.
pub trait Incoming: Send {
    /// Bytes to come, where that is known.
    fn bytes_left(&self) -> Option<u64>;

    /// The next bytes; empty at the end.
    fn next_piece(&mut self) -> impl Future<Output = io::Result<Vec<u8>>> + Send;
}

impl Incoming for BodyReader<'_> {
    fn bytes_left(&self) -> Option<u64> {
        self.bytes_to_come()
    }

    async fn next_piece(&mut self) -> io::Result<Vec<u8>> {
        self.next().await
    }
}
