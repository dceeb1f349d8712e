//! 84: the space of a storage's paths.

use crate::cmd::tracker::record;
use crate::limits::STORE_PATHS;
use crate::{Command, Put, Reader, Request, Wire, WireError};

/// The space of one store path; 16 bytes.
///
/// | offset | size | field | unit                   |
/// |-------:|-----:|-------|------------------------|
/// |      0 |    8 | total | MB, i64 big-endian     |
/// |      8 |    8 | free  | MB, i64 big-endian     |
///
/// Source: wire specification, 2.3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PathSpace {
    /// Size of its disk.
    pub total_mb: u64,
    /// Free on its disk.
    pub free_mb: u64,
}

impl PathSpace {
    /// Bytes of a record.
    pub const LEN: usize = 16;
}

impl Wire for PathSpace {
    fn encode(&self, out: &mut Vec<u8>) {
        out.put_size(self.total_mb);
        out.put_size(self.free_mb);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { total_mb: reader.size("total MB")?, free_mb: reader.size("free MB")? })
    }
}

/// Request of `STORAGE_REPORT_DISK_USAGE` (84); the answer is a [`BeatAnswer`](super::BeatAnswer).
///
/// | offset | size   | field | unit                                     |
/// |-------:|-------:|-------|------------------------------------------|
/// |      0 | n × 16 | paths | [`PathSpace`], n from 1 to 256, in order |
///
/// Whether n is the number of paths that this storage joined with is for the tracker to judge.
///
/// Source: wire specification, 2.3.2.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiskUsage {
    /// The store paths, in the order of their indexes.
    pub paths: Vec<PathSpace>,
}

impl Wire for DiskUsage {
    fn encode(&self, out: &mut Vec<u8>) {
        for path in &self.paths {
            path.encode(out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let paths = record::read_all(reader, PathSpace::LEN, STORE_PATHS, "store path count")?;
        if paths.is_empty() {
            return Err(WireError::Truncated { field: "store path", need: PathSpace::LEN, have: 0 });
        }
        Ok(Self { paths })
    }
}

impl Request for DiskUsage {
    const COMMAND: Command = Command::StorageReportDiskUsage;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::tracker::check;
    use hex_literal::hex;
    use proptest::prelude::*;

    #[test]
    fn one_record_per_path() {
        let bytes = hex!("000000000003efe3 0000000000030000 0000000000000002 0000000000000001");
        let usage = DiskUsage {
            paths: vec![PathSpace { total_mb: 0x3efe3, free_mb: 0x30000 }, PathSpace { total_mb: 2, free_mb: 1 }],
        };
        check::variable(&usage, &bytes, &[16]);
    }

    #[test]
    fn no_path_too_many_paths_and_negative_sizes_are_refused() {
        assert!(DiskUsage::from_bytes(&[]).is_err());
        assert!(DiskUsage::from_bytes(&[0; 256 * 16]).is_ok());
        assert!(DiskUsage::from_bytes(&[0; 257 * 16]).is_err());
        assert!(DiskUsage::from_bytes(&[0xFF; 16]).is_err());
    }

    proptest! {
        #[test]
        fn any_usage_round_trips(paths in proptest::collection::vec((check::size(), check::size()), 1..=256)) {
            let paths = paths.into_iter().map(|(total_mb, free_mb)| PathSpace { total_mb, free_mb }).collect();
            check::round_trip(&DiskUsage { paths });
        }
    }
}
