//! One line of the replication log `sync/binlog.NNN`: a change that was made to a file.

use super::error::shown;
use super::line::finished_lines;
use super::number;
pub use super::record_error::{MalformedLink, RecordError};
use crate::FileName;

/// The longest line with its newline, in bytes.
pub const LINE_MAX: usize = 255;
/// The most bytes behind the second blank.
pub const REST_MAX: usize = 127;
/// A name of so many bytes or fewer is none.
pub const NAME_TOO_SHORT: usize = 10;

/// Who made the record; in the file this is the case of the operation's letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A client changed the file here: an upper-case letter.
    Source,
    /// Replication brought the change here: a lower-case letter.
    Replica,
}

/// What was done to the file. In the file: a letter, and for some two more columns or one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// `C`: the file was made.
    Create,
    /// `A <offset> <length>`: bytes were appended.
    Append {
        /// The size before, which is where the new bytes begin.
        offset: u64,
        /// The new bytes.
        length: u64,
    },
    /// `M <offset> <length>`: bytes were overwritten; may make the file longer.
    Modify {
        /// Where they begin.
        offset: u64,
        /// How many.
        length: u64,
    },
    /// `T <old size> <new size>`: the size was set; may make the file longer.
    Truncate {
        /// The size before, in bytes.
        old_size: u64,
        /// The size after, in bytes.
        new_size: u64,
    },
    /// `U`: the whole file was written anew; in practice only metadata.
    Update,
    /// `D`: the file, link or metadata was deleted.
    Delete,
    /// `L <source>`: a link was made.
    Link {
        /// The file that it points to; `None` if the record does not say it, then the link itself does.
        source: Option<FileName>,
    },
    /// `R <old name>`: an appender file became a normal file.
    Rename {
        /// The name before; `None` if the record does not say it.
        old_name: Option<FileName>,
    },
}

impl Op {
    /// The letter of a record that a client's request made.
    #[must_use]
    pub const fn letter(&self) -> u8 {
        match self {
            Self::Create => b'C',
            Self::Append { .. } => b'A',
            Self::Modify { .. } => b'M',
            Self::Truncate { .. } => b'T',
            Self::Update => b'U',
            Self::Delete => b'D',
            Self::Link { .. } => b'L',
            Self::Rename { .. } => b'R',
        }
    }
}

/// A record: one line, `<timestamp> <op> <name>[ <more>]\n`.
///
/// | column | content |
/// |--------|---------|
/// | timestamp | unix seconds, decimal; not monotonic, as replicas write the time of the source |
/// | op | one letter: upper case from a source, lower case from a replica |
/// | name | logic name; one that does not begin with `M` is a true name on store path 0 (versions before 1.12) |
/// | more | A, M: offset and length; T: old and new size; L: source; R: old name |
///
/// Columns are separated by exactly one blank.
///
/// Source: disk formats, A.5.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BinlogRecord {
    /// When the change was made at the source, unix seconds.
    pub timestamp: u32,
    /// Who made the record.
    pub origin: Origin,
    /// The file that was changed; for renames the new name.
    pub name: FileName,
    /// What was done.
    pub op: Op,
}

