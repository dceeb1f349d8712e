//! `storage_sync_timestamp.dat`: up to when each storage has the changes of each other one.

use std::collections::{BTreeMap, BTreeSet};

use super::line::{Columns, Line, lines};
use super::number::{self, put_signed};
use super::{DiskError, LineFault, StateFile};
use crate::{GroupName, StorageId};

/// The file `storage_sync_timestamp.dat`: one line for each storage, `<group>,<source>,<t1>,<t2>,...`.
///
/// The k-th time belongs to the k-th storage of the group, in the order of the group's own lines. An empty file has no
/// rows and is valid.
///
/// Source: disk formats, B.4.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncTimestamps {
    /// The lines, in the order of the file.
    pub rows: Vec<SyncRow>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRow {
    /// The group of both the source and the others.
    pub group: GroupName,
    /// The storage whose changes are meant.
    pub source: StorageId,
    /// Up to when each storage of the group has them, unix seconds; 0 for the source itself and for "not known".
    pub timestamps: Vec<i64>,
}

/// One known cell of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncedUpTo {
    /// The group.
    pub group: GroupName,
    /// Whose changes.
    pub source: StorageId,
    /// Who has them.
    pub destination: StorageId,
    /// Up to when, unix seconds.
    pub timestamp: i64,
}

/// A part of the matrix that was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dropped {
    /// The row and the column of a storage that the tracker does not know (any more).
    Storage {
        /// Its group.
        group: GroupName,
        /// Its id.
        id: StorageId,
    },
    /// A second row of a storage.
    Duplicate {
        /// Its group.
        group: GroupName,
        /// Its id.
        id: StorageId,
    },
    /// A column beyond the rows of the group.
    Column {
        /// The group.
        group: GroupName,
        /// The source of the row.
        source: StorageId,
        /// The column, from 0 for the first time.
        column: usize,
    },
}

impl SyncTimestamps {
    /// The cells between storages that `is_known` knows, and what was left out. Cells of 0 are left out without a word.
    ///
    /// Differs from C: unknown rows and columns are dropped. The reference refuses to start with them, although it
    /// leaves them behind itself when it dies after a storage was deleted.
    pub fn resolve(&self, is_known: impl Fn(&GroupName, &StorageId) -> bool) -> (Vec<SyncedUpTo>, BTreeSet<Dropped>) {
        let mut columns: BTreeMap<GroupName, Vec<StorageId>> = BTreeMap::new();
        for row in &self.rows {
            columns.entry(row.group).or_default().push(row.source);
        }
        let (mut cells, mut dropped, mut seen) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for row in &self.rows {
            let (group, source) = (row.group, row.source);
            if !seen.insert((group, source)) {
                dropped.insert(Dropped::Duplicate { group, id: source });
                continue;
            }
            if !is_known(&group, &source) {
                dropped.insert(Dropped::Storage { group, id: source });
                continue;
            }
            let destinations = columns.get(&group).map(Vec::as_slice).unwrap_or_default();
            for (column, &timestamp) in row.timestamps.iter().enumerate() {
                let Some(&destination) = destinations.get(column) else {
                    dropped.insert(Dropped::Column { group, source, column });
                    continue;
                };
                // The column of an unknown storage is reported with its row.
                if timestamp != 0 && destination != source && is_known(&group, &destination) {
                    cells.push(SyncedUpTo { group, source, destination, timestamp });
                }
            }
        }
        (cells, dropped)
    }
}

impl StateFile for SyncTimestamps {
    const FILE: &'static str = "storage_sync_timestamp.dat";

    fn encode(&self, out: &mut Vec<u8>) {
        for row in &self.rows {
            out.extend_from_slice(row.group.as_bytes());
            out.push(b',');
            out.extend_from_slice(row.source.as_bytes());
            for &timestamp in &row.timestamps {
                out.push(b',');
                put_signed(out, timestamp);
            }
            out.push(b'\n');
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        let mut rows = Vec::new();
        for line in lines(bytes) {
            let text = line.whole(Self::FILE)?.trim_ascii();
            if !text.is_empty() {
                rows.push(row(text).map_err(|fault| Line::error(&line, Self::FILE, fault))?);
            }
        }
        Ok(Self { rows })
    }
}

fn row(text: &[u8]) -> Result<SyncRow, LineFault> {
    let mut columns = Columns::trimmed(text, b',');
    let group = columns.name("group", GroupName::new)?;
    let source = columns.name("source", StorageId::new)?;
    let mut timestamps = vec![columns.number("timestamp")?];
    while let Some(column) = columns.next() {
        timestamps.push(number::parse(column).map_err(|fault| columns.fault("timestamp", fault))?);
    }
    Ok(SyncRow { group, source, timestamps })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn resolve(text: &str, known: &[&str]) -> (Vec<(String, String, i64)>, Vec<Dropped>) {
        let file = SyncTimestamps::decode(text.as_bytes()).unwrap();
        let (cells, dropped) = file.resolve(|_, id| known.contains(&id.as_str()));
        let cell = |c: &SyncedUpTo| (c.source.to_string(), c.destination.to_string(), c.timestamp);
        (cells.iter().map(cell).collect(), dropped.into_iter().collect())
    }

    #[test]
    fn e10_a_matrix_that_still_has_a_deleted_storage_is_read() {
        let (cells, dropped) = resolve("g,a,0,12,13\ng,b,21,0,23\ng,c,31,32,0\n", &["a", "c"]);
        assert_eq!(cells, [("a".into(), "c".into(), 13), ("c".into(), "a".into(), 31)]);
        assert_eq!(dropped, [Dropped::Storage { group: "g".parse().unwrap(), id: "b".parse().unwrap() }]);
    }

    #[test]
    fn extra_columns_and_second_rows_are_dropped_and_fewer_columns_are_fine() {
        let (group, a) = ("g".parse().unwrap(), "a".parse().unwrap());
        let (cells, dropped) = resolve("g,a,0,12,13,14\ng,b,21\ng,a,1,1\n", &["a", "b"]);
        assert_eq!(cells, [("a".into(), "b".into(), 12), ("b".into(), "a".into(), 21)]);
        let column = Dropped::Column { group, source: a, column: 3 };
        assert_eq!(dropped, [Dropped::Duplicate { group, id: a }, column]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let bad = |text: &str| SyncTimestamps::decode(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(bad("g,a\n"), "storage_sync_timestamp.dat, line 1: column 3 (timestamp) is missing");
        assert_eq!(bad("\ng,,1\n"), "storage_sync_timestamp.dat, line 2: column 2 (source): it is empty");
        assert_eq!(bad("g,a,1,x\n"), "storage_sync_timestamp.dat, line 1: column 4 (timestamp): \"x\" is not a number");
        assert_eq!(bad("g,a,1,17951"), "storage_sync_timestamp.dat, line 1: the line has no end");
        assert_eq!(SyncTimestamps::decode(b""), Ok(SyncTimestamps::default()));
    }

    proptest! {
        #[test]
        fn it_round_trips(rows in proptest::collection::vec(
            ("[a-z0-9]{1,16}", "[0-9.]{1,16}", proptest::collection::vec(any::<i64>(), 1..5)), 0..5,
        )) {
            let row = |(group, source, timestamps): (String, String, _)| {
                SyncRow { group: group.parse().unwrap(), source: source.parse().unwrap(), timestamps }
            };
            let file = SyncTimestamps { rows: rows.into_iter().map(row).collect() };
            let _ = file.resolve(|_, _| true);
            prop_assert_eq!(SyncTimestamps::decode(&file.to_bytes()), Ok(file));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = SyncTimestamps::decode(&bytes);
        }
    }
}
