//! Blocks that were taken because something was in them here, to be given back when that goes.
//!
//! A storage that lags behind still has the files that were deleted elsewhere, while the trunk server gives their blocks
//! out again. Whoever finds one occupied has it taken, so that nobody gets it; once the deletion comes in here, the block
//! is nobody's. In memory only: what a restart forgets is lost space.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fdfs_proto::cmd::storage::TrunkInfo;

/// Blocks that are remembered; more are lost space.
const OWED_MAX: usize = 1 << 16;

/// Where a block begins: store path, both sub directories, trunk file, offset.
type Place = (u8, u8, u8, u32, u32);

/// The blocks, by where they begin. No two overlap.
#[derive(Debug, Default)]
pub(super) struct Owed {
    blocks: Mutex<BTreeMap<Place, TrunkInfo>>,
}

const fn place(block: &TrunkInfo, offset: u32) -> Place {
    (block.store_path_index, block.high, block.low, block.part.id, offset)
}

const fn end(block: &TrunkInfo) -> u32 {
    block.part.offset.saturating_add(block.part.alloc_size)
}

impl Owed {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Place, TrunkInfo>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that the trunk server holds for used.
    pub(super) fn add(&self, block: TrunkInfo) {
        let mut blocks = self.lock();
        if blocks.len() < OWED_MAX {
            blocks.insert(place(&block, block.part.offset), block);
        }
    }

    /// Those that share bytes with a block: what was freed together is given out together, or in pieces.
    pub(super) fn sharing(&self, with: &TrunkInfo) -> Vec<TrunkInfo> {
        let blocks = self.lock();
        let before_end = blocks.range(place(with, 0)..place(with, end(with)));
        before_end.rev().map(|(_, block)| *block).take_while(|block| end(block) > with.part.offset).collect()
    }

    /// Takes one out; whether it was there still.
    pub(super) fn take(&self, block: &TrunkInfo) -> bool {
        self.lock().remove(&place(block, block.part.offset)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_proto::file_id::TrunkPart;

    #[test]
    fn blocks_are_found_by_their_bytes_and_taken_once() {
        let block = |offset, alloc_size| TrunkInfo {
            store_path_index: 1,
            high: 2,
            low: 3,
            part: TrunkPart { id: 4, offset, alloc_size },
        };
        let owed = Owed::default();
        [block(512, 2048), block(2560, 256), block(4096, 256)].into_iter().for_each(|block| owed.add(block));
        assert_eq!(owed.sharing(&block(0, 512)), []);
        assert_eq!(owed.sharing(&block(1024, 256)), [block(512, 2048)]);
        assert_eq!(owed.sharing(&block(2304, 1024)), [block(2560, 256), block(512, 2048)]);
        assert_eq!(owed.sharing(&TrunkInfo { low: 4, ..block(0, 9999) }), []);
        assert!(owed.take(&block(512, 2048)) && !owed.take(&block(512, 2048)));
        for n in 0..OWED_MAX as u32 + 9 {
            owed.add(block(n * 256, 256));
        }
        assert_eq!(owed.lock().len(), OWED_MAX);
    }
}
