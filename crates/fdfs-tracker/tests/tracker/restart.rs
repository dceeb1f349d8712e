//! State files: what a tracker takes over, writes again, and does about files that are broken.

use std::path::Path;

use crate::support::{Site, copy_tree};
use fdfs_proto::cmd::tracker::{SyncReport, SyncedUpTo};
use fdfs_proto::shared::StorageStatus::{Active, Offline};
use fdfs_proto::{Command, Status};
use fdfs_tracker::TrackerServer;
use tempfile::TempDir;

/// The files of a data folder that the reference wrote, in a folder of our own.
fn recorded(name: &str) -> (TempDir, std::path::PathBuf) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let dir = tempfile::tempdir().unwrap();
    copy_tree(&golden, &dir.path().join("data"));
    (dir, golden)
}

const FILES: [&str; 4] =
    ["storage_groups_new.dat", "storage_servers_new.dat", "storage_sync_timestamp.dat", "storage_changelog.dat"];

#[test]
fn files_of_the_reference_are_taken_over_and_written_back_byte_for_byte() {
    let (dir, golden) = recorded("data_plain");
    let mut site = Site::start_in(dir, |_| {});
    assert_eq!(site.status_of("group1", "10.78.2.11"), Some(Offline));
    site.stop();
    for file in FILES {
        let before = std::fs::read_to_string(golden.join(file)).unwrap();
        assert_eq!(site.file(file), before, "{file}");
    }
    site.assert_quiet();
}

#[test]
fn files_with_storage_ids_are_taken_over_and_written_back_byte_for_byte() {
    let (dir, golden) = recorded("data_ids");
    let mut site = Site::start_in(dir, |conf| {
        conf.use_storage_id = true;
        conf.id_type_in_filename = fdfs_conf::IdType::Id;
        let ids = golden.with_file_name("data_ids_storage_ids.conf");
        conf.storage_ids_filename = Some(ids.to_str().unwrap().to_owned());
    });
    assert_eq!(site.client().list("group1").len(), 2);
    site.stop();
    for file in FILES {
        let before = std::fs::read_to_string(golden.join(file)).unwrap();
        assert_eq!(site.file(file), before, "{file}");
    }
    site.assert_quiet();
}

/// The reference refuses to start with these: disk formats, E.10.
#[test]
fn files_of_a_reference_that_died_after_a_deletion_are_taken_over() {
    let (dir, _) = recorded("data_changelog");
    let mut site = Site::start_in(dir, |_| {});
    assert_eq!(site.client().list("group1").len(), 1);
    site.stop();
    assert_eq!(site.file("storage_sync_timestamp.dat"), "group1,10.78.2.11,0\n");
    assert_eq!(site.file("storage_changelog.dat"), "1795167834 group1 10.78.2.12 4 \n");
    site.assert_quiet_but(&["sync times of storage 10.78.2.1"]);
}

#[test]
fn groups_storages_and_sync_times_survive_a_restart() {
    let mut site = Site::start();
    let mut one = site.active("group1", "127.0.0.11", 5000);
    let _two = site.active("group1", "127.0.0.12", 5000);
    let sources = vec![SyncedUpTo { source_id: "127.0.0.12".parse().unwrap(), timestamp_secs: 1_795_000_000 }];
    one.client.get(Command::StorageSyncReport, &SyncReport { sources });
    let before = site.client().list("group1");
    site.stop();
    let files = FILES.map(|file| site.file(file));
    assert_eq!(files[2], "group1,127.0.0.11,0,0\ngroup1,127.0.0.12,1795000000,0\n");
    assert!(files[1].contains("\tstatus=7\n"), "a stopping tracker does not call its storages OFFLINE");

    site.start_again();
    let after = site.client().list("group1");
    assert_eq!(after.len(), 2);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.id, before.status, after.status), (after.id, Active, Offline));
        assert_eq!((before.join_time_secs, before.free_mb), (after.join_time_secs, after.free_mb));
        assert_eq!(before.stat.last_synced_timestamp, after.stat.last_synced_timestamp);
    }
    site.restart();
    let again = FILES.map(|file| site.file(file));
    assert_eq!((&again[0], &again[2], &again[3]), (&files[0], &files[2], &files[3]));
    site.assert_quiet();
}

