//! What was asked of all servers, as values: nothing here asks anybody.

use std::time::Duration;

/// Everything that is known of a cluster at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// As they are configured.
    pub trackers: Vec<TrackerSeen>,
    /// By group and id.
    pub storages: Vec<StorageSeen>,
}

/// A tracker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrackerSeen {
    /// Its name as configured.
    pub name: String,
    /// Why it gave no answer.
    pub failure: Option<String>,
    /// What it says of itself, if it is ours.
    pub report: Option<Report>,
    /// The leader that it names.
    pub leader: Option<String>,
    /// What it tells storages (75), in order.
    pub parameters: Vec<(String, String)>,
    /// Its groups.
    pub groups: Vec<GroupSeen>,
}

/// What a server says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Keys and values.
    pub entries: Vec<(String, String)>,
    /// How far its clock is ahead of ours, in milliseconds, and how long the answer took.
    pub clock_off_ms: Option<i64>,
    /// How long the answer took: the clock cannot be known better.
    pub took: Duration,
}

impl Report {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// All values of a key.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.entries.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// A group at one tracker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupSeen {
    /// Its name.
    pub name: String,
    /// Its free megabytes and those that are kept free.
    pub free_mb: u64,
    /// Megabytes that are kept free.
    pub reserved_mb: u64,
    /// Storages that take uploads.
    pub writable_count: u64,
    /// Its storages.
    pub members: Vec<Member>,
}

/// A storage at one tracker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// Its status, in the word of the reference.
    pub status: String,
    /// The address that this machine is told.
    pub told: String,
    /// Its version.
    pub version: String,
    /// Megabytes of its disks.
    pub total_mb: u64,
    /// Free megabytes.
    pub free_mb: u64,
    /// Megabytes that are kept free.
    pub reserved_mb: u64,
}

/// A storage, asked itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorageSeen {
    /// Its group.
    pub group: String,
    /// Its id.
    pub id: String,
    /// Which askers are told which address; the first line is what this machine is told.
    pub told: Vec<Told>,
    /// What it says of itself, if it answers and is ours.
    pub report: Option<Report>,
    /// How far its peers are, twice, some time apart.
    pub sync: Option<(SyncSeen, SyncSeen)>,
}

/// What some askers are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Who asks, in words.
    pub who: String,
    /// What they are told.
    pub address: String,
    /// Whether that answers from here.
    pub answer: Answer,
}

/// Whether an address answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Answer {
    /// It was not tried: the storage is not ACTIVE.
    #[default]
    NotTried,
    /// A storage answers, and says who it is if it is ours.
    Yes {
        /// `GROUP/ID`.
        who: Option<String>,
    },
    /// Why not.
    No(String),
}

/// How far the peers of a storage are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncSeen {
    /// Records in quarantine.
    pub quarantined: u64,
    /// The peers.
    pub peers: Vec<PeerSeen>,
}

/// One peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerSeen {
    /// Its id.
    pub id: String,
    /// Its status, in the word of the reference.
    pub status: String,
    /// What it has confirmed.
    pub mark: String,
    /// Records that it has not confirmed.
    pub records_behind: u64,
    /// The age of the oldest of them, seconds.
    pub secs_behind: u64,
    /// Records that it did not take.
    pub set_aside: u64,
    /// What went wrong last.
    pub error: Option<String>,
}