impl BinlogRecord {
    /// Reads one line, given without its newline.
    ///
    /// # Errors
    /// [`RecordError::MalformedLink`] for the link records that the reference writes wrongly, otherwise what is wrong.
    pub fn parse(line: &[u8]) -> Result<Self, RecordError> {
        if line.len() >= LINE_MAX {
            return Err(RecordError::LineTooLong { len: line.len() + 1 });
        }
        let (first, behind) = split_blank(line);
        let timestamp = number::parse::<u32>(first).map_err(|_| RecordError::BadTimestamp { text: shown(first) })?;
        let (letter, rest) = split_blank(behind.ok_or(RecordError::Missing { field: "operation" })?);
        let unknown = || RecordError::UnknownOp { text: shown(letter) };
        let &[byte] = letter else { return Err(unknown()) };
        let origin = if byte.is_ascii_lowercase() { Origin::Replica } else { Origin::Source };
        let op = byte.to_ascii_uppercase();
        if !b"CAMTUDLR".contains(&op) {
            return Err(unknown());
        }
        let rest = rest.ok_or(RecordError::Missing { field: "name" })?;
        if rest.len() > REST_MAX {
            return Err(RecordError::RestTooLong { len: rest.len() });
        }
        if op == b'L' {
            check_link(timestamp, origin, rest)?;
        }
        let two_columns = matches!(op, b'A' | b'M' | b'T' | b'L' | b'R');
        let (name, more) = if two_columns { split_blank(rest) } else { (rest, None) };
        if name.len() <= NAME_TOO_SHORT {
            return Err(RecordError::NameTooShort { len: name.len() });
        }
        let name = FileName::new(name)?;
        let op = match op {
            b'A' => two_numbers(more, "offset", "length").map(|(offset, length)| Op::Append { offset, length })?,
            b'M' => two_numbers(more, "offset", "length").map(|(offset, length)| Op::Modify { offset, length })?,
            b'T' => two_numbers(more, "old size", "new size")
                .map(|(old_size, new_size)| Op::Truncate { old_size, new_size })?,
            b'L' => Op::Link { source: second_name(more)? },
            b'R' => Op::Rename { old_name: second_name(more)? },
            b'U' => Op::Update,
            b'D' => Op::Delete,
            _ => Op::Create,
        };
        Ok(Self { timestamp, origin, name, op })
    }

    /// Appends the line with its newline to `out`; takes no memory beyond what `out` needs.
    ///
    /// # Errors
    /// [`RecordError::RestTooLong`] or [`RecordError::NameTooShort`] for a record that no reader would take; `out` is
    /// then as it was.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        if self.name.as_bytes().len() <= NAME_TOO_SHORT {
            return Err(RecordError::NameTooShort { len: self.name.as_bytes().len() });
        }
        let line_start = out.len();
        number::put_unsigned(out, self.timestamp.into());
        out.extend_from_slice(&[b' ', self.letter(), b' ']);
        let rest_start = out.len();
        out.extend_from_slice(self.name.as_bytes());
        match &self.op {
            Op::Append { offset: a, length: b }
            | Op::Modify { offset: a, length: b }
            | Op::Truncate { old_size: a, new_size: b } => {
                for value in [a, b] {
                    out.push(b' ');
                    number::put_unsigned(out, *value);
                }
            }
            Op::Link { source: Some(second) } | Op::Rename { old_name: Some(second) } => {
                out.push(b' ');
                out.extend_from_slice(second.as_bytes());
            }
            Op::Create | Op::Update | Op::Delete | Op::Link { source: None } | Op::Rename { old_name: None } => {}
        }
        let len = out.len() - rest_start;
        if len > REST_MAX {
            out.truncate(line_start);
            return Err(RecordError::RestTooLong { len });
        }
        out.push(b'\n');
        Ok(())
    }

    /// The letter of the line: upper case from a source, lower case from a replica.
    #[must_use]
    pub const fn letter(&self) -> u8 {
        match self.origin {
            Origin::Source => self.op.letter(),
            Origin::Replica => self.op.letter().to_ascii_lowercase(),
        }
    }
}

/// A line of a piece of a binlog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinlogLine<'a> {
    /// Where the line begins, counted from the beginning of the piece.
    pub start: usize,
    /// The line without its newline.
    pub text: &'a [u8],
    /// The record, or why it is none.
    pub record: Result<BinlogRecord, RecordError>,
}

impl BinlogLine<'_> {
    /// Where the next line begins, counted from the beginning of the piece.
    #[must_use]
    pub const fn end(&self) -> usize {
        self.start + self.text.len() + 1
    }
}

/// The finished lines of a piece of a binlog; what stands behind the last newline is left out.
pub fn binlog_lines(piece: &[u8]) -> impl Iterator<Item = BinlogLine<'_>> {
    finished_lines(piece).map(|(start, text)| BinlogLine { start, text, record: BinlogRecord::parse(text) })
}

