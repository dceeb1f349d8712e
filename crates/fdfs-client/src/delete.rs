//! Deleting a file; and how changes are asked for.

use fdfs_net::Pooled;
use fdfs_proto::file_id::FileId;
use fdfs_proto::{Command, Status, Wire};

use crate::calls::Ask;
use crate::patience::Patience;
use crate::target::Target;
use crate::{Client, ClientError};

impl Client {
    /// Deletes a file and its metadata (12).
    ///
    /// ```no_run
    /// # async fn example(client: fdfs_client::Client, id: fdfs_client::FileId) -> Result<(), fdfs_client::ClientError> {
    /// match client.delete(&id).await {
    ///     Err(error) if error.is_not_found() => println!("it was gone already"),
    ///     result => result?,
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::is_not_found`] when there is no such file. After [`ClientError::Connection`] nobody knows whether
    /// it was deleted.
    pub async fn delete(&self, file: &FileId) -> Result<(), ClientError> {
        let ask = Ask {
            doing: "delete a file",
            command: Command::DeleteFile,
            status: 0,
            body: &file.to_bytes(),
            max_answer: 0,
        };
        self.change(file, &ask).await
    }

    /// Asks for a change of a file: once, at the storage that the tracker names. What is tried again is the way to it.
    pub(crate) async fn change(&self, file: &FileId, ask: &Ask<'_>) -> Result<(), ClientError> {
        let (conn, target) = match self.connect_for_change(file, ask.doing).await {
            Err(error @ ClientError::StorageUnreachable { .. }) => {
                self.connect_elsewhere(file, ask.doing, error).await?
            }
            result => result?,
        };
        let answer = self.inner.calls.call_on(conn, ask).await;
        let status = answer.map_err(|reason| target.failed(ask.doing, reason))?.status;
        refuse(ask.doing, target, status)
    }

    /// The storage that the tracker named cannot be reached, so it has not seen the request: a connection to another one that
    /// has the file and may be written to. Not for appender files, whose changes belong to one storage.
    ///
    /// Differs from C: there changes fail until the tracker has noticed (behaviour, W-36).
    async fn connect_elsewhere(
        &self,
        file: &FileId,
        doing: &'static str,
        error: ClientError,
    ) -> Result<(Pooled, Target), ClientError> {
        let is_fixed = file.logic_name().is_ok_and(|name| name.kind().is_normal());
        let ClientError::StorageUnreachable { storage: failed, .. } = &error else { return Err(error) };
        if !is_fixed {
            return Err(error);
        }
        let Ok((having, tracker)) = self.ask_fetch_all(doing, file).await else { return Err(error) };
        let Ok((writable, _)) = self.ask_store_all(doing, Some(file.group)).await else { return Err(error) };
        for storage in having.servers.into_iter().filter(|storage| writable.servers.contains(storage)) {
            let target = self.target(doing, storage, tracker)?;
            if target.addr != *failed
                && let Ok(conn) = self.inner.calls.take_checked(target.addr).await
            {
                return Ok((conn, target));
            }
        }
        Err(error)
    }

    /// A connection to the storage that the tracker names for changes of `file`.
    pub(crate) async fn connect_for_change(
        &self,
        file: &FileId,
        doing: &'static str,
    ) -> Result<(Pooled, Target), ClientError> {
        let mut patience = Patience::new();
        loop {
            // The tracker is asked anew each time: it may name another storage by then.
            let (told, tracker) = self.ask_fetch(doing, Command::QueryUpdate, file).await?;
            let target = self.target(doing, told.server, tracker)?;
            let error = match self.inner.calls.take_checked(target.addr).await {
                Ok(conn) => return Ok((conn, target)),
                Err(reason) => target.failed(doing, reason),
            };
            if !patience.waits_after(&error).await {
                return Err(error);
            }
        }
    }
}

/// An error unless the status is success.
pub(crate) fn refuse(doing: &'static str, target: Target, status: Status) -> Result<(), ClientError> {
    if status.is_ok() { Ok(()) } else { Err(ClientError::StorageRefused { doing, storage: target.addr, status }) }
}
