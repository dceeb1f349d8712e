//! Up to which time a peer has all files that this storage has made: what trackers send readers by.
//!
//! Records are confirmed in any order, and some are set aside, so the time of the last confirmed one says nothing: what counts
//! is the oldest that is not confirmed.

use std::collections::BTreeMap;

use fdfs_proto::disk::binlog_record::{BinlogRecord, Op, Origin};

/// Records of concurrent changes may stand in the log in another order than their times; a clock that was set back is further
/// off than that, seconds.
const DISORDER_MAX_SECS: u32 = 5;

/// A place in time; later ones are greater, also behind a clock that was set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reached {
    /// How often the clock was set back so far.
    pub steps_back: u32,
    /// By the clock of this storage, unix seconds.
    pub unix_secs: u32,
}

/// The times of new files that one peer has, and has not yet.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    newest_secs: Option<u32>,
    steps_back: u32,
    /// Files that are not confirmed by their times.
    open: BTreeMap<u32, u32>,
}

/// Whether a record gives a file of this storage a name. Other changes do not count: the trackers go by when a file was made.
fn is_new_file(record: &BinlogRecord) -> bool {
    record.origin == Origin::Source && matches!(record.op, Op::Create | Op::Link { .. } | Op::Rename { .. })
}

impl Reach {
    /// A record is next in the log.
    pub fn begin(&mut self, record: &BinlogRecord) {
        if !is_new_file(record) {
            return;
        }
        let at = record.timestamp;
        let newest = self.newest_secs.unwrap_or(at);
        let is_set_back = at.saturating_add(DISORDER_MAX_SECS) < newest;
        self.steps_back += u32::from(is_set_back);
        self.newest_secs = Some(if is_set_back { at } else { newest.max(at) });
        *self.open.entry(at).or_default() += 1;
    }

    /// The peer has it, or will never get it.
    pub fn end(&mut self, record: &BinlogRecord) {
        if !is_new_file(record) {
            return;
        }
        if let Some(count) = self.open.get_mut(&record.timestamp) {
            *count -= 1;
            if *count == 0 {
                self.open.remove(&record.timestamp);
            }
        }
    }

    /// Up to where the peer has everything. A little less than once before is no news: another file of the same second has
    /// come.
    #[must_use]
    pub fn now(&self) -> Option<Reached> {
        let newest = self.newest_secs?;
        let oldest_open = self.open.first_key_value().map(|(at, _)| at.saturating_sub(1));
        let unix_secs = oldest_open.map_or(newest, |before| before.min(newest));
        Some(Reached { steps_back: self.steps_back, unix_secs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: &str) -> BinlogRecord {
        BinlogRecord::parse(format!("{line} M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt").as_bytes()).unwrap()
    }

    fn now(reach: &Reach) -> Option<u32> {
        reach.now().map(|reached| reached.unix_secs)
    }

    #[test]
    fn the_oldest_that_is_not_there_counts() {
        let mut reach = Reach::default();
        assert_eq!(reach.now(), None);
        let (slow, quick, twin) = (record("10 C"), record("12 C"), record("12 C"));
        reach.begin(&slow);
        assert_eq!(now(&reach), Some(9));
        reach.begin(&quick);
        reach.begin(&twin);
        reach.end(&quick);
        assert_eq!(now(&reach), Some(9));
        reach.end(&slow);
        assert_eq!(now(&reach), Some(11));
        reach.end(&twin);
        assert_eq!(now(&reach), Some(12));
    }

    #[test]
    fn only_new_files_of_this_storage_count() {
        let mut reach = Reach::default();
        for line in ["20 c", "20 D", "3 U"] {
            reach.begin(&record(line));
        }
        assert_eq!(reach.now(), None);
        // An old state that is sent again.
        reach.begin(&record("10 C"));
        reach.end(&record("10 C"));
        reach.begin(&record("3 U"));
        assert_eq!(now(&reach), Some(10));
    }

    #[test]
    fn a_clock_that_was_set_back_is_followed_and_a_little_disorder_is_none() {
        let mut reach = Reach::default();
        for at in [100, 98, 101] {
            reach.begin(&record(&format!("{at} C")));
            reach.end(&record(&format!("{at} C")));
        }
        let before = reach.now().unwrap();
        assert_eq!((before.unix_secs, before.steps_back), (101, 0));
        reach.begin(&record("50 C"));
        reach.end(&record("50 C"));
        let after = reach.now().unwrap();
        assert_eq!(after.unix_secs, 50);
        assert!(after > before, "it is news");
    }
}
