//! Joining neighbours, and files that are not used any more.

use fdfs_proto::disk::trunk_record::{TrunkBlock, TrunkOp, TrunkRecord};

use super::free_space::FreeSpace;
use super::index::{FileKey, Piece};

impl FreeSpace {
    /// Joins free blocks that lie side by side (`trunk_free_space_merge`); blocks on hold stay as they are. Returns how
    /// many blocks there are fewer.
    ///
    /// Differs from C: the reference keeps no record of it in the trunk binlog.
    pub fn join_neighbours(&mut self, now_unix: u32, log: &mut Vec<u8>) -> usize {
        let mut joins: Vec<(FileKey, u32, u32, Vec<u32>)> = Vec::new();
        let below = self.doubtful_below();
        for (key, pieces) in self.index().files().filter(|(key, _)| key.id >= below) {
            let mut run: Option<(u32, u32, Vec<u32>)> = None;
            for (&offset, piece) in pieces {
                run = match run.take() {
                    Some((start, end, mut members)) if piece.hold.is_none() && end == offset => {
                        members.push(offset);
                        Some((start, offset + piece.size, members))
                    }
                    other => {
                        keep(&mut joins, key, other);
                        piece.hold.is_none().then(|| (offset, offset + piece.size, vec![offset]))
                    }
                };
            }
            keep(&mut joins, key, run);
        }
        let mut fewer = 0;
        for (key, start, end, members) in joins {
            for &offset in &members {
                if let Some(piece) = self.index_mut().remove(key, offset) {
                    put(log, now_unix, TrunkOp::Take, key.block(offset, piece.size));
                }
            }
            self.index_mut().insert(key, start, Piece { size: end - start, hold: None });
            put(log, now_unix, TrunkOp::Free, key.block(start, end - start));
            fewer += members.len() - 1;
        }
        fewer
    }

    /// Trunk files that are free from their beginning to their end (`delete_unused_trunk_files`).
    #[must_use]
    pub fn unused_files(&self) -> Vec<TrunkBlock> {
        let whole = |(key, pieces): (FileKey, &std::collections::BTreeMap<u32, Piece>)| {
            let piece = pieces.get(&0).filter(|piece| pieces.len() == 1 && piece.hold.is_none())?;
            (piece.size == self.rules().file_bytes && key.id >= self.doubtful_below()).then(|| key.block(0, piece.size))
        };
        self.index().files().filter_map(whole).collect()
    }
}

fn put(log: &mut Vec<u8>, timestamp: u32, op: TrunkOp, block: TrunkBlock) {
    TrunkRecord { timestamp, op, block }.encode(log);
}

fn keep(joins: &mut Vec<(FileKey, u32, u32, Vec<u32>)>, key: FileKey, run: Option<(u32, u32, Vec<u32>)>) {
    if let Some((start, end, members)) = run.filter(|(_, _, members)| members.len() > 1) {
        joins.push((key, start, end, members));
    }
}
