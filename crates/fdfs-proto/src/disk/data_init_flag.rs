//! `.data_init_flag`: what a storage remembers of its life.

use std::collections::BTreeMap;

use super::ini::{Ini, IniWriter};
use super::store_path_mark::StorePathMark;
use super::{DiskError, StateFile, ValueFault};
use crate::limits::{HOST_LINE_MAX, STORE_PATHS};
use crate::{StorageId, WireError};

/// How far a compression of the trunk binlog has come, so that the next start can go on or go back.
///
/// Source: disk formats, A.6.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum CompressStage {
    /// Never begun.
    #[default]
    None = 0,
    /// The old files are being moved aside.
    Begin = 1,
    /// The old files are aside, a new binlog is open.
    ApplyDone = 2,
    /// The snapshot is written.
    SaveDone = 3,
    /// The new binlog is put together and about to be renamed.
    CommitMerging = 4,
    /// The new binlog is in place.
    CommitMergeDone = 5,
    /// The files moved aside are gone.
    CompressSuccess = 6,
    /// Going back: the old binlog is put together.
    RollbackMerging = 7,
    /// Going back: the old binlog is in place.
    RollbackMergeDone = 8,
    /// Ended, well or not.
    Finished = 9,
}

impl CompressStage {
    /// Every stage, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::Begin,
        Self::ApplyDone,
        Self::SaveDone,
        Self::CommitMerging,
        Self::CommitMergeDone,
        Self::CompressSuccess,
        Self::RollbackMerging,
        Self::RollbackMergeDone,
        Self::Finished,
    ];

    /// The number in the file.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The stage of a number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// The file `.data_init_flag`.
///
/// `storage_join_time`, `sync_old_done` and `sync_src_server` must be there (their values may be empty); all other keys
/// are 0 or empty when they are missing. Timestamps are unix seconds, 0 for never.
///
/// Source: disk formats, A.2.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataInitFlag {
    /// When this storage was started for the first time.
    pub storage_join_time: i64,
    /// Whether the tracker has said who sends us the old files. It does not mean that they have arrived.
    pub sync_old_done: bool,
    /// Who sends us the old files; empty if we were the first.
    pub sync_src_server: StorageId,
    /// Up to when the source sends the records of others to us.
    pub sync_until_timestamp: i64,
    /// Our address as the tracker sees it, or two with a comma between them, the inner one first.
    pub last_ip_addr: String,
    /// Our port; 0 when it is not known.
    pub last_server_port: u16,
    /// The trunk file id that was handed out last.
    pub current_trunk_file_id: u32,
    /// When the trunk binlog was compressed last.
    pub trunk_last_compress_time: i64,
    /// How far a compression of the trunk binlog has come.
    pub trunk_binlog_compress_stage: CompressStage,
    /// The marks of the store paths, by the index of the path.
    pub store_path_marks: BTreeMap<u8, StorePathMark>,
}

const JOIN_TIME: &str = "storage_join_time";
const OLD_DONE: &str = "sync_old_done";
const SRC_SERVER: &str = "sync_src_server";
const UNTIL: &str = "sync_until_timestamp";
const LAST_IP: &str = "last_ip_addr";
const LAST_PORT: &str = "last_server_port";
const TRUNK_ID: &str = "current_trunk_file_id";
const COMPRESS_TIME: &str = "trunk_last_compress_time";
const COMPRESS_STAGE: &str = "trunk_binlog_compress_stage";

fn mark_key(index: usize) -> String {
    format!("store_path_mark{index}")
}

/// One address or two; only printable characters, as they go into messages and requests.
fn address_list(text: &[u8]) -> Result<String, WireError> {
    if text.len() > HOST_LINE_MAX {
        return Err(WireError::TooLong { field: LAST_IP, len: text.len(), max: HOST_LINE_MAX });
    }
    match std::str::from_utf8(text) {
        Ok(list) if text.iter().all(u8::is_ascii_graphic) => Ok(list.to_owned()),
        _ => Err(WireError::bad_text(LAST_IP, text)),
    }
}

impl StateFile for DataInitFlag {
    const FILE: &'static str = ".data_init_flag";

