//! `DOWNLOAD_FILE` (14): the content of a file, or a range of it.

use std::sync::Arc;

use fdfs_proto::cmd::storage::DownloadFile;

use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;

/// Serves the command. Wanting more than is left gives what is left; an offset at the end is refused.
///
/// Differs from C: an empty file can be downloaded, from its begin; the reference refuses that offset like any other that
/// is at the end, and can neither give nor recover such a file (behaviour, W-16).
pub(super) async fn download_file(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    let request: DownloadFile = exchange.decode().await?;
    let name = storage.own_name(&request.file)?;
    exchange.log_name = Some(request.file.name);
    let (file, permits) = storage.write_path.open_to_send(&name).await?;
    if request.offset >= file.len_bytes && request.offset > 0 {
        return Err(RequestError::OffsetBehindEnd { offset: request.offset, len: file.len_bytes });
    }
    let left = file.len_bytes - request.offset;
    let len = if request.wanted == 0 { left } else { request.wanted.min(left) };
    Ok(Reply::File { file, permits, offset: request.offset, len })
}
