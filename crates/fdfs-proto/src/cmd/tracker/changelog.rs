//! 77: which storages were deleted or got a new address.

use std::fmt;

use crate::cmd::tracker::record;
use crate::limits::{GROUP_NAME_LEN, STORAGE_ID_LEN};
use crate::shared::StorageStatus;
use crate::{Command, GroupName, Put, Reader, Request, StorageId, Wire, WireError};

/// The longest answer, in bytes.
pub const CHANGELOG_MAX: usize = 8182;

/// The longest line that can be one, in bytes, its line feed included; what is longer is skipped.
const LINE_MAX: usize = 256;

/// Request of `STORAGE_CHANGELOG_REQ` (77): empty when the connection has joined, else 32 bytes. The answer is text,
/// see [`Changelog`].
///
/// | offset | size | field | unit             |
/// |-------:|-----:|-------|------------------|
/// |      0 |   16 | group | text, NUL-padded |
/// |     16 |   16 | id    | text, NUL-padded |
///
/// Which of the two forms is right depends on the connection; the other one is `EINVAL`.
///
/// Source: wire specification, 2.3.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangelogRequest {
    /// For the storage that joined on this connection.
    Joined,
    /// For a storage that is named.
    Of {
        /// Its group.
        group: GroupName,
        /// Its id.
        id: StorageId,
    },
}

impl Wire for ChangelogRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        if let Self::Of { group, id } = self {
            group.put(out, GROUP_NAME_LEN);
            id.put(out, STORAGE_ID_LEN);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        if reader.remaining() == 0 {
            return Ok(Self::Joined);
        }
        let group = GroupName::read(reader, GROUP_NAME_LEN)?;
        Ok(Self::Of { group, id: StorageId::read(reader, STORAGE_ID_LEN)? })
    }
}

impl Request for ChangelogRequest {
    const COMMAND: Command = Command::StorageChangelogReq;
}

/// One line: `timestamp group id status newid`, separated by one blank each. For a deletion the new id is empty, so
/// the line ends with a blank.
///
/// Source: wire specification, 2.3.6; disk formats, B.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangelogLine {
    /// When it happened, unix seconds of the tracker.
    pub timestamp_secs: i64,
    /// The group.
    pub group: GroupName,
    /// The storage.
    pub id: StorageId,
    /// [`StorageStatus::Deleted`] or [`StorageStatus::IpChanged`].
    pub status: StorageStatus,
    /// Its id from now on, when its address changed.
    pub new_id: Option<StorageId>,
}

impl ChangelogLine {
    /// Reads a line without its line feed.
    ///
    /// # Errors
    /// [`WireError::BadText`] for a line with other than five fields, and that of a field.
    pub fn parse(line: &[u8]) -> Result<Self, WireError> {
        let bad = || WireError::bad_text("changelog line", line);
        let text = std::str::from_utf8(line).map_err(|_| bad())?;
        let fields: Vec<&str> = text.splitn(6, ' ').collect();
        let &[timestamp, group, id, status, new_id] = fields.as_slice() else { return Err(bad()) };
        let new_id: StorageId = new_id.parse()?;
        let line = Self {
            timestamp_secs: timestamp.parse().map_err(|_| bad())?,
            group: group.parse()?,
            id: id.parse()?,
            status: record::status(status.parse().map_err(|_| bad())?)?,
            new_id: (!new_id.is_empty()).then_some(new_id),
        };
        if line.group.is_empty() || line.id.is_empty() { Err(bad()) } else { Ok(line) }
    }
}

/// The line without its line feed.
impl fmt::Display for ChangelogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let new_id = self.new_id.unwrap_or_default();
        write!(f, "{} {} {} {} {new_id}", self.timestamp_secs, self.group, self.id, self.status.number())
    }
}

/// Answer of 77: the lines that this storage was not given before, of all groups; at most 8182 bytes, often none.
///
/// Differs from C: an answer ends at the end of a line; the reference cuts at a byte count, in the middle of a line.
///
/// Source: wire specification, 2.3.6.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changelog {
    /// The lines.
    pub lines: Vec<ChangelogLine>,
}

impl Changelog {
    /// The part of `text`, which starts at a line's beginning, that goes into one answer: whole lines, as many as fit.
    #[must_use]
    pub fn piece(text: &[u8]) -> &[u8] {
        let most = &text[..text.len().min(CHANGELOG_MAX)];
        let end = most.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        &most[..end]
    }

