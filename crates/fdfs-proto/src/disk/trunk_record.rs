//! One line of the trunk binlog `trunk/binlog`: space in a trunk file becomes free or is taken.

use super::LineFault;
use super::line::{Columns, finished_lines, unknown_op};
use super::number::put_unsigned;

/// The longest line with its newline, in bytes.
pub const LINE_MAX: usize = 127;

/// A piece of a trunk file.
///
/// In a line: `<store path> <high> <low> <id> <offset> <size>`, all decimal (the sub-directories too).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrunkBlock {
    /// The store path's index.
    pub store_path_index: u8,
    /// The sub-directory of the first level.
    pub subdir_high: u8,
    /// The sub-directory of the second level.
    pub subdir_low: u8,
    /// The number of the trunk file.
    pub file_id: u32,
    /// Where the piece begins, in bytes.
    pub offset: u32,
    /// Its size, in bytes.
    pub size: u32,
}

/// What became of the space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrunkOp {
    /// `A`: it is free now.
    Free,
    /// `D`: it is taken now.
    Take,
}

/// A record: one line, `<timestamp> <op> <block>\n`.
///
/// The reference passes over lines with fewer columns; an unfinished last line ends its loading.
///
/// Source: disk formats, A.6.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrunkRecord {
    /// When it happened, unix seconds.
    pub timestamp: u32,
    /// What happened.
    pub op: TrunkOp,
    /// Where.
    pub block: TrunkBlock,
}

impl TrunkRecord {
    /// Reads one line, given without its newline.
    ///
    /// # Errors
    /// A [`LineFault`] that names the column.
    pub fn parse(line: &[u8]) -> Result<Self, LineFault> {
        if line.len() >= LINE_MAX {
            return Err(LineFault::TooLong { len: line.len() + 1, max: LINE_MAX });
        }
        let mut columns = Columns::new(line, b' ');
        let timestamp = columns.number("timestamp")?;
        let op = match columns.bytes("operation")? {
            b"A" => TrunkOp::Free,
            b"D" => TrunkOp::Take,
            letter => return Err(unknown_op(letter)),
        };
        let block = TrunkBlock::take(&mut columns)?;
        columns.finish()?;
        Ok(Self { timestamp, op, block })
    }

    /// Appends the line with its newline.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_unsigned(out, self.timestamp.into());
        out.extend_from_slice(match self.op {
            TrunkOp::Free => b" A ",
            TrunkOp::Take => b" D ",
        });
        let block = &self.block;
        let small = [block.store_path_index, block.subdir_high, block.subdir_low];
        for number in small.map(u32::from) {
            put_unsigned(out, number.into());
            out.push(b' ');
        }
        put_unsigned(out, block.file_id.into());
        for number in [block.offset, block.size] {
            out.push(b' ');
            put_unsigned(out, number.into());
        }
        out.push(b'\n');
    }
}

impl TrunkBlock {
    /// The six columns of a block.
    pub(super) fn take(columns: &mut Columns<'_>) -> Result<Self, LineFault> {
        Ok(Self {
            store_path_index: columns.number("store path")?,
            subdir_high: columns.number("high sub-directory")?,
            subdir_low: columns.number("low sub-directory")?,
            file_id: columns.number("trunk file id")?,
            offset: columns.number("offset")?,
            size: columns.number("size")?,
        })
    }
}

/// A line of a piece of the trunk binlog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkLine<'a> {
    /// Where the line begins, counted from the beginning of the piece.
    pub start: usize,
    /// The line without its newline.
    pub text: &'a [u8],
    /// The record, or why it is none.
    pub record: Result<TrunkRecord, LineFault>,
}

/// The finished lines of a piece of the trunk binlog; what stands behind the last newline is left out.
pub fn trunk_lines(piece: &[u8]) -> impl Iterator<Item = TrunkLine<'_>> {
    finished_lines(piece).map(|(start, text)| TrunkLine { start, text, record: TrunkRecord::parse(text) })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_wrong_is_told() {
        let bad = |line: &str| TrunkRecord::parse(line.as_bytes()).unwrap_err().to_string();
        assert_eq!(bad("1 A 0 0 0 1 2"), "column 8 (size) is missing");
        assert_eq!(bad("1 B 0 0 0 1 2 3"), "unknown operation \"B\"");
        assert_eq!(bad("1 A 0 256 0 1 2 3"), "column 4 (high sub-directory): 256 is not in 0..=255");
        assert_eq!(bad("1 A 0 0 0 1 2 3 4"), "9 columns, at most 8");
        assert_eq!(bad(&"1".repeat(127)), "128 bytes, at most 127");
    }

    #[test]
    fn an_unfinished_line_is_left_out() {
        let lines: Vec<_> = trunk_lines(b"1 A 0 0 0 1 2 3\nx\n1 D 0").collect();
        assert_eq!(lines.iter().map(|l| (l.start, l.record.is_ok())).collect::<Vec<_>>(), [(0, true), (16, false)]);
    }

    prop_compose! {
        pub(in crate::disk) fn any_block()(small in any::<[u8; 3]>(), big in any::<[u32; 3]>()) -> TrunkBlock {
            TrunkBlock {
                store_path_index: small[0], subdir_high: small[1], subdir_low: small[2],
                file_id: big[0], offset: big[1], size: big[2],
            }
        }
    }

    proptest! {
        #[test]
        fn records_round_trip_and_every_cut_is_read_or_refused(timestamp: u32, free: bool, block in any_block()) {
            let record = TrunkRecord { timestamp, op: if free { TrunkOp::Free } else { TrunkOp::Take }, block };
            let mut line = Vec::new();
            record.encode(&mut line);
            prop_assert!(line.len() <= LINE_MAX);
            for len in 0..line.len() - 1 {
                let _ = TrunkRecord::parse(&line[..len]);
            }
            prop_assert_eq!(TrunkRecord::parse(line.strip_suffix(b"\n").unwrap()), Ok(record));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..150)) {
            let _ = TrunkRecord::parse(&bytes);
            let _ = trunk_lines(&bytes).count();
        }
    }
}
