//! What the heads of requests with file content have in common.

use crate::{Wire, WireError};

/// The front of a request whose rest is content: a file's bytes, or metadata.
///
/// A server waits for [`FIXED_LEN`](Self::FIXED_LEN) bytes, or better for all of the body up to
/// [`MAX_HEAD_LEN`](Self::MAX_HEAD_LEN), decodes the head, asks [`check`](Self::check) whether it fits the length in
/// the header, and takes what is left of the body as content.
pub trait ContentHead: Wire {
    /// Bytes in front of the first name.
    const FIXED_LEN: usize;
    /// Bytes of the longest head.
    const MAX_HEAD_LEN: usize;

    /// Bytes of this head, its names included.
    fn head_len(&self) -> u64;

    /// Bytes of content that the head announces.
    fn content_len(&self) -> u64;

    /// Checks that head and content together fill the body.
    ///
    /// # Errors
    /// [`WireError::LengthMismatch`].
    fn check(&self, body_len: u64) -> Result<(), WireError> {
        match self.head_len().checked_add(self.content_len()) {
            Some(sum) if sum == body_len => Ok(()),
            sum => Err(WireError::LengthMismatch { sum: sum.unwrap_or(u64::MAX), len: body_len }),
        }
    }
}
