//! Uploads.

use std::path::Path;

use fdfs_net::NetError;
use fdfs_proto::cmd::storage::{MetaMode, UploadHead};
use fdfs_proto::file_id::FileId;
use fdfs_proto::{Command, ExtName, Status, Wire};
use tokio::io::AsyncRead;

use crate::calls::Ask;
use crate::content::Content;
use crate::delete::refuse;
use crate::local_file;
use crate::metadata_calls::set_body;
use crate::patience::Patience;
use crate::store_targets::{Place, StorePlaces};
use crate::target::Target;
use crate::transfer::{Front, SendError, send};
use crate::{Client, ClientError, Metadata, UploadOptions};

const DOING: &str = "upload a file";
/// The longest answer that names a file, in bytes: a group, a name, and some room.
pub(crate) const ANSWER_MAX: usize = 256;
/// The most storages that one upload is sent to.
const STORAGES_MAX: usize = 4;

/// Why an upload to one storage failed.
enum Failed {
    /// No connection, or it broke before a byte of the answer, or the storage said that it cannot: another may.
    Elsewhere(ClientError),
    /// All others.
    Final(ClientError),
}

impl Client {
    /// Uploads bytes.
    ///
    /// # Errors
    /// What asking trackers and storages can give; [`ClientError::MetadataNotSet`]. After [`ClientError::Connection`]
    /// a storage may have the file under an id that nobody knows.
    pub async fn upload(&self, bytes: &[u8], options: &UploadOptions) -> Result<FileId, ClientError> {
        self.upload_content(Content::bytes(bytes), options.ext.unwrap_or_default(), options).await
    }

    /// Uploads a local file, under its extension if the options give none.
    ///
    /// ```no_run
    /// # async fn example(client: fdfs_client::Client) -> Result<(), fdfs_client::ClientError> {
    /// use fdfs_client::{Progress, UploadOptions};
    ///
    /// let options = UploadOptions::new().progress(Progress::new(|bytes| eprint!("\r{bytes}")));
    /// let id = client.upload_file("holiday.mp4", &options).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::LocalFile`] when it cannot be read or is no regular file; and as [`Client::upload`].
    pub async fn upload_file(&self, path: impl AsRef<Path>, options: &UploadOptions) -> Result<FileId, ClientError> {
        let content = local_file::content(path.as_ref()).await?;
        let ext = options.ext.unwrap_or_else(|| local_file::ext(path.as_ref()));
        self.upload_content(content, ext, options).await
    }

    /// Uploads `len` bytes of a stream. They can be read only once, so once they are, no other storage is tried.
    ///
    /// # Errors
    /// [`ClientError::Content`] when the stream fails or is shorter; and as [`Client::upload`].
    pub async fn upload_reader(
        &self,
        mut reader: impl AsyncRead + Send + Unpin,
        len: u64,
        options: &UploadOptions,
    ) -> Result<FileId, ClientError> {
        self.upload_content(Content::stream(&mut reader, len), options.ext.unwrap_or_default(), options).await
    }

    async fn upload_content(
        &self,
        mut content: Content<'_>,
        ext: ExtName,
        options: &UploadOptions,
    ) -> Result<FileId, ClientError> {
        // What is wrong with it should be known before anything is sent.
        options.metadata.as_ref().map(Metadata::pack).transpose()?;
        let mut patience = Patience::new();
        let (file, place) = loop {
            match self.upload_round(&mut content, ext, options).await {
                Err(error) if content.can_begin() && patience.waits_after(&error).await => {}
                result => break result?,
            }
        };
        match &options.metadata {
            Some(metadata) if !metadata.is_empty() => self.set_first_metadata(place.target, &file, metadata).await?,
            _ => {}
        }
        Ok(file)
    }

