//! `storage_changelog.dat`: storages that were deleted or got a new address.

use super::line::{Columns, finished_lines};
use super::number::put_unsigned;
use super::{LineFault, ValueFault};
use crate::shared::StorageStatus;
use crate::{GroupName, IpText, StorageId};

/// The name of the file.
pub const FILE: &str = "storage_changelog.dat";

/// One line, `<timestamp> <group> <storage id> <status> <new address>\n`; storages are told those of their group.
///
/// Source: disk formats, B.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangelogEntry {
    /// When it happened, unix seconds.
    pub timestamp: u32,
    /// The group of the storage.
    pub group: GroupName,
    /// The storage; for a new address its id before, which is the old address.
    pub storage_id: StorageId,
    /// What happened.
    pub change: StorageChange,
}

/// What happened to a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageChange {
    /// It was deleted (status 4): the last column is empty, the line ends with a blank.
    Deleted,
    /// It has a new address (status 3).
    IpChanged {
        /// The new address.
        new_ip: IpText,
    },
}

impl ChangelogEntry {
    /// Reads one line, given without its newline.
    ///
    /// # Errors
    /// A [`LineFault`] that names the column; a reader reports such a line and goes on.
    pub fn parse(line: &[u8]) -> Result<Self, LineFault> {
        let mut columns = Columns::new(line, b' ');
        let timestamp = columns.number("timestamp")?;
        let group = columns.name("group", GroupName::new)?;
        let storage_id = columns.name("storage id", StorageId::new)?;
        let status: u8 = columns.number("status")?;
        let change = match StorageStatus::from_number(status) {
            Some(StorageStatus::Deleted) => {
                columns.bytes("nothing")?;
                StorageChange::Deleted
            }
            Some(StorageStatus::IpChanged) => {
                StorageChange::IpChanged { new_ip: columns.name("new address", IpText::new)? }
            }
            _ => return Err(columns.fault("status", ValueFault::OutOfRange { value: status.into(), low: 3, high: 4 })),
        };
        columns.finish()?;
        Ok(Self { timestamp, group, storage_id, change })
    }

    /// Appends the line with its newline.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (status, arg) = match &self.change {
            StorageChange::Deleted => (StorageStatus::Deleted, &b""[..]),
            StorageChange::IpChanged { new_ip } => (StorageStatus::IpChanged, new_ip.as_bytes()),
        };
        put_unsigned(out, self.timestamp.into());
        for column in [self.group.as_bytes(), self.storage_id.as_bytes()] {
            out.push(b' ');
            out.extend_from_slice(column);
        }
        out.push(b' ');
        put_unsigned(out, status.number().into());
        out.push(b' ');
        out.extend_from_slice(arg);
        out.push(b'\n');
    }
}

/// A line of a piece of the changelog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangelogLine<'a> {
    /// Where the line begins, counted from the beginning of the piece.
    pub start: usize,
    /// The line without its newline.
    pub text: &'a [u8],
    /// The entry, or why it is none.
    pub entry: Result<ChangelogEntry, LineFault>,
}

impl ChangelogLine<'_> {
    /// Where the next line begins, counted from the beginning of the piece.
    #[must_use]
    pub const fn end(&self) -> usize {
        self.start + self.text.len() + 1
    }
}

/// The finished lines of a piece of the changelog; what stands behind the last newline is left out.
pub fn changelog_lines(piece: &[u8]) -> impl Iterator<Item = ChangelogLine<'_>> {
    finished_lines(piece).map(|(start, text)| ChangelogLine { start, text, entry: ChangelogEntry::parse(text) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_kinds_read_and_are_written_again() {
        for line in ["1795167834 group1 10.78.2.12 4 \n", "1795167834 group1 10.78.2.12 3 10.78.2.13\n"] {
            let entry = ChangelogEntry::parse(line.trim_end_matches('\n').as_bytes()).unwrap();
            let mut out = Vec::new();
            entry.encode(&mut out);
            assert_eq!(out, line.as_bytes());
        }
    }

    #[test]
    fn bad_lines_are_passed_over() {
        let piece = b"1 g a 4 \n1 g a 4\n1 g a 5 x\n1 g a 3 \n1 g a 3 b c\n1  a 4 \n1 g a 3 b\n1 g";
        let lines: Vec<_> = changelog_lines(piece).collect();
        assert_eq!(
            lines.iter().map(|l| l.entry.is_ok()).collect::<Vec<_>>(),
            [true, false, false, false, false, false, true]
        );
        assert_eq!(lines[1].start, 9);
    }

    #[test]
    fn w39_a_piece_cut_in_a_line_goes_on_where_its_last_whole_line_ends() {
        let log = b"1 g a 4 \n2 g b 3 c\n3 g d 4 \n";
        for cut in 0..=log.len() {
            let first: Vec<_> = changelog_lines(&log[..cut]).collect();
            let end = first.last().map_or(0, ChangelogLine::end);
            let rest: Vec<_> = changelog_lines(&log[end..]).collect();
            let stamps: Vec<_> = first.iter().chain(&rest).map(|l| l.entry.clone().unwrap().timestamp).collect();
            assert_eq!(stamps, [1, 2, 3], "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn entries_round_trip(timestamp in 0u32.., group in "[a-z0-9]{1,16}", id in "[!-~]{1,16}", ip in "[!-~]{0,46}") {
            let change = match ip.parse::<IpText>().unwrap() {
                IpText::EMPTY => StorageChange::Deleted,
                new_ip => StorageChange::IpChanged { new_ip },
            };
            let (group, storage_id) = (group.parse().unwrap(), id.parse().unwrap());
            let entry = ChangelogEntry { timestamp, group, storage_id, change };
            let mut out = Vec::new();
            entry.encode(&mut out);
            let read: Vec<_> = changelog_lines(&out).map(|l| l.entry).collect();
            prop_assert_eq!(read, [Ok(entry)]);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = changelog_lines(&bytes).count();
            let _ = ChangelogEntry::parse(&bytes);
        }
    }
}
