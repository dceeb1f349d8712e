//! Reading and setting the metadata of a file.

use fdfs_proto::cmd::storage::{MetaMode, SetMetadataHead};
use fdfs_proto::file_id::FileId;
use fdfs_proto::{Command, Wire};

use crate::calls::Ask;
use crate::{Client, ClientError, Metadata};

/// The longest metadata text that is read, in bytes: what fits the buffer of a storage.
const ANSWER_MAX: usize = 256 * 1024;

impl Client {
    /// The metadata of a file (15).
    ///
    /// # Errors
    /// [`ClientError::is_not_found`] when there is no such file, or it has no metadata; and what asking trackers and
    /// storages can give.
    pub async fn metadata(&self, file: &FileId) -> Result<Metadata, ClientError> {
        let (doing, body) = ("read metadata", file.to_bytes());
        let ask = Ask { doing, command: Command::GetMetadata, status: 0, body: &body, max_answer: ANSWER_MAX };
        let (text, _) = self.read_call(file, Command::QueryUpdate, &ask).await?;
        Ok(Metadata::unpack(&text))
    }

    /// Sets the metadata of a file (13): instead of what it has, or merged into that.
    ///
    /// ```no_run
    /// # async fn example(client: fdfs_client::Client, id: fdfs_client::FileId) -> Result<(), fdfs_client::ClientError> {
    /// use fdfs_client::{MetaMode, Metadata};
    ///
    /// client.set_metadata(&id, &Metadata::new().with("width", "160"), MetaMode::Merge).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::is_not_found`] when there is no such file; [`ClientError::BadMetadata`]. After
    /// [`ClientError::Connection`] nobody knows whether it was set.
    pub async fn set_metadata(&self, file: &FileId, metadata: &Metadata, mode: MetaMode) -> Result<(), ClientError> {
        let body = set_body(file, metadata, mode)?;
        let ask = Ask { doing: "set metadata", command: Command::SetMetadata, status: 0, body: &body, max_answer: 0 };
        self.change(file, &ask).await
    }
}

/// The body of the request.
pub(crate) fn set_body(file: &FileId, metadata: &Metadata, mode: MetaMode) -> Result<Vec<u8>, ClientError> {
    let text = metadata.pack()?;
    let mut body = SetMetadataHead { metadata_len: text.len() as u64, mode, file: *file }.to_bytes();
    body.extend_from_slice(&text);
    Ok(body)
}
