//! Files of other storages, by the client library. Only storages that the trackers know are ever contacted.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fdfs_client::{
    ByteRange, Client, ClientError, DownloadOptions, FileId, FileInfo, GroupName, InfoFlags, Promise, StorageRecord,
};
use fdfs_proto::file_id::Source as Uploader;
use fdfs_proto::shared::StorageStatus;
use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Absent;
use crate::source::{Found, Source};

/// Files that are fetched from other storages at the same time: each has a connection to one, of which storages give out only
/// so many. Clients that take nothing have none ([`RemotePiece::rest`]).
const FETCHES_MAX: usize = 256;
/// What is asked for at once for a client that took nothing for a while: about what a socket takes when it takes something
/// again, so that nothing is sent in vain.
const RESUMED_BYTES: u64 = 1 << 20;
/// How long a request waits for others to end when so many are under way.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Bytes of one of them that wait in memory.
const WINDOW_BYTES: usize = 64 << 10;

/// The most of a piece that is waited for before its answer begins.
const FIRST_BYTES: usize = 16 << 10;
/// How old a file may be that only the storage it came to may have: what `storage_sync_file_max_delay` usually is.
const YOUNG_SECS: i64 = 86400;

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
    /// Nobody has said yet that it is there.
    is_promised: bool,
    begun: Mutex<Option<Begun>>,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

/// A piece of a file of another storage that is fetched while a client takes it.
#[derive(Debug)]
pub struct RemotePiece<'f> {
    file: &'f RemoteFile,
    at: u64,
    left: u64,
    reader: Option<RemoteReader>,
    /// What the reader will still give.
    coming: u64,
    has_rested: bool,
}

/// A piece whose first bytes have come.
#[derive(Debug)]
struct Begun {
    offset: u64,
    len: u64,
    reader: RemoteReader,
}

/// A piece of a file on its way; ends with what fetches it.
#[derive(Debug)]
pub struct RemoteReader {
    /// What has come already.
    first: Vec<u8>,
    used: usize,
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
        let first = &self.first[self.used..];
        if first.is_empty() {
            return std::pin::Pin::new(&mut self.stream).poll_read(context, buf);
        }
        let n = first.len().min(buf.remaining());
        buf.put_slice(&first[..n]);
        self.used += n;
        std::task::Poll::Ready(Ok(()))
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
        // A storage that has no such store path, or thinks that the name is none.
        ClientError::StorageRefused { status: Status::EINVAL, .. } => Absent::NotFound,
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

    /// A file, wherever it is: every storage that can have it is asked before it counts as missing. Where the id says how
    /// long the file is, nobody is asked before its bytes are: see [`RemoteFile::is_promised`].
    ///
    /// # Errors
    /// [`Absent`].
    pub async fn fetch(&self, id: &FileId) -> Result<Found, Absent> {
        let permit = self.permit().await?;
        let promised = Promise::of(id).map(|promise| promise.size_bytes);
        let (len_bytes, modified_unix_secs) = match promised {
            // When it was made stands in the id, too; nobody looks at the other time.
            Some(size_bytes) => (size_bytes, 0),
            None => {
                let info = self.info(id).await?;
                (info.size_bytes, info.created_unix_secs)
            }
        };
        let file = RemoteFile {
            cluster: self.clone(),
            id: *id,
            is_promised: promised.is_some(),
            begun: Mutex::new(None),
            permit: Mutex::new(Some(permit)),
        };
        Ok(Found { source: Source::Remote(Box::new(file)), len_bytes, modified_unix_secs })
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Absent> {
        match timeout(WAIT_MAX, self.fetches.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Absent::Busy),
        }
    }

    /// Whether a storage has a file.
    ///
    /// # Errors
    /// [`Absent`].
    pub async fn exists(&self, id: &FileId) -> Result<(), Absent> {
        self.info(id).await.map(drop)
    }

    async fn info(&self, id: &FileId) -> Result<FileInfo, Absent> {
        let flags = InfoFlags { without_crc: true, ..InfoFlags::default() };
        match self.client.file_info_anywhere(id, flags).await {
            Ok(info) => Ok(info),
            Err(error) => Err(self.told(id, &error).await),
        }
    }

    /// What an error means. "Not found" is believed only if no storage that cannot be asked just now may have the file.
    async fn told(&self, id: &FileId, error: &ClientError) -> Absent {
        let absent = absent(error);
        let absent = if absent == Absent::NotFound && self.may_come_back(id, error).await {
            Absent::Unreachable
        } else {
            absent
        };
        if absent != Absent::NotFound {
            tracing::debug!("http: {id}: {error}");
        }
        absent
    }

    /// Whether a storage that nobody can read from just now may have a file that was not found.
    async fn may_come_back(&self, id: &FileId, error: &ClientError) -> bool {
        if is_nobody_there(error) {
            return self.is_known(id.group).await;
        }
        let fields = id.logic_name().ok().and_then(|name| name.fields());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let age_secs = |created: u32| i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(created.into());
        let Some(fields) = fields.filter(|fields| age_secs(fields.created) <= YOUNG_SECS) else { return false };
        let listed = self.client.storages(id.group, None).await.unwrap_or_default();
        let is_away = |status| status != StorageStatus::Active && !is_gone(status);
        listed.iter().any(|storage| is_away(storage.status) && is_uploader(storage, fields.source))
    }

