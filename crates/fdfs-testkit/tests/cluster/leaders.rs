//! Several trackers in networks that break: who leads, and what storages make of it (W-12, W-45).

use std::time::{Duration, Instant};

use fdfs_client::UploadOptions;
use fdfs_proto::shared::StorageStatus;
use fdfs_testkit::links::{Link, Node};
use fdfs_testkit::raw::packet;
use fdfs_testkit::{Cluster, RawConn, RawReply, wait_for};

/// A leader must be there again after this time.
const SOON: Duration = Duration::from_secs(5);

/// Who leads in the eyes of a tracker (95).
fn leader_of(cluster: &Cluster, tracker: usize) -> Option<usize> {
    let reply = RawConn::connect(cluster.trackers[tracker].plan.real_addr).send(&packet(95, b"")).reply();
    let RawReply::Whole { status: 0, body } = reply else { return None };
    let addr = String::from_utf8(body).unwrap();
    let known = cluster.trackers.iter().position(|node| node.addr().to_string() == addr);
    Some(known.unwrap_or_else(|| panic!("{addr} is no tracker")))
}

/// The trackers that say of themselves that they lead. In a group with a majority there is never more than one.
fn leading(cluster: &Cluster) -> Vec<usize> {
    (0..cluster.trackers.len()).filter(|&tracker| leader_of(cluster, tracker) == Some(tracker)).collect()
}

fn agreed(cluster: &Cluster) -> Option<usize> {
    let leader = leader_of(cluster, 0)?;
    (1..cluster.trackers.len()).all(|tracker| leader_of(cluster, tracker) == Some(leader)).then_some(leader)
}

/// The leader in the eyes of a storage.
fn leader_for(cluster: &Cluster, storage: usize) -> Option<usize> {
    cluster.storages[storage].inside().link.read(|roster| roster.leader())
}

fn statuses(cluster: &Cluster) -> Vec<StorageStatus> {
    cluster.storages.iter().filter_map(|storage| Some(cluster.record(storage)?.status)).collect()
}

#[test]
fn w12_a_leader_that_the_other_trackers_do_not_reach_stands_down_and_storages_follow_the_new_one() {
    let cluster = Cluster::builder().trackers(3).group("group1", 2).proxies().start();
    let old = wait_for("a leader", || agreed(&cluster));
    for link in [Link::Cut, Link::Hang] {
        let old = if link == Link::Cut { old } else { wait_for("all to agree", || agreed(&cluster)) };
        let others: Vec<_> = (0..3).filter(|tracker| *tracker != old).collect();
        others.iter().for_each(|&other| cluster.links().set_both(Node::Tracker(old), Node::Tracker(other), link));
        let cut = Instant::now();
        let new = wait_for("another leader", || {
            let now = leading(&cluster);
            assert!(now.len() <= 1, "{now:?} lead");
            now.first().copied().filter(|leader| *leader != old)
        });
        let took = cut.elapsed();
        println!("{link:?}: another leader after {took:?}");
        assert!(took < SOON, "{took:?}");
        assert_eq!(leader_of(&cluster, old), None);
        // Storages reach all three.
        for storage in 0..2 {
            wait_for("the storages to follow", || (leader_for(&cluster, storage) == Some(new)).then_some(()));
        }
        assert_eq!(statuses(&cluster), [StorageStatus::Active; 2]);
        cluster.block_on(cluster.client().upload(b"whoever leads", &UploadOptions::new())).unwrap();
        cluster.links().heal();
        assert_eq!(wait_for("all to agree", || agreed(&cluster)), new, "who is back follows");
    }
}

/// Of two trackers the other one takes over, because the first may be dead. Storages that reach both send it back.
#[test]
fn w12_of_two_trackers_that_do_not_reach_each_other_the_older_leader_stays() {
    let cluster = Cluster::builder().trackers(2).group("group1", 2).proxies().start();
    let old = wait_for("a leader", || agreed(&cluster));
    let new = 1 - old;
    cluster.trackers[new].log.clear();
    cluster.links().set_both(Node::Tracker(0), Node::Tracker(1), Link::Cut);
    // It may stand down too soon to be asked; its log tells.
    let taken_over = format!("the leader of the trackers is {}", cluster.trackers[new].addr());
    wait_for("the other one to have led, and to stand down", || {
        assert_eq!(leader_of(&cluster, old), Some(old), "the older one leads all the time");
        (cluster.trackers[new].log.contains(&taken_over) && leader_of(&cluster, new).is_none()).then_some(())
    });
    for storage in 0..2 {
        assert_eq!(leader_for(&cluster, storage), Some(old));
    }
    assert_eq!(statuses(&cluster), [StorageStatus::Active; 2]);
    cluster.links().heal();
    assert_eq!(wait_for("both to agree", || agreed(&cluster)), old);
}

/// Everything that does not need a leader works without one.
#[test]
fn without_a_leader_files_are_stored_and_read_and_storages_join() {
    let mut cluster = Cluster::builder().trackers(3).group("group1", 1).proxies().start();
    wait_for("a leader", || agreed(&cluster));
    for (one, other) in [(0, 1), (1, 2), (0, 2)] {
        cluster.links().set_both(Node::Tracker(one), Node::Tracker(other), Link::Cut);
    }
    wait_for("no leader", || (0..3).all(|tracker| leader_of(&cluster, tracker).is_none()).then_some(()));
    let id = cluster.block_on(cluster.client().upload(b"nobody leads", &UploadOptions::new())).unwrap();
    assert_eq!(cluster.block_on(cluster.client().download(&id)).unwrap(), b"nobody leads");
    cluster.storages[0].restart();
    cluster.wait_until_active();
    assert_eq!(cluster.block_on(cluster.client().download(&id)).unwrap(), b"nobody leads");
    assert_eq!(leading(&cluster), Vec::<usize>::new());
    cluster.links().heal();
    wait_for("a leader again", || agreed(&cluster));
}

/// What it knows of a storage that is away can only come from another tracker.
#[test]
fn a_tracker_that_lost_everything_copies_the_state_of_another_one() {
    let mut cluster = Cluster::builder().trackers(3).group("group1", 2).start();
    cluster.expect_lost_trackers();
    let leader = wait_for("a leader", || agreed(&cluster));
    let lost = (leader + 1) % 3;
    let (before, gone) = (cluster.record(&cluster.storages[1]).unwrap(), cluster.storages[1].addr());
    cluster.storages[1].stop();
    cluster.wait_for_status(&cluster.storages[1], StorageStatus::Offline);
    cluster.trackers[lost].stop();
    std::fs::remove_dir_all(cluster.trackers[lost].plan.base_path.join("data")).unwrap();
    cluster.trackers[lost].start();
    let tracker = cluster.client().trackers().swap_remove(lost);
    let known = wait_for("the storage that is away to be known", || {
        let records = cluster.block_on(tracker.storages("group1".parse().unwrap(), None)).ok()?;
        records.into_iter().find(|record| record.ip.as_str() == gone.ip().to_string())
    });
    assert_eq!((known.status, known.join_time_secs), (StorageStatus::Offline, before.join_time_secs));
    assert_eq!(known.total_mb, before.total_mb);
    let told = || cluster.trackers[lost].log.contains("is taken over: 1 groups").then_some(());
    wait_for("it to say where that comes from", told);
    let path = cluster.trackers[lost].plan.base_path.join("data/storage_servers_new.dat");
    let is_kept = || std::fs::read_to_string(&path).is_ok_and(|text| text.contains(&gone.ip().to_string()));
    wait_for("it to be on disk as well", || is_kept().then_some(()));
    wait_for("all to agree", || agreed(&cluster));
}
