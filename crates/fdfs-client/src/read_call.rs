//! Short questions to a storage that has a file: file information and metadata.

use fdfs_proto::file_id::FileId;
use fdfs_proto::{Command, Status};

use crate::calls::Ask;
use crate::patience::Patience;
use crate::read_targets::ReadTargets;
use crate::target::Target;
use crate::{Client, ClientError};

/// Whether a storage has trouble of its own, so that another one may do better.
pub(crate) const fn is_own_trouble(status: Status) -> bool {
    matches!(status, Status::EIO | Status::ENOMEM | Status::EMFILE | Status::ENFILE | Status::EAGAIN)
}

impl Client {
    /// Asks storages that have `file` until one answers. Only for questions that change nothing.
    pub(crate) async fn read_call(
        &self,
        file: &FileId,
        first: Command,
        ask: &Ask<'_>,
    ) -> Result<(Vec<u8>, Target), ClientError> {
        let mut patience = Patience::new();
        loop {
            match self.read_round(file, first, ask).await {
                Err(error) if patience.waits_after(&error).await => {}
                result => return result,
            }
        }
    }

    async fn read_round(&self, file: &FileId, first: Command, ask: &Ask<'_>) -> Result<(Vec<u8>, Target), ClientError> {
        let mut targets = ReadTargets::new(self, ask.doing, first, file);
        let mut failed = None;
        while let Some(target) = targets.next().await? {
            let calls = &self.inner.calls;
            let error = match calls.while_alive(target.addr, calls.call(target.addr, ask)).await {
                Ok(answer) if answer.status.is_ok() => return Ok((answer.body, target)),
                Ok(answer) => {
                    let (doing, status) = (ask.doing, answer.status);
                    let error = ClientError::StorageRefused { doing, storage: target.addr, status };
                    if !is_own_trouble(status) {
                        return Err(error);
                    }
                    error
                }
                Err(reason) => target.failed(ask.doing, reason),
            };
            failed.get_or_insert(error);
        }
        Err(failed.unwrap_or(ClientError::NoTrackerGiven))
    }
}