    fn encode(&self, out: &mut Vec<u8>) {
        let mut ini = IniWriter::new(out);
        ini.signed(JOIN_TIME, self.storage_join_time);
        ini.flag(OLD_DONE, self.sync_old_done);
        ini.text(SRC_SERVER, self.sync_src_server.as_str());
        ini.signed(UNTIL, self.sync_until_timestamp);
        ini.text(LAST_IP, &self.last_ip_addr);
        ini.unsigned(LAST_PORT, self.last_server_port);
        ini.unsigned(TRUNK_ID, self.current_trunk_file_id);
        ini.signed(COMPRESS_TIME, self.trunk_last_compress_time);
        ini.unsigned(COMPRESS_STAGE, self.trunk_binlog_compress_stage.number());
        for (index, mark) in &self.store_path_marks {
            ini.text(&mark_key(usize::from(*index)), mark.as_str());
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        let ini = Ini::parse(bytes);
        if ini.is_blank() {
            return Err(DiskError::Empty { file: Self::FILE });
        }
        let keys = ini.keys(Self::FILE);
        let stage: u8 = keys.number_or_empty(COMPRESS_STAGE)?.unwrap_or(0);
        let stage = CompressStage::from_number(stage).ok_or_else(|| {
            keys.bad_value(COMPRESS_STAGE, ValueFault::OutOfRange { value: stage.into(), low: 0, high: 9 })
        })?;
        let mut store_path_marks = BTreeMap::new();
        for index in 0..STORE_PATHS {
            let key = mark_key(index);
            if keys.value(&key).is_some_and(|value| !value.is_empty())
                && let (Some(mark), Ok(index)) = (keys.text(&key, StorePathMark::new)?, u8::try_from(index))
            {
                store_path_marks.insert(index, mark);
            }
        }
        Ok(Self {
            storage_join_time: keys.required(JOIN_TIME, keys.number_or_empty(JOIN_TIME)?)?,
            sync_old_done: keys.required(OLD_DONE, keys.flag(OLD_DONE))?,
            sync_src_server: keys.required(SRC_SERVER, keys.text(SRC_SERVER, StorageId::new)?)?,
            sync_until_timestamp: keys.number_or_empty(UNTIL)?.unwrap_or(0),
            last_ip_addr: keys.text(LAST_IP, address_list)?.unwrap_or_default(),
            last_server_port: keys.number_or_empty(LAST_PORT)?.unwrap_or(0),
            current_trunk_file_id: keys.number_or_empty(TRUNK_ID)?.unwrap_or(0),
            trunk_last_compress_time: keys.number_or_empty(COMPRESS_TIME)?.unwrap_or(0),
            trunk_binlog_compress_stage: stage,
            store_path_marks,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_three_keys_must_be_there_but_may_be_empty() {
        assert_eq!(DataInitFlag::decode(b""), Err(DiskError::Empty { file: ".data_init_flag" }));
        let three = b"storage_join_time=\nsync_old_done=\nsync_src_server=\n";
        assert_eq!(DataInitFlag::decode(three), Ok(DataInitFlag::default()));
        for key in [JOIN_TIME, OLD_DONE, SRC_SERVER] {
            let without = String::from_utf8_lossy(three).replace(&format!("{key}=\n"), "");
            let missing = DiskError::MissingKey { file: ".data_init_flag", key: key.into() };
            assert_eq!(DataInitFlag::decode(without.as_bytes()), Err(missing));
        }
    }

    #[test]
    fn an_unknown_stage_is_an_error() {
        let bytes = b"storage_join_time=1\nsync_old_done=1\nsync_src_server=\ntrunk_binlog_compress_stage=10\n";
        let error = DataInitFlag::decode(bytes).unwrap_err();
        assert_eq!(error.to_string(), ".data_init_flag, line 4, key trunk_binlog_compress_stage: 10 is not in 0..=9");
    }

    prop_compose! {
        fn any_flag()(
            storage_join_time in any::<i64>(), sync_old_done in any::<bool>(), src in "[0-9.]{0,16}",
            sync_until_timestamp in any::<i64>(), last_ip_addr in "[0-9a-f:.,]{0,100}", last_server_port in any::<u16>(),
            current_trunk_file_id in any::<u32>(), trunk_last_compress_time in any::<i64>(), stage in 0u8..10,
            marks in proptest::collection::btree_map(any::<u8>(), "[A-Za-z0-9_-]{1,80}", 0..4),
        ) -> DataInitFlag {
            DataInitFlag {
                storage_join_time, sync_old_done, sync_src_server: src.parse().unwrap(), sync_until_timestamp,
                last_ip_addr, last_server_port, current_trunk_file_id, trunk_last_compress_time,
                trunk_binlog_compress_stage: CompressStage::from_number(stage).unwrap(),
                store_path_marks: marks.iter().map(|(&i, m)| (i, StorePathMark::new(m.as_bytes()).unwrap())).collect(),
            }
        }
    }

    proptest! {
        #[test]
        fn it_round_trips_and_no_cut_panics(flag in any_flag()) {
            let bytes = flag.to_bytes();
            prop_assert_eq!(DataInitFlag::decode(&bytes), Ok(flag));
            for len in 0..bytes.len() {
                let _ = DataInitFlag::decode(&bytes[..len]);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = DataInitFlag::decode(&bytes);
        }
    }
}
