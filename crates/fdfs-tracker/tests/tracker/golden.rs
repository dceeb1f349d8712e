//! Requests recorded from the reference V6.16.1, replayed to a tracker of a cluster that is made up like the recorded
//! one. Answers must be the same, but for what is volatile: times, ports, and whose turn it is.

use crate::replay::{Link, is_slow, recorded, rows};
use crate::support::{FakeLeader, FakeStorage, Site, line, wait_for};
use fdfs_conf::{ReservedSpace, TrackerConf};
use fdfs_proto::cmd::tracker::{
    Beat, DiskUsage, Join, PathSpace, ReportStatus, StorageList, StorageRecord, SyncNotify, SyncReport, SyncedUpTo,
};
use fdfs_proto::shared::{StorageBrief, StorageStatus};
use fdfs_proto::{Command, HEADER_LEN, Status};

/// The configuration of the recorded cluster.
fn recorded_conf(conf: &mut TrackerConf) {
    conf.reserved_storage_space = ReservedSpace::Percent(1.0);
    conf.slot_max_size_bytes = 1 << 20;
    conf.trunk_alloc_alignment_size_bytes = 256;
    conf.trunk_create_file_space_threshold_bytes = 20 << 30;
    conf.trunk_free_space_merge = true;
    conf.trunk_compress_binlog_min_interval_secs = 86400;
    conf.trunk_compress_binlog_interval_secs = 86400;
    conf.trunk_binlog_max_backups = 7;
}

/// The recorded records of the storages of group1.
fn recorded_storages() -> Vec<StorageRecord> {
    let rows = rows(recorded::list, 22122);
    let row = rows.iter().find(|row| row.name == "list storages of a group").unwrap();
    StorageList::decode(&row.response[HEADER_LEN..]).unwrap().storages
}

/// A tracker and the three storages of the recorded cluster.
struct Recorded {
    site: Site,
    storages: Vec<FakeStorage>,
    /// Follows the leader as long as it is there.
    _leader: Option<FakeLeader>,
}

impl Recorded {
    /// `leader_ip` is another tracker in the lists of the storages, at the same port.
    fn start(ip: &str, leader_ip: Option<&str>, change: impl FnOnce(&mut TrackerConf)) -> Self {
        let site = Site::start_with(|conf| {
            recorded_conf(conf);
            conf.server.inner_bind_addrs = vec![ip.to_owned()];
            change(conf);
        });
        let records = recorded_storages();
        let [first, second] = records.as_slice() else { panic!("group1 has two storages") };
        // The one without a source was there first. The storage of group2 has no recorded counters.
        let third = StorageRecord { id: "127.0.0.13".parse().unwrap(), stat: Default::default(), ..*second };
        let leader = leader_ip.map(|ip| FakeLeader::start(ip, site.addr().port()));
        let mut this = Self { site, storages: Vec::new(), _leader: leader };
        for (group, record) in [("group1", second), ("group1", first), ("group2", &third)] {
            this.add(group, record, leader_ip);
        }
        wait_for("a leader", || this.site.client().status(Command::ServerGetLeader, &()) == Status::OK);
        this
    }

    fn add(&mut self, group: &str, record: &StorageRecord, leader_ip: Option<&str>) {
        let mut storage = self.site.storage(group, record.id.as_str());
        let usual = storage.usual_join();
        let others = leader_ip.map(|ip| line(&format!("{ip}:{}", self.site.addr().port())));
        storage.join = Some(Join {
            subdir_count: record.subdir_count as u16,
            join_time_secs: record.join_time_secs,
            up_time_secs: record.up_time_secs,
            trackers: usual.trackers.iter().copied().chain(others).collect(),
            ..usual
        });
        storage.join();
        let client = &mut storage.client;
        match record.source_id {
            None => drop(client.get(Command::StorageSyncNotify, &SyncNotify { source_id: None, until_secs: 0 })),
            Some(_) => {
                client.get(Command::StorageSyncDestReq, &());
                let done = StorageBrief { status: StorageStatus::Offline, port: 0, id: record.id, ip: record.ip };
                client.get(Command::StorageReportStatus, &ReportStatus { group: storage.group, storage: done });
            }
        }
        client.get(Command::StorageBeat, &Beat { stat: Some(record.stat) });
        let paths = vec![PathSpace { total_mb: record.total_mb, free_mb: record.free_mb }];
        client.get(Command::StorageReportDiskUsage, &DiskUsage { paths });
        self.storages.push(storage);
    }

