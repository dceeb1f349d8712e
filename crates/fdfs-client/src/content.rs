//! Where the bytes of an upload come from.

use std::io::{self, SeekFrom};

use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeekExt};

/// Bytes that are read and sent at once.
pub(crate) const PIECE_BYTES: usize = 256 * 1024;

/// Where the bytes of an upload come from.
pub(crate) enum Content<'a> {
    /// Memory.
    Bytes { bytes: &'a [u8], at: usize },
    /// A file, or a part of one.
    File { file: File, from: u64, len: u64, buffer: Vec<u8> },
    /// A stream, which cannot be read twice.
    Stream { reader: &'a mut (dyn AsyncRead + Send + Unpin), len: u64, buffer: Vec<u8>, touched: bool },
}

impl<'a> Content<'a> {
    pub(crate) const fn bytes(bytes: &'a [u8]) -> Self {
        Self::Bytes { bytes, at: 0 }
    }

    pub(crate) const fn file(file: File, len: u64) -> Self {
        Self::part_of_file(file, 0, len)
    }

    /// `len` bytes of a file, from `from` on.
    pub(crate) const fn part_of_file(file: File, from: u64, len: u64) -> Self {
        Self::File { file, from, len, buffer: Vec::new() }
    }

    pub(crate) const fn stream(reader: &'a mut (dyn AsyncRead + Send + Unpin), len: u64) -> Self {
        Self::Stream { reader, len, buffer: Vec::new(), touched: false }
    }

    /// Bytes in all.
    pub(crate) const fn len(&self) -> u64 {
        match self {
            Self::Bytes { bytes, .. } => bytes.len() as u64,
            Self::File { len, .. } | Self::Stream { len, .. } => *len,
        }
    }

    /// Whether it was not read from yet, or can be read again.
    pub(crate) const fn can_begin(&self) -> bool {
        !matches!(self, Self::Stream { touched: true, .. })
    }

    /// Begins anew. The caller asked [`Content::can_begin`].
    pub(crate) async fn begin(&mut self) -> io::Result<()> {
        match self {
            Self::Bytes { at, .. } => *at = 0,
            Self::File { file, from, .. } => {
                file.seek(SeekFrom::Start(*from)).await?;
            }
            Self::Stream { .. } => {}
        }
        Ok(())
    }

    /// The next bytes, at most `left`, which is more than 0.
    ///
    /// # Errors
    /// `UnexpectedEof` when there are none, and what reading gives.
    pub(crate) async fn next(&mut self, left: u64) -> io::Result<&[u8]> {
        let max = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_BYTES);
        match self {
            Self::Bytes { bytes, at } => {
                let rest = bytes.get(*at..).unwrap_or_default();
                let piece = rest.get(..max).unwrap_or(rest);
                *at += piece.len();
                Ok(piece)
            }
            Self::File { file, buffer, .. } => fill(file, buffer, max).await,
            Self::Stream { reader, buffer, touched, .. } => {
                *touched = true;
                fill(reader, buffer, max).await
            }
        }
    }
}

/// Reads once, up to `max` bytes.
async fn fill<'b>(
    reader: &mut (impl AsyncRead + Unpin + ?Sized),
    buffer: &'b mut Vec<u8>,
    max: usize,
) -> io::Result<&'b [u8]> {
    // Never more than one piece, and less for less.
    buffer.resize(max, 0);
    match reader.read(buffer).await? {
        0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is shorter than was said")),
        n => Ok(&buffer[..n]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(content: &mut Content<'_>) -> io::Result<Vec<u8>> {
        let (mut out, mut left) = (Vec::new(), content.len());
        while left > 0 {
            let piece = content.next(left).await?;
            left -= piece.len() as u64;
            out.extend_from_slice(piece);
        }
        Ok(out)
    }

    #[tokio::test]
    async fn memory_and_files_can_be_read_again_and_streams_cannot() {
        let bytes: Vec<u8> = (0..PIECE_BYTES * 2 + 7).map(|n| (n % 251) as u8).collect();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, &bytes).unwrap();
        let file = File::open(&path).await.unwrap();
        for mut content in [Content::bytes(&bytes), Content::file(file, bytes.len() as u64)] {
            assert_eq!(all(&mut content).await.unwrap(), bytes);
            assert!(content.can_begin());
            content.begin().await.unwrap();
            assert_eq!(all(&mut content).await.unwrap(), bytes);
        }
        let mut reader = bytes.as_slice();
        let mut content = Content::stream(&mut reader, 10);
        assert!(content.can_begin());
        assert_eq!(all(&mut content).await.unwrap(), &bytes[..10]);
        assert!(!content.can_begin());
    }

    #[tokio::test]
    async fn a_stream_that_is_too_short_is_an_error() {
        let mut reader = &b"abc"[..];
        let mut content = Content::stream(&mut reader, 4);
        assert_eq!(all(&mut content).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
