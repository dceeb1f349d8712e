//! A new member, from its first join until it is ACTIVE, with storages that speak the recorded protocol; and what a tracker
//! knows of that after `kill -9`.

use fdfs_proto::cmd::tracker::{
    ReportStatus, SyncDestRequest, SyncNotify, SyncSource, SyncSourceAnswer, SyncSourceRequest,
};
use fdfs_proto::shared::{StorageBrief, StorageStatus};
use fdfs_proto::{Command, Status, Wire};

use crate::support::{FakeStorage, Site, copy_tree};

const GROUP: &str = "group1";
const SOURCE: &str = "127.0.0.11";
const NEW: &str = "127.0.0.12";

fn report(site: &Site, status: StorageStatus) {
    let storage = StorageBrief { status, port: 0, id: NEW.parse().unwrap(), ip: NEW.parse().unwrap() };
    let report = ReportStatus { group: GROUP.parse().unwrap(), storage };
    // As the reference does: a connection of its own that has not joined.
    assert_eq!(site.client_from(SOURCE).status(Command::StorageReportStatus, &report), Status::OK);
}

fn source_of_new(site: &Site, asker: &str) -> Option<SyncSource> {
    let request = SyncSourceRequest { group: GROUP.parse().unwrap(), dest_id: NEW.parse().unwrap() };
    let answer = site.client_from(asker).get(Command::StorageSyncSrcReq, &request);
    SyncSourceAnswer::from_bytes(&answer).unwrap().source
}

/// A new member that has joined and was given its source.
fn waiting(site: &Site) -> (FakeStorage, SyncSource) {
    let mut new = site.storage(GROUP, NEW);
    new.join();
    let answer = new.client.get(Command::StorageSyncDestReq, &SyncDestRequest);
    let source = SyncSourceAnswer::from_bytes(&answer).unwrap().source.unwrap();
    let notify = SyncNotify { source_id: Some(source.id), until_secs: source.until_secs };
    assert_eq!(new.client.status(Command::StorageSyncNotify, &notify), Status::OK);
    (new, source)
}

#[test]
fn a_new_member_waits_syncs_and_is_active_with_the_beat_behind_the_last_report() {
    let site = Site::start();
    let _source = site.active(GROUP, SOURCE, 5000);
    let (mut new, source) = waiting(&site);
    assert_eq!(source.id.as_str(), SOURCE);
    for (reported, becomes) in [
        (None, StorageStatus::WaitSync),
        (Some(StorageStatus::Syncing), StorageStatus::Syncing),
        (Some(StorageStatus::Offline), StorageStatus::Active),
    ] {
        if let Some(status) = reported {
            report(&site, status);
            assert_eq!(site.status_of(GROUP, NEW), Some(status));
        }
        assert_eq!(source_of_new(&site, SOURCE), Some(source));
        new.beat();
        assert_eq!(site.status_of(GROUP, NEW), Some(becomes), "after a report of {reported:?}");
    }
    site.assert_quiet();
}

/// Files as they are at this moment, and a tracker that starts from them.
fn after_kill(site: &Site) -> Site {
    let dir = tempfile::tempdir().unwrap();
    copy_tree(site.dir.path(), dir.path());
    Site::start_in(dir, |_| {})
}

#[test]
fn what_a_source_reports_survives_a_kill_behind_the_answer() {
    let site = Site::start();
    let _source = site.active(GROUP, SOURCE, 5000);
    let (_new, source) = waiting(&site);
    for (reported, kept) in
        [(StorageStatus::Syncing, StorageStatus::Syncing), (StorageStatus::Offline, StorageStatus::Offline)]
    {
        report(&site, reported);
        let again = after_kill(&site);
        assert_eq!(again.status_of(GROUP, NEW), Some(kept));
        assert_eq!(again.status_of(GROUP, SOURCE), Some(StorageStatus::Offline));
        assert_eq!(source_of_new(&again, SOURCE), Some(source), "source and time are kept");
    }
    site.assert_quiet();
}

#[test]
fn a_member_that_was_deleted_while_it_waited_joins_again_and_does_not_serve() {
    let site = Site::start();
    let _source = site.active(GROUP, SOURCE, 5000);
    let (mut new, source) = waiting(&site);
    let delete = fdfs_proto::cmd::tracker::DeleteStorage { group: GROUP.parse().unwrap(), id: NEW.parse().unwrap() };
    assert_eq!(site.client().status(Command::ServerDeleteStorage, &delete), Status::OK);
    assert_eq!(new.client.status(Command::StorageBeat, &()), Status::EACCES);
    assert_eq!(site.status_of(GROUP, NEW), Some(StorageStatus::Deleted));
    new.join();
    let notify = SyncNotify { source_id: Some(source.id), until_secs: source.until_secs };
    assert_eq!(new.client.status(Command::StorageSyncNotify, &notify), Status::OK);
    new.beat();
    assert_eq!(site.status_of(GROUP, NEW), Some(StorageStatus::WaitSync));
    site.assert_quiet();
}
