//! Which store path of a storage takes an upload. Source: behaviour, 3.11.

use crate::tracker::group::Group;
use crate::tracker::settings::{Settings, StorePath};
use crate::tracker::storage::PathSpace;

impl Group {
    /// The path of a storage whose turn it is and that has room above its part of the reserve. It becomes the current
    /// one; with round robin the next one follows. `None` when no path has room.
    pub(super) fn next_path(&mut self, index: usize, settings: &Settings) -> Option<u8> {
        let path_count = self.path_count;
        let trunk_free_mb = if settings.use_trunk_file { self.trunk_free_mb } else { 0 };
        let storage = self.storages.get_mut(index)?;
        let start = if storage.current_write_path < path_count { storage.current_write_path } else { 0 };
        let paths = &storage.paths;
        let find = |extra_mb: u64| {
            (start..path_count).chain(0..start).find(|&path| {
                let PathSpace { total_mb, free_mb } = paths.get(path).copied().unwrap_or_default();
                settings.reserved.allows_path(free_mb.saturating_add(extra_mb), total_mb, path_count)
            })
        };
        let found = find(0).or_else(|| if trunk_free_mb > 0 { find(trunk_free_mb) } else { None })?;
        storage.current_write_path = match settings.store_path {
            StorePath::RoundRobin => (found + 1) % path_count,
            StorePath::MostFree => found,
        };
        u8::try_from(found).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::tests_support::{active, cluster_of};
    use crate::tracker::{ConnId, Now, Reserved};

    /// The paths that four uploads get on a storage with this much free space on each of its paths.
    fn picks(settings: &Settings, free_mb: &[u64], trunk_free_mb: u64) -> Vec<Option<u8>> {
        let mut cluster = cluster_of(settings.clone(), &[("g", &[active("1", 0)])]);
        let paths: Vec<_> = free_mb.iter().map(|&free_mb| PathSpace { total_mb: 1000, free_mb }).collect();
        cluster.groups[0].path_count = paths.len();
        cluster.groups[0].storages[0].path_count = paths.len();
        cluster.groups[0].trunk_free_mb = trunk_free_mb;
        let conn: ConnId = cluster.groups[0].storages[0].connection().unwrap();
        let _ = cluster.disk_usage(Now::default(), conn, &paths).unwrap();
        (0..4).map(|_| cluster.groups[0].next_path(0, settings)).collect()
    }

    #[test]
    fn every_mode_skips_paths_without_room() {
        let round = Settings { reserved: Reserved::Mb(30), ..Settings::default() };
        let most = Settings { store_path: StorePath::MostFree, ..round.clone() };
        let trunk = Settings { use_trunk_file: true, ..round.clone() };
        for (settings, free_mb, trunk_free_mb, expected) in [
            // The reserve of each of three paths is 10.
            (&round, [50, 50, 50], 0, [Some(0), Some(1), Some(2), Some(0)]),
            (&round, [50, 10, 50], 0, [Some(0), Some(2), Some(0), Some(2)]),
            (&round, [10, 11, 10], 0, [Some(1); 4]),
            (&round, [10, 10, 10], 5, [None; 4]),
            (&trunk, [10, 10, 10], 1, [Some(0), Some(1), Some(2), Some(0)]),
            (&trunk, [0, 0, 10], 1, [Some(2); 4]),
            (&trunk, [10, 10, 10], 0, [None; 4]),
            (&most, [50, 60, 60], 0, [Some(1); 4]),
            (&most, [60, 60, 50], 0, [Some(0); 4]),
            (&most, [0, 0, 0], 0, [None; 4]),
        ] {
            assert_eq!(picks(settings, &free_mb, trunk_free_mb), expected, "{:?} {free_mb:?}", settings.store_path);
        }
    }

    #[test]
    fn a_ratio_is_tested_on_each_path() {
        let settings = Settings { reserved: Reserved::Ratio(0.05), ..Settings::default() };
        assert_eq!(picks(&settings, &[50, 51], 0), [Some(1); 4]);
    }

    #[test]
    fn path_255_is_the_last_that_an_answer_can_name() {
        let settings = Settings { reserved: Reserved::Mb(0), store_path: StorePath::MostFree, ..Settings::default() };
        let mut free_mb = vec![0; 256];
        free_mb[255] = 7;
        assert_eq!(picks(&settings, &free_mb, 0), [Some(255); 4]);
    }
}
