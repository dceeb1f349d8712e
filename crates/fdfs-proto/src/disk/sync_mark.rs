//! `sync/*.mark`: where the replication to one storage stands.

use super::ini::{Ini, IniWriter};
use super::local_time::LocalTime;
use super::{DiskError, StateFile, number};
use crate::StorageId;

/// A mark file of the `sync` directory; one for each storage that this one replicates to.
///
/// All seven keys must be there. The offset is that of the oldest record which the peer has not confirmed, so a replay
/// after a crash sends some records twice and leaves none out. Marks of the reference can point into a line: a reader
/// then goes back to the line's beginning.
///
/// Source: disk formats, A.5.4 and F.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncMark {
    /// The number of the binlog file.
    pub binlog_index: u32,
    /// The byte in it where the next record begins.
    pub binlog_offset: u64,
    /// Whether we are the one that must send the old records to this storage.
    pub need_sync_old: bool,
    /// Whether all old records have been sent.
    pub sync_old_done: bool,
    /// Old records up to this time are ours to send, unix seconds.
    pub until_timestamp: i64,
    /// Records read so far.
    pub scan_row_count: u64,
    /// Records sent so far.
    pub sync_row_count: u64,
}

const INDEX: &str = "binlog_index";
const OFFSET: &str = "binlog_offset";
const NEED_OLD: &str = "need_sync_old";
const OLD_DONE: &str = "sync_old_done";
const UNTIL: &str = "until_timestamp";
const SCANNED: &str = "scan_row_count";
const SYNCED: &str = "sync_row_count";

impl StateFile for SyncMark {
    const FILE: &'static str = "sync mark";

    fn encode(&self, out: &mut Vec<u8>) {
        let mut ini = IniWriter::new(out);
        ini.unsigned(INDEX, self.binlog_index);
        ini.unsigned(OFFSET, self.binlog_offset);
        ini.flag(NEED_OLD, self.need_sync_old);
        ini.flag(OLD_DONE, self.sync_old_done);
        ini.signed(UNTIL, self.until_timestamp);
        ini.unsigned(SCANNED, self.scan_row_count);
        ini.unsigned(SYNCED, self.sync_row_count);
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        let ini = Ini::parse(bytes);
        if ini.is_blank() {
            return Err(DiskError::Empty { file: Self::FILE });
        }
        let keys = ini.keys(Self::FILE);
        Ok(Self {
            binlog_index: keys.required(INDEX, keys.number(INDEX)?)?,
            binlog_offset: keys.required(OFFSET, keys.number(OFFSET)?)?,
            need_sync_old: keys.required(NEED_OLD, keys.flag(NEED_OLD))?,
            sync_old_done: keys.required(OLD_DONE, keys.flag(OLD_DONE))?,
            until_timestamp: keys.required(UNTIL, keys.number(UNTIL)?)?,
            scan_row_count: keys.required(SCANNED, keys.number(SCANNED)?)?,
            sync_row_count: keys.required(SYNCED, keys.number(SYNCED)?)?,
        })
    }
}

/// The name of a mark file, in `sync` as well as in `trunk`.
///
/// Source: disk formats, A.5.4 and A.6.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MarkName {
    /// The storage that the mark is about: its id, or its address where there are no storage ids.
    pub id: StorageId,
    /// Our own port (not the peer's); only without storage ids.
    pub port: Option<u16>,
}

impl MarkName {
    /// `<id>.mark` or `<address>_<port>.mark`.
    #[must_use]
    pub fn file_name(&self) -> String {
        match self.port {
            Some(port) => format!("{}_{port}.mark", self.id),
            None => format!("{}.mark", self.id),
        }
    }

    /// The name under which the mark of a deleted storage is kept: with `.YYYYMMDDhhmmss` behind it.
    #[must_use]
    pub fn aside_name(&self, now: &LocalTime) -> String {
        let mut stamp = Vec::new();
        now.put_compact(&mut stamp);
        format!("{}.{}", self.file_name(), String::from_utf8_lossy(&stamp))
    }

    /// What a file name stands for, if it is that of a mark in use.
    #[must_use]
    pub fn from_file_name(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".mark")?;
        let (id, port) = match stem.rsplit_once('_') {
            Some((id, port)) => (id, Some(number::parse(port.as_bytes()).ok()?)),
            None => (stem, None),
        };
        let id = StorageId::new(id.as_bytes()).ok().filter(|id| !id.is_empty())?;
        let parsed = Self { id, port };
        (parsed.file_name() == name).then_some(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::local_time::EXAMPLE;
    use proptest::prelude::*;

    #[test]
    fn all_seven_keys_must_be_there_and_numbers_must_not_be_negative() {
        let text = String::from_utf8(SyncMark::default().to_bytes()).unwrap();
        for line in text.split_inclusive('\n') {
            let key = line.split_once('=').unwrap().0.to_owned();
            let missing = DiskError::MissingKey { file: "sync mark", key };
            assert_eq!(SyncMark::decode(text.replace(line, "").as_bytes()), Err(missing));
        }
        assert!(SyncMark::decode(text.replace("offset=0", "offset=-1").as_bytes()).is_err());
        assert!(SyncMark::decode(text.replace("index=0", "index=-1").as_bytes()).is_err());
        assert!(SyncMark::decode(text.replace("offset=0", "offset=").as_bytes()).is_err());
        assert_eq!(SyncMark::decode(b""), Err(DiskError::Empty { file: "sync mark" }));
        assert!(SyncMark::decode(format!("{text}more=1\n").as_bytes()).is_ok());
    }

    #[test]
    fn names_read_back() {
        for (name, id, port) in [("10.78.2.12_23000.mark", "10.78.2.12", Some(23000)), ("100002.mark", "100002", None)]
        {
            let mark = MarkName { id: id.parse().unwrap(), port };
            assert_eq!(mark.file_name(), name);
            assert_eq!(MarkName::from_file_name(name), Some(mark));
            assert_eq!(mark.aside_name(&EXAMPLE), format!("{name}.20261120090539"));
        }
        for other in ["a_b.mark", ".mark", "x.mark.20261120094357", "x.mark.tmp", "a_0023.mark", "binlog.000"] {
            assert_eq!(MarkName::from_file_name(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn it_round_trips_and_no_cut_panics(
            binlog_index: u32, offset in 0..=i64::MAX as u64, need_sync_old: bool, sync_old_done: bool,
            until_timestamp: i64, scan in 0..=i64::MAX as u64, sync in 0..=i64::MAX as u64,
        ) {
            let mark = SyncMark {
                binlog_index, binlog_offset: offset, need_sync_old, sync_old_done, until_timestamp,
                scan_row_count: scan, sync_row_count: sync,
            };
            let bytes = mark.to_bytes();
            for len in 0..bytes.len() {
                let _ = SyncMark::decode(&bytes[..len]);
            }
            prop_assert_eq!(SyncMark::decode(&bytes), Ok(mark));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100), name in ".{0,30}") {
            let _ = SyncMark::decode(&bytes);
            let _ = MarkName::from_file_name(&name);
            let _ = MarkName::from_file_name(&format!("{name}.mark"));
        }
    }
}
