//! What is here under the name of a record.

use std::path::Path;

use fdfs_core::sync::Local;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op};
use fdfs_proto::file_id::LogicName;
use fdfs_proto::{FileName, Status};
use fdfs_store::{DataFile, FileKind, Fs, StoreError};

use crate::storage::Storage;

/// What is here under a name, and its content where it is wanted.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) local: Local,
    pub(super) content: Option<DataFile>,
}

const MISSING: Found = Found { local: Local::Missing, content: None };

/// Looks at what a record is about. Disk calls are made inline, under the path's read permit.
pub(super) async fn look(storage: &Storage, record: &BinlogRecord) -> Result<Found, Status> {
    let name = LogicName::parse(&record.name).map_err(|_| Status::EINVAL)?;
    let slot = storage.slot(name.store_path_index()).map_err(|_| Status::EINVAL)?;
    let _permit = slot.permits.read().await;
    match record.op {
        Op::Delete => match slot.path.stat(name.true_name()) {
            Ok(stat) => Ok(Found { local: Local::File { len: stat.len_bytes }, content: None }),
            Err(e) => missing(&e),
        },
        Op::Link { .. } => match slot.path.stat(name.true_name()) {
            Ok(stat) if stat.kind == FileKind::Symlink => {
                let local = Local::Link { len: None, target: target(storage, &name) };
                Ok(Found { local, content: None })
            }
            Ok(stat) => Ok(Found { local: Local::File { len: stat.len_bytes }, content: None }),
            Err(e) => missing(&e),
        },
        _ => match slot.path.open_file(name.true_name()) {
            Ok(file) => Ok(Found { local: Local::File { len: file.len_bytes }, content: Some(file) }),
            Err(e) => missing(&e),
        },
    }
}

fn missing(error: &StoreError) -> Result<Found, Status> {
    if error.is_not_found() { Ok(MISSING) } else { Err(error.status()) }
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