/// The two kinds of malformed link records.
fn check_link(timestamp: u32, origin: Origin, rest: &[u8]) -> Result<(), RecordError> {
    if rest.is_empty() {
        return Err(MalformedLink::NoNames { timestamp, origin }.into());
    }
    match rest.strip_prefix(b" ") {
        Some(target) if target.len() > NAME_TOO_SHORT => {
            let target = Box::new(FileName::new(target)?);
            Err(MalformedLink::NoLinkName { timestamp, origin, target }.into())
        }
        _ => Ok(()),
    }
}

/// What stands in front of the first blank, and what stands behind it if there is one.
fn split_blank(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = text.splitn(2, |&b| b == b' ');
    (parts.next().unwrap_or_default(), parts.next())
}

fn two_numbers(more: Option<&[u8]>, first: &'static str, second: &'static str) -> Result<(u64, u64), RecordError> {
    let (a, behind) = split_blank(more.ok_or(RecordError::Missing { field: first })?);
    let (b, trailing) = split_blank(behind.ok_or(RecordError::Missing { field: second })?);
    if let Some(text) = trailing {
        return Err(RecordError::Trailing { text: shown(text) });
    }
    let parse =
        |field, text: &[u8]| number::parse(text).map_err(|_| RecordError::BadNumber { field, text: shown(text) });
    Ok((parse(first, a)?, parse(second, b)?))
}

