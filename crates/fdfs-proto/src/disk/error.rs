//! What can be wrong with a file on disk.

use crate::WireError;

/// Why a file could not be read as what it should be. Each variant names the file and the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    /// The file has no bytes (or only blanks), which for this file is not a valid state.
    #[error("{file}: the file is empty")]
    Empty {
        /// The kind of file.
        file: &'static str,
    },
    /// The file has bytes, but not one of the keys that belong there: it is something else, or rubbish.
    #[error("{file}: none of its keys is there")]
    Unrecognized {
        /// The kind of file.
        file: &'static str,
    },
    /// The last line has no newline: the file was cut off while it was written.
    #[error("{file}, line {line}: the line has no end")]
    Unfinished {
        /// The kind of file.
        file: &'static str,
        /// The line, from 1.
        line: usize,
    },
    /// A key that must be there is not.
    #[error("{file}: key {key} is missing")]
    MissingKey {
        /// The kind of file.
        file: &'static str,
        /// The key; with its section in front if it has one.
        key: String,
    },
    /// The value of a key cannot be used.
    #[error("{file}, line {line}, key {key}: {fault}")]
    BadValue {
        /// The kind of file.
        file: &'static str,
        /// The line, from 1.
        line: usize,
        /// The key; with its section in front if it has one.
        key: String,
        /// What is wrong.
        fault: ValueFault,
    },
    /// A line of a file without keys cannot be used.
    #[error("{file}, line {line}: {fault}")]
    BadLine {
        /// The kind of file.
        file: &'static str,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        fault: LineFault,
    },
}

/// What is wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueFault {
    /// It is not a decimal number, or has more digits than 64 bits hold.
    #[error("{text:?} is not a number")]
    NotANumber {
        /// What stood there, made printable and cut.
        text: String,
    },
    /// The number is outside of what is allowed.
    #[error("{value} is not in {low}..={high}")]
    OutOfRange {
        /// The number.
        value: i64,
        /// The least allowed.
        low: i64,
        /// The greatest allowed.
        high: i64,
    },
    /// It is empty and must not be.
    #[error("it is empty")]
    Empty,
    /// It is not the text that belongs there.
    #[error(transparent)]
    Text(#[from] WireError),
}

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// The line has too few columns.
    #[error("column {column} ({name}) is missing")]
    MissingColumn {
        /// The first missing column, from 1.
        column: usize,
        /// What it should hold.
        name: &'static str,
    },
    /// The line has more columns than it may have.
    #[error("{columns} columns, at most {max}")]
    TooManyColumns {
        /// The columns found.
        columns: usize,
        /// The most that are allowed.
        max: usize,
    },
    /// A column cannot be used.
    #[error("column {column} ({name}): {fault}")]
    Column {
        /// The column, from 1.
        column: usize,
        /// What it should hold.
        name: &'static str,
        /// What is wrong with it.
        fault: ValueFault,
    },
    /// The operation's letter is unknown.
    #[error("unknown operation {letter:?}")]
    UnknownOp {
        /// What stood there, made printable and cut.
        letter: String,
    },
    /// The line is longer than any reader takes.
    #[error("{len} bytes, at most {max}")]
    TooLong {
        /// Its length in bytes.
        len: usize,
        /// The greatest length in bytes.
        max: usize,
    },
}

/// Bytes of a file made printable and cut to a bearable length, for messages.
pub(super) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..80).unwrap_or(bytes)).into_owned()
}
