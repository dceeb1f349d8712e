//! From when on each member sends its own records to a new one (86), so that nothing falls between the old files, which
//! the source copies, and the new ones, which their makers send.
//!
//! The source of a new member is chosen at a time T. It copies all that it has, also what others made, up to T; the
//! others begin with their own records from T on. In the reference a record that its maker wrote before T, and that
//! reached the source only when it had copied everything, reaches the new member from neither (behaviour, W-48).
//!
//! Differs from C: each other member is told the time up to which the source had its records when it was chosen. What is
//! then sent twice is recognised by the receiver. Members of the reference are helped by this as well.

use fdfs_proto::IpText;

use super::cluster::Cluster;
use super::group::Group;
use super::storage::Storage;
use super::sync::SyncSource;
use super::synced::SyncTimes;
use super::time::Now;

/// Sync times may be ahead of records that were under way at the same time, by this much: several files are sent at once.
const UNDER_WAY_SECS: i64 = 60;
/// From the first record on: 0 would mean that nobody copies old files.
const FROM_THE_BEGINNING: i64 = 1;

impl Storage {
    /// Nobody copies old files to it.
    pub(crate) fn forget_source(&mut self) {
        (self.sync_source, self.sync_until, self.sync_basis) = (None, 0, SyncTimes::default());
    }
}

impl Group {
    /// Sets or forgets who copies old files to a member, and notes how far that one is.
    pub(crate) fn set_source(&mut self, index: usize, source: Option<SyncSource>) {
        let basis = source.and_then(|source| self.storage(&source.id)).map(|source| source.synced_from.clone());
        let storage = &mut self.storages[index];
        match source {
            None => storage.forget_source(),
            Some(SyncSource { id, until }) => {
                (storage.sync_source, storage.sync_until) = (Some(id), until);
                storage.sync_basis = basis.unwrap_or_default();
            }
        }
    }

    /// The time to tell one that asks about a member: its source copies up to it, others begin there.
    ///
    /// Who asks is known by its address alone. Where several members have it, or none, the earliest time of them counts.
    pub(crate) fn until_for(&self, dest: usize, asker: &IpText) -> i64 {
        let dest = &self.storages[dest];
        let is_other = |storage: &&Storage| storage.id != dest.id;
        let is_asker = |storage: &&Storage| storage.addrs.contains(asker);
        let others = || self.storages.iter().filter(is_other);
        if others().filter(is_asker).any(|storage| Some(storage.id) == dest.sync_source) {
            return dest.sync_until;
        }
        let is_known = others().any(|storage| is_asker(&storage));
        let asking = others().filter(|storage| !is_known || is_asker(storage));
        asking.map(|storage| dest.begin_for(storage)).min().unwrap_or(dest.sync_until)
    }

    /// The source of a member has copied everything: the member has of each other one what the source had.
    pub(crate) fn note_old_files_came(&mut self, now: Now, index: usize) {
        let storage = &mut self.storages[index];
        let (own, basis) = (storage.id, std::mem::take(&mut storage.sync_basis));
        for (source, unix_secs) in basis.iter().filter(|(source, _)| *source != own) {
            storage.synced_from.raise(now, source, unix_secs);
        }
    }
}

impl Storage {
    /// From when on `maker` sends its own records to this new member.
    fn begin_for(&self, maker: &Storage) -> i64 {
        if Some(maker.id) == self.sync_source {
            return self.sync_until;
        }
        let had = match self.sync_basis.get(&maker.id) {
            Some(had) => had,
            // It never made any.
            None if maker.stat.last_source_update == 0 => return self.sync_until,
            // Nothing is known of anybody, as with trackers that have lost their files.
            None if self.sync_basis.is_empty() => self.sync_until,
            None => return FROM_THE_BEGINNING,
        };
        had.min(self.sync_until).saturating_sub(UNDER_WAY_SECS).max(FROM_THE_BEGINNING)
    }
}

