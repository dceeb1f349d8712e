//! Troubles of one process of a group, and what the others make of it.

use std::fs;
use std::path::Path;

use fdfs_proto::cmd::storage::{DownloadFile, MetaMode, SetMetadataHead, UploadHead};
use fdfs_proto::file_id::FileId;
use fdfs_proto::{Command, Wire};
use fdfs_testkit::raw::packet;
use fdfs_testkit::{Cluster, DaemonCluster, LayoutBuilder, RawReply, SmallDisk, wait_for};

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_fdfs"))
}

fn group_of(count: usize) -> LayoutBuilder {
    Cluster::builder().group("group1", count)
}

/// Uploads to a storage, past the tracker.
fn stored(cluster: &DaemonCluster, storage: usize, content: &[u8]) -> FileId {
    let head = UploadHead { store_path: None, file_size: content.len() as u64, ext: "bin".parse().unwrap() };
    let request = packet(Command::UploadFile as u8, &[&head.to_bytes()[..], content].concat());
    FileId::from_bytes(&cluster.to_storage(storage).send(&request).reply().ok()).unwrap()
}

fn ask(cluster: &DaemonCluster, storage: usize, command: Command, body: &[u8]) -> RawReply {
    cluster.to_storage(storage).ask(command as u8, body)
}

fn download(cluster: &DaemonCluster, storage: usize, id: &FileId) -> RawReply {
    let request = DownloadFile { offset: 0, wanted: 0, file: *id };
    ask(cluster, storage, Command::DownloadFile, &request.to_bytes())
}

fn wait_until_at(cluster: &DaemonCluster, storage: usize, id: &FileId, content: &[u8]) {
    wait_for(&format!("{id} at storage {storage}"), || {
        (download(cluster, storage, id) == RawReply::Whole { status: 0, body: content.to_vec() }).then_some(())
    });
}

fn wait_until_gone(cluster: &DaemonCluster, storage: usize, id: &FileId) {
    let is_gone = || (download(cluster, storage, id).status() == Some(2)).then_some(());
    wait_for(&format!("{id} to be gone from storage {storage}"), is_gone);
}

#[test]
fn a_peer_that_was_frozen_gets_what_it_missed() {
    let builder = group_of(3).storage_key("connect_timeout", 1).storage_key("network_timeout", 1);
    let cluster = DaemonCluster::start(program(), builder.lay_out());
    cluster.expect_problem("127.");
    cluster.storage(1).freeze();
    let contents: Vec<Vec<u8>> = (0..30u8).map(|number| vec![number; 5000]).collect();
    let ids: Vec<_> = contents.iter().map(|content| stored(&cluster, 0, content)).collect();
    for (id, content) in ids.iter().zip(&contents) {
        wait_until_at(&cluster, 2, id, content);
    }
    cluster.storage(1).thaw();
    for (id, content) in ids.iter().zip(&contents) {
        wait_until_at(&cluster, 1, id, content);
    }
}

#[test]
fn a_full_disk_of_one_storage_stops_no_other_and_catches_up() {
    if !SmallDisk::is_possible() {
        return eprintln!("SKIPPED: this machine lets no process mount a file system of its own");
    }
    let mut layout = group_of(3).lay_out();
    let path = layout.storages[1].store_paths[0].clone();
    layout.storages[1].launch.small_disk = Some(SmallDisk { path: path.clone(), size_bytes: 8 << 20 });
    let cluster = DaemonCluster::start(program(), layout);
    cluster.expect_problem("No space left on device");
    cluster.expect_problem("127.");
    let first = stored(&cluster, 0, b"while there is room");
    wait_until_at(&cluster, 1, &first, b"while there is room");
    let filler = cluster.storage(1).path_inside(&path.join("filler"));
    assert!(fs::write(&filler, vec![0; 16 << 20]).is_err(), "it is full now");
    let contents: Vec<Vec<u8>> = (0..10u8).map(|number| vec![number; 100_000]).collect();
    let ids: Vec<_> = contents.iter().map(|content| stored(&cluster, 0, content)).collect();
    for (id, content) in ids.iter().zip(&contents) {
        wait_until_at(&cluster, 2, id, content);
    }
    assert_ne!(download(&cluster, 1, &ids[9]).status(), Some(0), "there is no room for it");
    fs::remove_file(&filler).unwrap();
    for (id, content) in ids.iter().zip(&contents) {
        wait_until_at(&cluster, 1, id, content);
    }
}

/// A storage is ten minutes early, another ten minutes late.
fn with_wrong_clocks() -> DaemonCluster {
    let mut layout = group_of(3).lay_out();
    layout.storages[1].launch.shift_clock(600);
    layout.storages[2].launch.shift_clock(-600);
    let cluster = DaemonCluster::start(program(), layout);
    cluster.expect_problem("FDFS_CLOCK_OFFSET_SECS");
    cluster
}

#[test]
fn w05_clocks_ten_minutes_apart_hide_no_file() {
    let cluster = with_wrong_clocks();
    for storage in 0..3 {
        let content = format!("made by storage {storage}").into_bytes();
        let id = stored(&cluster, storage, &content);
        // At once, and again when it is everywhere: the tracker names nobody who has not got it.
        for _ in 0..12 {
            assert_eq!(cluster.view.download(&id).unwrap(), content, "{id}, made by storage {storage}");
        }
        for other in 0..3 {
            wait_until_at(&cluster, other, &id, &content);
        }
        for _ in 0..6 {
            assert_eq!(cluster.view.download(&id).unwrap(), content, "{id}, made by storage {storage}");
        }
    }
}

#[test]
fn w07_clocks_ten_minutes_apart_bring_nothing_back() {
    let mut cluster = with_wrong_clocks();
    cluster.expect_problem("127.");
    for (maker, deleter) in [(0, 1), (1, 2), (2, 1), (1, 0), (2, 0)] {
        let id = stored(&cluster, maker, b"not for long");
        wait_until_at(&cluster, deleter, &id, b"not for long");
        let head = SetMetadataHead { metadata_len: 4, mode: MetaMode::Overwrite, file: id };
        let metadata = [&head.to_bytes()[..], b"a\x02bc"].concat();
        assert_eq!(ask(&cluster, maker, Command::SetMetadata, &metadata).status(), Some(0));
        assert_eq!(ask(&cluster, deleter, Command::DeleteFile, &id.to_bytes()).status(), Some(0));
        for storage in 0..3 {
            wait_until_gone(&cluster, storage, &id);
        }
        // Whoever comes back has nothing to say about it.
        cluster.kill_storage(maker);
        cluster.start_storage(maker);
        cluster.wait_until_active();
        let last = stored(&cluster, maker, b"behind all that");
        for storage in 0..3 {
            wait_until_at(&cluster, storage, &last, b"behind all that");
            assert_eq!(download(&cluster, storage, &id).status(), Some(2), "{id} came back to storage {storage}");
        }
    }
}
