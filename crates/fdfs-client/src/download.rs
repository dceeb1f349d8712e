//! Downloads.

use std::ops::RangeBounds;

use fdfs_net::{AnswerHead, NetError, Pooled};
use fdfs_proto::cmd::storage::{DownloadFile, FileInfo, InfoFlags};
use fdfs_proto::file_id::FileId;
use fdfs_proto::{Command, Status, Wire};
use tokio::io::AsyncWrite;

use crate::anywhere::worse;
use crate::calls::Ask;
use crate::check::{Doubts, Promise, Sent, may_be_link_in_slot};
use crate::content::PIECE_BYTES;
use crate::patience::Patience;
use crate::read_call::is_own_trouble;
use crate::read_targets::ReadTargets;
use crate::sink::Sink;
use crate::target::Target;
use crate::{ByteRange, Client, ClientError, DownloadOptions};

pub(crate) const DOING: &str = "download a file";

impl Client {
    /// Downloads a whole file into memory.
    ///
    /// # Errors
    /// [`ClientError::is_not_found`]; [`ClientError::Corrupt`] and [`ClientError::WrongSize`] when no storage has a
    /// good copy; and what asking trackers and storages can give.
    pub async fn download(&self, file: &FileId) -> Result<Vec<u8>, ClientError> {
        self.download_range(file, ..).await
    }

    /// Downloads a part of a file into memory. A part that goes beyond the end gives what there is.
    ///
    /// ```no_run
    /// # async fn example(client: fdfs_client::Client, id: fdfs_client::FileId) -> Result<(), fdfs_client::ClientError> {
    /// let first_kilobyte = client.download_range(&id, ..1024).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::StorageRefused`] with `EINVAL` for a beginning at or beyond the end; and as [`Client::download`].
    pub async fn download_range(&self, file: &FileId, range: impl RangeBounds<u64>) -> Result<Vec<u8>, ClientError> {
        let options = DownloadOptions::new().range(ByteRange::of(range));
        let mut sink = Sink::Memory(Vec::new());
        self.fetch(file, &mut sink, &options).await?;
        match sink {
            Sink::Memory(bytes) => Ok(bytes),
            Sink::File(_) | Sink::Writer(_) => Ok(Vec::new()),
        }
    }

    /// Downloads a file, or a part of it, to a writer, piece by piece; gives the number of bytes. When it fails, the
    /// writer has got some of them; a damaged copy is noticed only at its end.
    ///
    /// # Errors
    /// [`ClientError::Output`]; and as [`Client::download`].
    pub async fn download_to_writer(
        &self,
        file: &FileId,
        writer: &mut (impl AsyncWrite + Send + Unpin),
        options: &DownloadOptions,
    ) -> Result<u64, ClientError> {
        self.fetch(file, &mut Sink::Writer(writer), options).await
    }

    /// Downloads into `sink`; gives the number of bytes.
    pub(crate) async fn fetch(
        &self,
        file: &FileId,
        sink: &mut Sink<'_>,
        options: &DownloadOptions,
    ) -> Result<u64, ClientError> {
        if options.range.len == Some(0) {
            // On the wire, 0 would be all to the end.
            return Ok(0);
        }
        let mut fetch = Fetch::new(self, file, options);
        let mut patience = Patience::new();
        loop {
            match fetch.round(sink).await {
                Err(error) if patience.waits_after(&error).await => {}
                result => break result?,
            }
        }
        sink.finish().await.map_err(ClientError::Output)?;
        Ok(fetch.received)
    }
}

/// A download and how far it is.
struct Fetch<'a> {
    client: &'a Client,
    file: &'a FileId,
    options: &'a DownloadOptions,
    /// What the content must be; `None` for parts, for files whose ids do not say it, and when nobody wants to check.
    promise: Option<Promise>,
    /// What did not agree with it.
    doubts: Doubts,
    /// Whether a download that stopped can go on at another storage: the content never changes.
    is_fixed: bool,
    /// Bytes in all, as soon as a storage has said so.
    total: Option<u64>,
    received: u64,
    crc32: crc32fast::Hasher,
}

/// Why one storage did not deliver.
enum Failed {
    /// Another storage may: go on where it stopped.
    GoOn(ClientError),
    /// Another storage may, from the beginning.
    Anew(ClientError),
    Final(ClientError),
}

impl<'a> Fetch<'a> {
    fn new(client: &'a Client, file: &'a FileId, options: &'a DownloadOptions) -> Self {
        let is_whole = options.range == ByteRange::ALL;
        let is_fixed = file.logic_name().is_ok_and(|name| name.kind().is_normal());
        let verify = options.verify_crc32.unwrap_or(client.inner.verify_crc32);
        let promise = Promise::of(file).filter(|_| is_whole && verify);
        let (doubts, crc32) = (Doubts::default(), crc32fast::Hasher::new());
        Self { client, file, options, promise, doubts, is_fixed, total: None, received: 0, crc32 }
    }

    /// Tries one storage after the other.
    async fn round(&mut self, sink: &mut Sink<'_>) -> Result<(), ClientError> {
        let mut targets = ReadTargets::new(self.client, DOING, Command::QueryFetchOne, self.file);
        let mut failed = None;
        loop {
            // Where those that have it cannot be reached, another one may have got it a moment ago.
            let anywhere = self.options.anywhere || failed.is_some();
            let next = if anywhere { targets.next_anywhere().await? } else { targets.next().await? };
            let Some(target) = next else { break };
            let error = match self.from(target, sink).await {
                Ok(()) => return Ok(()),
                Err(Failed::Final(error)) if error.is_not_found() && failed.is_some() && targets.is_guess() => continue,
                Err(Failed::Final(error)) => return Err(error),
                Err(Failed::GoOn(error)) if self.received == 0 || self.is_fixed => error,
                Err(Failed::GoOn(error) | Failed::Anew(error)) => {
                    if self.received > 0 && !sink.rewind().await.map_err(ClientError::Output)? {
                        return Err(error);
                    }
                    self.received = 0;
                    self.total = None;
                    self.crc32 = crc32fast::Hasher::new();
                    error
                }
            };
            failed = Some(worse(failed, error));
        }
        Err(failed.unwrap_or(ClientError::NoTrackerGiven))
    }

