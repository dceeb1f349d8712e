//! Which group takes an upload. Source: behaviour, 3.9.

use fdfs_proto::GroupName;

use crate::tracker::cluster::Cluster;
use crate::tracker::error::ClusterError;
use crate::tracker::group::Group;
use crate::tracker::settings::{Settings, StoreLookup};

impl Group {
    /// Whether plain files fit above the reserve.
    pub(crate) fn has_space(&self, settings: &Settings) -> bool {
        settings.reserved.allows(self.free_mb, self.total_mb)
    }

    /// Whether files fit above the reserve when free space inside trunk files counts as well.
    pub(crate) fn has_trunk_space(&self, settings: &Settings) -> bool {
        let free_mb = self.free_mb.saturating_add(self.trunk_free_mb);
        settings.use_trunk_file && settings.reserved.allows(free_mb, self.total_mb)
    }

    /// Whether it may take an upload that names it.
    fn require_uploadable(&self, settings: &Settings) -> Result<(), ClusterError> {
        if self.writable.is_empty() {
            return Err(ClusterError::NoWritable { group: Some(self.name) });
        }
        if self.path_count == 0 {
            return Err(ClusterError::NoStorePaths { group: self.name });
        }
        if !self.has_space(settings) && !self.has_trunk_space(settings) {
            return Err(ClusterError::NoSpace { group: Some(self.name) });
        }
        Ok(())
    }
}

impl Cluster {
    /// The group for an upload, named by the client or chosen by `store_lookup`.
    pub(super) fn choose_group(&mut self, named: Option<&GroupName>) -> Result<usize, ClusterError> {
        if self.groups.is_empty() {
            return Err(ClusterError::NoGroups);
        }
        let named = match (named, &self.settings.store_lookup) {
            (Some(name), _) => Some(*name),
            (None, StoreLookup::Group(name)) => Some(*name),
            (None, StoreLookup::RoundRobin | StoreLookup::LoadBalance) => None,
        };
        if let Some(name) = named {
            let index = self.require_group(&name)?;
            self.groups[index].require_uploadable(&self.settings)?;
            return Ok(index);
        }
        let index = self.choose_group_from_cursor()?;
        if self.settings.store_lookup == StoreLookup::RoundRobin {
            self.write_group_cursor = (self.write_group_cursor + 1) % self.groups.len();
        }
        if self.groups[index].path_count == 0 {
            return Err(ClusterError::NoStorePaths { group: self.groups[index].name });
        }
        Ok(index)
    }

    fn choose_group_from_cursor(&mut self) -> Result<usize, ClusterError> {
        let count = self.groups.len();
        if self.write_group_cursor >= count {
            self.write_group_cursor = 0;
        }
        let (settings, groups, start) = (&self.settings, &self.groups, self.write_group_cursor);
        let is_writable = |index: &usize| !groups[*index].writable.is_empty();
        let stays = settings.store_lookup == StoreLookup::LoadBalance;
        let first = &groups[start];
        if is_writable(&start) && (first.has_space(settings) || stays && first.has_trunk_space(settings)) {
            return Ok(start);
        }
        let others = (start + 1..count).chain(0..start).filter(is_writable);
        if let Some(found) = others.into_iter().find(|&index| groups[index].has_space(settings)) {
            self.write_group_cursor = found;
            return Ok(found);
        }
        if !(0..count).any(|index| is_writable(&index)) {
            return Err(ClusterError::NoWritable { group: None });
        }
        let found = (0..count).filter(is_writable).find(|&index| groups[index].has_trunk_space(settings));
        let found = found.ok_or(ClusterError::NoSpace { group: None })?;
        self.write_group_cursor = found;
        Ok(found)
    }

    /// With `store_lookup` 2, points at the group with the most free space; after every report that changes it.
    pub(crate) fn rebalance(&mut self) {
        if self.settings.store_lookup != StoreLookup::LoadBalance {
            return;
        }
        let settings = &self.settings;
        let usable = || self.groups.iter().enumerate().filter(|(_, group)| !group.writable.is_empty());
        let Some(mut best) = first_greatest(usable(), |group| group.free_mb) else {
            return;
        };
        if !self.groups[best].has_space(settings) && settings.use_trunk_file {
            best = first_greatest(usable(), |group| group.trunk_free_mb).unwrap_or(best);
        }
        self.write_group_cursor = best;
    }
}

