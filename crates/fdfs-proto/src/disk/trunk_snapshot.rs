//! `storage_trunk.dat`: the free blocks of all trunk files, as of one place in the trunk binlog.

use super::line::{Columns, lines};
use super::number::put_unsigned;
use super::trunk_record::{TrunkBlock, TrunkOp, TrunkRecord};
use super::{DiskError, LineFault, StateFile, number};

/// The file `storage_trunk.dat`: an offset on the first line, then one line for each free block.
///
/// A block's line is one of the trunk binlog; versions before 5.01 wrote the six columns of the block alone. Both are
/// read, line by line. A last line without an end makes the file unusable: the free blocks are then replayed from the
/// beginning of the trunk binlog.
///
/// Source: disk formats, A.6.4.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrunkSnapshot {
    /// Up to which byte of the trunk binlog the snapshot is valid.
    pub binlog_offset: u64,
    /// The free blocks.
    pub blocks: Vec<FreeBlock>,
}

/// One free block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeBlock {
    /// When the line was written, unix seconds; 0 in the old form.
    pub timestamp: u32,
    /// The block.
    pub block: TrunkBlock,
}

/// Columns of a line of the old form.
const OLD_COLUMNS: usize = 6;

impl StateFile for TrunkSnapshot {
    const FILE: &'static str = "storage_trunk.dat";

    fn encode(&self, out: &mut Vec<u8>) {
        put_unsigned(out, self.binlog_offset);
        out.push(b'\n');
        for &FreeBlock { timestamp, block } in &self.blocks {
            TrunkRecord { timestamp, op: TrunkOp::Free, block }.encode(out);
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        let mut lines = lines(bytes);
        let first = lines.next().ok_or(DiskError::Empty { file: Self::FILE })?;
        let binlog_offset = number::parse(first.whole(Self::FILE)?)
            .map_err(|fault| first.error(Self::FILE, LineFault::Column { column: 1, name: "binlog offset", fault }))?;
        let mut blocks = Vec::new();
        for line in lines {
            let text = line.whole(Self::FILE)?;
            blocks.push(free_block(text).map_err(|fault| line.error(Self::FILE, fault))?);
        }
        Ok(Self { binlog_offset, blocks })
    }
}

fn free_block(text: &[u8]) -> Result<FreeBlock, LineFault> {
    let mut columns = Columns::new(text, b' ');
    if columns.left() == OLD_COLUMNS {
        return Ok(FreeBlock { timestamp: 0, block: TrunkBlock::take(&mut columns)? });
    }
    let TrunkRecord { timestamp, op, block } = TrunkRecord::parse(text)?;
    match op {
        TrunkOp::Free => Ok(FreeBlock { timestamp, block }),
        TrunkOp::Take => Err(super::line::unknown_op(b"D")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::trunk_record::tests::any_block;
    use proptest::prelude::*;

    #[test]
    fn both_forms_are_read_line_by_line() {
        let file = TrunkSnapshot::decode(b"34\n0 1 2 3 4 5\n9 A 0 1 2 3 4 5\n").unwrap();
        assert_eq!(file.binlog_offset, 34);
        assert_eq!(file.blocks[0].block, file.blocks[1].block);
        assert_eq!((file.blocks[0].timestamp, file.blocks[1].timestamp), (0, 9));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let bad = |text: &str| TrunkSnapshot::decode(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(bad(""), "storage_trunk.dat: the file is empty");
        assert_eq!(bad("x\n"), "storage_trunk.dat, line 1: column 1 (binlog offset): \"x\" is not a number");
        assert_eq!(bad("0\n1 D 0 0 0 1 2 3\n"), "storage_trunk.dat, line 2: unknown operation \"D\"");
        assert_eq!(bad("0\n1 A 0 0 0 1 2 3"), "storage_trunk.dat, line 2: the line has no end");
        assert_eq!(bad("0\n1 A 0 0 0 1 2\n"), "storage_trunk.dat, line 2: column 8 (size) is missing");
    }

    proptest! {
        #[test]
        fn it_round_trips(
            binlog_offset in 0..=i64::MAX as u64,
            blocks in proptest::collection::vec((any::<u32>(), any_block()), 0..5),
        ) {
            let blocks = blocks.into_iter().map(|(timestamp, block)| FreeBlock { timestamp, block }).collect();
            let file = TrunkSnapshot { binlog_offset, blocks };
            let bytes = file.to_bytes();
            for len in 0..bytes.len() {
                let _ = TrunkSnapshot::decode(&bytes[..len]);
            }
            prop_assert_eq!(TrunkSnapshot::decode(&bytes), Ok(file));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..150)) {
            let _ = TrunkSnapshot::decode(&bytes);
        }
    }
}
