//! Blocks that were taken because something was in them here, to be given back when that goes.
//!
//! A storage that lags behind still has the files that were deleted elsewhere, while the trunk server gives their blocks
//! out again. Whoever finds one occupied has it taken, so that nobody gets it; once the deletion comes in here, the block
//! is nobody's.
//!
//! In memory, and in `<base>/data/.fdfs_trunk_owed` as lines of a trunk log: `A` for one that is owed, `D` for one that is
//! not any more. As in [`frees`](super::frees) a block leaves the file before the trunk server is asked. That is not
//! flushed: the first line tells in which run of the machine the file was written, and in another one it says nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fdfs_proto::cmd::storage::TrunkInfo;
use fdfs_proto::disk::trunk_record::{LINE_MAX, TrunkOp, TrunkRecord, trunk_lines};
use fdfs_store::fs::{Fs, FsFile};
use fdfs_store::state_file::StateDir;
use fdfs_store::{RealFs, StoreError};

const FILE: &str = ".fdfs_trunk_owed";
/// Blocks that are remembered; more are lost space.
const OWED_MAX: usize = 1 << 16;
/// A file with so many bytes more than it needs is written anew.
const SLACK_MAX_BYTES: u64 = 256 << 10;

/// Where a block begins: store path, both sub directories, trunk file, offset.
type Place = (u8, u8, u8, u32, u32);

/// The blocks, by where they begin. No two overlap.
#[derive(Debug)]
pub(super) struct Owed {
    dir: StateDir<RealFs>,
    /// The first line.
    head: Vec<u8>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    blocks: BTreeMap<Place, TrunkInfo>,
    file_bytes: u64,
}

const fn place(block: &TrunkInfo, offset: u32) -> Place {
    (block.store_path_index, block.high, block.low, block.part.id, offset)
}

const fn end(block: &TrunkInfo) -> u32 {
    block.part.offset.saturating_add(block.part.alloc_size)
}

fn line(op: TrunkOp, block: TrunkInfo, out: &mut Vec<u8>) {
    TrunkRecord { timestamp: 0, op, block: block.into() }.encode(out);
}

impl Owed {
    /// Those of the last process, if the machine runs since then; `boot_id` tells one run of it from another, empty for
    /// unknown.
    pub(super) fn open(dir: StateDir<RealFs>, boot_id: &[u8]) -> Result<Self, StoreError> {
        let head = [b"boot ", boot_id.trim_ascii(), b"\n"].concat();
        let mut bytes = dir.read(FILE)?.unwrap_or_default();
        if boot_id.is_empty() || !bytes.starts_with(&head) {
            bytes.clone_from(&head);
            dir.write(FILE, &bytes)?;
        }
        let mut state = State { file_bytes: bytes.len() as u64, ..State::default() };
        for record in trunk_lines(&bytes[head.len()..]).filter_map(|line| line.record.ok()) {
            let block = TrunkInfo::from(record.block);
            match record.op {
                TrunkOp::Free if state.blocks.len() < OWED_MAX => {
                    state.blocks.insert(place(&block, block.part.offset), block);
                }
                TrunkOp::Free => {}
                TrunkOp::Take => drop(state.blocks.remove(&place(&block, block.part.offset))),
            }
        }
        Ok(Self { dir, head, state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that the trunk server holds for used. With the kernel when this returns.
    pub(super) fn add(&self, block: TrunkInfo) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.blocks.len() < OWED_MAX {
            state.blocks.insert(place(&block, block.part.offset), block);
            self.append(&mut state, TrunkOp::Free, block)?;
        }
        Ok(())
    }

    /// Those that share bytes with a block: what was freed together is given out together, or in pieces.
    pub(super) fn sharing(&self, with: &TrunkInfo) -> Vec<TrunkInfo> {
        let state = self.lock();
        let before_end = state.blocks.range(place(with, 0)..place(with, end(with)));
        before_end.rev().map(|(_, block)| *block).take_while(|block| end(block) > with.part.offset).collect()
    }

    /// All.
    pub(super) fn all(&self) -> Vec<TrunkInfo> {
        self.lock().blocks.values().copied().collect()
    }

    /// Takes one out, for good; whether it was there still.
    pub(super) fn take(&self, block: &TrunkInfo) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let is_there = state.blocks.remove(&place(block, block.part.offset)).is_some();
        if is_there {
            self.append(&mut state, TrunkOp::Take, *block)?;
        }
        Ok(is_there)
    }

    fn append(&self, state: &mut State, op: TrunkOp, block: TrunkInfo) -> Result<(), StoreError> {
        if state.file_bytes > (state.blocks.len() * LINE_MAX) as u64 + SLACK_MAX_BYTES {
            let mut text = self.head.clone();
            state.blocks.values().for_each(|block| line(TrunkOp::Free, *block, &mut text));
            self.dir.write(FILE, &text)?;
            state.file_bytes = text.len() as u64;
            return Ok(());
        }
        // A line that a crash cut off must not swallow the next one.
        let mut text = vec![b'\n'];
        line(op, block, &mut text);
        let disk = |source| StoreError::Disk { action: "append to", path: self.dir.path().join(FILE), source };
        let file = self.dir.fs().open_write(self.dir.dir(), FILE).map_err(disk)?;
        file.write_all_at(&text, state.file_bytes).map_err(disk)?;
        state.file_bytes += text.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_proto::file_id::TrunkPart;

    fn block(offset: u32, alloc_size: u32) -> TrunkInfo {
        TrunkInfo { store_path_index: 1, high: 2, low: 3, part: TrunkPart { id: 4, offset, alloc_size } }
    }

    #[test]
    fn blocks_are_found_by_their_bytes_and_taken_once_over_restarts() {
        let temp = tempfile::tempdir().unwrap();
        let open_in = |boot: &[u8]| Owed::open(StateDir::open(RealFs, temp.path()).unwrap(), boot).unwrap();
        let open = || open_in(b"one\n");
        let owed = open();
        [block(512, 2048), block(2560, 256), block(4096, 256)].into_iter().for_each(|block| owed.add(block).unwrap());
        assert_eq!(owed.sharing(&block(0, 512)), []);
        assert_eq!(owed.sharing(&block(1024, 256)), [block(512, 2048)]);
        let owed = open();
        assert_eq!(owed.sharing(&block(2304, 1024)), [block(2560, 256), block(512, 2048)]);
        assert_eq!(owed.sharing(&TrunkInfo { low: 4, ..block(0, 9999) }), []);
        assert!(owed.take(&block(512, 2048)).unwrap() && !owed.take(&block(512, 2048)).unwrap());
        assert_eq!(open().all(), [block(2560, 256), block(4096, 256)]);
        assert_eq!(open_in(b"two\n").all(), [], "a power cut may have taken the last lines");
        assert_eq!(open().all(), []);
        open_in(b"").add(block(0, 256)).unwrap();
        assert_eq!(open_in(b"").all(), [], "nobody knows");
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let temp = tempfile::tempdir().unwrap();
        let open = || Owed::open(StateDir::open(RealFs, temp.path()).unwrap(), b"one\n").unwrap();
        let owed = open();
        for n in 0..10_000 {
            owed.add(block(n * 256, 256)).unwrap();
            assert!(owed.take(&block(n * 256, 256)).unwrap());
        }
        owed.add(block(0, 256)).unwrap();
        let len = std::fs::metadata(temp.path().join(FILE)).unwrap().len();
        assert!(len < SLACK_MAX_BYTES + 1000, "{len}");
        assert_eq!(open().all(), [block(0, 256)]);
    }
}
