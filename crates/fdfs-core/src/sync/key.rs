//! What two records must not have in common to be under way at the same time.

use fdfs_proto::FileName;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op};
use fdfs_proto::file_id::LogicName;

/// What the name of a metadata file ends with.
const META_SUFFIX: &[u8] = b"-m";

/// Something that records are about: a file, or a trunk file. Records with a key in common keep their order, unless both
/// only share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A file and its metadata.
    File(FileName),
    /// A trunk file: store path and number. Its slots are used again, under other names.
    Trunk(u8, u32),
}

/// The keys of a record, each with whether it is only shared.
///
/// Differs from C: the reference compares the rest of the line, offsets and all, so that two changes of one appender file
/// can be under way at the same time (behaviour, W-06).
pub(super) fn keys(record: &BinlogRecord) -> impl Iterator<Item = (Key, bool)> {
    let second = match &record.op {
        Op::Link { source } => *source,
        Op::Rename { old_name } => *old_name,
        _ => None,
    };
    let first = file(&record.name);
    let second = second.map(|name| file(&name)).filter(|name| *name != first);
    // Files are made side by side in a trunk file, but a slot that a delete makes free can be the next file's.
    let trunk = trunk(&record.name).map(|key| (key, matches!(record.op, Op::Create)));
    [Some((first, false)), second.map(|key| (key, false)), trunk].into_iter().flatten()
}

fn file(name: &FileName) -> Key {
    let data = name.as_bytes().strip_suffix(META_SUFFIX).and_then(|data| FileName::new(data).ok());
    Key::File(data.unwrap_or(*name))
}

fn trunk(name: &FileName) -> Option<Key> {
    let name = LogicName::parse(name).ok()?;
    let part = name.trunk_part()?;
    Some(Key::Trunk(name.store_path_index(), part.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_proto::disk::binlog_record::Origin;

    const NAME: &str = "M00/00/00/Ck4CC2sADxWACLcPAAAAATC6lZk824.txt";

    fn of(name: &str, op: Op) -> Vec<(Key, bool)> {
        keys(&BinlogRecord { timestamp: 1, origin: Origin::Source, name: name.parse().unwrap(), op }).collect()
    }

    #[test]
    fn w06_all_changes_of_a_file_and_of_its_metadata_have_one_key() {
        let create = of(NAME, Op::Create);
        assert_eq!(of(NAME, Op::Append { offset: 1, length: 2 }), create);
        assert_eq!(of(NAME, Op::Truncate { old_size: 9, new_size: 3 }), create);
        assert_eq!(of(&format!("{NAME}-m"), Op::Update), create);
        let rename = of("M00/00/00/another-name", Op::Rename { old_name: Some(NAME.parse().unwrap()) });
        assert_eq!((rename.len(), rename[1]), (2, create[0]));
        assert_eq!(of(NAME, Op::Link { source: Some(NAME.parse().unwrap()) }), create);
    }

    #[test]
    fn files_of_one_trunk_file_are_made_side_by_side_and_deleted_alone() {
        let name = "M00/00/00/oYYBAGsAELGIEmJ6AAAACw1KEYUAAAAAQAAAQAAAAEA513.txt";
        assert_eq!(of(name, Op::Create)[1], (Key::Trunk(0, 1), true));
        assert_eq!(of(name, Op::Delete)[1], (Key::Trunk(0, 1), false));
        assert_eq!(of(&format!("{name}-m"), Op::Delete).len(), 1);
    }
}
