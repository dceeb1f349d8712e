//! What was asked of all servers, as values: nothing here asks anybody.

use std::time::Duration;

/// Everything that is known of a cluster at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// As they are configured.
    pub(crate) trackers: Vec<TrackerSeen>,
    /// By group and id.
    pub(crate) storages: Vec<StorageSeen>,
}

/// A tracker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TrackerSeen {
    /// Its name as configured.
    pub(crate) name: String,
    /// Why it gave no answer.
    pub(crate) failure: Option<String>,
    /// What it says of itself, if it is ours.
    pub(crate) report: Option<Report>,
    /// The leader that it names.
    pub(crate) leader: Option<String>,
    /// What it tells storages (75), in order.
    pub(crate) parameters: Vec<(String, String)>,
    /// Its groups.
    pub(crate) groups: Vec<GroupSeen>,
}

/// What a server says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Keys and values.
    pub(crate) entries: Vec<(String, String)>,
    /// How far its clock is ahead of ours, in milliseconds, and how long the answer took.
    pub(crate) clock_off_ms: Option<i64>,
    /// How long the answer took: the clock cannot be known better.
    pub(crate) took: Duration,
}

impl Report {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// All values of a key.
    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.entries.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// A group at one tracker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GroupSeen {
    /// Its name.
    pub(crate) name: String,
    /// Its free megabytes and those that are kept free.
    pub(crate) free_mb: u64,
    pub(crate) reserved_mb: u64,
    pub(crate) writable_count: u64,
    /// Its storages.
    pub(crate) members: Vec<Member>,
}

/// A storage at one tracker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) status: String,
    /// The address that this machine is told.
    pub(crate) told: String,
    pub(crate) version: String,
    pub(crate) total_mb: u64,
    pub(crate) free_mb: u64,
    pub(crate) reserved_mb: u64,
}

/// A storage, asked itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StorageSeen {
    pub(crate) group: String,
    pub(crate) id: String,
    /// Which askers are told which address; the first line is what this machine is told.
    pub(crate) told: Vec<Told>,
    /// What it says of itself, if it answers and is ours.
    pub(crate) report: Option<Report>,
    /// How far its peers are, twice, some time apart.
    pub(crate) sync: Option<(SyncSeen, SyncSeen)>,
}

/// What some askers are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Who asks, in words.
    pub(crate) who: String,
    /// What they are told.
    pub(crate) address: String,
    /// Whether that answers from here.
    pub(crate) answer: Answer,
}

/// Whether an address answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Answer {
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
pub(crate) struct SyncSeen {
    pub(crate) quarantined: u64,
    pub(crate) peers: Vec<PeerSeen>,
}

/// One peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PeerSeen {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) mark: String,
    pub(crate) records_behind: u64,
    pub(crate) secs_behind: u64,
    pub(crate) set_aside: u64,
    pub(crate) error: Option<String>,
}
