//! Where new files go: the facts that change slowly and the cursors that move with every upload.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fdfs_conf::choice::DistributeMode;
use fdfs_core::placement::{
    PathFacts, PathRule, PlacementError, Reserve, StorePathChooser, Subdir, SubdirCursor, hashed_subdir,
};
use fdfs_proto::FileName;
use fdfs_proto::disk::storage_stat::SubdirCursor as StoredCursor;
use fdfs_proto::file_id::NewName;

/// How new files are spread; from the configuration and the tracker's parameters.
#[derive(Debug, Clone, Copy)]
pub struct PlacingRules {
    /// `store_path` of the tracker.
    pub path_rule: PathRule,
    /// `reserved_storage_space` of the tracker.
    pub reserve: Reserve,
    /// `file_distribute_path_mode`.
    pub mode: DistributeMode,
    /// `file_distribute_rotate_count`.
    pub rotate_count: u32,
    /// `subdir_count_per_path`.
    pub subdir_count: u16,
}

#[derive(Debug)]
struct State {
    chooser: StorePathChooser,
    cursor: SubdirCursor,
    paths: Vec<PathFacts>,
}

/// Places new files.
#[derive(Debug)]
pub struct Placing {
    rules: PlacingRules,
    state: Mutex<State>,
}

impl Placing {
    /// Begins where `cursor` of the last run stood; a cursor outside of the tree begins at its front.
    #[must_use]
    pub fn new(rules: PlacingRules, cursor: StoredCursor, paths: Vec<PathFacts>) -> Self {
        let mut at = SubdirCursor::default();
        if u16::from(cursor.high) < rules.subdir_count && u16::from(cursor.low) < rules.subdir_count {
            (at.current.high, at.current.low, at.file_count) = (cursor.high, cursor.low, cursor.file_count);
        }
        Self { rules, state: Mutex::new(State { chooser: StorePathChooser::default(), cursor: at, paths }) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store path for a new file.
    ///
    /// # Errors
    /// [`PlacementError`].
    pub fn choose_path(&self, asked: Option<u8>, bytes: u64) -> Result<u8, PlacementError> {
        let state = &mut *self.lock();
        state.chooser.choose(asked, self.rules.path_rule, &state.paths, self.rules.reserve, bytes)
    }

    /// Checks that a store path has room for a file that can be nowhere else.
    ///
    /// # Errors
    /// [`PlacementError`].
    pub fn check_space(&self, index: u8, bytes: u64) -> Result<(), PlacementError> {
        let state = self.lock();
        let count = state.paths.len();
        let path = state.paths.get(usize::from(index)).ok_or(PlacementError::NoStorePath { index, count })?;
        if self.rules.reserve.allows(path, count, bytes) { Ok(()) } else { Err(PlacementError::NoSpace { bytes }) }
    }

    /// Whether a store path still lies above the reserve with so many bytes more on it.
    #[must_use]
    pub fn allows(&self, index: u8, bytes: u64) -> bool {
        let state = self.lock();
        let path = state.paths.get(usize::from(index));
        path.is_some_and(|path| path.writable && self.rules.reserve.allows(path, state.paths.len(), bytes))
    }

    /// The sub directories whose turn it is; each upload takes one. With `file_distribute_path_mode` 1 they count only
    /// until the file has its name.
    #[must_use]
    pub fn draw_subdir(&self) -> Subdir {
        self.lock().cursor.next_file(self.rules.rotate_count, self.rules.subdir_count)
    }

    /// The name of a new file: in the sub directories that were drawn for it, or in those that its name asks for.
    #[must_use]
    pub fn name(&self, drawn: Subdir, mut new: NewName) -> FileName {
        let subdir = match self.rules.mode {
            DistributeMode::RoundRobin => drawn,
            DistributeMode::Hash => {
                let (high, low) = fdfs_proto::file_id::subdirs_by_hash(&new.encoded(), self.rules.subdir_count);
                hashed_subdir(high, low, self.rules.subdir_count)
            }
        };
        (new.high, new.low) = (subdir.high, subdir.low);
        new.build()
    }

    /// Where the cursor stands, for the statistics file.
    #[must_use]
    pub fn cursor(&self) -> StoredCursor {
        let cursor = self.lock().cursor;
        StoredCursor { high: cursor.current.high, low: cursor.current.low, file_count: cursor.file_count }
    }

    /// New figures of one store path.
    pub fn update_path(&self, index: usize, facts: PathFacts) {
        if let Some(path) = self.lock().paths.get_mut(index) {
            *path = facts;
        }
    }

    /// The figures of all store paths.
    #[must_use]
    pub fn paths(&self) -> Vec<PathFacts> {
        self.lock().paths.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fdfs_proto::ExtName;
    use fdfs_proto::file_id::{FormattedExt, LogicName, NewKind, Source};

    fn placing(mode: DistributeMode, cursor: StoredCursor) -> Placing {
        let rules = PlacingRules {
            path_rule: PathRule::RoundRobin,
            reserve: Reserve::Mb(0),
            mode,
            rotate_count: 2,
            subdir_count: 4,
        };
        Placing::new(rules, cursor, vec![PathFacts { total_mb: 10, free_mb: 10, writable: true }])
    }

    fn name(placing: &Placing, random: u32) -> LogicName {
        let ext = FormattedExt::new(&ExtName::EMPTY, random);
        let kind = NewKind::Regular;
        let new = NewName {
            store_path_index: 0,
            high: 0,
            low: 0,
            source: Source::Id(1),
            created: 0,
            size: 1,
            crc32: 2,
            kind,
            random,
            ext,
        };
        LogicName::parse(&placing.name(placing.draw_subdir(), new)).unwrap()
    }

    #[test]
    fn the_cursor_goes_on_where_it_stood() {
        let at = |high, low, file_count| StoredCursor { high, low, file_count };
        let first = placing(DistributeMode::RoundRobin, at(1, 3, 1));
        assert_eq!((name(&first, 1).high(), name(&first, 2).low()), (1, 0));
        assert_eq!(first.cursor(), at(2, 0, 1));
        assert_eq!(placing(DistributeMode::RoundRobin, at(9, 0, 0)).cursor(), at(0, 0, 0));
    }

    #[test]
    fn the_hash_spreads_names_inside_of_the_tree() {
        let placing = placing(DistributeMode::Hash, StoredCursor::default());
        let names: Vec<_> = (0..50).map(|n| name(&placing, n * 7919)).collect();
        assert!(names.iter().all(|name| name.high() < 4 && name.low() < 4));
        assert!(names.iter().any(|name| (name.high(), name.low()) != (names[0].high(), names[0].low())));
    }
}