/// The index of the greatest key, the first one of equals.
fn first_greatest<'a>(groups: impl Iterator<Item = (usize, &'a Group)>, key: impl Fn(&Group) -> u64) -> Option<usize> {
    let mut best: Option<(usize, u64)> = None;
    for (index, group) in groups {
        if best.is_none_or(|(_, greatest)| key(group) > greatest) {
            best = Some((index, key(group)));
        }
    }
    best.map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::Reserved;
    use crate::tracker::tests_support::{active, cluster_of, name};

    fn settings(store_lookup: StoreLookup) -> Settings {
        Settings { store_lookup, reserved: Reserved::Mb(100), ..Settings::default() }
    }

    /// Groups `a`, `b`, `c` with one storage each that has this much free space.
    fn three(settings: Settings, free_mb: [u64; 3]) -> Cluster {
        let [a, b, c] = free_mb;
        cluster_of(settings, &[("a", &[active("1", a)]), ("b", &[active("2", b)]), ("c", &[active("3", c)])])
    }

    fn picks(cluster: &mut Cluster, count: usize) -> String {
        let pick = |cluster: &mut Cluster| match cluster.choose_group(None) {
            Ok(index) => cluster.groups()[index].name().to_string(),
            Err(ClusterError::NoSpace { .. }) => "!".into(),
            Err(_) => "?".into(),
        };
        (0..count).map(|_| pick(cluster)).collect()
    }

    #[test]
    fn round_robin_takes_turns_and_skips_full_groups() {
        let lookup = StoreLookup::RoundRobin;
        assert_eq!(picks(&mut three(settings(lookup), [500, 500, 500]), 7), "abcabca");
        assert_eq!(picks(&mut three(settings(lookup), [500, 100, 500]), 6), "acacac");
        assert_eq!(picks(&mut three(settings(lookup), [100, 100, 101]), 3), "ccc");
        assert_eq!(picks(&mut three(settings(lookup), [100, 100, 100]), 2), "!!");
    }

    #[test]
    fn load_balance_stays_with_the_group_that_has_most() {
        let mut cluster = three(settings(StoreLookup::LoadBalance), [500, 700, 700]);
        assert_eq!(picks(&mut cluster, 3), "bbb", "first in name order on ties");
        let mut cluster = three(settings(StoreLookup::LoadBalance), [100, 90, 80]);
        assert_eq!(picks(&mut cluster, 2), "!!");
    }

    #[test]
    fn a_named_group_is_tested_like_any_other() {
        let mut cluster = three(settings(StoreLookup::Group(name("b"))), [500, 500, 100]);
        assert_eq!(picks(&mut cluster, 3), "bbb");
        assert_eq!(cluster.choose_group(Some(&name("a"))), Ok(0));
        let full = cluster.choose_group(Some(&name("c")));
        assert_eq!(full, Err(ClusterError::NoSpace { group: Some(name("c")) }));
        let unknown = cluster.choose_group(Some(&name("x")));
        assert_eq!(unknown, Err(ClusterError::NoGroup { group: name("x") }));
        let none = Cluster::new(settings(StoreLookup::RoundRobin), 1).choose_group(None);
        assert_eq!(none, Err(ClusterError::NoGroups));
    }

    #[test]
    fn groups_without_a_writable_storage_do_not_count() {
        for lookup in [StoreLookup::RoundRobin, StoreLookup::LoadBalance] {
            let mut cluster = three(settings(lookup), [900, 500, 500]);
            let silent = cluster.groups[0].storages[0].connection().unwrap();
            let _ = cluster.disconnect(silent);
            assert_eq!(picks(&mut cluster, 1), "b", "{lookup:?}");
            for group in 1..3 {
                let silent = cluster.groups[group].storages[0].connection().unwrap();
                let _ = cluster.disconnect(silent);
            }
            assert_eq!(picks(&mut cluster, 1), "?", "{lookup:?}");
        }
    }

    #[test]
    fn trunk_space_is_the_second_chance() {
        for (lookup, picked) in [(StoreLookup::RoundRobin, "bb"), (StoreLookup::LoadBalance, "bb")] {
            let settings = Settings { use_trunk_file: true, ..settings(lookup) };
            let mut cluster = three(settings, [100, 90, 80]);
            cluster.groups[1].trunk_free_mb = 11;
            cluster.rebalance();
            assert_eq!(picks(&mut cluster, 2), picked, "{lookup:?}");
        }
    }
}
