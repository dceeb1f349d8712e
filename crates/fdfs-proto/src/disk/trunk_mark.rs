//! `trunk/*.mark`: how much of the trunk binlog one storage has.

use super::ini::{Ini, IniWriter};
use super::{DiskError, StateFile};

/// A mark file of the `trunk` directory; named like those of `sync`, see [`super::sync_mark::MarkName`].
///
/// Source: disk formats, A.6.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrunkMark {
    /// The byte of the trunk binlog where the next record begins.
    pub binlog_offset: u64,
}

const OFFSET: &str = "binlog_offset";

impl StateFile for TrunkMark {
    const FILE: &'static str = "trunk mark";

    fn encode(&self, out: &mut Vec<u8>) {
        IniWriter::new(out).unsigned(OFFSET, self.binlog_offset);
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        let ini = Ini::parse(bytes);
        if ini.is_blank() {
            return Err(DiskError::Empty { file: Self::FILE });
        }
        let keys = ini.keys(Self::FILE);
        Ok(Self { binlog_offset: keys.required(OFFSET, keys.number(OFFSET)?)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_offset_is_an_error() {
        assert_eq!(TrunkMark::decode(b""), Err(DiskError::Empty { file: "trunk mark" }));
        assert!(TrunkMark::decode(b"binlog_off").is_err());
        assert!(TrunkMark::decode(b"binlog_offset=\n").is_err());
        assert!(TrunkMark::decode(b"binlog_offset=-1\n").is_err());
    }

    proptest! {
        #[test]
        fn it_round_trips(binlog_offset in 0..=i64::MAX as u64) {
            let mark = TrunkMark { binlog_offset };
            prop_assert_eq!(TrunkMark::decode(&mark.to_bytes()), Ok(mark));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = TrunkMark::decode(&bytes);
        }
    }
}
