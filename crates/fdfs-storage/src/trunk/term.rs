//! What this storage remembers of the trunk log that it holds: whose it is, and what it may not know.
//!
//! See decision 0008. A file of our own, `<base>/data/.fdfs_trunk`. When it is lost, this storage knows of nothing that
//! it is up to date, and asks the others.

use std::fmt::Write as _;

use fdfs_proto::StorageId;
use fdfs_proto::disk::{DiskError, StateFile};

/// Bits of a generation that say whose it is.
const TAG_BITS: u32 = 24;
const TAG: u64 = (1 << TAG_BITS) - 1;

/// What this storage remembers of its trunk log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrunkTerm {
    /// The generation of the log: grows with each trunk server and each compaction. Its last 24 bits are those of whoever
    /// began it ([`TrunkTerm::next_generation`]): two that do not hear of each other must not begin the same one.
    pub generation: u64,
    /// This storage wrote the end of the log, and nobody else has had the role since, as far as it was told.
    pub is_origin: bool,
    /// The trunk server that wrote it stopped in good order when the log had so many bytes.
    pub complete_bytes: Option<u64>,
    /// Free space in trunk files below this number may be in use: the former trunk server was not heard. 0: none.
    pub doubtful_below: u32,
}

impl TrunkTerm {
    /// The generation that this storage begins after `last`.
    #[must_use]
    pub fn next_generation(last: u64, own_id: &StorageId) -> u64 {
        let tag = u64::from(crc32fast::hash(own_id.as_str().as_bytes())) & TAG;
        ((last >> TAG_BITS) + 1) << TAG_BITS | tag
    }

    /// The term of a log that was copied from another storage.
    #[must_use]
    pub fn copied(generation: u64, doubtful_below: u32) -> Self {
        Self { generation, doubtful_below, ..Self::default() }
    }
}

impl StateFile for TrunkTerm {
    const FILE: &'static str = ".fdfs_trunk";

    fn encode(&self, out: &mut Vec<u8>) {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = writeln!(text, "generation={}\nis_origin={}", self.generation, u8::from(self.is_origin));
        if let Some(bytes) = self.complete_bytes {
            let _ = writeln!(text, "complete_bytes={bytes}");
        }
        let _ = writeln!(text, "doubtful_below={}", self.doubtful_below);
        out.extend_from_slice(text.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        let empty = || DiskError::Empty { file: Self::FILE };
        let text = std::str::from_utf8(bytes).map_err(|_| empty())?;
        let number = |key: &str| -> Result<u64, DiskError> {
            let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            value.and_then(|value| value.parse().ok()).ok_or_else(empty)
        };
        Ok(Self {
            generation: number("generation")?,
            is_origin: number("is_origin")? == 1,
            complete_bytes: number("complete_bytes").ok(),
            doubtful_below: u32::try_from(number("doubtful_below")?).map_err(|_| empty())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_grow_and_no_two_storages_begin_the_same() {
        let (one, two) = ("127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap());
        let first = TrunkTerm::next_generation(0, &one);
        assert_ne!(first, TrunkTerm::next_generation(0, &two));
        assert!(TrunkTerm::next_generation(first, &two) > first && TrunkTerm::next_generation(first, &one) > first);
    }

    #[test]
    fn it_reads_back_and_any_cut_is_refused_or_read() {
        for complete_bytes in [None, Some(9)] {
            let term = TrunkTerm { generation: 3, is_origin: true, complete_bytes, doubtful_below: 1001 };
            let bytes = term.to_bytes();
            assert_eq!(TrunkTerm::decode(&bytes), Ok(term));
            for len in 0..bytes.len() {
                let _ = TrunkTerm::decode(&bytes[..len]);
            }
        }
        assert!(TrunkTerm::decode(b"").is_err());
        assert!(TrunkTerm::decode(b"\xff").is_err());
    }
}
