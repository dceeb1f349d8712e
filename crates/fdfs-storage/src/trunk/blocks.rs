//! What the disk of this storage says of a block.

use std::sync::Arc;

use fdfs_proto::disk::trunk_record::TrunkBlock;
use fdfs_proto::file_id::TrunkHeader;
use fdfs_store::StorePath;
use fdfs_store::fs::FsFile;
use fdfs_store::trunk::trunk_file_name;

/// Type, allocated size and file size do not tell whether a block is in use; CRC, time and extension do. Source: disk
/// formats, A.6.4.
const TELLING: std::ops::Range<usize> = 9..TrunkHeader::LEN;

/// Whether the header of a block says that a file is in it. A trunk file that is not here says nothing.
pub(super) fn is_occupied(paths: &[Arc<StorePath>], block: &TrunkBlock) -> bool {
    let Some(path) = paths.get(usize::from(block.store_path_index)) else { return false };
    let name = trunk_file_name(block.subdir_high, block.subdir_low, block.file_id);
    let Ok(file) = path.open_file(&name) else { return false };
    let mut header = [0; TrunkHeader::LEN];
    match file.file.read_at(&mut header, u64::from(block.offset)) {
        Ok(TrunkHeader::LEN) => header[TELLING].iter().any(|&b| b != 0),
        _ => false,
    }
}
