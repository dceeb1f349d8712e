//! Uploads that go on after an interruption, in another run of the program if need be.
//!
//! The bytes go into an appender file, piece by piece and each at its own offset, so that a piece that is sent twice
//! does no harm. A state file on this side says which file that is and how far the storage has confirmed it. At the
//! end a regular file is made of it (38), and its new id must tell the size and the CRC-32 of what was sent.

mod state;

use std::path::Path;
use std::time::Duration;

use fdfs_net::Backoff;
use fdfs_proto::cmd::storage::{InfoFlags, MetaMode};
use fdfs_proto::file_id::FileId;
use fdfs_proto::{Command, ExtName};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::content::{Content, PIECE_BYTES};
use crate::local_file::failed;
use crate::{Client, ClientError, UploadOptions, local_file};
use state::State;

/// How often one piece is sent before the upload is interrupted.
const PIECE_TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How a resumable upload is cut into pieces.
#[derive(Debug, Clone, Copy)]
pub struct ResumeOptions {
    piece_bytes: u32,
}

impl Default for ResumeOptions {
    fn default() -> Self {
        Self { piece_bytes: 8 << 20 }
    }
}

impl ResumeOptions {
    /// Pieces of 8 MB.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes that are sent at once, confirmed at once, and sent again at most after an interruption. So much memory is
    /// taken. Files that are not larger are uploaded in the plain way.
    #[must_use]
    pub fn piece_bytes(mut self, bytes: u32) -> Self {
        self.piece_bytes = bytes.max(1);
        self
    }
}

/// What came of a resumable upload.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumed {
    /// The new file.
    pub file: FileId,
    /// Bytes that were there from an earlier run, and were not sent again.
    pub resumed_bytes: u64,
    /// Why an earlier run could not be gone on with.
    pub begun_anew: Option<&'static str>,
}

/// How far an upload is.
struct Position {
    offset: u64,
    /// Of all bytes before the offset.
    crc32: crc32fast::Hasher,
}

impl Position {
    fn begin() -> Self {
        Self { offset: 0, crc32: crc32fast::Hasher::new() }
    }
}

/// Whether an earlier run can be gone on with.
enum Earlier {
    At(Position),
    Useless(&'static str),
}

impl Client {
    /// Uploads a local file so that the upload can be gone on with after an interruption: call it again with the same
    /// files. `state` is a small file that lives as long as the upload is not done; what it says is checked against
    /// the size and the CRC-32 of what the storage has before anything is added to that.
    ///
    /// ```no_run
    /// # async fn example(client: fdfs_client::Client) -> Result<(), fdfs_client::ClientError> {
    /// use fdfs_client::{ResumeOptions, UploadOptions};
    ///
    /// let (upload, resume) = (UploadOptions::new(), ResumeOptions::new());
    /// let done = client.upload_resumable("backup.tar", "backup.tar.upload", &upload, &resume).await?;
    /// println!("{} ({} bytes were there already)", done.file, done.resumed_bytes);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::ResumeState`]: `EBUSY` while another run uses the state file, `EINVAL` when it is none or belongs
    /// to another local file; [`ClientError::ResumedWrong`]; and as [`Client::upload_file`] and [`Client::modify`].
    pub async fn upload_resumable(
        &self,
        local: impl AsRef<Path>,
        state: impl AsRef<Path>,
        options: &UploadOptions,
        resume: &ResumeOptions,
    ) -> Result<Resumed, ClientError> {
        let path = local.as_ref();
        let (file, facts) = local_file::open(path).await?;
        let canonical = tokio::fs::canonicalize(path).await.map_err(failed("look at", path))?;
        let mut state = State::open(state.as_ref(), &canonical).await?;
        let done = match state.uploaded {
            // Only its metadata was missing.
            Some(file) => Resumed { file, resumed_bytes: facts.len(), begun_anew: None },
            None => {
                let ext = options.ext.unwrap_or_else(|| local_file::ext(path));
                let piece_bytes = u64::from(resume.piece_bytes);
                let mut run = Run { client: self, path, file, len: facts.len(), ext, options, piece_bytes };
                let done = run.send_all(&mut state).await?;
                state.note_uploaded(&done.file).await?;
                done
            }
        };
        if let Some(metadata) = options.metadata.as_ref().filter(|metadata| !metadata.is_empty()) {
            let set = self.set_metadata(&done.file, metadata, MetaMode::Overwrite).await;
            let file = Box::new(done.file);
            set.map_err(|reason| ClientError::MetadataNotSet { file, deleted: false, reason: Box::new(reason) })?;
        }
        state.remove().await?;
        Ok(done)
    }
}

/// One run of an upload.
struct Run<'a> {
    client: &'a Client,
    path: &'a Path,
    file: File,
    len: u64,
    ext: ExtName,
    options: &'a UploadOptions,
    piece_bytes: u64,
}

