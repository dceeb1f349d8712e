//! Reading a file that may be on any of the storages that can have it: a storage without it is no last word.

use fdfs_proto::cmd::storage::InfoFlags;
use fdfs_proto::file_id::FileId;
use fdfs_proto::{Command, Wire};

use crate::calls::Ask;
use crate::file_info::read;
use crate::read_targets::ReadTargets;
use crate::{Client, ClientError, FileInfo};

const DOING: &str = "ask for file information";
/// The longest answer, in bytes.
const ANSWER_MAX: usize = 70;

impl Client {
    /// What storages know of a file. One that says it has no such file is not believed before all others that can have
    /// it were asked; when one of those cannot be reached, that is the error.
    ///
    /// # Errors
    /// As [`Client::file_info_from_server`].
    pub async fn file_info_anywhere(&self, file: &FileId, flags: InfoFlags) -> Result<FileInfo, ClientError> {
        let body = file.to_bytes();
        let command = Command::QueryFileInfo;
        let ask = Ask { doing: DOING, command, status: flags.byte(), body: &body, max_answer: ANSWER_MAX };
        let mut targets = ReadTargets::new(self, DOING, Command::QueryFetchOne, file);
        let mut failed = None;
        while let Some(target) = targets.next_anywhere().await? {
            let error = match self.inner.calls.call(target.addr, &ask).await {
                Ok(answer) if answer.status.is_ok() => return read(DOING, file, target, flags, &answer.body),
                Ok(answer) => ClientError::StorageRefused { doing: DOING, storage: target.addr, status: answer.status },
                Err(reason) => target.failed(DOING, reason),
            };
            failed = Some(worse(failed, error));
        }
        Err(failed.unwrap_or(ClientError::NoTrackerGiven))
    }
}

/// Of two errors the one to tell: "not found" only if there is no other.
pub(crate) fn worse(first: Option<ClientError>, second: ClientError) -> ClientError {
    match first {
        Some(first) if !first.is_not_found() || second.is_not_found() => first,
        _ => second,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;

    #[test]
    fn not_found_is_told_only_if_all_say_so() {
        let error = |status| ClientError::StorageRefused { doing: DOING, storage: ([1, 2, 3, 4], 5).into(), status };
        let (missing, broken) = (|| error(Status::ENOENT), || error(Status::EIO));
        assert!(worse(None, missing()).is_not_found());
        assert!(worse(Some(missing()), missing()).is_not_found());
        assert!(!worse(Some(missing()), broken()).is_not_found());
        assert!(!worse(Some(broken()), missing()).is_not_found());
    }
}
