//! Whether a file is there.

use fdfs_proto::cmd::storage::InfoFlags;
use fdfs_proto::file_id::FileId;

use crate::{Client, ClientError};

impl Client {
    /// Whether a storage has the file. The storage does not log that it is missing.
    ///
    /// # Errors
    /// What asking trackers and storages can give. A group that no tracker knows, or without an active storage, is an
    /// error and not "no".
    pub async fn exists(&self, file: &FileId) -> Result<bool, ClientError> {
        match self.file_info_from_server(file, InfoFlags::EXISTS).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }
}