    /// Whether the trackers know a group, though none of its storages can be used just now.
    pub(crate) async fn is_known(&self, group: GroupName) -> bool {
        match self.client.storages(group, None).await {
            Ok(listed) => listed.iter().any(|storage| !is_gone(storage.status)),
            Err(error) => absent(&error) != Absent::NotFound,
        }
    }

    /// A storage to send a client to that is not `here`, where the file was looked for.
    ///
    /// # Errors
    /// [`Absent`].
    pub async fn locate(&self, id: &FileId, here: impl Fn(IpAddr) -> bool) -> Result<IpAddr, Absent> {
        let target = match self.client.query_fetch(id).await {
            Ok(target) => target,
            Err(error) => return Err(self.told(id, &error).await),
        };
        let ip = target.server.ip.as_str().parse().map_err(|_| Absent::Unreachable)?;
        if !here(ip) {
            return Ok(ip);
        }
        let all = self.client.query_fetch_all(id).await.map_err(|error| absent(&error))?;
        let mut others = all.servers.iter().filter_map(|server| server.ip.as_str().parse().ok());
        others.find(|&ip| !here(ip)).ok_or(Absent::NotFound)
    }

    /// A file's metadata.
    ///
    /// # Errors
    /// [`Absent`].
    pub async fn metadata(&self, id: &FileId) -> Result<Vec<(String, String)>, Absent> {
        match self.client.metadata(id).await {
            Ok(metadata) => Ok(metadata.texts().collect()),
            // It may have none.
            Err(error) if error.is_not_found() => self.exists(id).await.map(|()| Vec::new()),
            Err(error) => Err(self.told(id, &error).await),
        }
    }
}

impl RemotePiece<'_> {
    /// Bytes to come.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.left
    }

    /// The next bytes of it, at least one.
    ///
    /// # Errors
    /// When they cannot be had.
    pub async fn next(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => {
                if self.file.permit().is_none() {
                    let permit = self.file.cluster.permit().await.map_err(io::Error::other)?;
                    *self.file.permit() = Some(permit);
                }
                self.coming = if self.has_rested { self.left.min(RESUMED_BYTES) } else { self.left };
                none.insert(self.file.fetch(self.at, self.coming))
            }
        };
        let want = buffer.len().min(usize::try_from(self.coming).unwrap_or(usize::MAX));
        let n = reader.read(&mut buffer[..want]).await?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += n as u64;
        self.left -= n as u64;
        self.coming -= n as u64;
        if self.coming == 0 {
            self.reader = None;
        }
        Ok(n)
    }

    /// The client takes nothing just now: the storage gets its connection back, and others may fetch in its place. Of what
    /// came the last `unsent` bytes will come again.
    pub fn rest(&mut self, unsent: usize) {
        self.reader = None;
        self.has_rested = true;
        *self.file.permit() = None;
        self.at -= unsent as u64;
        self.left += unsent as u64;
    }
}

/// Whether a tracker has named nobody: it knows no such group, or none of its storages can be used just now.
pub(crate) fn is_nobody_there(error: &ClientError) -> bool {
    matches!(error, ClientError::TrackerRefused { status: fdfs_client::Status::ENOENT, .. })
}

/// Whether a storage in this state comes back no more.
const fn is_gone(status: StorageStatus) -> bool {
    matches!(status, StorageStatus::Deleted | StorageStatus::IpChanged | StorageStatus::None)
}

/// Whether a file whose id names this source came to this storage.
fn is_uploader(storage: &StorageRecord, source: Uploader) -> bool {
    match source {
        Uploader::Ip(ip) => storage.ip.as_str() == ip.to_string(),
        Uploader::Id(id) => storage.id.as_str() == id.to_string(),
    }
}

impl RemoteFile {
    /// Whether nobody has said yet that it is there: whoever answers with it begins with [`RemoteFile::begin`].
    #[must_use]
    pub const fn is_promised(&self) -> bool {
        self.is_promised
    }

    /// Waits for the first bytes of a piece, which [`RemoteFile::piece`] then gives.
    ///
    /// # Errors
    /// [`Absent`].
    pub async fn begin(&self, offset: u64, len: u64) -> Result<(), Absent> {
        let mut reader = self.fetch(offset, len);
        let mut first = vec![0; FIRST_BYTES];
        let n = reader.stream.read(&mut first).await.map_err(|_| Absent::Failed)?;
        if n == 0 {
            return Err(match (&mut reader.task).await {
                Ok(Err(error)) => self.cluster.told(&self.id, &error).await,
                _ => Absent::Failed,
            });
        }
        first.truncate(n);
        reader.first = first;
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(Begun { offset, len, reader });
        Ok(())
    }

    /// A piece of it.
    #[must_use]
    pub fn piece(&self, offset: u64, len: u64) -> RemotePiece<'_> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        let begun = begun.filter(|begun| (begun.offset, begun.len) == (offset, len));
        let reader = begun.map(|begun| begun.reader);
        RemotePiece { file: self, at: offset, left: len, reader, coming: len, has_rested: false }
    }

    fn permit(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fetch(&self, offset: u64, len: u64) -> RemoteReader {
        let (stream, mut writer) = duplex(WINDOW_BYTES);
        let (client, id) = (self.cluster.client.clone(), self.id);
        let options = DownloadOptions::new().range(ByteRange { offset, len: Some(len) }).anywhere(true);
        let task = tokio::spawn(async move { client.download_to_writer(&id, &mut writer, &options).await });
        RemoteReader { first: Vec::new(), used: 0, stream, task }
    }
}
