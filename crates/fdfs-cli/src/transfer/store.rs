//! One file of this machine's disk into a cluster, verified.

use std::path::Path;

use anyhow::Context as _;
use fdfs_client::{
    Client, ExtName, FileId, GroupName, InfoFlags, Promise, SlaveOptions, SlavePrefix, UploadOptions, ext_of_local_file,
};
use fdfs_proto::Status;

use super::fetch::{Sum, sum_of};
use super::item::{Exported, Imported, ItemKind, metadata_of};
use crate::exit::failure;

/// A slave's place beside its new master.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside {
    pub(super) master: FileId,
    pub(super) prefix: SlavePrefix,
}

/// Stores a local file under a new id.
///
/// # Errors
/// What the client gives; [`Status::EIO`] when the local file is not the one that was exported, or when what the storage
/// has is not what was sent.
pub(super) async fn store(
    client: &Client,
    group: Option<GroupName>,
    item: &Exported,
    path: &Path,
    beside: Option<Beside>,
) -> anyhow::Result<Imported> {
    let sum = sum_of(path).await?;
    let crc32 = format!("{:08x}", sum.crc32);
    if sum.size_bytes != item.size_bytes || crc32 != item.crc32 {
        let why = format!(
            "{} has {} bytes and CRC-32 {crc32}, was exported with {} and {}: export it again",
            path.display(),
            sum.size_bytes,
            item.size_bytes,
            item.crc32
        );
        return Err(failure(Status::EIO, why));
    }
    let metadata = metadata_of(&item.meta);
    let ext = ext_of(&item.id);
    let id = match beside {
        Some(Beside { master, prefix }) => {
            let mut options = SlaveOptions::new().ext(ext);
            if !metadata.is_empty() {
                options = options.metadata(metadata);
            }
            client.upload_slave_file(&master, prefix, path, &options).await?
        }
        None => {
            let mut options = UploadOptions::new().ext(ext).appender(item.kind == ItemKind::Appender);
            if let Some(group) = group {
                options = options.group(group);
            }
            if !metadata.is_empty() {
                options = options.metadata(metadata);
            }
            client.upload_file(path, &options).await?
        }
    };
    check(client, &id, sum).await.with_context(|| format!("stored as {id}, which does not hold what was sent"))?;
    Ok(Imported { from: item.id.clone(), to: id.to_string(), size_bytes: sum.size_bytes, crc32 })
}

/// Compares what the storage has with what was sent.
async fn check(client: &Client, id: &FileId, sum: Sum) -> anyhow::Result<()> {
    // The storage computed what stands in the id from the bytes that arrived.
    if let Some(promise) = Promise::of(id)
        && (promise.size_bytes, promise.crc32) == (sum.size_bytes, sum.crc32)
    {
        return Ok(());
    }
    let info = client.file_info_anywhere(id, InfoFlags::default()).await?;
    let crc32 = info.crc32.unwrap_or_default();
    if (info.size_bytes, crc32) == (sum.size_bytes, sum.crc32) {
        return Ok(());
    }
    let why = format!(
        "{} bytes and CRC-32 {crc32:08x} instead of {} and {:08x}; delete it, and run the same command again",
        info.size_bytes, sum.size_bytes, sum.crc32
    );
    Err(failure(Status::EIO, why))
}

/// The extension of an old id, or of a path.
fn ext_of(from: &str) -> ExtName {
    ext_of_local_file(from.as_bytes())
}

/// Characters of a name in front of which no prefix of a slave begins: its directories and the 27 that say when and
/// where it was made.
const MASTER_CHARS: usize = 27;

/// The names (without extension) that the master of a slave can have, the longest first, each with the prefix that it
/// leaves.
pub(super) fn masters_of(slave: &str) -> Vec<(String, SlavePrefix)> {
    let (dirs, name) = slave.rsplit_once('/').map_or(("", slave), |(dirs, name)| (dirs, name));
    let stem = stem(name);
    let cuts = (MASTER_CHARS..stem.len()).rev().filter(|&cut| stem.is_char_boundary(cut));
    cuts.filter_map(|cut| Some((format!("{dirs}/{}", &stem[..cut]), stem[cut..].parse().ok()?))).collect()
}

/// An id without its extension.
pub(super) fn stem(id: &str) -> &str {
    let name_at = id.rfind('/').map_or(0, |at| at + 1);
    id[name_at..].find('.').map_or(id, |dot| &id[..name_at + dot])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_are_found_by_what_their_names_begin_with() {
        let slave = "group1/M01/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150.jpg";
        let masters = masters_of(slave);
        let master = stem("group1/M01/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248.jpg");
        let found = masters.iter().find(|(name, _)| name == master).unwrap();
        assert_eq!(found.1.to_string(), "_150x150");
        // A slave of a slave: its master is longer than that one's.
        let second = masters_of("group1/M01/01/01/Ck4BC2sAEASAX_e9AAAAC9yobGc248_150x150-2.jpg");
        assert!(second.iter().any(|(name, prefix)| name == stem(slave) && prefix.to_string() == "-2"));
        assert!(masters_of("group1/short").is_empty());
    }
}
