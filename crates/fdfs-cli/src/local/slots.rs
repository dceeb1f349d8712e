//! Files in slots of trunk files. A trunk file does not tell their names; the replication log does: each record of a file
//! that was made is compared with the header in its slot, which is the file's as long as the file is there.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fdfs_client::GroupName;
use fdfs_proto::Wire as _;
use fdfs_proto::disk::BinlogPosition;
use fdfs_proto::disk::binlog_index::BinlogFile;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op};
use fdfs_proto::file_id::{BlockType, LogicName, TrunkHeader};
use fdfs_store::binlog_reader::{BinlogReader, Step, open_sync_dir};
use fdfs_store::{RealFs, Slot};

use super::found::{Found, What};

/// Trunk files that are kept open.
const OPEN_MAX: usize = 128;

/// Tells `each` of every file that lies in a slot, in the order of the log. Returns what of the log could not be read.
///
/// # Errors
/// The log cannot be read; and what `each` returns.
pub(super) fn each_in_slots(
    sync_dir: &Path,
    store_paths: &[PathBuf],
    group: GroupName,
    mut each: impl FnMut(Found) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<String>> {
    let mut gaps = Vec::new();
    let Some((start, end)) = bounds(sync_dir)? else { return Ok(gaps) };
    let dir = open_sync_dir(RealFs, sync_dir).with_context(|| format!("open {}", sync_dir.display()))?;
    let mut reader = BinlogReader::new(dir, start);
    let mut trunk_files = TrunkFiles { store_paths, open: HashMap::new() };
    while let Some(step) = reader.next(end).with_context(|| format!("read the log in {}", sync_dir.display()))? {
        match step {
            Step::Gap(gap) => gaps.push(gap.why),
            Step::Line(line) => {
                let Ok(BinlogRecord { name, op: Op::Create | Op::Link { .. }, .. }) = BinlogRecord::parse(line.text)
                else {
                    continue;
                };
                let Ok(name) = LogicName::parse(&name) else { continue };
                let Some(slot) = Slot::of(&name) else { continue };
                let Some(found) = trunk_files.found(&name, &slot, group) else { continue };
                each(found)?;
            }
        }
    }
    Ok(gaps)
}

/// From the first file of the log to the end of its last; `None` when there is no log.
pub(crate) fn bounds(sync_dir: &Path) -> anyhow::Result<Option<(BinlogPosition, BinlogPosition)>> {
    let entries = match std::fs::read_dir(sync_dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("read {}", sync_dir.display())),
    };
    let (mut first, mut last) = (None, None);
    for entry in entries {
        let entry = entry.with_context(|| format!("read {}", sync_dir.display()))?;
        let name = entry.file_name();
        let (index, bytes) = match name.to_str().and_then(BinlogFile::from_name) {
            Some(BinlogFile::Plain(index)) => (index, entry.metadata().map_or(0, |facts| facts.len())),
            Some(BinlogFile::Compressed(index)) => (index, 0),
            Some(BinlogFile::Flag(_)) | None => continue,
        };
        first = Some(first.map_or(index, |first: u32| first.min(index)));
        last = last.max(Some((index, bytes)));
    }
    Ok(first
        .zip(last)
        .map(|(first, (file, offset))| (BinlogPosition::start_of(first), BinlogPosition { file, offset })))
}

/// Trunk files that are open.
struct TrunkFiles<'a> {
    store_paths: &'a [PathBuf],
    open: HashMap<PathBuf, Option<File>>,
}

impl TrunkFiles<'_> {
    /// The file of a name, if it is in its slot.
    fn found(&mut self, name: &LogicName, slot: &Slot, group: GroupName) -> Option<Found> {
        let store_path = self.store_paths.get(usize::from(name.store_path_index()))?;
        let path = store_path.join("data").join(slot.file.true_name());
        if self.open.len() >= OPEN_MAX && !self.open.contains_key(&path) {
            self.open.clear();
        }
        let file = self.open.entry(path.clone()).or_insert_with(|| File::open(&path).ok()).as_ref()?;
        let mut bytes = [0; TrunkHeader::LEN];
        file.read_exact_at(&mut bytes, slot.offset.into()).ok()?;
        let header = TrunkHeader::from_bytes(&bytes).ok().filter(|header| header.is_of(name))?;
        let fields = name.fields()?;
        Some(Found {
            id: format!("{group}/{}", name.as_str()).parse().ok()?,
            path,
            what: if header.block_type == BlockType::Link { What::Link } else { What::Regular },
            size_bytes: header.file_size.into(),
            changed: header.mtime.into(),
            named: fields.created.into(),
            slot_offset: Some(slot.offset),
        })
    }
}
