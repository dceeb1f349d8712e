//! The free blocks of all trunk files of a group, and who has which on hold.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use fdfs_proto::Status;
use fdfs_proto::disk::trunk_record::{TrunkBlock, TrunkOp, TrunkRecord};

use super::index::{FileKey, Index, Piece, RESTING};
use super::rules::TrunkRules;

/// A hold that nobody ends ends by itself after this time: its uploader is gone.
///
/// Differs from C: there it lasts until the trunk server is started again. A late confirmation is refused, so nobody's
/// file is in danger.
pub const HOLD_SECS: u64 = 3600;
/// Blocks on hold at one time; more uploads than that cannot be in flight.
pub const HOLDS_MAX: usize = 100_000;

/// A block whose file was deleted is not given out for this time. Size, CRC32, second and extension are all that tells two
/// files of one slot apart: in the second of the first one an equal file would have its identity, and whoever deletes the
/// first one once more, or hears late of it, would delete the second.
///
/// Differs from C: there it is given out at once.
pub const REST_SECS: u64 = 3;
/// Blocks that rest; with more the oldest rest less.
const RESTING_MAX: usize = 1 << 20;

/// Why a request for trunk space is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpaceError {
    /// More bytes than a block may have, or a block that no trunk file can have.
    Invalid,
    /// The block is not on hold: it was confirmed before, or the hold ended.
    NotHeld,
    /// The block, or a part of it, is free already.
    AlreadyFree,
    /// Too many blocks are on hold.
    TooManyHolds,
}

impl SpaceError {
    /// The status byte of the answer, as recorded from the reference.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Invalid => Status::EINVAL,
            Self::NotHeld => Status::ENOENT,
            Self::AlreadyFree => Status::EEXIST,
            Self::TooManyHolds => Status::EAGAIN,
        }
    }
}

impl fmt::Display for SpaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "no trunk file has such a block",
            Self::NotHeld => "the block is not on hold",
            Self::AlreadyFree => "the block is free already",
            Self::TooManyHolds => "too many blocks are on hold",
        })
    }
}

impl std::error::Error for SpaceError {}

/// The free blocks of all trunk files.
///
/// Every change appends the lines of its records to `log`. They must be written in that order, and those of a
/// confirmation before it is answered.
#[derive(Debug, Clone)]
pub struct FreeSpace {
    rules: TrunkRules,
    index: Index,
    /// Holds by number: the block and the second in which it ends.
    holds: BTreeMap<u64, (TrunkBlock, u64)>,
    next_hold: u64,
    /// Blocks of files that were deleted just now, and the seconds in which they may be given out.
    resting: VecDeque<(FileKey, u32, u64)>,
}

fn put(log: &mut Vec<u8>, timestamp: u32, op: TrunkOp, block: TrunkBlock) {
    TrunkRecord { timestamp, op, block }.encode(log);
}

impl FreeSpace {
    /// No trunk file yet.
    #[must_use]
    pub fn new(rules: TrunkRules) -> Self {
        let (holds, resting) = (BTreeMap::new(), VecDeque::new());
        Self { rules, index: Index::default(), holds, next_hold: RESTING, resting }
    }

    /// The sizes.
    #[must_use]
    pub const fn rules(&self) -> &TrunkRules {
        &self.rules
    }