    /// The first two storages tell up to when they have the files of each other.
    fn report_sync(&mut self, times: [u32; 2]) {
        for (storage, (source, timestamp_secs)) in
            self.storages.iter_mut().zip([("127.0.0.11", times[0]), ("127.0.0.12", times[1])])
        {
            let sources = vec![SyncedUpTo { source_id: source.parse().unwrap(), timestamp_secs }];
            storage.client.get(Command::StorageSyncReport, &SyncReport { sources });
        }
    }

    /// Replays rows; those that `kept` names share one connection.
    fn replay(&self, recording: (&str, &str), kept: impl Fn(&str) -> bool) -> usize {
        let mut link = None;
        let mut replayed = 0;
        let rows = rows(recording, self.site.addr().port());
        for row in rows.iter().filter(|row| !is_slow(row)) {
            if row.name.starts_with("27 after quit") {
                // The recorder sent QUIT here.
                drop(link.take());
                self.site.wait_for_status("fakegrp", "127.0.0.100", StorageStatus::Offline);
            }
            if kept(&row.name) {
                link.get_or_insert_with(|| Link::new(&self.site)).replay(row);
            } else {
                Link::new(&self.site).replay(row);
            }
            replayed += 1;
        }
        let slow = rows.iter().filter(|row| is_slow(row)).count();
        println!("{}: {replayed} of {} rows agree, {slow} are about time limits", recording.0, rows.len());
        assert_eq!(replayed + slow, rows.len());
        replayed
    }
}

fn leading() -> Recorded {
    Recorded::start("127.0.0.2", None, |_| {})
}

fn following() -> Recorded {
    Recorded::start("127.0.0.3", Some("127.0.0.2"), |_| {})
}

#[test]
fn framing_agrees() {
    let recorded = leading();
    assert_eq!(recorded.replay(recorded::framing, |_| false), 19);
    recorded.site.assert_quiet();
}

#[test]
fn queries_agree() {
    // The recorded files were new then, and shall still be.
    let mut recorded = Recorded::start("127.0.0.2", None, |conf| {
        conf.storage_sync_file_max_delay_secs = 100 * 365 * 86400;
        conf.storage_sync_file_max_time_secs = 100 * 365 * 86400;
    });
    // Between the file that nobody knows and the others.
    recorded.report_sync([1_780_000_000; 2]);
    assert_eq!(recorded.replay(recorded::query, |_| false), 47);
    recorded.site.assert_quiet();
}

#[test]
fn lists_agree() {
    let mut recorded = following();
    let synced = |index: usize| recorded_storages()[index].stat.last_synced_timestamp as u32;
    recorded.report_sync([synced(1), synced(0)]);
    assert_eq!(recorded.replay(recorded::list, |_| false), 33);
    recorded.site.assert_quiet();
}

#[test]
fn administration_agrees() {
    let recorded = following();
    assert_eq!(recorded.replay(recorded::admin, |_| false), 13);
    recorded.site.assert_quiet();
}

#[test]
fn questions_of_storages_agree() {
    let recorded = leading();
    assert_eq!(recorded.replay(recorded::storage_info, |_| false), 45);
    recorded.site.assert_quiet();
}

/// Rows of the fake storage that played on one connection.
fn of_the_fake_storage(name: &str) -> bool {
    let others = ["08", "12", "23", "26"];
    name.get(..2).and_then(|n| n.parse::<u8>().ok()).is_some_and(|n| n <= 25) && !others.contains(&&name[..2])
}

#[test]
fn the_life_of_a_storage_and_what_trackers_ask_each_other_agree() {
    let mut recorded = leading();
    recorded.report_sync([1_795_166_251, 1_795_166_227]);
    assert_eq!(recorded.replay(recorded::storage_life, of_the_fake_storage), 45);
    // The deleted storage of these rows is in the files of those.
    let kept = |name: &str| name.starts_with("sys file") && !name.contains("second peer");
    assert_eq!(recorded.replay(recorded::tracker, kept), 21);
    recorded.site.assert_quiet_but(&["cannot join group emptygrp"]);
}

#[test]
fn every_row_is_replayed_by_some_test() {
    let count: usize = recorded::ALL.iter().map(|recording| rows(*recording, 22122).len()).sum();
    assert_eq!(count, 227);
}
