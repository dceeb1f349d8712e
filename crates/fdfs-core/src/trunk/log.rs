//! Replaying a trunk log, and a snapshot of it.

use fdfs_proto::disk::trunk_record::{TrunkBlock, TrunkOp, TrunkRecord, trunk_lines};
use fdfs_proto::disk::trunk_snapshot::{FreeBlock, TrunkSnapshot};

use super::free_space::FreeSpace;
use super::index::{FileKey, Piece};

/// What a replay came upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Records that changed something.
    pub records: u64,
    /// Lines that are no records.
    pub bad_lines: u64,
    /// Space that became free although it, or a part of it, was free: the record is passed over.
    pub free_twice: u64,
    /// Space that was taken although it, or a part of it, was not free.
    pub taken_twice: u64,
}

impl FreeSpace {
    /// Replays whole lines.
    ///
    /// Differs from C: a record takes the bytes that it names, whatever blocks they lie in. The reference joins blocks
    /// without a record, and a later record of such a block then says nothing to a server that reads the log from its
    /// beginning: it gives the space out again (disk formats, E.6).
    pub fn replay(&mut self, lines: &[u8], store_path_count: usize, replayed: &mut Replayed) {
        for line in trunk_lines(lines) {
            match line.record {
                Ok(record) if usize::from(record.block.store_path_index) < store_path_count => {
                    self.replay_record(&record, replayed);
                }
                _ => replayed.bad_lines += 1,
            }
        }
    }

    /// Replays one record.
    pub fn replay_record(&mut self, record: &TrunkRecord, replayed: &mut Replayed) {
        let TrunkBlock { offset, size, .. } = record.block;
        if offset.checked_add(size).is_none() || size == 0 {
            replayed.bad_lines += 1;
            return;
        }
        let key = FileKey::of(&record.block);
        match record.op {
            TrunkOp::Free if self.index().overlapping(key, offset, size).is_some() => replayed.free_twice += 1,
            TrunkOp::Free => {
                self.index_mut().insert(key, offset, Piece { size, hold: None });
                replayed.records += 1;
            }
            TrunkOp::Take => {
                if self.subtract(key, offset, size) < size {
                    replayed.taken_twice += 1;
                }
                replayed.records += 1;
            }
        }
    }

    /// Takes a range out, whatever pieces it touches; returns the bytes that were free. A hold on a touched piece ends.
    fn subtract(&mut self, key: FileKey, offset: u32, size: u32) -> u32 {
        let end = offset + size;
        let mut taken = 0;
        while let Some((at, piece)) = self.index().overlapping(key, offset, size) {
            self.index_mut().remove(key, at);
            let piece_end = at + piece.size;
            if at < offset {
                self.index_mut().insert(key, at, Piece { size: offset - at, hold: None });
            }
            if piece_end > end {
                self.index_mut().insert(key, end, Piece { size: piece_end - end, hold: None });
            }
            taken += piece_end.min(end) - at.max(offset);
        }
        taken
    }

    /// Adds the blocks of a snapshot.
    pub fn restore(&mut self, snapshot: &TrunkSnapshot, store_path_count: usize, replayed: &mut Replayed) {
        for &FreeBlock { timestamp, block } in &snapshot.blocks {
            if usize::from(block.store_path_index) < store_path_count {
                self.replay_record(&TrunkRecord { timestamp, op: TrunkOp::Free, block }, replayed);
            } else {
                replayed.bad_lines += 1;
            }
        }
    }

    /// A snapshot, valid from `binlog_offset` of the log on.
    #[must_use]
    pub fn snapshot(&self, now_unix: u32, binlog_offset: u64) -> TrunkSnapshot {
        let blocks = self.blocks().map(|block| FreeBlock { timestamp: now_unix, block }).collect();
        TrunkSnapshot { binlog_offset, blocks }
    }
}
