//! Small questions about who somebody is: 60, 70, 71 and 109. None of them needs a join.

use fdfs_proto::shared::StorageBrief;
use fdfs_proto::{GroupName, IpText, StorageId};

use super::addr::Addrs;
use super::cluster::Cluster;
use super::error::ClusterError;
use super::ids::id_of_address;

impl Cluster {
    /// The id of the storage at an address (70): from storage_ids.conf, or made from the address, whoever it is.
    ///
    /// # Errors
    /// [`ClusterError::UnknownId`] with storage ids on and no such line.
    pub fn storage_id(&self, group: &GroupName, ip: &IpText, port: u16) -> Result<StorageId, ClusterError> {
        match &self.settings.ids {
            None => Ok(id_of_address(ip)),
            Some(ids) => ids.by_group_addr(group, ip, port).map(|entry| entry.id).ok_or(ClusterError::UnknownId {
                id: StorageId::EMPTY,
                ip: *ip,
                port,
            }),
        }
    }

    /// The record of the storage at an address (71).
    ///
    /// # Errors
    /// [`ClusterError::NoGroup`], [`ClusterError::NoStorage`], [`ClusterError::UnknownId`].
    pub fn storage_brief(
        &self,
        group: &GroupName,
        ip: &IpText,
        port: u16,
        asker: &IpText,
    ) -> Result<StorageBrief, ClusterError> {
        let found = &self.groups[self.require_group(group)?];
        let id = self.storage_id(group, ip, port)?;
        Ok(found.storages[found.require(&id)?].brief(asker))
    }

    /// The addresses of the asking storage (60): those of its line in storage_ids.conf, else the one that it asks from.
    #[must_use]
    pub fn addrs_of(&self, group: &GroupName, peer_ip: &IpText, port: u16) -> Addrs {
        let entry = self.settings.ids.as_ref().and_then(|ids| ids.by_group_addr(group, peer_ip, port));
        entry.map_or_else(|| Addrs::one(*peer_ip), |entry| entry.addrs)
    }

    /// The group of the storage at an address (109).
    ///
    /// # Errors
    /// [`ClusterError::OnlyWithIds`]; [`ClusterError::UnknownId`].
    pub fn group_name(&self, ip: &IpText, port: u16) -> Result<GroupName, ClusterError> {
        let ids = self.settings.ids.as_ref().ok_or(ClusterError::OnlyWithIds)?;
        ids.by_addr(ip, port).map(|entry| entry.group).ok_or(ClusterError::UnknownId {
            id: StorageId::EMPTY,
            ip: *ip,
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use fdfs_proto::Status;

    use super::*;
    use crate::tracker::Settings;
    use crate::tracker::tests_support::{active, cluster_of, id, ip, name};

    #[test]
    fn without_ids_an_address_is_an_id() {
        let cluster = cluster_of(Settings::default(), &[("g", &[active("10.0.0.1", 5)])]);
        assert_eq!(cluster.storage_id(&name("nosuch"), &ip("10.9.9.9"), 1), Ok(id("10.9.9.9")));
        assert_eq!(cluster.group_name(&ip("10.0.0.1"), 23000), Err(ClusterError::OnlyWithIds));
        let asker = ip("10.0.0.9");
        assert_eq!(cluster.storage_brief(&name("g"), &ip("10.0.0.1"), 1, &asker).unwrap().id, id("10.0.0.1"));
        for (group, address) in [("nosuch", "10.0.0.1"), ("g", "10.9.9.9")] {
            let refused = cluster.storage_brief(&name(group), &ip(address), 1, &asker).unwrap_err();
            assert_eq!(refused.status(), Status::ENOENT, "{group} {address}");
        }
    }

    #[test]
    fn with_ids_the_file_knows() {
        let cluster = cluster_of(Settings::default(), &[("g", &[active("7", 5)])]);
        assert_eq!(cluster.storage_id(&name("g"), &ip("10.1.0.7"), 23000), Ok(id("7")));
        assert!(cluster.storage_id(&name("g"), &ip("10.1.0.7"), 23001).is_err());
        assert!(cluster.storage_id(&name("x"), &ip("10.1.0.7"), 23000).is_err());
        assert_eq!(cluster.group_name(&ip("10.1.0.7"), 23000), Ok(name("g")));
        assert_eq!(cluster.group_name(&ip("10.1.0.8"), 23000).unwrap_err().status(), Status::ENOENT);
        assert_eq!(cluster.addrs_of(&name("g"), &ip("10.5.5.5"), 23000), Addrs::one(ip("10.5.5.5")));
        assert_eq!(cluster.addrs_of(&name("g"), &ip("10.1.0.7"), 23000), Addrs::one(ip("10.1.0.7")));
    }
}