/// Breaks a file, starts, and says how many storages of group1 are known then.
fn start_with_broken(file: &str, content: &[u8]) -> usize {
    let (dir, _) = recorded("data_plain");
    let data = dir.path().join("data");
    std::fs::write(data.join(file), content).unwrap();
    let mut site = Site::start_in(dir, |_| {});
    let known = site.client().list("group1").len();
    // It serves, and takes new storages.
    let mut storage = site.storage("group1", "127.0.0.11");
    storage.path_count = 2;
    storage.become_active(5000);

    let aside: Vec<_> = std::fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{file}.corrupt.")))
        .collect();
    assert_eq!(aside.len(), 1, "{file} is kept under another name");
    assert_eq!(std::fs::read(aside[0].path()).unwrap(), content, "{file}");
    let problems = site.log.problems();
    let line = problems.iter().find(|line| line.contains("is corrupt and now called")).unwrap();
    assert!(line.starts_with("ERROR") && line.contains(file) && line.contains(".corrupt."), "{line}");

    site.stop();
    site.log.clear();
    site.start_again();
    assert_eq!(site.client().list("group1").len(), known + 1, "the second start finds good files");
    site.assert_quiet();
    known
}

#[test]
fn corrupt_files_are_moved_aside_and_reported() {
    // Two storages are known but where their own file is lost; without the groups, those of the storages are taken.
    for (file, known) in [
        ("storage_groups_new.dat", 2),
        ("storage_servers_new.dat", 0),
        ("storage_sync_timestamp.dat", 2),
        (".tracker_status", 2),
    ] {
        assert_eq!(start_with_broken(file, b"\x00\xff rubbish"), known, "{file}");
    }
    assert_eq!(start_with_broken("storage_changelog.dat", b"1795167834 group1 \xff\xfe 4 \n"), 2);
}

#[test]
fn truncated_files_are_moved_aside_and_reported() {
    let (_dir, golden) = recorded("data_plain");
    for file in ["storage_groups_new.dat", "storage_servers_new.dat"] {
        let whole = std::fs::read(golden.join(file)).unwrap();
        for len in [0, 1, whole.len() / 2, whole.len() - 3] {
            start_with_broken(file, &whole[..len]);
        }
    }
}

#[test]
fn files_of_old_versions_are_taken_over_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("storage_groups.dat"), "group1,23000,2,256\n").unwrap();
    let server = "group1,10.0.0.1,7,,0,1,1,2,2,3,3,4,4,5,5,1795000000,0,0,23000,0,1794000000,4.0.0\n";
    std::fs::write(data.join("storage_servers.dat"), server).unwrap();
    let mut site = Site::start_in(dir, |_| {});
    let list = site.client().list("group1");
    assert_eq!((list.len(), list[0].status, list[0].stat.upload_count.total), (1, Offline, 1));
    site.stop();
    assert!(!data.join("storage_groups.dat").exists() && !data.join("storage_servers.dat").exists());
    assert!(site.file("storage_groups_new.dat").contains("store_path_count=2"));
    site.start_again();
    assert_eq!(site.client().list("group1").len(), 1);
    site.assert_quiet();
}

#[test]
fn a_lost_file_of_the_groups_is_made_from_that_of_the_storages() {
    let (dir, golden) = recorded("data_plain");
    std::fs::remove_file(dir.path().join("data/storage_groups_new.dat")).unwrap();
    let mut site = Site::start_in(dir, |_| {});
    assert_eq!(site.client().list("group1").len(), 2);
    site.stop();
    let before = std::fs::read_to_string(golden.join("storage_groups_new.dat")).unwrap();
    assert_eq!(site.file("storage_groups_new.dat"), before);
    site.assert_quiet_but(&["the groups are taken from storage_servers_new.dat"]);
}

#[test]
fn what_keeps_a_tracker_from_starting_says_what_to_do() {
    let site = Site::start();
    let log = || fdfs_log::ServerLog::new(site.log.clone(), fdfs_log::Level::Info);
    let mut conf = site.conf.clone();
    conf.server.inner_port = site.addr().port();
    conf.server.outer_port = conf.server.inner_port;
    let error = TrackerServer::start(conf, log()).unwrap_err();
    assert_eq!(error.errno(), Status::EADDRINUSE.0);
    assert!(error.to_string().contains("stop the other program"), "{error}");

    let file = tempfile::NamedTempFile::new().unwrap();
    let mut conf = site.conf.clone();
    conf.server.base_path = file.path().to_owned();
    let error = TrackerServer::start(conf, log()).unwrap_err();
    assert_eq!(error.errno(), Status::ENOTDIR.0, "{error}");
    assert!(error.to_string().contains(file.path().to_str().unwrap()), "{error}");

    let mut conf = site.conf.clone();
    conf.server.inner_bind_addrs = vec!["no such host".into()];
    let error = TrackerServer::start(conf, log()).unwrap_err();
    assert!(error.to_string().contains("bind_addr = no such host"), "{error}");

    let mut conf = site.conf.clone();
    conf.use_storage_id = true;
    conf.storage_ids_filename = Some("/nonexistent/storage_ids.conf".into());
    let error = TrackerServer::start(conf, log()).unwrap_err();
    assert_eq!(error.errno(), Status::ENOENT.0);
    assert!(error.to_string().contains("/nonexistent/storage_ids.conf"), "{error}");
    site.assert_quiet();
}
