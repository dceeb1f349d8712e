//! Files of other storages, by the client library. Only storages that the trackers know are ever contacted.

use std::net::IpAddr;
use std::sync::Arc;

use fdfs_client::{ByteRange, Client, ClientError, DownloadOptions, FileId, InfoFlags};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::Absent;
use crate::source::{Found, Source};

/// Files that are fetched from other storages at the same time.
const FETCHES_MAX: usize = 512;
/// Bytes of one of them that wait in memory.
const WINDOW_BYTES: usize = 64 << 10;

/// A cluster, asked through its trackers.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The client.
    pub client: Client,
    fetches: Arc<Semaphore>,
}

/// A file of another storage.
#[derive(Debug)]
pub struct RemoteFile {
    cluster: Cluster,
    id: FileId,
    _permit: OwnedSemaphorePermit,
}

/// A piece of a file on its way; ends with what fetches it.
#[derive(Debug)]
pub struct RemoteReader {
    stream: DuplexStream,
    task: JoinHandle<Result<u64, ClientError>>,
}

impl Drop for RemoteReader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl tokio::io::AsyncRead for RemoteReader {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_read(context, buf)
    }
}

/// What an error of the client library means to an HTTP client.
#[must_use]
pub fn absent(error: &ClientError) -> Absent {
    use fdfs_client::Status;
    match error {
        _ if error.is_not_found() => Absent::NotFound,
        // A tracker that knows no such group.
        ClientError::TrackerRefused { status: Status::ENOENT, .. } => Absent::NotFound,
        ClientError::TrackerRefused { status: Status::EINVAL, .. } => Absent::NotFound,
        ClientError::Connection { reason, .. } if reason.is_timeout() => Absent::TimedOut,
        _ => Absent::Unreachable,
    }
}

impl Cluster {
    /// A cluster.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, fetches: Arc::new(Semaphore::new(FETCHES_MAX)) }
    }

    /// A file, wherever it is: every storage that can have it is asked before it counts as missing.
    ///
    /// # Errors
    /// [`Absent`].
    pub async fn fetch(&self, id: &FileId) -> Result<Found, Absent> {
        let permit = self.fetches.clone().try_acquire_owned().map_err(|_| Absent::Busy)?;
        let told = |error: &ClientError| {
            let absent = absent(error);
            if absent != Absent::NotFound {
                tracing::debug!("http: {id}: {error}");
            }
            absent
        };
        let flags = InfoFlags { without_crc: true, ..InfoFlags::default() };
        let info = self.client.file_info_anywhere(id, flags).await.map_err(|error| told(&error))?;
        let file = RemoteFile { cluster: self.clone(), id: *id, _permit: permit };
        Ok(Found {
            source: Source::Remote(Box::new(file)),
            len_bytes: info.size_bytes,
            modified_unix_secs: info.created_unix_secs,
        })
    }

    /// A storage to send a client to.
    ///
    /// # Errors
    /// [`Absent`].
    pub async fn locate(&self, id: &FileId) -> Result<IpAddr, Absent> {
        let target = self.client.query_fetch(id).await.map_err(|error| absent(&error))?;
        target.server.ip.as_str().parse().map_err(|_| Absent::Unreachable)
    }

    /// A file's metadata.
    ///
    /// # Errors
    /// [`Absent`].
    pub async fn metadata(&self, id: &FileId) -> Result<Vec<(String, String)>, Absent> {
        let metadata = self.client.metadata(id).await.map_err(|error| absent(&error))?;
        Ok(metadata.texts().collect())
    }
}

impl RemoteFile {
    /// A piece of it, on its way.
    #[must_use]
    pub fn read(&self, offset: u64, len: u64) -> RemoteReader {
        let (stream, mut writer) = duplex(WINDOW_BYTES);
        let (client, id) = (self.cluster.client.clone(), self.id);
        let options = DownloadOptions::new().range(ByteRange { offset, len: Some(len) }).anywhere(true);
        let task = tokio::spawn(async move { client.download_to_writer(&id, &mut writer, &options).await });
        RemoteReader { stream, task }
    }
}
