//! What our servers say to our own tools and to each other. No number here is one of the reference's: a C server
//! answers `EINVAL`, and closes.

mod drain;
mod network;
mod storage_terms;
mod sync_hello;
mod sync_reached;
mod sync_status;
mod trunk_batch;
mod trunk_log;
mod watch_group;

use crate::limits::GROUP_NAME_LEN;
use crate::{Command, GroupName, Reader, Request, Wire, WireError};

pub use drain::Drain;
pub use network::{Network, NetworkError};
pub use storage_terms::{ROUTES_MAX, Route, StorageTerms};
pub use sync_hello::{SyncHello, SyncHelloAnswer};
pub use sync_reached::SyncReached;
pub use sync_status::{PeerStatus, SyncStatus, SyncStatusRequest};
pub use trunk_batch::{TrunkAsk, TrunkBatch, TrunkBatchAnswer};
pub use trunk_log::{TrunkLogAnswer, TrunkLogPurpose, TrunkLogRequest};
pub use watch_group::{GroupView, WatchGroup};

/// Request of `SELF_REPORT` (240), "tell me about yourself": empty; storages and trackers answer with a [`SelfReport`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SelfReportRequest;

impl Wire for SelfReportRequest {
    fn encode(&self, _: &mut Vec<u8>) {}
    fn decode(_: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self)
    }
}

impl Request for SelfReportRequest {
    const COMMAND: Command = Command::SelfReport;
}

/// Request of `DROP_GROUP` (249): as `DELETE_GROUP` (108), but the slots of deleted storages do not keep the group.
///
/// | offset | size | field | unit             |
/// |-------:|-----:|-------|------------------|
/// |      0 |   16 | group | text, NUL-padded |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DropGroup {
    /// The group.
    pub group: GroupName,
}

impl Wire for DropGroup {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.put(out, GROUP_NAME_LEN);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { group: GroupName::read(reader, GROUP_NAME_LEN)? })
    }
}

impl Request for DropGroup {
    const COMMAND: Command = Command::DropGroup;
}

/// What a server says of itself: `key=value` lines.
///
/// | key                 | value                                                    |
/// |---------------------|----------------------------------------------------------|
/// | `program`           | `fdfs` and its version                                   |
/// | `group`, `id`       | of a storage: who it is                                  |
/// | `durability`        | `none` or `disk`: what an OK means                       |
/// | `workers`           | threads of the data port                                 |
/// | `requests_in_work`  | requests being served now                                |
/// | `store_path<index>` | `ok`, `readonly`, `drained`, or why it takes no writes   |
/// | `drained`           | `yes`: a storage that takes no new uploads               |
/// | `clock_ms`          | its clock, unix milliseconds                             |
/// | `heart_beat_interval`, `sync_window`, `check_file_duplicate`, `advertise`, `trackers` | of its configuration |
/// | `leader`            | of a tracker: the leader that it knows, or `none`         |
/// | `you_are`           | of a tracker: the address of the asker                   |
/// | `told`              | of a tracker, several: `GROUP/ID NETWORK ADDRESS PORT`, who is told what of a storage that has rules; `else` for all others |
/// | `store_paths_out_of_service` | how many take no writes any more                |
/// | `store_path<index>_flushes_asked`, `_made` | with `durability = disk`: requests for a flush of its file system, and flushes that served them |
/// | `quarantined`       | records that nobody can use, or that a peer refused for good; in `data/sync/.fdfs_quarantine` |
/// | `in_doubt`          | files that a storage of the reference changed and that are not here as they should be |
/// | `store_path<index>_recovery` | of a path that was refilled since the start: `waiting`, `listing`, `restoring`, `done` |
/// | `..._recovery_percent`, `_eta_secs` | how far, and seconds to go, while that can be said       |
/// | `..._recovery_files`, `_bytes`, `_missing`, `_failed` | what came in; files that no peer has, or could give |
///
/// Readers ignore keys that they do not know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SelfReport {
    /// Keys and values in the order they were written.
    pub entries: Vec<(String, String)>,
}

/// Entries of a report that are read; the rest is ignored.
const ENTRIES_MAX: usize = 8192;

impl SelfReport {
    /// Adds an entry; line feeds in the value become blanks.
    pub fn push(&mut self, key: &str, value: &str) {
        self.entries.push((key.to_owned(), value.replace(['\n', '\r'], " ")));
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Appends the text to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for (key, value) in &self.entries {
            out.extend_from_slice(format!("{key}={value}\n").as_bytes());
        }
    }

    /// Reads the text.
    ///
    /// # Errors
    /// [`WireError::BadText`] when it is not UTF-8.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let text = std::str::from_utf8(body).map_err(|_| WireError::bad_text("self report", body))?;
        let pairs = text.lines().filter_map(|line| line.split_once('=')).take(ENTRIES_MAX);
        Ok(Self { entries: pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_report_round_trips() {
        let mut report = SelfReport::default();
        report.push("durability", "disk");
        report.push("store_path0", "sync failed\nbadly = so");
        let mut bytes = Vec::new();
        report.encode(&mut bytes);
        let read = SelfReport::decode(&bytes).unwrap();
        assert_eq!(read, report);
        assert_eq!(read.get("store_path0"), Some("sync failed badly = so"));
        assert_eq!(read.get("none"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = SelfReport::decode(&bytes);
        }
    }
}
