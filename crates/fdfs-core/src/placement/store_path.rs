//! The store path of a new file.

use std::fmt;

use fdfs_proto::Status;

/// Bytes of a megabyte, the unit of free space.
const MB: u64 = 1024 * 1024;

/// What is known of one store path, refreshed by disk reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PathFacts {
    /// All its space, in megabytes.
    pub total_mb: u64,
    /// Its free space, in megabytes.
    pub free_mb: u64,
    /// Whether uploads may go there: neither `store_pathN_readonly` nor failed.
    pub writable: bool,
}

/// Space that uploads must leave free, as the tracker's `reserved_storage_space` asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reserve {
    /// Whole megabytes of all paths together; each path keeps its part.
    Mb(u64),
    /// A share of each path, between 0 and 1.
    Ratio(f64),
}

impl Reserve {
    /// Whether a path still lies above the reserve with `bytes` more on it.
    #[must_use]
    pub fn allows(self, path: &PathFacts, path_count: usize, bytes: u64) -> bool {
        // A file larger than all that is free fits into no path, however small the reserve is.
        let Some(left_mb) = path.free_mb.checked_sub(bytes / MB) else {
            return false;
        };
        match self {
            Self::Mb(reserved_mb) => left_mb > reserved_mb / (path_count.max(1) as u64),
            Self::Ratio(ratio) => path.total_mb > 0 && left_mb as f64 / path.total_mb as f64 > ratio,
        }
    }
}

/// How the storage chooses when the client does not (`store_path` of the tracker).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PathRule {
    /// 0: the paths in turn.
    #[default]
    RoundRobin,
    /// 2: the one with the most free space.
    MostFree,
}

/// Why a file finds no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlacementError {
    /// The client names a path that this storage does not have.
    NoStorePath {
        /// The path named.
        index: u8,
        /// Paths of this storage.
        count: usize,
    },
    /// No path can take the file and keep the reserve.
    NoSpace {
        /// The size of the file.
        bytes: u64,
    },
}

impl PlacementError {
    /// The status byte of the answer.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::NoStorePath { .. } => Status::EINVAL,
            Self::NoSpace { .. } => Status::ENOSPC,
        }
    }
}

impl fmt::Display for PlacementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStorePath { index, count } => write!(f, "store path {index}: this storage has {count}"),
            Self::NoSpace { bytes } => {
                write!(f, "no store path can take {bytes} bytes and keep reserved_storage_space")
            }
        }
    }
}

impl std::error::Error for PlacementError {}

/// The storage's own turn among its store paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorePathChooser {
    cursor: usize,
}

impl StorePathChooser {
    /// The path for a file of `bytes`. `asked` is the index from the client, `None` where it leaves the choice to the
    /// storage (0xFF on the wire). A path that takes no uploads is replaced as if nothing had been asked for.
    ///
    /// # Errors
    /// [`PlacementError::NoStorePath`] for an index that does not exist; [`PlacementError::NoSpace`] when the asked
    /// path is full, or none of the others has room.
    pub fn choose(
        &mut self,
        asked: Option<u8>,
        rule: PathRule,
        paths: &[PathFacts],
        reserve: Reserve,
        bytes: u64,
    ) -> Result<u8, PlacementError> {
        let count = paths.len();
        if let Some(index) = asked {
            let path = paths.get(usize::from(index)).ok_or(PlacementError::NoStorePath { index, count })?;
            if path.writable {
                let fits = reserve.allows(path, count, bytes);
                return if fits { Ok(index) } else { Err(PlacementError::NoSpace { bytes }) };
            }
        }
        let fits = |index: &usize| paths[*index].writable && reserve.allows(&paths[*index], count, bytes);
        let start = if self.cursor < count { self.cursor } else { 0 };
        let found = match rule {
            PathRule::RoundRobin => (start..count).chain(0..start).find(fits),
            // `max_by_key` keeps the last of equals, so the indexes come backwards.
            PathRule::MostFree => (0..count).rev().filter(fits).max_by_key(|&index| paths[index].free_mb),
        };
        let found = found.ok_or(PlacementError::NoSpace { bytes })?;
        if rule == PathRule::RoundRobin {
            self.cursor = (found + 1) % count;
        }
        // An index is one byte; a 257th path can be named by nobody.
        u8::try_from(found).map_err(|_| PlacementError::NoSpace { bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<PathFacts> {
        let path = |word: &str| PathFacts {
            total_mb: 1000,
            free_mb: word.trim_end_matches('r').parse().unwrap(),
            writable: !word.ends_with('r'),
        };
        text.split_whitespace().map(path).collect()
    }

    fn picks(asked: Option<u8>, rule: PathRule, facts: &str, bytes: u64) -> String {
        let (facts, mut chooser) = (paths(facts), StorePathChooser::default());
        let mut pick = || match chooser.choose(asked, rule, &facts, Reserve::Mb(30), bytes) {
            Ok(index) => index.to_string(),
            Err(PlacementError::NoStorePath { .. }) => "?".into(),
            Err(PlacementError::NoSpace { .. }) => "!".into(),
        };
        (0..4).map(|_| pick()).collect()
    }

    /// Free megabytes of three paths (`r` marks a read-only one); the reserve of each is 10.
    #[test]
    fn every_rule_finds_the_paths_with_room() {
        use PathRule::{MostFree, RoundRobin};
        for (asked, rule, facts, bytes, expected) in [
            (Some(1), RoundRobin, "50 50 50", 0, "1111"),
            (Some(1), RoundRobin, "50 10 50", 0, "!!!!"),
            (Some(1), RoundRobin, "50 11 50", MB - 1, "1111"),
            (Some(1), RoundRobin, "50 11 50", MB, "!!!!"),
            (Some(3), RoundRobin, "50 50 50", 0, "????"),
            (Some(1), RoundRobin, "50 50r 50", 0, "0202"),
            (Some(1), MostFree, "50 90r 60", 0, "2222"),
            (None, RoundRobin, "50 50 50", 0, "0120"),
            (None, RoundRobin, "50r 50 50r", 0, "1111"),
            (None, RoundRobin, "50 9 50", 0, "0202"),
            (None, RoundRobin, "50 60 50", 41 * MB, "1111"),
            (None, RoundRobin, "50r 50r 50r", 0, "!!!!"),
            (None, MostFree, "50 60 60", 0, "1111"),
            (None, MostFree, "10 10 10", 0, "!!!!"),
            (None, MostFree, "50 60 60", u64::MAX, "!!!!"),
            (Some(0), RoundRobin, "", 0, "????"),
            (None, RoundRobin, "", 0, "!!!!"),
            (None, MostFree, "", 0, "!!!!"),
        ] {
            assert_eq!(picks(asked, rule, facts, bytes), expected, "{asked:?} {rule:?} {facts:?} {bytes}");
        }
    }

    #[test]
    fn a_share_is_kept_on_each_path() {
        let path = PathFacts { total_mb: 1000, free_mb: 101, writable: true };
        assert!(Reserve::Ratio(0.1).allows(&path, 1, MB - 1));
        assert!(!Reserve::Ratio(0.1).allows(&path, 1, MB));
        assert!(!Reserve::Ratio(0.1).allows(&PathFacts::default(), 1, 0));
        assert!(!Reserve::Mb(0).allows(&PathFacts::default(), 1, 0));
    }

    #[test]
    fn errors_have_the_status_that_clients_know() {
        assert_eq!(PlacementError::NoStorePath { index: 9, count: 1 }.status(), Status::EINVAL);
        assert_eq!(PlacementError::NoSpace { bytes: 1 }.status(), Status::ENOSPC);
    }
}
