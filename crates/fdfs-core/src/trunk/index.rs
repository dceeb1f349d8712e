//! Free pieces: of each trunk file by offset, of each store path by size.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use fdfs_proto::disk::trunk_record::TrunkBlock;

/// A trunk file: its number is unique in the group, but nothing is taken for granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileKey {
    pub(super) path: u8,
    pub(super) id: u32,
    pub(super) high: u8,
    pub(super) low: u8,
}

impl FileKey {
    pub(super) const fn of(block: &TrunkBlock) -> Self {
        Self { path: block.store_path_index, id: block.file_id, high: block.subdir_high, low: block.subdir_low }
    }

    pub(super) const fn block(self, offset: u32, size: u32) -> TrunkBlock {
        TrunkBlock {
            store_path_index: self.path,
            subdir_high: self.high,
            subdir_low: self.low,
            file_id: self.id,
            offset,
            size,
        }
    }
}

/// A piece that is free as far as the log knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) size: u32,
    /// The hold it is under, if one; [`RESTING`] when nobody holds it, and it is not given out either.
    pub(super) hold: Option<u64>,
}

/// In place of a hold: the file in it was deleted just now.
pub(super) const RESTING: u64 = 0;

/// All pieces, never two that overlap.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    files: BTreeMap<FileKey, BTreeMap<u32, Piece>>,
    /// Those that may be given out: path, size, file, offset.
    by_size: BTreeSet<(u8, u32, FileKey, u32)>,
    bytes: u64,
    /// Pieces of files with a smaller number than this are not given out.
    doubtful_below: u32,
}

impl Index {
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) const fn doubtful_below(&self) -> u32 {
        self.doubtful_below
    }

    /// Pieces of files below this number are kept back from now on, all others given out.
    pub(super) fn doubt_below(&mut self, id: u32) {
        self.doubtful_below = id;
        self.by_size.clear();
        let pieces =
            self.files.iter().flat_map(|(&key, pieces)| pieces.iter().map(move |(&at, &piece)| (key, at, piece)));
        self.by_size.extend(
            pieces
                .filter(|(key, _, piece)| piece.hold.is_none() && key.id >= id)
                .map(|(key, at, piece)| (key.path, piece.size, key, at)),
        );
    }

    pub(super) fn piece(&self, key: FileKey, offset: u32) -> Option<Piece> {
        self.files.get(&key)?.get(&offset).copied()
    }

    /// The pieces of all files, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (FileKey, u32, Piece)> {
        self.files.iter().flat_map(|(&key, pieces)| pieces.iter().map(move |(&offset, &piece)| (key, offset, piece)))
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (FileKey, &BTreeMap<u32, Piece>)> {
        self.files.iter().map(|(&key, pieces)| (key, pieces))
    }

    /// The smallest piece of a path that is large enough; of equal ones the first.
    pub(super) fn best_fit(&self, path: u8, size: u32) -> Option<(FileKey, u32, u32)> {
        let least = (path, size, FileKey { path: 0, id: 0, high: 0, low: 0 }, 0);
        let &(found_path, found_size, key, offset) = self.by_size.range(least..).next()?;
        (found_path == path).then_some((key, offset, found_size))
    }

    /// The first piece that has a byte in common with `offset..offset + size`.
    pub(super) fn overlapping(&self, key: FileKey, offset: u32, size: u32) -> Option<(u32, Piece)> {
        let pieces = self.files.get(&key)?;
        let before = pieces.range(..=offset).next_back();
        if let Some((&at, &piece)) = before
            && u64::from(at) + u64::from(piece.size) > u64::from(offset)
        {
            return Some((at, piece));
        }
        let (&at, &piece) = pieces.range((Bound::Excluded(offset), Bound::Unbounded)).next()?;
        (u64::from(at) < u64::from(offset) + u64::from(size)).then_some((at, piece))
    }

    /// Adds a piece that overlaps with none.
    pub(super) fn insert(&mut self, key: FileKey, offset: u32, piece: Piece) {
        assert!(self.overlapping(key, offset, piece.size).is_none(), "a block would be free twice");
        self.files.entry(key).or_default().insert(offset, piece);
        self.bytes += u64::from(piece.size);
        if piece.hold.is_none() && key.id >= self.doubtful_below {
            self.by_size.insert((key.path, piece.size, key, offset));
        }
    }

    /// Takes a piece out.
    pub(super) fn remove(&mut self, key: FileKey, offset: u32) -> Option<Piece> {
        let pieces = self.files.get_mut(&key)?;
        let piece = pieces.remove(&offset)?;
        if pieces.is_empty() {
            self.files.remove(&key);
        }
        self.bytes -= u64::from(piece.size);
        self.by_size.remove(&(key.path, piece.size, key, offset));
        Some(piece)
    }
}