    /// Tries one storage after the other.
    ///
    /// Differs from C: it tries one (behaviour, W-36).
    async fn upload_round(
        &self,
        content: &mut Content<'_>,
        ext: ExtName,
        options: &UploadOptions,
    ) -> Result<(FileId, Place), ClientError> {
        let mut places = StorePlaces::new(self, DOING, options);
        let mut failed = None;
        for _ in 0..STORAGES_MAX {
            let Some(place) = places.next().await? else { break };
            match self.upload_to(place, content, ext, options).await {
                Ok(file) => return Ok((file, place)),
                Err(Failed::Elsewhere(error)) if content.can_begin() => {
                    failed.get_or_insert(error);
                }
                Err(Failed::Elsewhere(error) | Failed::Final(error)) => return Err(error),
            }
        }
        Err(failed.unwrap_or(ClientError::NoTrackerGiven))
    }

    async fn upload_to(
        &self,
        place: Place,
        content: &mut Content<'_>,
        ext: ExtName,
        options: &UploadOptions,
    ) -> Result<FileId, Failed> {
        let calls = &self.inner.calls;
        let net = |reason: NetError| Failed::Elsewhere(place.target.failed(DOING, reason));
        // A kept connection that turns out to be closed would cost a stream its only try.
        let taken = match content {
            Content::Stream { .. } => calls.connect(place.target.addr).await,
            _ => calls.take(place.target.addr).await,
        };
        let mut conn = taken.map_err(net)?;
        let command = if options.appender { Command::UploadAppenderFile } else { Command::UploadFile };
        let head = UploadHead { store_path: place.store_path, file_size: content.len(), ext }.to_bytes();
        let front = Front { command, head, max_answer: ANSWER_MAX };
        let answer = loop {
            content.begin().await.map_err(|reason| Failed::Final(ClientError::Content(reason)))?;
            let sent = send(&mut conn, &front, content, &options.progress);
            match calls.while_alive(place.target.addr, sent).await {
                Ok(answer) => break answer,
                Err(SendError::Content(reason)) => return Err(Failed::Final(ClientError::Content(reason))),
                Err(SendError::Net(error)) if conn.answer_begun() => {
                    return Err(Failed::Final(place.target.failed(DOING, error)));
                }
                Err(SendError::Net(error)) if content.can_begin() => {
                    conn = calls.renew(&conn, error).await.map_err(net)?;
                }
                Err(SendError::Net(error)) => return Err(net(error)),
            }
        };
        if let Err(error) = refuse(DOING, place.target, answer.status) {
            // It has nothing of the file, and what is wrong is its own disk.
            let own = matches!(answer.status, Status::ENOSPC | Status::EIO | Status::EROFS | Status::EDQUOT);
            return Err(if own { Failed::Elsewhere(error) } else { Failed::Final(error) });
        }
        let server = place.target.addr;
        FileId::from_bytes(&answer.body)
            .map_err(|reason| Failed::Final(ClientError::BadAnswer { doing: DOING, server, reason }))
    }

    /// Sets metadata where the file was just uploaded to; deletes the file again if that fails.
    pub(crate) async fn set_first_metadata(
        &self,
        target: Target,
        file: &FileId,
        metadata: &Metadata,
    ) -> Result<(), ClientError> {
        let body = set_body(file, metadata, MetaMode::Overwrite)?;
        let (doing, command) = ("set metadata", Command::SetMetadata);
        let set = Ask { doing, command, status: 0, body: &body, max_answer: 0 };
        let calls = &self.inner.calls;
        let result = match calls.call(target.addr, &set).await {
            Ok(answer) => refuse(doing, target, answer.status),
            Err(reason) => Err(target.failed(doing, reason)),
        };
        let Err(error) = result else { return Ok(()) };
        let (body, command) = (file.to_bytes(), Command::DeleteFile);
        let delete = Ask { doing: "delete a file", command, status: 0, body: &body, max_answer: 0 };
        let deleted = calls.call(target.addr, &delete).await.is_ok_and(|answer| answer.status.is_ok());
        Err(ClientError::MetadataNotSet { file: Box::new(*file), deleted, reason: Box::new(error) })
    }
}
