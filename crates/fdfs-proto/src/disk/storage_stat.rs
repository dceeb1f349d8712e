//! `storage_stat.dat`: the counters of a storage and where it stands in its sub-directories.

use super::ini::{Ini, IniWriter};
use super::{DiskError, StateFile, stat_keys};
use crate::shared::StorageStat;

/// Where the next file name is drawn: the round through the sub-directories of `file_distribute_path_mode = 0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubdirCursor {
    /// Index of the first level.
    pub high: u8,
    /// Index of the second level.
    pub low: u8,
    /// Names drawn in this directory so far.
    pub file_count: u32,
}

/// The file `storage_stat.dat`: 43 keys.
///
/// The counters are 64 bit, the two timestamps are unix seconds. Connections, `last_synced_timestamp` and
/// `last_heart_beat_time` are not in the file; they read as 0.
///
/// An empty file is all zero, and so is a key that is missing (versions before 6.0 write fewer keys). A file that is
/// not empty and has none of the keys is an error.
///
/// Source: disk formats, A.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageStatFile {
    /// The counters.
    pub stat: StorageStat,
    /// Where the next name is drawn.
    pub cursor: SubdirCursor,
}

const HIGH: &str = "dist_path_index_high";
const LOW: &str = "dist_path_index_low";
const FILE_COUNT: &str = "dist_write_file_count";

impl StateFile for StorageStatFile {
    const FILE: &'static str = "storage_stat.dat";

    fn encode(&self, out: &mut Vec<u8>) {
        let mut ini = IniWriter::new(out);
        stat_keys::write(&stat_keys::STORAGE, &self.stat, &mut ini);
        ini.unsigned(HIGH, self.cursor.high);
        ini.unsigned(LOW, self.cursor.low);
        ini.unsigned(FILE_COUNT, self.cursor.file_count);
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        let ini = Ini::parse(bytes);
        let keys = ini.keys(Self::FILE);
        let known = stat_keys::STORAGE.into_iter().flatten().map(|entry| entry.key).chain([HIGH, LOW, FILE_COUNT]);
        if !ini.is_blank() && keys.has_none_of(known) {
            return Err(DiskError::Unrecognized { file: Self::FILE });
        }
        Ok(Self {
            stat: stat_keys::read(&stat_keys::STORAGE, &keys)?,
            cursor: SubdirCursor {
                high: keys.number(HIGH)?.unwrap_or(0),
                low: keys.number(LOW)?.unwrap_or(0),
                file_count: keys.number(FILE_COUNT)?.unwrap_or(0),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wire;
    use proptest::prelude::*;

    #[test]
    fn there_are_43_keys() {
        assert_eq!(StorageStatFile::default().to_bytes().split(|&b| b == b'\n').filter(|l| !l.is_empty()).count(), 43);
    }

    #[test]
    fn empty_is_zero_and_rubbish_is_an_error() {
        assert_eq!(StorageStatFile::decode(b"\n"), Ok(StorageStatFile::default()));
        assert_eq!(StorageStatFile::decode(b"\xff\0x"), Err(DiskError::Unrecognized { file: "storage_stat.dat" }));
        assert!(StorageStatFile::decode(b"dist_path_index_high=256\n").is_err());
    }

    proptest! {
        #[test]
        fn it_round_trips(block in proptest::collection::vec(any::<u8>(), 336), high in 0u8.., low in 0u8.., count in 0u32..) {
            let mut bytes = vec![0; 12];
            bytes.extend(block);
            let mut stat = StorageStat::from_bytes(&bytes).unwrap();
            (stat.last_synced_timestamp, stat.last_heart_beat_time) = (0, 0);
            let file = StorageStatFile { stat, cursor: SubdirCursor { high, low, file_count: count } };
            prop_assert_eq!(StorageStatFile::decode(&file.to_bytes()), Ok(file));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = StorageStatFile::decode(&bytes);
        }
    }
}
