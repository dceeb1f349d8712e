//! What can be wrong with a line of the replication log.

use super::binlog_record::{LINE_MAX, Origin, REST_MAX};
use crate::{FileName, WireError};

/// Link records that the reference itself writes in a way that no reader can use. A reader sets them aside and goes on.
///
/// Source: disk formats, F.1 and F.2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedLink {
    /// `<timestamp> l ` and nothing more: written by a replica for every link that it received.
    #[error("link record without names")]
    NoNames {
        /// When the link was made, unix seconds.
        timestamp: u32,
        /// Who made the record.
        origin: Origin,
    },
    /// `<timestamp> L  <target>`, two blanks: written by a source for a slave that is kept as a link.
    #[error("link record without the link's name, target {target}")]
    NoLinkName {
        /// When the link was made, unix seconds.
        timestamp: u32,
        /// Who made the record.
        origin: Origin,
        /// The file that the link points to.
        target: Box<FileName>,
    },
}

/// Why a line is no record, or a record cannot become a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A link record of the known malformed kinds: to be set aside.
    #[error(transparent)]
    MalformedLink(#[from] MalformedLink),
    /// The line is too long for any reader.
    #[error("line of {len} bytes, at most {LINE_MAX}")]
    LineTooLong {
        /// Its length with the newline, in bytes.
        len: usize,
    },
    /// What stands behind the second blank is too long for any reader.
    #[error("{len} bytes behind the operation, at most {REST_MAX}")]
    RestTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The line does not begin with unix seconds.
    #[error("bad timestamp {text:?}")]
    BadTimestamp {
        /// What stood there, made printable and cut.
        text: String,
    },
    /// The second column is not one of the 16 letters.
    #[error("unknown operation {text:?}")]
    UnknownOp {
        /// What stood there, made printable and cut.
        text: String,
    },
    /// A column is missing.
    #[error("{field} is missing")]
    Missing {
        /// The column.
        field: &'static str,
    },
    /// There are more columns than the operation has.
    #[error("something behind the last column: {text:?}")]
    Trailing {
        /// What stood there, made printable and cut.
        text: String,
    },
    /// The name has so few bytes that it cannot be one.
    #[error("name of {len} bytes")]
    NameTooShort {
        /// Its length in bytes.
        len: usize,
    },
    /// A name holds characters that it must not hold.
    #[error(transparent)]
    BadName(#[from] WireError),
    /// A number is not one.
    #[error("{field}: bad number {text:?}")]
    BadNumber {
        /// The column.
        field: &'static str,
        /// What stood there, made printable and cut.
        text: String,
    },
}
