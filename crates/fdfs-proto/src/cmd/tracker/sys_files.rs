//! 61, 62, 63: a tracker without groups copies another one's system files.

use crate::{Command, Put, Reader, Request, Wire, WireError};

/// The most content that one answer carries, in bytes: the receiver of the reference takes bodies of at most 8192.
pub const PIECE_MAX: usize = 8173;

/// The largest body that is read, in bytes.
const BODY_MAX: usize = 8192;

empty_request! {
    /// Request of `TRACKER_GET_SYS_FILES_START` (61): empty, and so is the answer. `EBUSY` when another tracker copies.
    ///
    /// Source: wire specification, 2.4.
    SysFilesStart = TrackerGetSysFilesStart
}

empty_request! {
    /// Request of `TRACKER_GET_SYS_FILES_END` (62): empty, and so is the answer; status 0 without 61 too.
    ///
    /// Source: wire specification, 2.4.
    SysFilesEnd = TrackerGetSysFilesEnd
}

/// A system file of a tracker; their formats are the business of [`crate::disk`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum SysFile {
    /// The groups.
    Groups = 0,
    /// The storages.
    Storages = 1,
    /// Up to when the storages are in step.
    SyncTimestamps = 2,
    /// The changelog.
    Changelog = 3,
}

impl SysFile {
    /// Every file, in the order of their indexes.
    pub const ALL: [Self; 4] = [Self::Groups, Self::Storages, Self::SyncTimestamps, Self::Changelog];

    /// The index on the wire.
    #[must_use]
    pub const fn index(self) -> u8 {
        self as u8
    }

    /// The file of an index.
    #[must_use]
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.index() == index)
    }
}

/// Request of `TRACKER_GET_ONE_SYS_FILE` (63); 9 bytes, the answer is a [`SysFilePiece`].
///
/// | offset | size | field  | unit                                       |
/// |-------:|-----:|--------|--------------------------------------------|
/// |      0 |    1 | file   | [`SysFile`], 0 - 3                         |
/// |      1 |    8 | offset | bytes, i64 big-endian, never negative      |
///
/// Source: wire specification, 2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SysFileRequest {
    /// The file.
    pub file: SysFile,
    /// Where the piece begins.
    pub offset: u64,
}

impl Wire for SysFileRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.file.index());
        out.put_size(self.offset);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let index = reader.u8("system file")?;
        let value = i64::from(index);
        Ok(Self {
            file: SysFile::from_index(index).ok_or(WireError::OutOfRange {
                field: "system file",
                value,
                low: 0,
                high: 3,
            })?,
            offset: reader.size("offset")?,
        })
    }
}

impl Request for SysFileRequest {
    const COMMAND: Command = Command::TrackerGetOneSysFile;
}

/// Answer of 63: a piece of a file.
///
/// | offset | size     | field     | unit                                     |
/// |-------:|---------:|-----------|------------------------------------------|
/// |      0 |        8 | file size | bytes of the whole file, i64 big-endian  |
/// |      8 | 0 - 8173 | content   | from the offset asked for                |
///
/// Source: wire specification, 2.4.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SysFilePiece {
    /// Bytes of the whole file.
    pub file_size: u64,
    /// What stands from the offset on.
    pub content: Vec<u8>,
}

impl Wire for SysFilePiece {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_size(self.file_size);
        out.put_bytes(&self.content);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let len = reader.remaining();
        if len > BODY_MAX {
            return Err(WireError::TooLong { field: "system file", len, max: BODY_MAX });
        }
        Ok(Self { file_size: reader.size("file size")?, content: reader.rest().to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn requests_read_and_write_back_and_reject_every_cut() {
        check::fixed(&SysFilesStart, b"");
        check::fixed(&SysFilesEnd, b"");
        check::fixed(&SysFileRequest { file: SysFile::Storages, offset: 8173 }, &hex!("01 0000000000001fed"));
        assert!(SysFileRequest::from_bytes(&hex!("04 0000000000000000")).is_err());
        assert!(SysFileRequest::from_bytes(&hex!("00 ffffffffffffffff")).is_err());
    }

    #[test]
    fn a_piece_has_its_limit() {
        let piece = SysFilePiece { file_size: 34, content: b"1795166320".to_vec() };
        check::variable(&piece, &[&hex!("0000000000000022")[..], b"1795166320"].concat(), &(8..18).collect::<Vec<_>>());
        let most = SysFilePiece { file_size: 1 << 20, content: vec![0; PIECE_MAX] };
        check::round_trip(&most);
        assert!(SysFilePiece::from_bytes(&[0; BODY_MAX + 1]).is_err());
    }

    proptest! {
        #[test]
        fn any_body_round_trips(
            file in proptest::sample::select(SysFile::ALL.to_vec()),
            offset in check::size(),
            content in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            check::round_trip(&SysFileRequest { file, offset });
            check::round_trip(&SysFilePiece { file_size: offset, content });
        }
    }
}
