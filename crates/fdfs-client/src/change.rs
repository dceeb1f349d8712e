//! Changing appender files: append, modify, truncate, and making a regular file of one.

use std::path::Path;

use fdfs_net::Answer;
use fdfs_proto::cmd::storage::{AppendHead, ModifyHead, RegenerateAppender, TruncateFile};
use fdfs_proto::file_id::{FileId, Kind};
use fdfs_proto::{Command, Status, Wire};
use tokio::io::AsyncRead;

use crate::content::Content;
use crate::delete::refuse;
use crate::local_file;
use crate::target::Target;
use crate::transfer::{Front, SendError, send};
use crate::upload::ANSWER_MAX;
use crate::{Client, ClientError, Progress};

/// Appending (24), for errors.
pub(crate) const APPEND: &str = "append to a file";
/// Modifying (34), for errors.
pub(crate) const MODIFY: &str = "modify a file";
/// Truncating (36), for errors.
pub(crate) const TRUNCATE: &str = "truncate a file";
/// Making a regular file (38), for errors.
pub(crate) const REGENERATE: &str = "make a regular file of an appender file";

/// Appender files. They are made with [`UploadOptions::appender`](crate::UploadOptions::appender).
///
/// A change is asked for at the storage that the tracker names (103), and sent once: when the connection breaks after
/// the first byte was sent, nobody knows whether the change was carried out, and [`ClientError::OutcomeUnknown`] says
/// so. What is tried again is the way there.
impl Client {
    /// Appends bytes to an appender file (24).
    ///
    /// ```no_run
    /// # async fn example(client: fdfs_client::Client) -> Result<(), fdfs_client::ClientError> {
    /// use fdfs_client::UploadOptions;
    ///
    /// let log = client.upload(b"first line\n", &UploadOptions::new().appender(true)).await?;
    /// client.append(&log, b"second line\n").await?;
    /// let finished = client.regenerate(&log).await?; // From now on nothing can change it.
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::is_not_found`]; [`ClientError::NotAppender`]; [`ClientError::OutcomeUnknown`]; and what asking
    /// trackers and connecting to storages can give.
    pub async fn append(&self, file: &FileId, bytes: &[u8]) -> Result<(), ClientError> {
        self.append_content(file, Content::bytes(bytes), &Progress::default()).await
    }

    /// Appends a local file.
    ///
    /// # Errors
    /// [`ClientError::LocalFile`]; and as [`Client::append`].
    pub async fn append_file(
        &self,
        file: &FileId,
        path: impl AsRef<Path>,
        progress: &Progress,
    ) -> Result<(), ClientError> {
        self.append_content(file, local_file::content(path.as_ref()).await?, progress).await
    }

    /// Appends `len` bytes of a stream.
    ///
    /// # Errors
    /// [`ClientError::Content`] when the stream fails or is shorter: nothing is appended then; and as
    /// [`Client::append`].
    pub async fn append_reader(
        &self,
        file: &FileId,
        mut reader: impl AsyncRead + Send + Unpin,
        len: u64,
        progress: &Progress,
    ) -> Result<(), ClientError> {
        self.append_content(file, Content::stream(&mut reader, len), progress).await
    }

    /// Writes bytes into an appender file (34), from `offset` on: at most its size. What goes beyond its end makes it
    /// longer.
    ///
    /// # Errors
    /// [`ClientError::StorageRefused`] with `EINVAL` for an offset beyond the end; and as [`Client::append`].
    pub async fn modify(&self, file: &FileId, offset: u64, bytes: &[u8]) -> Result<(), ClientError> {
        self.modify_content(file, offset, Content::bytes(bytes), &Progress::default()).await
    }

    /// Writes a local file into an appender file.
    ///
    /// # Errors
    /// [`ClientError::LocalFile`]; and as [`Client::modify`].
    pub async fn modify_file(
        &self,
        file: &FileId,
        offset: u64,
        path: impl AsRef<Path>,
        progress: &Progress,
    ) -> Result<(), ClientError> {
        self.modify_content(file, offset, local_file::content(path.as_ref()).await?, progress).await
    }

    /// Writes `len` bytes of a stream into an appender file.
    ///
    /// # Errors
    /// [`ClientError::Content`] when the stream fails or is shorter: some of it may have been written then; and as
    /// [`Client::modify`].
    pub async fn modify_reader(
        &self,
        file: &FileId,
        offset: u64,
        mut reader: impl AsyncRead + Send + Unpin,
        len: u64,
        progress: &Progress,
    ) -> Result<(), ClientError> {
        self.modify_content(file, offset, Content::stream(&mut reader, len), progress).await
    }

    /// Gives an appender file a new size (36). One that is larger than before fills it up with zeros.
    ///
    /// # Errors
    /// As [`Client::append`].
    pub async fn truncate(&self, file: &FileId, size_bytes: u64) -> Result<(), ClientError> {
        let head = TruncateFile { new_size: size_bytes, name: file.name }.to_bytes();
        let front = Front { command: Command::TruncateFile, head, max_answer: 0 };
        self.change_file(TRUNCATE, file, &front, Content::bytes(b""), &Progress::default()).await.map(drop)
    }

    /// Makes a regular file of an appender file (38): gives its new id; the old one leads nowhere then. Metadata stays
    /// with the old id and is lost with it.
    ///
    /// # Errors
    /// As [`Client::append`]. After [`ClientError::OutcomeUnknown`] the file may be there under an id that nobody
    /// knows.
    pub async fn regenerate(&self, file: &FileId) -> Result<FileId, ClientError> {
        let head = RegenerateAppender(file.name).to_bytes();
        let front = Front { command: Command::RegenerateAppenderFilename, head, max_answer: ANSWER_MAX };
        let (answer, target) =
            self.change_file(REGENERATE, file, &front, Content::bytes(b""), &Progress::default()).await?;
        named(REGENERATE, &answer, target)
    }

    async fn append_content(
        &self,
        file: &FileId,
        content: Content<'_>,
        progress: &Progress,
    ) -> Result<(), ClientError> {
        let head = AppendHead { len: content.len(), name: file.name }.to_bytes();
        let front = Front { command: Command::AppendFile, head, max_answer: 0 };
        self.change_file(APPEND, file, &front, content, progress).await.map(drop)
    }

    pub(crate) async fn modify_content(
        &self,
        file: &FileId,
        offset: u64,
        content: Content<'_>,
        progress: &Progress,
    ) -> Result<(), ClientError> {
        let head = ModifyHead { offset, len: content.len(), name: file.name }.to_bytes();
        let front = Front { command: Command::ModifyFile, head, max_answer: 0 };
        self.change_file(MODIFY, file, &front, content, progress).await.map(drop)
    }

    async fn change_file(
        &self,
        doing: &'static str,
        file: &FileId,
        front: &Front,
        content: Content<'_>,
        progress: &Progress,
    ) -> Result<(Answer, Target), ClientError> {
        match self.change_once(doing, file, file, front, content, progress).await {
            // The storage is the judge; what is told is what it means.
            Err(ClientError::StorageRefused { storage, status: Status::EINVAL, .. }) if kind_of(file).is_some() => {
                let kind = kind_of(file).unwrap_or(Kind::Regular);
                Err(ClientError::NotAppender { doing, file: Box::new(*file), kind, storage })
            }
            result => result,
        }
    }

    /// Sends a change of `file` to the storage that the tracker names: once. `concerns` is the file to look at when the
    /// outcome is unknown.
    pub(crate) async fn change_once(
        &self,
        doing: &'static str,
        file: &FileId,
        concerns: &FileId,
        front: &Front,
        mut content: Content<'_>,
        progress: &Progress,
    ) -> Result<(Answer, Target), ClientError> {
        let (mut conn, target) = self.connect_for_change(file, doing).await?;
        content.begin().await.map_err(ClientError::Content)?;
        let answer = send(&mut conn, front, &mut content, progress).await.map_err(|error| match error {
            SendError::Content(reason) => ClientError::Content(reason),
            SendError::Net(reason) => {
                ClientError::OutcomeUnknown { doing, file: Box::new(*concerns), reason: Box::new(reason) }
            }
        })?;
        refuse(doing, target, answer.status)?;
        Ok((answer, target))
    }
}

/// The kind of a file that is surely no appender file.
fn kind_of(file: &FileId) -> Option<Kind> {
    Some(file.logic_name().ok()?.kind()).filter(|kind| *kind != Kind::Appender)
}

/// The file that an answer names.
pub(crate) fn named(doing: &'static str, answer: &Answer, target: Target) -> Result<FileId, ClientError> {
    let server = target.addr;
    FileId::from_bytes(&answer.body).map_err(|reason| ClientError::BadAnswer { doing, server, reason })
}
