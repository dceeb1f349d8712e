//! Where downloaded bytes go.

use std::io::{self, SeekFrom};

use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWrite, AsyncWriteExt};

/// Where downloaded bytes go.
pub(crate) enum Sink<'a> {
    /// Memory: grows with what has really arrived.
    Memory(Vec<u8>),
    /// A file of our own.
    File(File),
    /// Whatever the caller has; what it got cannot be taken back.
    Writer(&'a mut (dyn AsyncWrite + Send + Unpin)),
}

impl Sink<'_> {
    pub(crate) async fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        match self {
            Self::Memory(bytes) => {
                bytes.extend_from_slice(piece);
                Ok(())
            }
            Self::File(file) => file.write_all(piece).await,
            Self::Writer(writer) => writer.write_all(piece).await,
        }
    }

    /// Passes on what is still held back.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::File(file) => file.flush().await,
            Self::Writer(writer) => writer.flush().await,
        }
    }

    /// Takes back all that was written; whether that was possible.
    pub(crate) async fn rewind(&mut self) -> io::Result<bool> {
        match self {
            Self::Memory(bytes) => bytes.clear(),
            Self::File(file) => {
                file.seek(SeekFrom::Start(0)).await?;
                file.set_len(0).await?;
            }
            Self::Writer(_) => return Ok(false),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn memory_and_files_forget_and_writers_cannot() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let mut writer = Vec::new();
        let file = Sink::File(File::create(&path).await.unwrap());
        for (mut sink, forgets) in [(Sink::Memory(Vec::new()), true), (file, true), (Sink::Writer(&mut writer), false)]
        {
            sink.write(b"longer").await.unwrap();
            assert_eq!(sink.rewind().await.unwrap(), forgets);
            sink.write(b"new").await.unwrap();
            sink.finish().await.unwrap();
            if let Sink::Memory(bytes) = sink {
                assert_eq!(bytes, b"new");
            }
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(writer, b"longernew");
    }
}
