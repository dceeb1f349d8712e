//! Addresses that storages had before: the names of their older files still say them. Only where addresses are ids.
//!
//! Differs from C: it looks for a file's maker under its present address alone, so that a file that has not been copied yet
//! is not found after a change of the address.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use fdfs_proto::disk::changelog::{StorageChange, changelog_lines};
use fdfs_proto::{GroupName, StorageId};

use super::cluster::Cluster;
use super::group::Group;
use super::ids::id_of_address;

/// Former addresses of one storage that are remembered.
const FORMER_MAX: usize = 16;

impl Cluster {
    /// What the changelog tells of them: after a start.
    pub(crate) fn recall_former_addresses(&mut self) {
        if self.settings.ids.is_some() {
            return;
        }
        let mut former: BTreeMap<(GroupName, StorageId), Vec<Ipv4Addr>> = BTreeMap::new();
        let entries = changelog_lines(self.changelog.text().as_bytes()).filter_map(|line| line.entry.ok());
        for entry in entries {
            let StorageChange::IpChanged { new_ip } = entry.change else { continue };
            let mut before = former.remove(&(entry.group, entry.storage_id)).unwrap_or_default();
            before.extend(entry.storage_id.as_str().parse::<Ipv4Addr>().ok());
            former.insert((entry.group, id_of_address(&new_ip)), before);
        }
        for group in &mut self.groups {
            for index in 0..group.storages.len() {
                let addrs = former.remove(&(group.name, group.storages[index].id)).unwrap_or_default();
                for addr in addrs {
                    group.note_former(index, addr);
                }
            }
        }
    }
}

impl Group {
    /// A member had this address before; whoever has it now made what is named by it.
    pub(crate) fn note_former(&mut self, index: usize, addr: Ipv4Addr) {
        let is_taken = |member: &super::storage::Storage| {
            super::status::is_stored(member.status) && member.addrs.contains_v4(addr)
        };
        if self.storages.iter().any(is_taken) {
            return;
        }
        let former = &mut self.storages[index].former;
        if !former.contains(&addr) && former.len() < FORMER_MAX {
            former.push(addr);
        }
    }

    /// A storage has this address from now on.
    pub(crate) fn forget_former(&mut self, addr: &str) {
        if let Ok(addr) = addr.parse::<Ipv4Addr>() {
            self.storages.iter_mut().for_each(|storage| storage.former.retain(|former| *former != addr));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::tests_support::{active, cluster_of, ip, join, name, now, peer};
    use crate::tracker::{ConnId, FileFacts, Settings, Source, Stored};

    /// Who is asked for a fresh file that 10.0.0.1 made.
    fn reader(cluster: &mut Cluster) -> String {
        let source = Some(Source::Ip(Ipv4Addr::new(10, 0, 0, 1)));
        let file = FileFacts { source, created: 95, normal: true };
        cluster.query_fetch_one(now(100), &name("g"), &file, &ip("10.0.0.99")).unwrap().id.to_string()
    }

    #[test]
    fn a_file_that_only_its_maker_has_is_found_after_its_address_changed() {
        let members = [active("10.0.0.1", 50), active("10.0.0.2", 50), active("10.0.0.3", 50)];
        let mut cluster = cluster_of(Settings::default(), &[("g", &members)]);
        assert_eq!(reader(&mut cluster), "10.0.0.1");
        let _ = cluster.disconnect(ConnId(1));
        let moved = cluster.report_ip_changed(now(90), &ip("10.0.0.8"), &name("g"), &ip("10.0.0.1"), &ip("10.0.0.8"));
        let _ = moved.unwrap();
        let back = |cluster: &mut Cluster, conn: u64, from: &str| {
            let _ = cluster.join(now(91), &peer(conn, from), &join("g")).unwrap();
            let _ = cluster.beat(now(91), ConnId(conn), None).unwrap();
        };
        back(&mut cluster, 8, "10.0.0.8");
        assert_eq!(reader(&mut cluster), "10.0.0.8");

        // A tracker that starts again knows it from the changelog.
        let stored = Stored {
            groups: cluster.group_rows(),
            servers: cluster.server_rows(),
            timestamps: cluster.timestamp_rows(),
            changelog: cluster.changelog().text().to_owned(),
            last_check_time: 0,
        };
        let (mut cluster, losses) = Cluster::restore(Settings::default(), 22122, now(92), stored);
        assert_eq!(losses, []);
        for (conn, from) in [(1, "10.0.0.8"), (2, "10.0.0.2"), (3, "10.0.0.3")] {
            back(&mut cluster, conn, from);
        }
        assert_eq!(reader(&mut cluster), "10.0.0.8");

        // Another one has the old address now.
        let _ = cluster.join(now(93), &peer(9, "10.0.0.1"), &join("g")).unwrap();
        let _ = cluster.sync_notify(ConnId(9), None).unwrap();
        let _ = cluster.beat(now(94), ConnId(9), None).unwrap();
        assert_eq!(reader(&mut cluster), "10.0.0.1");
    }
}
