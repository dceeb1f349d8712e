//! One file of a cluster to the disk of this machine, verified.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;
use fdfs_client::{Client, ClientError, DownloadOptions, FileId, InfoFlags, Promise};
use fdfs_proto::Status;

use super::item::{Exported, ItemKind, meta_lines};
use crate::exit::failure;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 256 * 1024;
/// How often a file that changes while it is read is read again.
const CHANGES_MAX: u32 = 5;

/// A file's size and CRC-32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) size_bytes: u64,
    pub(super) crc32: u32,
}

/// Downloads a file to `path`, compares it with its id or with what a storage says of it, and reads its metadata. The
/// content is on the disk when this returns.
///
/// # Errors
/// What the client gives; [`Status::EIO`] when the content is not the one that it should be.
pub(super) async fn fetch(client: &Client, id: &FileId, path: &Path) -> anyhow::Result<Exported> {
    if let Some(dir) = path.parent() {
        tokio::fs::create_dir_all(dir).await.with_context(|| format!("make the directory {}", dir.display()))?;
    }
    // The check is made here, on what the disk holds: names of links promise another CRC-32.
    let options = DownloadOptions::new().verify_crc32(false).anywhere(true);
    let mut changes = 0;
    let sum = loop {
        client.download_to(id, path, &options).await?;
        let sum = sum_of(path).await?;
        let promise = Promise::of(id).map(|promise| Sum { size_bytes: promise.size_bytes, crc32: promise.crc32 });
        if promise == Some(sum) {
            break sum;
        }
        let info = client.file_info_anywhere(id, InfoFlags::default()).await?;
        let said = Sum { size_bytes: info.size_bytes, crc32: info.crc32.unwrap_or_default() };
        if said == sum {
            break sum;
        }
        changes += 1;
        if changes == CHANGES_MAX {
            let _ = tokio::fs::remove_file(path).await;
            let (Sum { size_bytes, crc32 }, its) = (sum, said);
            return Err(failure(
                Status::EIO,
                format!(
                    "comes with {size_bytes} bytes and CRC-32 {crc32:08x}, should have {} and {:08x}; \
                     it is damaged, or changes all the time: see fdfs verify",
                    its.size_bytes, its.crc32
                ),
            ));
        }
    };
    let meta = match client.metadata(id).await {
        Ok(metadata) => meta_lines(&metadata),
        Err(error) if error.is_not_found() => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let Sum { size_bytes, crc32 } = sum;
    Ok(Exported { id: id.to_string(), kind: ItemKind::of(id), size_bytes, crc32: format!("{crc32:08x}"), meta })
}

/// Size and CRC-32 of a local file, which is flushed to its disk.
///
/// # Errors
/// It cannot be read.
pub(super) async fn sum_of(path: &Path) -> Result<Sum, ClientError> {
    let owned = path.to_owned();
    let summed = tokio::task::spawn_blocking(move || sum_and_sync(&owned)).await.unwrap_or_else(|error| {
        // The task panicked: ours goes the same way.
        std::panic::resume_unwind(error.into_panic())
    });
    summed.map_err(|reason| ClientError::LocalFile { action: "read", path: path.to_owned(), reason })
}

fn sum_and_sync(path: &Path) -> io::Result<Sum> {
    let mut file = File::open(path)?;
    let (mut hasher, mut size_bytes, mut piece) = (crc32fast::Hasher::new(), 0, vec![0; PIECE_BYTES]);
    loop {
        let n = file.read(&mut piece)?;
        if n == 0 {
            break;
        }
        hasher.update(&piece[..n]);
        size_bytes += n as u64;
    }
    file.sync_data()?;
    Ok(Sum { size_bytes, crc32: hasher.finalize() })
}
