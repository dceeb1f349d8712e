//! What the commands on appender files have in common.

use std::sync::Arc;

use fdfs_proto::FileName;
use fdfs_proto::file_id::{Kind, LogicName};
use fdfs_store::NewFile;

use crate::error::RequestError;
use crate::exchange::Exchange;
use crate::storage::Storage;
use crate::write_path::{Content, PathSlot};

/// Checks that a name is that of an appender file of this storage.
///
/// # Errors
/// [`RequestError::NotAppender`] for another kind of file that is there, and others.
pub(super) async fn appender_name(
    storage: &Storage,
    exchange: &mut Exchange<'_>,
    name: &FileName,
) -> Result<LogicName, RequestError> {
    let logic = storage.logic_name(name)?;
    exchange.log_name = Some(*name);
    if logic.kind() == Kind::Appender {
        return Ok(logic);
    }
    // Missing comes first, as in the reference; for it a file in a trunk file is missing.
    let slot = storage.slot(logic.store_path_index())?;
    let _permit = slot.permits.read().await;
    slot.path.stat(logic.true_name())?;
    Err(RequestError::NotAppender { name: name.to_string() })
}

/// Waits for what is to be written into a file that is there. A content that is larger than the buffer is laid aside: no
/// client holds a file while it sends. `None` when all of it is in the buffer.
///
/// # Errors
/// [`RequestError`]; at once when the file is not there.
pub(super) async fn content_aside(
    storage: &Arc<Storage>,
    slot: &PathSlot,
    name: &LogicName,
    exchange: &mut Exchange<'_>,
) -> Result<Option<NewFile>, RequestError> {
    exchange.content_len = exchange.left();
    if exchange.whole_content().is_some() {
        return Ok(None);
    }
    let permit = slot.permits.read().await;
    slot.path.stat(name.true_name())?;
    drop(permit);
    let folder = format!("{:02X}/{:02X}", name.high(), name.low());
    let mut file = storage.write_path.begin(slot, &folder).await?;
    storage.take_pieces(slot, &mut file, exchange).await?;
    Ok(Some(file))
}

/// The content, wherever it is.
///
/// # Errors
/// Never, after [`content_aside`].
pub(super) fn content<'c>(exchange: &'c Exchange<'_>, aside: Option<&'c NewFile>) -> Content<'c> {
    match aside {
        Some(file) => Content::Aside(file),
        None => Content::Here(exchange.whole_content().unwrap_or_default()),
    }
}

impl Storage {
    /// Writes all that is left of a body into a new file, piece by piece.
    ///
    /// # Errors
    /// [`RequestError`].
    pub(crate) async fn take_pieces(
        &self,
        slot: &PathSlot,
        file: &mut NewFile,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), RequestError> {
        while exchange.left() > 0 {
            let len = exchange.next_piece().await?;
            self.write_path.write_piece(slot, file, exchange.piece(len)).await?;
            exchange.consume(len);
        }
        Ok(())
    }
}