    /// Free bytes, those on hold and those in doubt included: what a replay of the log would find.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.index.bytes()
    }

    /// Blocks on hold.
    #[must_use]
    pub fn hold_count(&self) -> usize {
        self.holds.len()
    }

    /// All free blocks in order, those on hold included.
    pub fn blocks(&self) -> impl Iterator<Item = TrunkBlock> {
        self.index.iter().map(|(key, offset, piece)| key.block(offset, piece.size))
    }

    /// The largest number of a trunk file that has free space; 0 for none.
    #[must_use]
    pub fn largest_file_id(&self) -> u32 {
        self.index.files().map(|(key, _)| key.id).max().unwrap_or(0)
    }

    /// Puts a block for `bytes` (header included) on hold: the smallest free one of the store path that is large
    /// enough. `None` when there is none, and a trunk file must be made.
    ///
    /// # Errors
    /// [`SpaceError::Invalid`], [`SpaceError::TooManyHolds`].
    pub fn allocate(
        &mut self,
        now_unix: u32,
        now_mono_secs: u64,
        path: u8,
        bytes: u32,
        log: &mut Vec<u8>,
    ) -> Result<Option<TrunkBlock>, SpaceError> {
        let size = self.rules.block_bytes(bytes).ok_or(SpaceError::Invalid)?;
        if self.holds.len() >= HOLDS_MAX {
            return Err(SpaceError::TooManyHolds);
        }
        self.wake(now_mono_secs);
        let Some((key, offset, found)) = self.index.best_fit(path, size) else { return Ok(None) };
        let rest = found - size;
        // A rest that is no block of its own stays with this one.
        let (size, rest) = if rest < self.rules.slot_min_bytes { (found, 0) } else { (size, rest) };
        self.index.remove(key, offset);
        put(log, now_unix, TrunkOp::Take, key.block(offset, found));
        if rest > 0 {
            self.index.insert(key, offset + size, Piece { size: rest, hold: None });
            put(log, now_unix, TrunkOp::Free, key.block(offset + size, rest));
        }
        let block = key.block(offset, size);
        self.next_hold += 1;
        self.holds.insert(self.next_hold, (block, now_mono_secs.saturating_add(HOLD_SECS)));
        self.index.insert(key, offset, Piece { size, hold: Some(self.next_hold) });
        // Free as far as the log goes, until it is confirmed.
        put(log, now_unix, TrunkOp::Free, block);
        Ok(Some(block))
    }

    /// Ends a hold. A block that is used leaves the free space, any other goes back to it.
    ///
    /// # Errors
    /// [`SpaceError::NotHeld`]: whoever asks does not have the block.
    pub fn confirm(
        &mut self,
        now_unix: u32,
        block: &TrunkBlock,
        is_used: bool,
        log: &mut Vec<u8>,
    ) -> Result<(), SpaceError> {
        let key = FileKey::of(block);
        let hold = match self.index.piece(key, block.offset) {
            Some(Piece { size, hold: Some(hold) }) if size == block.size && hold != RESTING => hold,
            _ => return Err(SpaceError::NotHeld),
        };
        self.holds.remove(&hold);
        self.index.remove(key, block.offset);
        if is_used {
            put(log, now_unix, TrunkOp::Take, *block);
        } else {
            self.index.insert(key, block.offset, Piece { size: block.size, hold: None });
        }
        Ok(())
    }

    /// The file in a block was deleted: the block is free, and rests for [`REST_SECS`]. Blocks that are smaller than any are
    /// given up, as the reference does.
    ///
    /// # Errors
    /// [`SpaceError::Invalid`], [`SpaceError::AlreadyFree`].
    pub fn free(
        &mut self,
        now_unix: u32,
        now_mono_secs: u64,
        block: &TrunkBlock,
        log: &mut Vec<u8>,
    ) -> Result<(), SpaceError> {
        if self.put_back(now_unix, block, Some(RESTING), log)? {
            if self.resting.len() >= RESTING_MAX {
                self.wake_first();
            }
            let until = now_mono_secs.saturating_add(REST_SECS);
            self.resting.push_back((FileKey::of(block), block.offset, until));
        }
        Ok(())
    }

    /// A trunk file was made: all of it is free.
    ///
    /// # Errors
    /// As [`FreeSpace::free`].
    pub fn add_file(&mut self, now_unix: u32, file: &TrunkBlock, log: &mut Vec<u8>) -> Result<(), SpaceError> {
        self.put_back(now_unix, file, None, log).map(|_| ())
    }

    /// Adds a free block, unless it is too small to be one.
    fn put_back(
        &mut self,
        now_unix: u32,
        block: &TrunkBlock,
        hold: Option<u64>,
        log: &mut Vec<u8>,
    ) -> Result<bool, SpaceError> {
        if block.offset.checked_add(block.size).is_none() || block.size == 0 {
            return Err(SpaceError::Invalid);
        }
        if block.size < self.rules.slot_min_bytes {
            return Ok(false);
        }
        let key = FileKey::of(block);
        if self.index.overlapping(key, block.offset, block.size).is_some() {
            return Err(SpaceError::AlreadyFree);
        }
        self.index.insert(key, block.offset, Piece { size: block.size, hold });
        put(log, now_unix, TrunkOp::Free, *block);
        Ok(true)
    }

    /// Blocks that have rested may be given out again.
    fn wake(&mut self, now_mono_secs: u64) {
        while self.resting.front().is_some_and(|(_, _, until)| *until <= now_mono_secs) {
            self.wake_first();
        }
    }

    fn wake_first(&mut self) {
        let Some((key, offset, _)) = self.resting.pop_front() else { return };
        // It may have been taken out meanwhile.
        if let Some(Piece { size, hold: Some(RESTING) }) = self.index.piece(key, offset) {
            self.index.remove(key, offset);
            self.index.insert(key, offset, Piece { size, hold: None });
        }
    }

    /// Whether all of a block is somebody's.
    #[must_use]
    pub fn is_used(&self, block: &TrunkBlock) -> bool {
        self.index.overlapping(FileKey::of(block), block.offset, block.size).is_none()
    }

    /// Takes a free block out for good: its header on the disk says that it is in use.
    pub fn take(&mut self, now_unix: u32, block: &TrunkBlock, log: &mut Vec<u8>) -> bool {
        let key = FileKey::of(block);
        match self.index.piece(key, block.offset) {
            Some(Piece { size, hold: None }) if size == block.size => {
                self.index.remove(key, block.offset);
                put(log, now_unix, TrunkOp::Take, *block);
                true
            }
            _ => false,
        }
    }

    /// Holds whose time is over end; how many.
    pub fn end_old_holds(&mut self, now_mono_secs: u64) -> usize {
        let mut count = 0;
        // Holds are numbered in the order in which they end.
        while let Some(entry) = self.holds.first_entry() {
            let &(block, until) = entry.get();
            if until > now_mono_secs {
                break;
            }
            entry.remove();
            let key = FileKey::of(&block);
            self.index.remove(key, block.offset);
            self.index.insert(key, block.offset, Piece { size: block.size, hold: None });
            count += 1;
        }
        count
    }

    /// Trunk files with a smaller number than this: their free space is as this storage heard of it, and another one
    /// may know better; nothing in them is given out. 0: nothing is in doubt.
    pub fn doubt_files_below(&mut self, id: u32) {
        self.index.doubt_below(id);
    }

    /// See [`FreeSpace::doubt_files_below`].
    #[must_use]
    pub const fn doubtful_below(&self) -> u32 {
        self.index.doubtful_below()
    }

    pub(super) const fn index(&self) -> &Index {
        &self.index
    }

    pub(super) const fn index_mut(&mut self) -> &mut Index {
        &mut self.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: TrunkRules =
        TrunkRules { slot_min_bytes: 256, slot_max_bytes: 4096, alignment_bytes: 256, file_bytes: 16384 };

    fn file(id: u32) -> TrunkBlock {
        FileKey { path: 0, id, high: 0, low: 0 }.block(0, RULES.file_bytes)
    }

    fn one_file() -> (FreeSpace, Vec<u8>) {
        let (mut space, mut log) = (FreeSpace::new(RULES), Vec::new());
        space.add_file(7, &file(1), &mut log).unwrap();
        (space, log)
    }

    fn text(log: &[u8]) -> String {
        String::from_utf8(log.to_vec()).unwrap()
    }

    #[test]
    fn an_allocation_is_logged_as_recorded() {
        let (mut space, mut log) = one_file();
        let block = space.allocate(8, 0, 0, 24, &mut log).unwrap().unwrap();
        space.confirm(9, &block, true, &mut log).unwrap();
        let lines =
            "7 A 0 0 0 1 0 16384\n8 D 0 0 0 1 0 16384\n8 A 0 0 0 1 256 16128\n8 A 0 0 0 1 0 256\n9 D 0 0 0 1 0 256\n";
        assert_eq!(text(&log), lines);
        assert_eq!(space.confirm(9, &block, true, &mut log), Err(SpaceError::NotHeld));
        log.clear();
        assert_eq!(space.free(10, 0, &block, &mut log), Ok(()));
        assert_eq!(space.free(10, 0, &block, &mut log), Err(SpaceError::AlreadyFree));
        assert_eq!(text(&log), "10 A 0 0 0 1 0 256\n");
    }

    #[test]
    fn a_small_rest_stays_with_its_block() {
        let rules = TrunkRules { alignment_bytes: 0, ..RULES };
        let mut space = FreeSpace::new(rules);
        let mut log = Vec::new();
        space.add_file(1, &FileKey { path: 0, id: 1, high: 0, low: 0 }.block(100, 1000), &mut log).unwrap();
        let block = space.allocate(2, 0, 0, 800, &mut log).unwrap().unwrap();
        assert_eq!((block.offset, block.size), (100, 1000));
        assert_eq!(text(&log), "1 A 0 0 0 1 100 1000\n2 D 0 0 0 1 100 1000\n2 A 0 0 0 1 100 1000\n");
        assert_eq!(space.allocate(2, 0, 0, 800, &mut log), Ok(None));
        assert_eq!(space.allocate(2, 0, 1, 8, &mut log), Ok(None), "another store path");
        assert_eq!(space.allocate(2, 0, 0, 4097, &mut log), Err(SpaceError::Invalid));
    }

    #[test]
    fn the_smallest_block_that_fits_is_taken() {
        let (mut space, mut log) = (FreeSpace::new(RULES), Vec::new());
        for (offset, size) in [(0, 1024), (2048, 512), (4096, 768), (8192, 512)] {
            space.add_file(1, &FileKey { path: 0, id: 1, high: 0, low: 0 }.block(offset, size), &mut log).unwrap();
        }
        let mut take = |bytes| space.allocate(1, 0, 0, bytes, &mut log).unwrap().map(|b| (b.offset, b.size));
        assert_eq!(take(500), Some((2048, 512)));
        assert_eq!(take(500), Some((8192, 512)));
        assert_eq!(take(500), Some((4096, 512)), "the rest of 256 bytes is a block of its own");
        assert_eq!(take(200), Some((4608, 256)));
        assert_eq!(take(1000), Some((0, 1024)));
        assert_eq!(take(1), None);
    }

    #[test]
    fn a_failed_upload_gives_its_block_back_and_a_forgotten_one_ends() {
        let (mut space, mut log) = one_file();
        let first = space.allocate(1, 100, 0, 24, &mut log).unwrap().unwrap();
        let second = space.allocate(1, 200, 0, 24, &mut log).unwrap().unwrap();
        log.clear();
        space.confirm(2, &second, false, &mut log).unwrap();
        assert_eq!(text(&log), "", "it was free in the log all the time");
        assert_eq!(space.end_old_holds(100 + HOLD_SECS - 1), 0);
        assert_eq!(space.end_old_holds(100 + HOLD_SECS), 1);
        assert_eq!(space.confirm(2, &first, true, &mut log), Err(SpaceError::NotHeld), "too late");
        assert_eq!(space.allocate(3, 300, 0, 24, &mut log).unwrap(), Some(first));
        assert_eq!(space.hold_count(), 1);
    }

    #[test]
    fn a_deleted_files_block_rests_before_another_one_gets_it() {
        let (mut space, mut log) = one_file();
        let take = |space: &mut FreeSpace, mono, log: &mut Vec<u8>| {
            let block = space.allocate(8, mono, 0, 24, log).unwrap().unwrap();
            space.confirm(8, &block, true, log).unwrap();
            block
        };
        let first = take(&mut space, 10, &mut log);
        space.free(9, 10, &first, &mut log).unwrap();
        assert_eq!(space.confirm(9, &first, true, &mut log), Err(SpaceError::NotHeld), "nobody has it");
        assert_ne!(take(&mut space, 10 + REST_SECS - 1, &mut log), first);
        assert_eq!(space.join_neighbours(9, &mut log), 0);
        assert_eq!(take(&mut space, 10 + REST_SECS, &mut log), first);
        // One that was taken out while it rested does not come back.
        space.free(9, 20, &first, &mut log).unwrap();
        let line = "9 D 0 0 0 1 0 256\n";
        space.replay(line.as_bytes(), 1, &mut crate::trunk::Replayed::default());
        assert_ne!(take(&mut space, 99, &mut log), first);
    }

    #[test]
    fn space_in_doubt_is_not_given_out_but_known() {
        let (mut space, mut log) = one_file();
        space.doubt_files_below(2);
        assert_eq!(space.allocate(1, 0, 0, 24, &mut log), Ok(None));
        space.add_file(1, &file(2), &mut log).unwrap();
        let block = space.allocate(1, 0, 0, 24, &mut log).unwrap().unwrap();
        assert_eq!(block.file_id, 2);
        assert_eq!(space.bytes(), 2 * 16384);
        space.confirm(1, &block, true, &mut log).unwrap();
        space.doubt_files_below(0);
        let old = space.allocate(1, 0, 0, 4000, &mut log).unwrap().unwrap();
        assert_eq!(old.file_id, 2, "the smaller rest first");
    }

    #[test]
    fn impossible_blocks_are_refused() {
        let (mut space, mut log) = one_file();
        let key = FileKey { path: 0, id: 1, high: 0, low: 0 };
        for (offset, size, expected) in [
            (u32::MAX, 256, Err(SpaceError::Invalid)),
            (0, 0, Err(SpaceError::Invalid)),
            (1 << 20, 255, Ok(())),
            (16383, 256, Err(SpaceError::AlreadyFree)),
            (16384, 256, Ok(())),
        ] {
            assert_eq!(space.free(1, 0, &key.block(offset, size), &mut log), expected, "{offset} {size}");
        }
        let other_dirs = FileKey { high: 1, ..key }.block(0, 16384);
        assert_eq!(space.confirm(1, &other_dirs, true, &mut log), Err(SpaceError::NotHeld));
    }
}
