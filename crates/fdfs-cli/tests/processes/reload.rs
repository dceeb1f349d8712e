//! The signal HUP: a running process takes in what has changed in its configuration.

use fdfs_proto::Request as _;
use fdfs_proto::cmd::tracker::{ListStorages, StorageList};
use fdfs_proto::shared::StorageStatus;
use fdfs_testkit::layout::write_conf;
use fdfs_testkit::raw::packet;
use fdfs_testkit::{Cluster, DaemonCluster, RawConn, RawReply, wait_for};

use crate::{group_of, program, start};

/// Who leads in the eyes of a tracker (95).
fn leader_of(cluster: &DaemonCluster, tracker: usize) -> Option<String> {
    match RawConn::connect(cluster.layout.trackers[tracker].real_addr).send(&packet(95, b"")).reply() {
        RawReply::Whole { status: 0, body } => Some(String::from_utf8(body).unwrap()),
        _ => None,
    }
}

/// How many storages are ACTIVE in the eyes of a tracker.
fn active_at(cluster: &DaemonCluster, tracker: usize) -> usize {
    let request = ListStorages { group: "group1".parse().unwrap(), id: None };
    let packet = packet(ListStorages::COMMAND.number(), &fdfs_proto::Wire::to_bytes(&request));
    match RawConn::connect(cluster.layout.trackers[tracker].real_addr).send(&packet).reply() {
        RawReply::Whole { status: 0, body } => {
            let list = StorageList::decode(&body).unwrap();
            list.storages.iter().filter(|storage| storage.status == StorageStatus::Active).count()
        }
        _ => 0,
    }
}

/// Writes the configuration of both storages anew, and tells them.
fn use_trackers(cluster: &mut DaemonCluster, trackers: &[usize]) {
    let addrs: Vec<_> = trackers.iter().map(|tracker| cluster.layout.trackers[*tracker].addr).collect();
    for index in 0..2 {
        let plan = &mut cluster.layout.storages[index];
        plan.settings.set("tracker_server", addrs[0]);
        addrs[1..].iter().for_each(|addr| plan.settings.add("tracker_server", addr));
        write_conf(&plan.conf_path, &plan.settings);
        cluster.storage(index).hang_up();
    }
}

/// W-28: a cluster moves from one tracker to another without the restart of anything.
#[test]
fn w28_trackers_come_and_go_while_storages_run() {
    let mut layout = Cluster::builder().trackers(2).group("group1", 2).lay_out();
    let first = layout.trackers[0].addr;
    for plan in &mut layout.storages {
        plan.settings.set("tracker_server", first);
        write_conf(&plan.conf_path, &plan.settings);
    }
    let mut cluster = DaemonCluster::start(program(), layout);
    let id = cluster.view.upload(b"under the first tracker").unwrap();

    use_trackers(&mut cluster, &[0, 1]);
    wait_for("both trackers to agree", || {
        let leader = leader_of(&cluster, 0)?;
        (leader_of(&cluster, 1)? == leader && active_at(&cluster, 1) == 2).then_some(())
    });

    cluster.expect_problem("no storage names the tracker");
    use_trackers(&mut cluster, &[1]);
    let second = cluster.layout.trackers[1].addr.to_string();
    wait_for("the new one to lead alone", || {
        (leader_of(&cluster, 1)? == second && active_at(&cluster, 0) == 0).then_some(())
    });
    cluster.kill_tracker(0);
    assert_eq!(cluster.view.download(&id).unwrap(), b"under the first tracker");
    wait_for("an upload under the new tracker", || cluster.view.upload(b"under the second").ok());
    assert_eq!(active_at(&cluster, 1), 2);
}

#[test]
fn what_can_change_is_taken_over_and_the_rest_is_said() {
    let mut cluster = start(&group_of(1));
    let plan = &mut cluster.layout.storages[0];
    plan.settings.set("log_level", "debug");
    plan.settings.set("heart_beat_interval", 7);
    plan.settings.set("advertise", "10.0.0.0/8 -> 10.9.9.9");
    write_conf(&plan.conf_path, &plan.settings);
    cluster.expect_problem("heart_beat_interval has changed, which needs a restart");
    cluster.storage(0).hang_up();
    let says = |text: &str| wait_for(text, || cluster.storage(0).log().contains(text).then_some(()));
    says("configuration: log_level is taken over");
    says("configuration: advertise is taken over");
    says("heart_beat_interval has changed, which needs a restart");

    // A file that no storage would start with changes nothing.
    let text = std::fs::read_to_string(&cluster.layout.storages[0].conf_path).unwrap();
    std::fs::write(&cluster.layout.storages[0].conf_path, text.replace("base_path", "no_path")).unwrap();
    cluster.expect_problem("the configuration stays as it was");
    cluster.storage(0).hang_up();
    says("the configuration stays as it was");
    cluster.view.upload(b"and goes on").unwrap();
}

/// A tracker takes in what storage_ids.conf says: a group is added to a running cluster.
#[test]
fn a_group_is_added_to_storage_ids_while_the_tracker_runs() {
    let layout = Cluster::builder().group("group1", 1).group("group2", 1).storage_ids(&[]).lay_out();
    let file = layout.trackers[0].settings.value("storage_ids_filename").unwrap().to_owned();
    let all = std::fs::read_to_string(&file).unwrap();
    let first: String = all.lines().filter(|line| line.contains(" group1 ")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&file, first).unwrap();
    let mut cluster = DaemonCluster::new(program(), layout);
    cluster.expect_problem("has another line in storage_ids.conf");
    cluster.expect_problem("group2");
    cluster.expect_problem("answers");
    cluster.start_tracker(0);
    cluster.start_storage(0);
    cluster.view.wait_until_active(&cluster.layout.storages[0]);
    cluster.launch_storage(1);
    let tracker = cluster.trackers[0].as_ref().unwrap();
    std::fs::write(&file, all).unwrap();
    tracker.hang_up();
    cluster.view.wait_until_active(&cluster.layout.storages[1]);
    assert_eq!(tracker.log().matches("tracker serves on").count(), 1, "it was not started again");
}
