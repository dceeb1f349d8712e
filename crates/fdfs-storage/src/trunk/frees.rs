//! Blocks that are to be given back once the trunk server can be reached (W-21).
//!
//! In memory, and in `<base>/data/.fdfs_trunk_frees` as lines of a trunk log. A block leaves the file before the trunk
//! server is asked: a block that is given back twice could be somebody else's by then, one that is not given back is
//! only lost space.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fdfs_proto::cmd::storage::TrunkInfo;
use fdfs_proto::disk::trunk_record::{TrunkOp, TrunkRecord, trunk_lines};
use fdfs_store::fs::{Fs, FsFile};
use fdfs_store::state_file::StateDir;
use fdfs_store::{RealFs, StoreError};

const FILE: &str = ".fdfs_trunk_frees";
/// Blocks that wait at most; more are lost space.
const FREES_MAX: usize = 1 << 20;

#[derive(Debug)]
struct Waiting {
    blocks: VecDeque<TrunkInfo>,
    file_bytes: u64,
}

/// Blocks that wait to be given back.
#[derive(Debug)]
pub(super) struct Frees {
    dir: StateDir<RealFs>,
    waiting: Mutex<Waiting>,
}

fn line(block: TrunkInfo, out: &mut Vec<u8>) {
    TrunkRecord { timestamp: 0, op: TrunkOp::Free, block: block.into() }.encode(out);
}

impl Frees {
    /// Those of the last run.
    pub(super) fn open(dir: StateDir<RealFs>) -> Result<Self, StoreError> {
        let bytes = dir.read(FILE)?.unwrap_or_default();
        let blocks = trunk_lines(&bytes).filter_map(|line| Some(line.record.ok()?.block.into())).take(FREES_MAX);
        let waiting = Waiting { blocks: blocks.collect(), file_bytes: bytes.len() as u64 };
        Ok(Self { dir, waiting: Mutex::new(waiting) })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().blocks.len()
    }

    /// One more. With the kernel when this returns.
    pub(super) fn push(&self, block: TrunkInfo) -> Result<(), StoreError> {
        let mut waiting = self.lock();
        if waiting.blocks.len() >= FREES_MAX {
            return Ok(());
        }
        let mut text = Vec::new();
        // A line that a crash cut off must not swallow the next one.
        text.push(b'\n');
        line(block, &mut text);
        let disk = |source| StoreError::Disk { action: "append to", path: self.dir.path().join(FILE), source };
        let file = self.dir.fs().open_write(self.dir.dir(), FILE).map_err(disk)?;
        file.write_all_at(&text, waiting.file_bytes).map_err(disk)?;
        waiting.file_bytes += text.len() as u64;
        waiting.blocks.push_back(block);
        Ok(())
    }

    /// Takes some out, for good.
    pub(super) fn take(&self, max: usize) -> Result<Vec<TrunkInfo>, StoreError> {
        let mut waiting = self.lock();
        let count = waiting.blocks.len().min(max);
        if count == 0 {
            return Ok(Vec::new());
        }
        let mut text = Vec::new();
        waiting.blocks.iter().skip(count).for_each(|block| line(*block, &mut text));
        self.dir.write(FILE, &text)?;
        waiting.file_bytes = text.len() as u64;
        Ok(waiting.blocks.drain(..count).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_proto::file_id::TrunkPart;

    #[test]
    fn w21_blocks_wait_over_restarts_and_leave_once() {
        let temp = tempfile::tempdir().unwrap();
        let open = || Frees::open(StateDir::open(RealFs, temp.path()).unwrap()).unwrap();
        let block = |offset| TrunkInfo {
            store_path_index: 1,
            high: 2,
            low: 3,
            part: TrunkPart { id: 4, offset, alloc_size: 256 },
        };
        let frees = open();
        for n in 0..5 {
            frees.push(block(n)).unwrap();
        }
        let frees = open();
        assert_eq!(frees.take(2).unwrap(), [block(0), block(1)]);
        frees.push(block(9)).unwrap();
        assert_eq!(open().take(100).unwrap(), [block(2), block(3), block(4), block(9)]);
        assert_eq!(open().len(), 0);
    }
}
