//! What is here under the name of a record.

use std::path::Path;

use fdfs_core::sync::Local;
use fdfs_net::Permits;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op};
use fdfs_proto::file_id::LogicName;
use fdfs_proto::{FileName, Status};
use fdfs_store::{FileKind, Fs, StoredFile};

use crate::error::RequestError;
use crate::storage::Storage;
use crate::write_path::PathSlot;

/// What is here under a name, and its content where it is wanted.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) local: Local,
    pub(super) content: Option<Content>,
}

/// A file that is sent, and the permits under which it is read.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) file: StoredFile,
    pub(super) permits: Permits,
}

const MISSING: Found = Found { local: Local::Missing, content: None };

/// Looks at what a record is about. Disk calls are made inline, under the path's read permit.
pub(super) async fn look(storage: &Storage, record: &BinlogRecord) -> Result<Found, Status> {
    let name = LogicName::parse(&record.name).map_err(|_| Status::EINVAL)?;
    let slot = storage.slot(name.store_path_index()).map_err(|_| Status::EINVAL)?;
    let local = match record.op {
        Op::Delete | Op::Link { .. } => entry(storage, slot, &name).await,
        _ => match storage.write_path.open_to_send(&name).await {
            Ok((file, permits)) => {
                let local = Local::File { len: file.len_bytes };
                return Ok(Found { local, content: Some(Content { file, permits }) });
            }
            Err(e) => Err(e),
        },
    };
    match local {
        Ok(local) => Ok(Found { local, content: None }),
        Err(e) if e.status() == Status::ENOENT => Ok(MISSING),
        Err(e) => Err(e.status()),
    }
}

/// What a name itself is, on the disk or in a slot; a link is not followed.
async fn entry(storage: &Storage, slot: &PathSlot, name: &LogicName) -> Result<Local, RequestError> {
    let _permit = slot.permits.read().await;
    if name.trunk_part().is_some() {
        let file = slot.path.open_content(name)?;
        if file.is_in_slot() {
            let target = if file.is_link() { file.link_target().ok() } else { None };
            return Ok(match target {
                Some(target) => Local::Link { len: None, target: Some(target.text()) },
                None => Local::File { len: file.len_bytes },
            });
        }
    }
    let stat = slot.path.stat(name.true_name())?;
    Ok(match stat.kind {
        FileKind::Symlink => Local::Link { len: None, target: target(storage, name) },
        _ => Local::File { len: stat.len_bytes },
    })
}

/// The logic name of the file that a link points to: links hold the absolute path `<store path>/data/HH/HH/NAME`.
fn target(storage: &Storage, link: &LogicName) -> Option<FileName> {
    let slots = &storage.write_path.slots;
    let own = slots.get(usize::from(link.store_path_index()))?;
    let path = own.path.fs().read_link(own.path.data(), link.true_name()).ok()?;
    let path = Path::new(&path);
    let found = slots.iter().find_map(|slot| Some((slot.path.index(), path.strip_prefix(slot.path.data_path()).ok()?)));
    let (index, true_name) = match found {
        Some((index, rest)) => (index, rest.to_str()?.to_owned()),
        // The store path has moved since: the last `/data/` tells where the true name begins.
        None => (link.store_path_index(), own.path.link_target(link.true_name()).ok()??),
    };
    let name = FileName::new(format!("M{index:02X}/{true_name}").as_bytes()).ok()?;
    LogicName::parse(&name).ok().map(|name| name.text())
}