fn second_name(more: Option<&[u8]>) -> Result<Option<FileName>, RecordError> {
    Ok(match more {
        None | Some(b"") => None,
        Some(name) if name.len() <= NAME_TOO_SHORT => return Err(RecordError::NameTooShort { len: name.len() }),
        Some(name) => Some(FileName::new(name)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAME: &str = "M00/00/00/Ck4CC2sADxWACLcPAAAAATC6lZk824.txt";

    fn parse(line: &str) -> Result<BinlogRecord, RecordError> {
        BinlogRecord::parse(line.as_bytes())
    }

    #[test]
    fn lines_of_every_kind_read_and_are_written_again() {
        for line in [
            format!("1795165973 C {NAME}"),
            format!("1795165972 u {NAME}-m"),
            format!("1795165975 A {NAME} 1000 500"),
            format!("1795165979 m {NAME} 1480 40"),
            format!("1795165981 T {NAME} 1520 800"),
            format!("1795165989 R {NAME} {NAME}"),
            format!("1795166874 L {NAME} {NAME}"),
            format!("1795166874 L {NAME}"),
            format!("0 d {NAME}"),
            "1 C 00/00/Ck4CC2sADx".to_owned(),
        ] {
            let record = parse(&line).unwrap_or_else(|e| panic!("{line}: {e}"));
            let mut out = Vec::new();
            record.encode(&mut out).unwrap();
            assert_eq!(out, format!("{line}\n").as_bytes());
        }
    }

    #[test]
    fn w11_malformed_link_records_are_told_apart() {
        assert_eq!(
            parse("1795166874 l "),
            Err(MalformedLink::NoNames { timestamp: 1_795_166_874, origin: Origin::Replica }.into())
        );
        let target = Box::new(NAME.parse().unwrap());
        assert_eq!(
            parse(&format!("7 L  {NAME}")),
            Err(MalformedLink::NoLinkName { timestamp: 7, origin: Origin::Source, target }.into())
        );
    }

    #[test]
    fn what_is_wrong_is_told() {
        let bad = |line: &str| parse(line).unwrap_err().to_string();
        assert_eq!(bad(""), "bad timestamp \"\"");
        assert_eq!(bad("-1 C x"), "bad timestamp \"-1\"");
        assert_eq!(bad("1"), "operation is missing");
        assert_eq!(bad("1 X x"), "unknown operation \"X\"");
        assert_eq!(bad("1 CC x"), "unknown operation \"CC\"");
        assert_eq!(bad("1 C"), "name is missing");
        assert_eq!(bad("1 C M00/00/00/"), "name of 10 bytes");
        assert_eq!(bad("1 C "), "name of 0 bytes");
        assert_eq!(bad(&format!("1 A {NAME}")), "offset is missing");
        assert_eq!(bad(&format!("1 A {NAME} 1")), "length is missing");
        assert_eq!(bad(&format!("1 A {NAME} 1 -2")), "length: bad number \"-2\"");
        assert_eq!(bad(&format!("1 A {NAME} 1 2 3")), "something behind the last column: \"3\"");
        assert_eq!(bad(&format!("1 L {NAME} short")), "name of 5 bytes");
        assert!(parse(&format!("1 C {NAME} x")).is_err());
        assert_eq!(parse(&format!("1 C {}", "x".repeat(128))), Err(RecordError::RestTooLong { len: 128 }));
        assert_eq!(parse(&"1".repeat(255)), Err(RecordError::LineTooLong { len: 256 }));
    }

    #[test]
    fn a_record_over_the_limit_is_not_written() {
        let name: FileName = "x".repeat(70).parse().unwrap();
        let op = Op::Rename { old_name: Some(name) };
        let mut out = b"before".to_vec();
        let record = BinlogRecord { timestamp: 1, origin: Origin::Source, name, op };
        assert_eq!(record.encode(&mut out), Err(RecordError::RestTooLong { len: 141 }));
        let short = BinlogRecord { name: "short".parse().unwrap(), op: Op::Create, ..record };
        assert_eq!(short.encode(&mut out), Err(RecordError::NameTooShort { len: 5 }));
        assert_eq!(out, b"before");
    }

    #[test]
    fn an_unfinished_line_is_left_out() {
        let piece = format!("1 C {NAME}\nrubbish\n2 D {NAME}\n3 C M00");
        let lines: Vec<_> = binlog_lines(piece.as_bytes()).collect();
        assert_eq!(lines.iter().map(|l| l.start).collect::<Vec<_>>(), [0, 49, 57]);
        assert_eq!(lines.iter().map(|l| l.record.is_ok()).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(lines[2].end(), piece.len() - "3 C M00".len());
    }

    fn any_name(longest: usize) -> impl Strategy<Value = FileName> {
        proptest::string::string_regex(&format!("[!-~]{{11,{longest}}}")).unwrap().prop_map(|n| n.parse().unwrap())
    }

    fn any_op() -> impl Strategy<Value = Op> {
        let size = || 0..=i64::MAX as u64;
        prop_oneof![
            Just(Op::Create),
            Just(Op::Update),
            Just(Op::Delete),
            (size(), size()).prop_map(|(offset, length)| Op::Append { offset, length }),
            (size(), size()).prop_map(|(offset, length)| Op::Modify { offset, length }),
            (size(), size()).prop_map(|(old_size, new_size)| Op::Truncate { old_size, new_size }),
            proptest::option::of(any_name(60)).prop_map(|source| Op::Link { source }),
            proptest::option::of(any_name(60)).prop_map(|old_name| Op::Rename { old_name }),
        ]
    }

    proptest! {
        #[test]
        fn records_round_trip_and_no_cut_panics(
            timestamp in any::<u32>(), source in any::<bool>(), name in any_name(66), op in any_op(),
        ) {
            let origin = if source { Origin::Source } else { Origin::Replica };
            let record = BinlogRecord { timestamp, origin, name, op };
            let mut line = Vec::new();
            record.encode(&mut line).unwrap();
            prop_assert!(line.len() <= LINE_MAX);
            for len in 0..line.len() - 1 {
                let _ = BinlogRecord::parse(&line[..len]);
            }
            prop_assert_eq!(BinlogRecord::parse(line.strip_suffix(b"\n").unwrap()), Ok(record));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = BinlogRecord::parse(&bytes);
            let _ = binlog_lines(&bytes).count();
        }

        #[test]
        fn any_columns_are_read_or_refused(op in "[CAMTUDLRcamtudlr]", rest in "[ -~]{0,130}") {
            let line = format!("1 {op} {rest}");
            if let Ok(record) = parse(&line) {
                let mut out = Vec::new();
                record.encode(&mut out).unwrap();
                prop_assert_eq!(BinlogRecord::parse(out.strip_suffix(b"\n").unwrap()), Ok(record));
            }
        }
    }
}
