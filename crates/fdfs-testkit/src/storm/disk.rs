//! What lies in the store paths of a storage.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fdfs_proto::file_id::{Kind, LogicName};

use crate::layout::StoragePlan;

/// Files of our own, which are nobody's.
const OWN_PREFIX: &str = ".fdfs";
/// The reference's mark of a store path.
const MARK: &str = ".fastdfs_vars";

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file: its size and the CRC of its bytes.
    File(u64, u32),
    /// A symbolic link: what it points to, without the part that differs between storages.
    Link(PathBuf),
}

/// Everything under the names of users, by logic name: `M00/00/01/...`.
pub type Snapshot = BTreeMap<String, Entry>;

/// Looks at the store paths of a storage. Files come and go while it looks. What is in trunk files is not seen, nor are
/// they themselves.
#[must_use]
pub fn snapshot(plan: &StoragePlan) -> Snapshot {
    let mut found = Snapshot::new();
    for (index, path) in plan.store_paths.iter().enumerate() {
        let data = path.join("data");
        for file in files_below(&data) {
            let Ok(below) = file.strip_prefix(&data) else { continue };
            let name = below.to_string_lossy();
            if name.split('/').any(|part| part.starts_with(OWN_PREFIX)) || name == MARK {
                continue;
            }
            if is_trunk_file(&name) {
                continue;
            }
            if let Some(entry) = entry(&file, &data) {
                found.insert(format!("M{index:02X}/{name}"), entry);
            }
        }
    }
    found
}

/// Whether this is a trunk file: a number below two folders.
fn is_trunk_file(below_data: &str) -> bool {
    let last = below_data.rsplit('/').next().unwrap_or_default();
    last.len() >= 6 && last.bytes().all(|byte| byte.is_ascii_digit())
}

fn entry(file: &Path, data: &Path) -> Option<Entry> {
    if let Ok(target) = fs::read_link(file) {
        return Some(Entry::Link(target.strip_prefix(data).map(Path::to_owned).unwrap_or(target)));
    }
    let bytes = fs::read(file).ok()?;
    Some(Entry::File(bytes.len() as u64, crc32fast::hash(&bytes)))
}

/// Names that say more than what is there: half a file, or another one.
#[must_use]
pub fn half_files(snapshot: &Snapshot) -> Vec<String> {
    let mut half = Vec::new();
    for (name, entry) in snapshot {
        let (Ok(logic), Entry::File(len, crc)) = (name.parse::<LogicName>(), entry) else { continue };
        let Some(fields) = logic.fields() else { continue };
        let is_plain = logic.kind() == Kind::Regular;
        if is_plain && (fields.size_word.size() != *len || fields.crc32 != *crc) {
            let (want_len, want_crc) = (fields.size_word.size(), fields.crc32);
            half.push(format!("{name} should have {want_len} bytes and CRC {want_crc:08x}, not {len} and {crc:08x}"));
        }
    }
    half
}

/// Files that were begun and are still there.
#[must_use]
pub fn unfinished(plan: &StoragePlan) -> Vec<PathBuf> {
    let is_begun =
        |file: &PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".fdfs-tmp"));
    let paths = plan.store_paths.iter().map(|path| path.join("data"));
    paths.flat_map(|data| files_below(&data)).filter(is_begun).collect()
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    // A folder that is gone by now has nothing.
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files_below(&entry.path())),
            _ => found.push(entry.path()),
        }
    }
    found
}
