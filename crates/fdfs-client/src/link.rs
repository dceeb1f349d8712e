//! Links: a second id for the content of a file.

use fdfs_proto::cmd::storage::{CreateLink, Signature};
use fdfs_proto::file_id::FileId;
use fdfs_proto::{Command, ExtName, FileName, SlavePrefix, Wire};

use crate::change::named;
use crate::content::Content;
use crate::transfer::Front;
use crate::upload::ANSWER_MAX;
use crate::{Client, ClientError, Progress};

/// Making a link (20), for errors.
pub(crate) const CREATE_LINK: &str = "make a link";

impl Client {
    /// Gives the content of `source` a second id (20), on the same storage. Storages do so for equal content when
    /// `check_file_duplicate` is on; the `signature` is how they tell equal content, 1 to 63 bytes of the caller's choice.
    ///
    /// # Errors
    /// [`ClientError::is_not_found`] when `source` is not there; [`ClientError::OutcomeUnknown`]; and what asking
    /// trackers and connecting to storages can give.
    pub async fn create_link(
        &self,
        source: &FileId,
        signature: &Signature,
        ext: ExtName,
    ) -> Result<FileId, ClientError> {
        self.link(source, FileName::EMPTY, SlavePrefix::EMPTY, signature, ext).await
    }

    /// Gives the content of `source` an id as a slave of `master`, which lies on the same store path.
    ///
    /// # Errors
    /// [`ClientError::StorageRefused`] with `EEXIST` when that slave is there already; and as [`Client::create_link`].
    pub async fn create_slave_link(
        &self,
        master: &FileId,
        prefix: SlavePrefix,
        source: &FileId,
        signature: &Signature,
        ext: ExtName,
    ) -> Result<FileId, ClientError> {
        self.link(source, master.name, prefix, signature, ext).await
    }

    async fn link(
        &self,
        source: &FileId,
        master: FileName,
        prefix: SlavePrefix,
        signature: &Signature,
        ext: ExtName,
    ) -> Result<FileId, ClientError> {
        let request =
            CreateLink { group: source.group, prefix, ext, master, source: source.name, signature: *signature };
        let front = Front { command: Command::CreateLink, head: request.to_bytes(), max_answer: ANSWER_MAX };
        let nothing = Content::bytes(b"");
        let (answer, target) =
            self.change_once(CREATE_LINK, source, source, &front, nothing, &Progress::default()).await?;
        named(CREATE_LINK, &answer, target)
    }
}
