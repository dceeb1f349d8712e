//! What one storage knows of a file: for who compares the copies of a group.

use std::net::SocketAddr;

use fdfs_proto::cmd::storage::InfoFlags;
use fdfs_proto::file_id::FileId;
use fdfs_proto::{Command, Wire};

use crate::calls::Ask;
use crate::file_info::read;
use crate::{Client, ClientError, FileInfo};

const DOING: &str = "ask a storage for file information";
/// The longest answer, in bytes.
const ANSWER_MAX: usize = 70;

impl Client {
    /// What the storage at `storage` knows of a file; no other one is asked, and no tracker.
    ///
    /// # Errors
    /// [`ClientError::is_not_found`] when that storage does not have it; and what connecting to it can give.
    pub async fn file_info_of(
        &self,
        storage: SocketAddr,
        file: &FileId,
        flags: InfoFlags,
    ) -> Result<FileInfo, ClientError> {
        let body = file.to_bytes();
        let command = Command::QueryFileInfo;
        let ask = Ask { doing: DOING, command, status: flags.byte(), body: &body, max_answer: ANSWER_MAX };
        let target = self.mapped(storage);
        match self.inner.calls.call(target.addr, &ask).await {
            Ok(answer) if answer.status.is_ok() => read(DOING, file, target, flags, &answer.body),
            Ok(answer) => {
                Err(ClientError::StorageRefused { doing: DOING, storage: target.addr, status: answer.status })
            }
            Err(reason) => Err(target.failed(DOING, reason)),
        }
    }
}
