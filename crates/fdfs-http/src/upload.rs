//! Bringing an uploaded file to the cluster. A length that is known beforehand goes straight through; else the file comes
//! to rest first, in memory while it is small, then in a nameless temporary file.

use std::io::{self, Write as _};

use fdfs_client::{Client, ClientError, FileId, UploadOptions};
use tokio::io::{AsyncWriteExt as _, duplex};

use crate::incoming::Incoming;

/// Up to here a file of unknown length stays in memory.
const IN_MEMORY_BYTES: usize = 1 << 20;
/// Bytes on their way between the two connections.
const WINDOW_BYTES: usize = 128 << 10;

/// Why an upload failed.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It is larger than allowed.
    #[error("the file is too large")]
    TooLarge,
    /// The client.
    #[error("reading the file: {0}")]
    Body(#[source] io::Error),
    /// The temporary file.
    #[error("keeping the file: {0}")]
    Spool(#[source] io::Error),
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] ClientError),
}

impl UploadError {
    /// The body is not what it should be.
    #[must_use]
    pub fn bad(what: &'static str) -> Self {
        Self::Body(io::Error::new(io::ErrorKind::InvalidData, what))
    }
}

/// Uploads a body of known length.
///
/// # Errors
/// [`UploadError`].
pub async fn straight(
    client: &Client,
    incoming: &mut impl Incoming,
    len: u64,
    options: &UploadOptions,
) -> Result<FileId, UploadError> {
    let (reader, mut writer) = duplex(WINDOW_BYTES);
    // It takes the writer with it: when the body ends early, so does what the storage is given.
    let feed = async move {
        let mut left = len;
        while left > 0 {
            let piece = incoming.next_piece().await?;
            if piece.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            left = left.saturating_sub(piece.len() as u64);
            writer.write_all(&piece).await?;
        }
        writer.shutdown().await
    };
    let upload = client.upload_reader(reader, len, options);
    let (fed, uploaded) = tokio::join!(feed, upload);
    match (fed, uploaded) {
        (_, Ok(id)) => Ok(id),
        // The storage has gone: that is why nobody took the bytes.
        (Err(e), Err(error)) if e.kind() == io::ErrorKind::BrokenPipe => Err(error.into()),
        (Err(e), Err(_)) => Err(UploadError::Body(e)),
        (Ok(()), Err(error)) => Err(error.into()),
    }
}

/// A file of unknown length on its way.
#[derive(Debug, Default)]
pub struct Spool {
    memory: Vec<u8>,
    file: Option<std::fs::File>,
    len: u64,
}

impl Spool {
    /// Adds bytes; in all there may be `max`.
    ///
    /// # Errors
    /// [`UploadError::TooLarge`], [`UploadError::Spool`].
    pub fn add(&mut self, bytes: &[u8], max: u64) -> Result<(), UploadError> {
        self.len += bytes.len() as u64;
        if self.len > max {
            return Err(UploadError::TooLarge);
        }
        if self.file.is_none() && self.memory.len() + bytes.len() <= IN_MEMORY_BYTES {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut file = tempfile::tempfile().map_err(UploadError::Spool)?;
                file.write_all(&self.memory).map_err(UploadError::Spool)?;
                self.memory = Vec::new();
                none.insert(file)
            }
        };
        file.write_all(bytes).map_err(UploadError::Spool)
    }

    /// Bytes so far.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Uploads what came in.
    ///
    /// # Errors
    /// [`UploadError`].
    pub async fn upload(self, client: &Client, options: &UploadOptions) -> Result<FileId, UploadError> {
        let Some(file) = self.file else { return Ok(client.upload(&self.memory, options).await?) };
        let mut reader = Positioned { file, at: 0 };
        Ok(client.upload_reader(&mut reader, self.len, options).await?)
    }
}

/// Reads a file from its begin, whatever its position is.
struct Positioned {
    file: std::fs::File,
    at: u64,
}

impl tokio::io::AsyncRead for Positioned {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        use std::os::unix::fs::FileExt as _;
        let n = self.file.read_at(buf.initialize_unfilled(), self.at)?;
        buf.advance(n);
        self.at += n as u64;
        std::task::Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn a_file_of_unknown_length_moves_to_the_disk_when_it_grows() {
        let mut spool = Spool::default();
        let piece: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        for _ in 0..5 {
            spool.add(&piece, 10 << 20).unwrap();
        }
        assert!(spool.memory.is_empty());
        let mut all = Vec::new();
        Positioned { file: spool.file.take().unwrap(), at: 0 }.read_to_end(&mut all).await.unwrap();
        assert!(all == piece.repeat(5));
        assert!(matches!(spool.add(&piece, 1_700_000), Err(UploadError::TooLarge)));
    }
}