    /// Downloads what is missing from one storage.
    async fn from(&mut self, target: Target, sink: &mut Sink<'_>) -> Result<(), Failed> {
        let net = |reason: NetError| Failed::GoOn(target.failed(DOING, reason));
        let calls = &self.client.inner.calls;
        let (mut conn, head) = calls.while_alive(target.addr, self.request(target)).await.map_err(net)?;
        if !head.status.is_ok() {
            conn.discard_content().await;
            if head.status == Status::EINVAL && self.is_empty_at(target).await {
                return Ok(());
            }
            let error = ClientError::StorageRefused { doing: DOING, storage: target.addr, status: head.status };
            let goes_on = is_own_trouble(head.status) || (self.options.anywhere && head.status == Status::ENOENT);
            return Err(if goes_on { Failed::GoOn(error) } else { Failed::Final(error) });
        }
        self.judge_len(target, head.len)?;
        let mut buffer = vec![0; PIECE_BYTES.min(usize::try_from(head.len).unwrap_or(usize::MAX))];
        loop {
            let n = calls.while_alive(target.addr, conn.read_content(&mut buffer)).await.map_err(net)?;
            let Some(piece) = buffer.get(..n).filter(|piece| !piece.is_empty()) else { break };
            sink.write(piece).await.map_err(|reason| Failed::Final(ClientError::Output(reason)))?;
            self.crc32.update(piece);
            self.received += n as u64;
            self.options.progress.tell(self.received);
        }
        self.judge_content(target)
    }

    /// Asks for what is missing.
    async fn request(&self, target: Target) -> Result<(Pooled, AnswerHead), NetError> {
        let range = self.options.range;
        let total = self.total.or(range.len);
        let wanted = total.map_or(0, |total| total.saturating_sub(self.received));
        let offset = range.offset.saturating_add(self.received);
        let body = DownloadFile { offset, wanted, file: *self.file }.to_bytes();
        let calls = &self.client.inner.calls;
        let mut conn = calls.take(target.addr).await?;
        match exchange_heads(&mut conn, &body).await {
            Ok(head) => Ok((conn, head)),
            Err(error) => {
                let mut conn = calls.renew(&conn, error).await?;
                let head = exchange_heads(&mut conn, &body).await?;
                Ok((conn, head))
            }
        }
    }

    /// Checks the announced length against all that is known of it.
    fn judge_len(&mut self, target: Target, len: u64) -> Result<(), Failed> {
        let actual_bytes = self.received.saturating_add(len);
        let exactly = self.total.or(self.promise.map(|promise| promise.size_bytes));
        let fits = exactly.is_none_or(|bytes| bytes == actual_bytes)
            && self.options.range.len.is_none_or(|most| actual_bytes <= most);
        let is_link = |promise: Promise| self.total.is_none() && may_be_link_in_slot(self.file, promise);
        if !fits && self.promise.is_some_and(is_link) && self.doubts.is_confirmed(target.addr, Sent::Bytes(len)) {
            self.promise = None;
        } else if !fits {
            let expected_bytes = exactly.or(self.options.range.len).unwrap_or_default();
            let (file, storage) = (Box::new(*self.file), target.addr);
            return Err(Failed::Anew(ClientError::WrongSize { file, storage, expected_bytes, actual_bytes }));
        }
        self.total = Some(actual_bytes);
        Ok(())
    }

    /// Checks the whole content against the id.
    fn judge_content(&mut self, target: Target) -> Result<(), Failed> {
        let Some(promise) = self.promise else { return Ok(()) };
        let actual = self.crc32.clone().finalize();
        if actual == promise.crc32 || self.doubts.is_confirmed(target.addr, Sent::Crc32(actual)) {
            return Ok(());
        }
        let (file, storage, expected) = (Box::new(*self.file), target.addr, promise.crc32);
        Err(Failed::Anew(ClientError::Corrupt { file, storage, expected, actual }))
    }

    /// Whether the refused file is simply empty: storages of the reference refuse to send nothing.
    ///
    /// Source: wire specification, 2.5.3; behaviour, W-16.
    async fn is_empty_at(&self, target: Target) -> bool {
        if self.options.range.offset != 0 || self.promise.is_some_and(|promise| promise.size_bytes != 0) {
            return false;
        }
        let (command, body) = (Command::QueryFileInfo, self.file.to_bytes());
        let ask = Ask { doing: DOING, command, status: InfoFlags::EXISTS.byte(), body: &body, max_answer: 70 };
        let answer = self.client.inner.calls.call(target.addr, &ask).await;
        let info = answer.ok().filter(|answer| answer.status.is_ok()).map(|answer| FileInfo::from_bytes(&answer.body));
        matches!(info, Some(Ok(FileInfo { file_size: 0, .. })))
    }
}

async fn exchange_heads(conn: &mut Pooled, body: &[u8]) -> Result<AnswerHead, NetError> {
    conn.send_request_head(Command::DownloadFile, 0, body.len() as u64, body).await?;
    conn.read_answer_head().await
}
