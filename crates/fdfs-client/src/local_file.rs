//! Local files that are uploaded.

use std::path::Path;

use fdfs_proto::file_id::ext_of_local_file;
use fdfs_proto::{ExtName, Status};
use tokio::fs::File;

use crate::ClientError;
use crate::content::Content;

/// Opens a regular file.
///
/// # Errors
/// [`ClientError::LocalFile`], with `EINVAL` for a directory or anything else that is no regular file.
pub(crate) async fn open(path: &Path) -> Result<(File, std::fs::Metadata), ClientError> {
    let file = File::open(path).await.map_err(failed("open", path))?;
    let facts = file.metadata().await.map_err(failed("look at", path))?;
    if !facts.is_file() {
        let reason = std::io::Error::from_raw_os_error(i32::from(Status::EINVAL.0));
        return Err(failed("upload something that is no regular file:", path)(reason));
    }
    Ok((file, facts))
}

/// A regular file as content.
///
/// # Errors
/// As [`open`].
pub(crate) async fn content(path: &Path) -> Result<Content<'static>, ClientError> {
    let (file, facts) = open(path).await?;
    Ok(Content::file(file, facts.len()))
}

/// The extension of a local file's name, as the reference's library takes it.
pub(crate) fn ext(path: &Path) -> ExtName {
    ext_of_local_file(path.as_os_str().as_encoded_bytes())
}

/// What a failure with a local file means.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ClientError {
    move |reason| ClientError::LocalFile { action, path: path.to_owned(), reason }
}
