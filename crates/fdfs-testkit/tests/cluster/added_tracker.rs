//! A tracker that is added to a running cluster (W-28).

use fdfs_proto::shared::StorageStatus;
use fdfs_testkit::raw::packet;
use fdfs_testkit::{Cluster, RawConn, RawReply, wait_for};

/// Who leads in the eyes of a tracker (95).
fn leader_of(cluster: &Cluster, tracker: usize) -> Option<String> {
    match RawConn::connect(cluster.trackers[tracker].plan.real_addr).send(&packet(95, b"")).reply() {
        RawReply::Whole { status: 0, body } => Some(String::from_utf8(body).unwrap()),
        _ => None,
    }
}

/// It is known to all as soon as one storage was restarted with the new list, and it knows those that were not.
#[test]
fn w28_a_tracker_that_is_added_is_known_with_the_first_storage_that_names_it() {
    let mut cluster = Cluster::builder().trackers(2).group("group1", 2).build();
    let [old, new] = [0, 1].map(|tracker| cluster.trackers[tracker].addr());
    for storage in &mut cluster.storages {
        storage.set("tracker_server", old);
    }
    cluster.trackers[0].start();
    for index in 0..2 {
        cluster.storages[index].start();
        cluster.wait_for_status(&cluster.storages[index], StorageStatus::Active);
    }
    assert_eq!(leader_of(&cluster, 0), Some(old.to_string()), "it is the only one");

    cluster.trackers[1].start();
    cluster.storages[0].plan.settings.add("tracker_server", new);
    // Has the file written anew.
    cluster.storages[0].set("heart_beat_interval", 1);
    cluster.storages[0].restart();
    wait_for("both trackers to agree", || {
        let leader = leader_of(&cluster, 0)?;
        (leader_of(&cluster, 1)? == leader).then_some(())
    });
    let tracker = cluster.client().trackers().swap_remove(1);
    let status = |index: usize| {
        let ip = cluster.storages[index].addr().ip().to_string();
        let records = cluster.block_on(tracker.storages("group1".parse().unwrap(), None)).ok()?;
        records.into_iter().find(|record| record.ip.as_str() == ip).map(|record| record.status)
    };
    wait_for("the restarted storage to be ACTIVE there", || (status(0) == Some(StorageStatus::Active)).then_some(()));
    assert_eq!(status(1), Some(StorageStatus::Offline), "it knows the other one from the old tracker");
    cluster.wait_until_active();
}
