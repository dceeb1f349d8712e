//! Storages and groups go: `fdfs admin`, first dry.

use std::process::Command;

use fdfs_proto::shared::StorageStatus;
use fdfs_testkit::{Cluster, DaemonCluster};

use crate::program;

/// What `fdfs admin` prints, and its exit code.
fn admin(cluster: &DaemonCluster, args: &[&str]) -> (String, i32) {
    let tracker = cluster.layout.trackers[0].addr.to_string();
    let output = Command::new(program()).arg("admin").args(args).args(["--tracker", &tracker]).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

#[test]
fn a_storage_and_its_group_are_deleted_and_a_dry_run_deletes_nothing() {
    let layout = Cluster::builder().group("group1", 1).group("group2", 1).lay_out();
    let mut cluster = DaemonCluster::start(program(), layout);
    assert!(cluster.storages[1].take().unwrap().terminate().success());
    let plan = &cluster.layout.storages[1];
    cluster.view.wait_for_status(plan, StorageStatus::Offline);
    let (id, tracker) = (plan.addr.ip().to_string(), cluster.layout.trackers[0].addr);

    let storage = ["delete-storage", "group2", &id];
    let dry = |args: &[&'static str]| admin(&cluster, &[args, &["--dry-run"]].concat());
    let said = admin(&cluster, &[&storage[..], &["--dry-run"]].concat());
    assert_eq!(said, (format!("would delete storage {id} of group group2 on {tracker}\n"), 0));
    assert_eq!(cluster.view.record(plan).unwrap().status, StorageStatus::Offline);
    assert_eq!(admin(&cluster, &storage), (format!("deleted storage {id} of group group2\n"), 0));
    assert_eq!(cluster.view.record(plan).unwrap().status, StorageStatus::Deleted);
    assert_eq!(admin(&cluster, &storage).1, 114, "it is deleted already");

    assert_eq!(dry(&["delete-group", "group2"]), ("would delete group group2\n".to_owned(), 0));
    assert_eq!(dry(&["delete-group", "group2"]).1, 0, "it is still there");
    assert_eq!(admin(&cluster, &["delete-group", "group2"]), ("deleted group group2\n".to_owned(), 0));
    assert_eq!(admin(&cluster, &["delete-group", "group2"]).1, 2, "nobody knows it any more");
    assert_eq!(cluster.view.upload(b"the others serve").unwrap().group.to_string(), "group1");
}
