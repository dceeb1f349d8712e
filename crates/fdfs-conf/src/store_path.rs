//! `store_path0`, `store_path1`, ...: where a storage keeps its files.

use std::path::PathBuf;

use fdfs_proto::Status;
use fdfs_proto::limits::STORE_PATHS;

use crate::ini::Item;
use crate::table::Reading;
use crate::table::path_of;
use crate::value::{parse_bool, parse_int};

/// One store path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoragePath {
    /// The folder above `data`, without a trailing slash.
    pub path: PathBuf,
    /// `store_pathN_readonly`: whether uploads go elsewhere.
    pub readonly: bool,
}

/// What may stand for the number of store paths.
pub(crate) const COUNT_ALLOWED: &str = "1 to 256";

/// Reads the store paths of one section.
///
/// `store_path0` is `default` when absent; everything else must be there.
///
/// Source: configuration, 5 and 8.
pub(crate) fn read(section: &str, default: Option<&PathBuf>, reading: &mut Reading<'_>) -> Vec<StoragePath> {
    let ini = reading.ini();
    let count = ini.last(section, "store_path_count").map_or(1, |item| count_of(item, reading));
    let mut paths = Vec::new();
    for index in 0..count {
        let name = format!("store_path{index}");
        let item = ini.last(section, &name).filter(|item| !item.value.is_empty());
        let path = match (item, default) {
            (Some(item), _) => path_of(&item.value),
            (None, Some(default)) if index == 0 => default.clone(),
            (None, _) => {
                reading.missing(&name, format!("a path, because store_path_count is {count}"), Status::ENOENT);
                continue;
            }
        };
        let readonly = ini.last(section, &format!("{name}_readonly")).is_some_and(|item| is_readonly(item, reading));
        paths.push(StoragePath { path, readonly });
    }
    note_unused(section, count, reading);
    paths
}

fn count_of(item: &Item, reading: &mut Reading<'_>) -> usize {
    let value = parse_int(&item.value).value;
    match usize::try_from(value) {
        Ok(count) if (1..=STORE_PATHS).contains(&count) => count,
        _ => {
            reading.refuse(item, COUNT_ALLOWED, Status::EINVAL);
            1
        }
    }
}

fn is_readonly(item: &Item, reading: &mut Reading<'_>) -> bool {
    parse_bool(&item.value).unwrap_or_else(|| {
        reading.note(item, format!("'{}' is read as false", item.value), "true, false");
        false
    })
}

/// Store paths beyond the count are easily overlooked: files would not be where they are expected.
fn note_unused(section: &str, count: usize, reading: &mut Reading<'_>) {
    for item in reading.ini().items.iter().filter(|item| item.section == section) {
        let number = item.name.strip_prefix("store_path").map(|n| n.strip_suffix("_readonly").unwrap_or(n));
        let index = number.filter(|n| n.bytes().all(|b| b.is_ascii_digit())).and_then(|n| n.parse::<usize>().ok());
        if index.is_some_and(|index| index >= count) {
            reading.note(item, format!("not read: store_path_count is {count}"), "");
        }
    }
}