impl Run<'_> {
    /// Sends what is missing and gives the file its final id.
    async fn send_all(&mut self, state: &mut State) -> Result<Resumed, ClientError> {
        let (mut position, mut begun_anew) = (None, None);
        if let Some(file) = state.file {
            match self.look(&file, state.done_bytes).await? {
                Earlier::At(found) => position = Some((file, found)),
                Earlier::Useless(why) => {
                    begun_anew = Some(why);
                    // Nobody else has this id. Whether it can be deleted is of no importance to this upload.
                    let _ = self.client.delete(&file).await;
                    state.begin().await?;
                }
            }
        }
        if position.is_none() && self.len <= self.piece_bytes {
            let options = UploadOptions { metadata: None, ..self.options.clone() }.ext(self.ext);
            let file = self.client.upload_file(self.path, &options).await?;
            return Ok(Resumed { file, resumed_bytes: 0, begun_anew });
        }
        let (file, mut at) = match position {
            Some(position) => position,
            None => {
                // Empty, so that nothing is lost if its id does not arrive here.
                let options = UploadOptions { metadata: None, ..self.options.clone() }.ext(self.ext).appender(true);
                let file = self.client.upload(b"", &options).await?;
                state.note_file(&file).await?;
                (file, Position::begin())
            }
        };
        let resumed_bytes = at.offset;
        self.seek(at.offset).await?;
        while at.offset < self.len {
            let piece = self.read_piece(at.offset).await?;
            at.crc32.update(&piece);
            self.send_piece(&file, at.offset, &piece).await?;
            at.offset += piece.len() as u64;
            state.note_done(at.offset).await?;
        }
        let file = self.finish(&file, at.crc32.finalize()).await?;
        Ok(Resumed { file, resumed_bytes, begun_anew })
    }

    /// Compares what the storage has with the local file.
    async fn look(&mut self, file: &FileId, done_bytes: u64) -> Result<Earlier, ClientError> {
        let flags = InfoFlags { silent: true, ..InfoFlags::default() };
        let info = match self.client.file_info_at(file, Command::QueryUpdate, flags).await {
            Ok(info) => info,
            Err(error) if error.is_not_found() => {
                return Ok(Earlier::Useless("what was sent is no longer on the storage"));
            }
            Err(error) => return Err(error),
        };
        if info.size_bytes > self.len {
            return Ok(Earlier::Useless("the local file is shorter than what was sent"));
        }
        // What was not confirmed is sent again: a server that failed in the middle may have it without a record of it.
        let offset = done_bytes.min(info.size_bytes);
        self.seek(0).await?;
        let mut crc32 = crc32fast::Hasher::new();
        self.hash(&mut crc32, offset).await?;
        let position = Position { offset, crc32: crc32.clone() };
        self.hash(&mut crc32, info.size_bytes - offset).await?;
        if info.crc32 != Some(crc32.finalize()) {
            return Ok(Earlier::Useless("the local file is not the one that was begun with"));
        }
        Ok(Earlier::At(position))
    }

    /// Sends one piece until it is confirmed. Its offset is fixed and nobody else writes there: it may be sent twice.
    async fn send_piece(&self, file: &FileId, offset: u64, piece: &[u8]) -> Result<(), ClientError> {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, fastrand::u64(..));
        let progress = self.options.progress.after(offset);
        let mut tries_left = PIECE_TRIES;
        loop {
            tries_left -= 1;
            let sent = self.client.modify_content(file, offset, Content::bytes(piece), &progress).await;
            match sent {
                Err(ClientError::OutcomeUnknown { .. }) if tries_left > 0 => {}
                Err(error) if tries_left > 0 && error.is_retryable() => {}
                result => return result,
            }
            tokio::time::sleep(backoff.next_pause()).await;
        }
    }

    /// Makes the file what was asked for, and checks that it is what was sent.
    async fn finish(&self, file: &FileId, expected: u32) -> Result<FileId, ClientError> {
        let (file, actual_bytes, actual) = if self.options.appender {
            let info = self.client.file_info_at(file, Command::QueryUpdate, InfoFlags::default()).await?;
            (*file, info.size_bytes, info.crc32.unwrap_or_default())
        } else {
            let file = self.client.regenerate(file).await?;
            let fields = file.logic_name()?.fields();
            fields.map_or((file, 0, 0), |fields| (file, fields.size_word.size(), fields.crc32))
        };
        if (actual_bytes, actual) != (self.len, expected) {
            let (file, expected_bytes) = (Box::new(file), self.len);
            return Err(ClientError::ResumedWrong { file, expected_bytes, expected, actual_bytes, actual });
        }
        Ok(file)
    }

    async fn seek(&mut self, offset: u64) -> Result<(), ClientError> {
        let sought = self.file.seek(std::io::SeekFrom::Start(offset)).await;
        sought.map(drop).map_err(failed("read", self.path))
    }

    async fn read_piece(&mut self, offset: u64) -> Result<Vec<u8>, ClientError> {
        // At most one piece, whose size the caller chose.
        let mut piece = vec![0; usize::try_from(self.piece_bytes.min(self.len - offset)).unwrap_or(usize::MAX)];
        self.file.read_exact(&mut piece).await.map_err(failed("read", self.path))?;
        Ok(piece)
    }

    /// Adds the next bytes of the local file.
    async fn hash(&mut self, crc32: &mut crc32fast::Hasher, mut bytes: u64) -> Result<(), ClientError> {
        let mut buffer = vec![0; PIECE_BYTES];
        while bytes > 0 {
            let len = usize::try_from(bytes).unwrap_or(usize::MAX).min(PIECE_BYTES);
            let part = &mut buffer[..len];
            self.file.read_exact(part).await.map_err(failed("read", self.path))?;
            crc32.update(part);
            bytes -= len as u64;
        }
        Ok(())
    }
}
