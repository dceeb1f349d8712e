//! A place in the replication log.

use std::fmt;

use super::binlog_index::binlog_file_name;
use super::sync_mark::SyncMark;

/// A place in the replication log: between two records, so also "all records before this one".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BinlogPosition {
    /// The number of the file.
    pub file: u32,
    /// The byte in it, uncompressed, where the next record begins.
    pub offset: u64,
}

impl BinlogPosition {
    /// The beginning of the first file.
    pub const START: Self = Self { file: 0, offset: 0 };

    /// The beginning of a file.
    #[must_use]
    pub const fn start_of(file: u32) -> Self {
        Self { file, offset: 0 }
    }
}

impl fmt::Display for BinlogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", binlog_file_name(self.file), self.offset)
    }
}

impl SyncMark {
    /// Where the mark stands.
    #[must_use]
    pub const fn position(&self) -> BinlogPosition {
        BinlogPosition { file: self.binlog_index, offset: self.binlog_offset }
    }

    /// The mark at another place.
    #[must_use]
    pub const fn at(self, position: BinlogPosition) -> Self {
        Self { binlog_index: position.file, binlog_offset: position.offset, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_ordered_by_file_and_then_by_byte() {
        let place = |file, offset| BinlogPosition { file, offset };
        assert!(place(1, 0) > place(0, u64::MAX));
        assert!(place(1, 5) < place(1, 6));
        assert_eq!(place(7, 57).to_string(), "binlog.007:57");
        assert_eq!(SyncMark::default().at(place(3, 4)).position(), place(3, 4));
    }
}