    /// Reads an answer that a C tracker may have cut. `rest` is what the previous answer left over, empty at first;
    /// it takes the beginning of a line that this answer does not finish. Lines that cannot be read are left out.
    #[must_use]
    pub fn from_pieces(rest: &mut Vec<u8>, body: &[u8]) -> Self {
        rest.extend_from_slice(body);
        let end = rest.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let lines = rest[..end].split(|&b| b == b'\n').filter_map(|line| ChangelogLine::parse(line).ok()).collect();
        rest.drain(..end);
        if rest.len() > LINE_MAX {
            rest.clear();
        }
        Self { lines }
    }
}

impl Wire for Changelog {
    fn encode(&self, out: &mut Vec<u8>) {
        for line in &self.lines {
            out.put_bytes(format!("{line}\n").as_bytes());
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let text = reader.rest();
        let Some(lines) = text.strip_suffix(b"\n") else {
            return if text.is_empty() { Ok(Self::default()) } else { Err(WireError::bad_text("changelog", text)) };
        };
        Ok(Self { lines: lines.split(|&b| b == b'\n').map(ChangelogLine::parse).collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use proptest::prelude::*;

    const DELETED: &[u8] = b"1795166320 fakegrp 10.78.1.100 4 \n";
    const MOVED: &[u8] = b"1795166321 group1 10.78.1.11 3 10.78.1.21\n";

    #[test]
    fn requests_have_32_bytes_or_none() {
        check::fixed(&ChangelogRequest::Joined, b"");
        let of = ChangelogRequest::Of { group: "group1".parse().unwrap(), id: "10.78.1.11".parse().unwrap() };
        check::variable(&of, b"group1\0\0\0\0\0\0\0\0\0\x0010.78.1.11\0\0\0\0\0\0", &[0]);
        assert!(ChangelogRequest::from_bytes(&[0; 33]).is_err());
    }

    #[test]
    fn recorded_lines_read_and_write_back() {
        let line = ChangelogLine::parse(&DELETED[..DELETED.len() - 1]).unwrap();
        assert_eq!((line.status, line.new_id), (StorageStatus::Deleted, None));
        let log = Changelog::from_bytes(&[DELETED, MOVED].concat()).unwrap();
        assert_eq!(log.lines[1].new_id.unwrap().as_str(), "10.78.1.21");
        check::variable(&log, &[DELETED, MOVED].concat(), &[0, DELETED.len()]);
        for bad in ["\n", "1 g i 4\n", "1 g i 4 n x\n", "x g i 4 \n", "1 g i 8 \n", "1  i 4 \n", "1 g-g i 4 \n"] {
            assert!(Changelog::from_bytes(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn w39_an_answer_ends_at_the_end_of_a_line() {
        let text = MOVED.repeat(400);
        let piece = Changelog::piece(&text);
        assert_eq!(piece.len(), CHANGELOG_MAX / MOVED.len() * MOVED.len());
        assert_eq!(Changelog::piece(b"no line feed"), b"");
        assert_eq!(Changelog::piece(DELETED), DELETED);
    }

    #[test]
    fn w39_a_line_that_a_c_tracker_cut_is_put_together() {
        let text = [DELETED, b"rubbish\n", MOVED, DELETED].concat();
        let whole = Changelog::from_pieces(&mut Vec::new(), &text);
        assert_eq!(whole.lines.len(), 3);
        for cut in 0..text.len() {
            let mut rest = Vec::new();
            let mut lines = Changelog::from_pieces(&mut rest, &text[..cut]).lines;
            lines.extend(Changelog::from_pieces(&mut rest, &text[cut..]).lines);
            assert_eq!((lines, rest.len()), (whole.lines.clone(), 0), "cut at {cut}");
        }
        let mut rest = Vec::new();
        let none = Changelog::from_pieces(&mut rest, &[b'x'; 9000]);
        assert_eq!((none.lines.len(), rest.len()), (0, 0), "a line without an end is not kept for ever");
    }

    proptest! {
        #[test]
        fn any_log_round_trips(
            lines in proptest::collection::vec(
                (any::<i64>(), check::group(), check::id(), check::status(), proptest::option::of(check::id())), 0..20),
        ) {
            let lines = lines.into_iter().map(|(timestamp_secs, group, id, status, new_id)| {
                ChangelogLine { timestamp_secs, group, id, status, new_id }
            }).collect();
            check::round_trip(&Changelog { lines });
        }

        #[test]
        fn any_text_is_judged_without_a_panic(text: Vec<u8>) {
            let _ = Changelog::from_bytes(&text);
            let _ = Changelog::from_pieces(&mut text.clone(), &text);
        }
    }
}
