//! Uploads: a storage of the chosen group and a store path on it.

use fdfs_proto::{GroupName, IpText};

use super::{StoreAll, StoreOne};
use crate::tracker::cluster::Cluster;
use crate::tracker::error::ClusterError;

impl Cluster {
    /// One storage for an upload, in a named group (104) or in one that `store_lookup` chooses (101).
    ///
    /// # Errors
    /// [`ClusterError::NoGroups`], [`ClusterError::NoGroup`], [`ClusterError::NoWritable`],
    /// [`ClusterError::NoStorePaths`], [`ClusterError::NoSpace`].
    // Differs from C: a storage that has no path with room passes the upload on to the next one. Such a storage has
    // only read-only or failed paths and says so by reporting no free space (behaviour, W-24, W-35).
    pub fn query_store_one(&mut self, named: Option<&GroupName>, asker: &IpText) -> Result<StoreOne, ClusterError> {
        let index = self.choose_group(named)?;
        let (group, settings) = (&mut self.groups[index], &self.settings);
        let name = group.name;
        let first = group.next_writable(settings).ok_or(ClusterError::NoWritable { group: Some(name) })?;
        if let Some(path_index) = group.next_path(first, settings) {
            return Ok(StoreOne { group: name, storage: group.storages[first].endpoint(asker, settings), path_index });
        }
        let others: Vec<usize> = group.writable_behind(first).collect();
        for index in others {
            if let Some(path_index) = group.next_path(index, settings) {
                group.took_turn(index);
                return Ok(StoreOne {
                    group: name,
                    storage: group.storages[index].endpoint(asker, settings),
                    path_index,
                });
            }
        }
        Err(ClusterError::NoSpace { group: Some(name) })
    }

    /// Every writable storage of a named group (107) or of one that `store_lookup` chooses (106).
    ///
    /// # Errors
    /// As [`Cluster::query_store_one`].
    // Differs from C: storages that report no free space at all stand not in the list, as long as others do.
    pub fn query_store_all(&mut self, named: Option<&GroupName>, asker: &IpText) -> Result<StoreAll, ClusterError> {
        let index = self.choose_group(named)?;
        let (group, settings) = (&mut self.groups[index], &self.settings);
        let name = group.name;
        let takes_uploads = |&index: &usize| group.storages[index].free_mb > 0;
        let mut chosen: Vec<usize> = group.writable.iter().copied().filter(takes_uploads).collect();
        if chosen.is_empty() {
            chosen.clone_from(&group.writable);
        }
        let first = *chosen.first().ok_or(ClusterError::NoWritable { group: Some(name) })?;
        let path_index = group.next_path(first, settings).ok_or(ClusterError::NoSpace { group: Some(name) })?;
        let storages = chosen.into_iter().map(|index| group.storages[index].endpoint(asker, settings)).collect();
        Ok(StoreAll { group: name, storages, path_index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::tests_support::{active, cluster_of, ip, name};
    use crate::tracker::{Reserved, Settings};

    fn ones(cluster: &mut Cluster, count: usize) -> Vec<String> {
        let asker = ip("10.0.0.99");
        (0..count).map(|_| cluster.query_store_one(None, &asker).unwrap().storage.id.to_string()).collect()
    }

    #[test]
    fn uploads_go_round_the_writable_storages() {
        let storages = [active("1", 5000), active("2", 5000), active("3", 5000)];
        let mut cluster = cluster_of(Settings::default(), &[("g", &storages)]);
        assert_eq!(ones(&mut cluster, 4), ["1", "2", "3", "1"]);
        let all = cluster.query_store_all(Some(&name("g")), &ip("10.0.0.99")).unwrap();
        assert_eq!(all.storages.len(), 3);
    }

    #[test]
    fn w35_a_storage_that_reports_no_free_space_gets_no_upload_and_closes_no_group() {
        let storages = [active("1", 0), active("2", 5000), active("3", 5000)];
        let mut cluster = cluster_of(Settings::default(), &[("g", &storages)]);
        assert_eq!(ones(&mut cluster, 4), ["2", "3", "2", "3"]);
        let all = cluster.query_store_all(None, &ip("10.0.0.99")).unwrap();
        assert_eq!(all.storages.iter().map(|s| s.id.to_string()).collect::<Vec<_>>(), ["2", "3"]);

        let mut cluster = cluster_of(Settings::default(), &[("g", &[active("1", 0), active("2", 0)])]);
        let full = cluster.query_store_one(Some(&name("g")), &ip("10.0.0.99"));
        assert_eq!(full, Err(ClusterError::NoSpace { group: Some(name("g")) }));
    }

    #[test]
    fn w34_the_fullest_member_decides_for_the_group() {
        let settings = Settings { reserved: Reserved::Mb(100), ..Settings::default() };
        let mut cluster = cluster_of(settings, &[("g", &[active("1", 5000), active("2", 100)])]);
        let full = cluster.query_store_one(None, &ip("10.0.0.99"));
        assert!(matches!(full, Err(ClusterError::NoSpace { .. })), "{full:?}");
    }
}
