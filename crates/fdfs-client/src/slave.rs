//! Slave files: files that lie beside another one, under a name that can be told from its name.

use std::path::Path;

use fdfs_proto::cmd::storage::UploadSlaveHead;
use fdfs_proto::file_id::{FileId, slave_name};
use fdfs_proto::{Command, ExtName, SlavePrefix, Wire};
use tokio::io::AsyncRead;

use crate::change::named;
use crate::content::Content;
use crate::transfer::Front;
use crate::upload::ANSWER_MAX;
use crate::{Client, ClientError, Metadata, Progress, local_file};

/// Uploading a slave file (21), for errors.
pub(crate) const UPLOAD_SLAVE: &str = "upload a slave file";

/// What goes with a slave file.
///
/// ```
/// use fdfs_client::SlaveOptions;
///
/// let options = SlaveOptions::new().ext("jpg".parse()?);
/// # Ok::<(), fdfs_client::WireError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct SlaveOptions {
    ext: Option<ExtName>,
    metadata: Option<Metadata>,
    progress: Progress,
}

impl SlaveOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The extension of the slave's name, without the dot. A local file's own is taken if none is given here, and none
    /// for bytes and streams.
    #[must_use]
    pub const fn ext(mut self, ext: ExtName) -> Self {
        self.ext = Some(ext);
        self
    }

    /// Metadata to set after the upload. If that fails, the slave is deleted again.
    #[must_use]
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Who is told how many bytes are sent.
    #[must_use]
    pub fn progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }
}

impl Client {
    /// Uploads bytes as a slave of `master`: its name is the master's with `prefix` before the extension.
    ///
    /// ```no_run
    /// # async fn example(client: fdfs_client::Client) -> Result<(), fdfs_client::ClientError> {
    /// use fdfs_client::{SlaveOptions, UploadOptions};
    ///
    /// let photo = client.upload_file("photo.jpg", &UploadOptions::new()).await?;
    /// let prefix = "_150x150".parse()?;
    /// let thumbnail = client.upload_slave(&photo, prefix, b"...", &SlaveOptions::new().ext("jpg".parse()?)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::BadFileId`] for a master or prefix that gives no name; [`ClientError::is_not_found`] when the
    /// master is not there; [`ClientError::StorageRefused`] with `EEXIST` when the slave is; after
    /// [`ClientError::OutcomeUnknown`], which names it, it may be; [`ClientError::MetadataNotSet`]; and what asking
    /// trackers and connecting to storages can give.
    pub async fn upload_slave(
        &self,
        master: &FileId,
        prefix: SlavePrefix,
        bytes: &[u8],
        options: &SlaveOptions,
    ) -> Result<FileId, ClientError> {
        self.slave_content(master, prefix, options.ext.unwrap_or_default(), Content::bytes(bytes), options).await
    }

    /// Uploads a local file as a slave of `master`.
    ///
    /// # Errors
    /// [`ClientError::LocalFile`]; and as [`Client::upload_slave`].
    pub async fn upload_slave_file(
        &self,
        master: &FileId,
        prefix: SlavePrefix,
        path: impl AsRef<Path>,
        options: &SlaveOptions,
    ) -> Result<FileId, ClientError> {
        let content = local_file::content(path.as_ref()).await?;
        let ext = options.ext.unwrap_or_else(|| local_file::ext(path.as_ref()));
        self.slave_content(master, prefix, ext, content, options).await
    }

    /// Uploads `len` bytes of a stream as a slave of `master`.
    ///
    /// # Errors
    /// [`ClientError::Content`] when the stream fails or is shorter; and as [`Client::upload_slave`].
    pub async fn upload_slave_reader(
        &self,
        master: &FileId,
        prefix: SlavePrefix,
        mut reader: impl AsyncRead + Send + Unpin,
        len: u64,
        options: &SlaveOptions,
    ) -> Result<FileId, ClientError> {
        let content = Content::stream(&mut reader, len);
        self.slave_content(master, prefix, options.ext.unwrap_or_default(), content, options).await
    }

    async fn slave_content(
        &self,
        master: &FileId,
        prefix: SlavePrefix,
        ext: ExtName,
        content: Content<'_>,
        options: &SlaveOptions,
    ) -> Result<FileId, ClientError> {
        // What is wrong should be known before anything is sent.
        let slave = FileId { name: slave_name(&master.logic_name()?, &prefix, &ext)?, ..*master };
        options.metadata.as_ref().map(Metadata::pack).transpose()?;
        let head = UploadSlaveHead { file_size: content.len(), prefix, ext, master: master.name }.to_bytes();
        let front = Front { command: Command::UploadSlaveFile, head, max_answer: ANSWER_MAX };
        // Sent once: a second try could only be told that the name is taken, and not by whom.
        let (answer, target) =
            self.change_once(UPLOAD_SLAVE, master, &slave, &front, content, &options.progress).await?;
        let file = named(UPLOAD_SLAVE, &answer, target)?;
        if let Some(metadata) = options.metadata.as_ref().filter(|metadata| !metadata.is_empty()) {
            self.set_first_metadata(target, &file, metadata).await?;
        }
        Ok(file)
    }
}