impl Cluster {
    /// After a restart: what sources have now is the best that is known of what they had.
    pub(crate) fn note_sync_bases(&mut self) {
        for group in &mut self.groups {
            for index in 0..group.storages.len() {
                let storage = &group.storages[index];
                let source = storage.sync_source.map(|id| SyncSource { id, until: storage.sync_until });
                if source.is_some() && super::status::is_joining(storage.status) {
                    group.set_source(index, source);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fdfs_proto::shared::{StorageBrief, StorageStat, StorageStatus};

    use crate::tracker::tests_support::{active, cluster_of, id, ip, join, name, now, peer};
    use crate::tracker::{Cluster, ConnId, Settings};

    /// .1 to .3 serve; .2 has made files up to 950, of which .1 has those up to 900; .3 has made none. At 1000 .4 comes,
    /// with .1 as its source.
    fn example() -> Cluster {
        let storages = [active("10.0.0.1", 5), active("10.0.0.2", 5), active("10.0.0.3", 5)];
        let mut cluster = cluster_of(Settings::default(), &[("g", &storages)]);
        let stat = StorageStat { last_source_update: 950, ..StorageStat::default() };
        let _ = cluster.beat(now(960), ConnId(2), Some(&stat)).unwrap();
        let _ = cluster.sync_report(now(960), ConnId(1), &[(id("10.0.0.2"), 900)]).unwrap();
        let _ = cluster.join(now(1000), &peer(4, "10.0.0.4"), &join("g")).unwrap();
        let source = cluster.sync_dest_request(now(1000), ConnId(4)).unwrap().answer.unwrap();
        assert_eq!((source.id, source.until), (id("10.0.0.1"), 1000));
        cluster
    }

    fn until(cluster: &mut Cluster, asker: &str) -> i64 {
        let asked = cluster.sync_source_request(&name("g"), &id("10.0.0.4"), &ip(asker));
        asked.unwrap().answer.unwrap().until
    }

    #[test]
    fn w48_each_member_begins_where_the_source_has_its_records() {
        let mut cluster = example();
        // What the source gets later it has perhaps not copied: it does not count.
        let _ = cluster.sync_report(now(1100), ConnId(1), &[(id("10.0.0.2"), 1050)]).unwrap();
        assert_eq!(until(&mut cluster, "10.0.0.1"), 1000, "the source copies up to the time of the choice");
        assert_eq!(until(&mut cluster, "10.0.0.2"), 840, "one minute before what the source had");
        assert_eq!(until(&mut cluster, "10.0.0.3"), 1000, "it has nothing of its own");
        assert_eq!(until(&mut cluster, "10.9.9.9"), 840, "whoever that is");
    }

    #[test]
    fn w48_a_member_of_which_the_source_has_nothing_begins_at_the_beginning() {
        let mut cluster = example();
        let stat = StorageStat { last_source_update: 5, ..StorageStat::default() };
        let _ = cluster.beat(now(1001), ConnId(3), Some(&stat)).unwrap();
        assert_eq!(until(&mut cluster, "10.0.0.3"), 1);
    }

    #[test]
    fn when_all_old_files_have_come_the_member_has_what_its_source_had() {
        let mut cluster = example();
        let brief = |status| StorageBrief { status, port: 0, id: id("10.0.0.4"), ip: ip("10.0.0.4") };
        for status in [StorageStatus::Syncing, StorageStatus::Offline] {
            let _ = cluster.report_status(now(1200), &name("g"), &brief(status)).unwrap();
        }
        let _ = cluster.beat(now(1201), ConnId(4), None).unwrap();
        let row = cluster.timestamp_rows().into_iter().find(|row| row.source == id("10.0.0.2")).unwrap();
        assert_eq!(row.times, [900, 0, 0, 900]);
    }

    #[test]
    fn a_restart_forgets_nothing_that_makes_others_begin_too_late() {
        let cluster = example();
        let stored = crate::tracker::Stored {
            groups: cluster.group_rows(),
            servers: cluster.server_rows(),
            timestamps: cluster.timestamp_rows(),
            ..Default::default()
        };
        let (mut cluster, losses) = Cluster::restore(Settings::default(), 22122, now(2000), stored);
        assert_eq!(losses, []);
        assert_eq!(until(&mut cluster, "10.0.0.1"), 1000);
        assert_eq!(until(&mut cluster, "10.0.0.2"), 840);
    }
}
