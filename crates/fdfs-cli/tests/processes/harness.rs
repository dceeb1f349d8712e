//! The harness itself: what it does to processes really happens to them.

use std::fs;
use std::time::Duration;

use fdfs_proto::file_id::LogicName;
use fdfs_testkit::raw::packet;
use fdfs_testkit::{DaemonCluster, RawReply, SmallDisk};

use crate::{group_of, program, start};

#[test]
fn a_frozen_process_answers_when_it_goes_on() {
    let mut cluster = start(&group_of(1));
    let mut conn = cluster.to_storage(0);
    cluster.storage(0).freeze();
    let reply = conn.send(&packet(111, b"")).reply_within(Duration::from_millis(100));
    assert_eq!(reply, RawReply::Silent(Vec::new()));
    cluster.storage(0).thaw();
    assert_eq!(conn.reply(), RawReply::Whole { status: 0, body: Vec::new() });
    // And one that was killed comes back as itself, behind its proxy.
    cluster.kill_storage(0);
    cluster.start_storage(0);
    cluster.wait_until_active();
    cluster.view.upload(b"after all that").unwrap();
}

#[test]
fn a_shifted_clock_is_seen_in_names() {
    let mut layout = group_of(1).lay_out();
    layout.storages[0].launch.shift_clock(-600);
    let cluster = DaemonCluster::start(program(), layout);
    cluster.expect_problem("clock of this storage is -600 s off");
    let id = cluster.view.upload(b"ten minutes ago").unwrap();
    let created = LogicName::parse(&id.name).unwrap().fields().unwrap().created;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!((590..=630).contains(&(now - u64::from(created))), "{created} at {now}");
}

#[test]
fn a_small_disk_is_full_and_has_room_again() {
    if !SmallDisk::is_possible() {
        return eprintln!("SKIPPED: this machine lets no process mount a file system of its own");
    }
    let mut layout = group_of(1).lay_out();
    let path = layout.storages[0].store_paths[0].clone();
    layout.storages[0].launch.small_disk = Some(SmallDisk { path: path.clone(), size_bytes: 4 << 20 });
    let cluster = DaemonCluster::start(program(), layout);
    cluster.expect_problem("No space left on device");
    let upload = || cluster.view.upload(&[7; 1 << 20]);
    let id = upload().unwrap();
    assert!(!path.join("data").exists(), "only the process sees it");
    let filler = cluster.storage(0).path_inside(&path.join("filler"));
    assert!(fs::write(&filler, vec![0; 8 << 20]).is_err(), "it is full now");
    let refused = upload().unwrap_err();
    assert!(refused.to_string().contains("No space"), "{refused}");
    fs::remove_file(&filler).unwrap();
    fdfs_testkit::wait_for("an upload to work again", || upload().ok());
    assert_eq!(cluster.view.download(&id).unwrap(), [7; 1 << 20]);
}
