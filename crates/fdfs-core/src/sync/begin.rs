//! From which place of the log a peer is served, and whether old records are ours to send.

use fdfs_proto::StorageId;
use fdfs_proto::cmd::tracker::SyncSource;
use fdfs_proto::disk::BinlogPosition;
use fdfs_proto::disk::sync_mark::SyncMark;
use fdfs_proto::shared::StorageStatus;

/// Own records so much older than the cut-off of a full sync go to the new member, too: clocks differ, and the source
/// may have received them late (behaviour, W-48).
pub const OVERLAP_SECS: i64 = 600;

/// What a storage does when it begins to serve a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Goes on where the mark stands.
    Continue,
    /// Asks a tracker who copies the old files to the peer, and goes on as [`Start::new`] says.
    Ask,
}

impl Begin {
    /// The first decision. `mark` is the peer's mark, if there is one.
    #[must_use]
    pub const fn new(status: StorageStatus, mark: Option<&SyncMark>) -> Self {
        match (status, mark) {
            // A mark of an earlier life of the peer says nothing about the new one.
            (StorageStatus::Init | StorageStatus::WaitSync, _) | (_, None) => Self::Ask,
            // Was it this storage that copied? Only then its mark tells how far that came.
            (StorageStatus::Syncing, Some(mark)) if !mark.need_sync_old => Self::Ask,
            (_, Some(_)) => Self::Continue,
        }
    }
}

/// How to serve a peer after a tracker was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// This storage copies its old files: the whole log, and what came in by replication up to the mark's time.
    Source(SyncMark),
    /// Own records from the beginning.
    All(SyncMark),
    /// Another storage copies the old files; own records from the first one made at this time or later, or from
    /// `not_behind`, whichever comes first, once the peer is ACTIVE.
    After {
        /// Unix seconds.
        since_secs: i64,
        /// What the source had from this storage when the new member was noticed: records behind it may have reached
        /// the source too late to be copied. The beginning when nothing is known.
        not_behind: BinlogPosition,
        /// The cut-off, unix seconds.
        until_secs: i64,
    },
    /// Goes on where the mark stands: nothing has changed.
    Continue,
}

impl Start {
    /// The second decision. `mark` is the peer's mark, `source` the tracker's answer, `own` this storage;
    /// `mark_of_source` is how far the source had this storage's records when the new member was noticed.
    #[must_use]
    pub fn new(
        status: StorageStatus,
        mark: Option<&SyncMark>,
        source: Option<SyncSource>,
        own: StorageId,
        mark_of_source: Option<BinlogPosition>,
    ) -> Self {
        let is_source = source.is_some_and(|source| source.id == own);
        if status == StorageStatus::Syncing && mark.is_some() && !is_source {
            return Self::Continue;
        }
        match source {
            Some(source) if is_source => {
                let until_timestamp = source.until_secs;
                Self::Source(SyncMark { need_sync_old: true, until_timestamp, ..SyncMark::default() })
            }
            Some(SyncSource { until_secs, .. }) if until_secs > 0 => Self::After {
                since_secs: until_secs - OVERLAP_SECS,
                not_behind: mark_of_source.unwrap_or_default(),
                until_secs,
            },
            _ => Self::All(SyncMark::default()),
        }
    }
}

/// Whether a peer of this status is sent anything.
///
/// Differs from C in nothing but the wait for a peer that another storage copies to: it too gets nothing before it is
/// ACTIVE, whatever its mark says, so that a delete never comes before the copy of its file.
#[must_use]
pub const fn may_send(status: StorageStatus, is_source: bool) -> bool {
    match status {
        StorageStatus::Active => true,
        StorageStatus::WaitSync | StorageStatus::Syncing => is_source,
        StorageStatus::Init
        | StorageStatus::IpChanged
        | StorageStatus::Deleted
        | StorageStatus::Offline
        | StorageStatus::Online
        | StorageStatus::Recovery
        | StorageStatus::None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use StorageStatus::{Active, Init, Offline, Syncing, WaitSync};

    const MARK: SyncMark = SyncMark {
        binlog_index: 1,
        binlog_offset: 2,
        need_sync_old: false,
        sync_old_done: false,
        until_timestamp: 0,
        scan_row_count: 3,
        sync_row_count: 4,
    };

    fn id(text: &str) -> StorageId {
        text.parse().unwrap()
    }

    #[test]
    fn a_mark_counts_unless_the_peer_is_new() {
        let source = SyncMark { need_sync_old: true, ..MARK };
        for (status, mark, begin) in [
            (Init, Some(&MARK), Begin::Ask),
            (WaitSync, Some(&source), Begin::Ask),
            (Syncing, Some(&MARK), Begin::Ask),
            (Syncing, Some(&source), Begin::Continue),
            (Offline, Some(&MARK), Begin::Continue),
            (Active, Some(&MARK), Begin::Continue),
            (Active, None, Begin::Ask),
        ] {
            assert_eq!(Begin::new(status, mark), begin, "{status}, {mark:?}");
        }
    }

    #[test]
    fn the_trackers_answer_says_where_to_begin() {
        let (own, other) = (id("100001"), id("100003"));
        let source = |id| Some(SyncSource { id, until_secs: 5000 });
        let start = |status, mark, source| Start::new(status, mark, source, own, None);
        assert!(matches!(start(WaitSync, None, source(own)), Start::Source(mark)
            if mark.need_sync_old && mark.until_timestamp == 5000 && mark.position() == BinlogPosition::START));
        assert!(matches!(start(Syncing, Some(&MARK), source(own)), Start::Source(_)));
        assert_eq!(start(Syncing, Some(&MARK), source(other)), Start::Continue);
        assert_eq!(start(Active, None, None), Start::All(SyncMark::default()));
        assert_eq!(start(Active, None, Some(SyncSource { id: other, until_secs: 0 })), Start::All(SyncMark::default()));
    }

    #[test]
    fn w48_own_records_that_the_source_may_lack_go_from_here() {
        let source = Some(SyncSource { id: id("100003"), until_secs: 5000 });
        let behind = BinlogPosition { file: 0, offset: 700 };
        assert_eq!(
            Start::new(WaitSync, None, source, id("100001"), Some(behind)),
            Start::After { since_secs: 4400, not_behind: behind, until_secs: 5000 }
        );
        let unknown = Start::new(WaitSync, None, source, id("100001"), None);
        assert!(matches!(unknown, Start::After { not_behind: BinlogPosition::START, .. }));
    }

    #[test]
    fn only_the_source_sends_to_a_member_that_is_not_complete() {
        let able = |is_source| StorageStatus::ALL.into_iter().filter(move |status| may_send(*status, is_source));
        assert_eq!(able(true).collect::<Vec<_>>(), [WaitSync, Syncing, Active]);
        assert_eq!(able(false).collect::<Vec<_>>(), [Active]);
    }
}
