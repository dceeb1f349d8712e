//! Three trackers and two groups of two, as processes; a machine is a tracker and a storage that die together.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

use std::path::Path;
use std::time::{Duration, Instant};

use fdfs_client::FileId;
use fdfs_testkit::raw::packet;
use fdfs_testkit::{Cluster, DaemonCluster, RawConn, RawReply, wait_for};

/// The storage of each machine; the fourth one is on none that has a tracker.
const STORAGE_OF_MACHINE: [usize; 3] = [0, 2, 1];
/// Requests of each kind while a machine is away, at the least.
const REQUESTS: usize = 30;
/// The trackers that are left must have a leader after this time.
const SOON: Duration = Duration::from_secs(5);

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_fdfs"))
}

/// Who leads in the eyes of all trackers that run, if they agree on one that runs.
fn leader(cluster: &DaemonCluster) -> Option<String> {
    let running = cluster.trackers.iter().zip(&cluster.layout.trackers).filter(|(daemon, _)| daemon.is_some());
    let mut leaders = running.map(|(_, plan)| match RawConn::connect(plan.real_addr).send(&packet(95, b"")).reply() {
        RawReply::Whole { status: 0, body } => Some(String::from_utf8(body).unwrap()),
        _ => None,
    });
    let first = leaders.next()??;
    let is_dead = cluster
        .trackers
        .iter()
        .zip(&cluster.layout.trackers)
        .any(|(daemon, plan)| daemon.is_none() && plan.addr.to_string() == first);
    (!is_dead && leaders.all(|other| other.as_ref() == Some(&first))).then_some(first)
}

fn has(cluster: &DaemonCluster, storage: usize, id: &FileId) -> bool {
    let name = id.logic_name().unwrap();
    let path = &cluster.layout.storages[storage].store_paths[usize::from(name.store_path_index())];
    path.join("data").join(name.true_name()).exists()
}

/// Uploads, and waits until both storages of the group have the file.
fn upload_everywhere(cluster: &DaemonCluster, content: &[u8]) -> FileId {
    let id = wait_for("an upload", || cluster.view.upload(content).ok());
    let members = cluster.layout.storages.iter().enumerate().filter(|(_, plan)| plan.group == id.group.to_string());
    for (storage, _) in members {
        wait_for(&format!("{id} on storage {storage}"), || has(cluster, storage, &id).then_some(()));
    }
    id
}

/// Lines of the trackers about storages that left ACTIVE.
fn left_active(cluster: &DaemonCluster) -> Vec<String> {
    let lines = cluster.logs().into_iter().flat_map(|(_, log)| log.lines().map(str::to_owned).collect::<Vec<_>>());
    lines.filter(|line| line.contains(": ACTIVE => ")).collect()
}

#[test]
fn any_one_of_three_machines_may_die() {
    let layout = Cluster::builder().trackers(3).group("group1", 2).group("group2", 2).lay_out();
    let mut cluster = DaemonCluster::start(program(), layout);
    for expected in ["tried again until it works", "was killed"] {
        cluster.expect_problem(expected);
    }
    let files: Vec<_> = (0..8_u8).map(|n| (upload_everywhere(&cluster, &[n; 100]), n)).collect();
    for (machine, storage) in STORAGE_OF_MACHINE.into_iter().enumerate() {
        wait_for("a leader", || leader(&cluster));
        let before = left_active(&cluster);
        cluster.kill_tracker(machine);
        cluster.kill_storage(storage);
        let killed = Instant::now();
        let (mut failed_writes, mut failed_reads, mut leader_after) = (0, 0, None);
        let mut slowest = Duration::ZERO;
        for n in 0.. {
            let began = Instant::now();
            if n >= REQUESTS && (leader_after.is_some() || killed.elapsed() > SOON) {
                break;
            }
            failed_writes += usize::from(cluster.view.upload(&[n as u8; 50]).is_err());
            let (id, content) = &files[n % files.len()];
            failed_reads += usize::from(cluster.view.download(id).ok() != Some(vec![*content; 100]));
            if leader_after.is_none() && leader(&cluster).is_some() {
                leader_after = Some(killed.elapsed());
            }
            slowest = slowest.max(began.elapsed());
        }
        println!(
            "machine {machine}: {failed_writes} writes and {failed_reads} reads failed, leader after {leader_after:?}"
        );
        assert!(failed_writes <= 1 && failed_reads <= 1, "{failed_writes} writes, {failed_reads} reads");
        assert!(leader_after.is_some(), "no leader in time");
        let victim = format!("storage {} of", cluster.layout.storages[storage].addr.ip());
        let left = left_active(&cluster).into_iter().filter(|line| !before.contains(line) && !line.contains(&victim));
        assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new());
        cluster.start_tracker(machine);
        cluster.start_storage(storage);
        cluster.wait_until_active();
    }
}

#[test]
fn after_kill_9_of_all_three_trackers_uploads_work_again_in_seconds() {
    let builder = Cluster::builder().trackers(3).group("group1", 2).storage_key("heart_beat_interval", 30);
    let mut cluster = DaemonCluster::start(program(), builder.lay_out());
    cluster.expect_problem("tried again until it works");
    let id = upload_everywhere(&cluster, b"before");
    (0..3).for_each(|tracker| cluster.kill_tracker(tracker));
    (0..3).for_each(|tracker| cluster.start_tracker(tracker));
    let started = Instant::now();
    wait_for("an upload", || cluster.view.upload(b"after").ok());
    let (uploads, began) = (started.elapsed(), Instant::now());
    wait_for("a leader", || leader(&cluster));
    println!("uploads after {uploads:?}, a leader after {:?}", uploads + began.elapsed());
    assert!(uploads < Duration::from_secs(3), "{uploads:?}");
    cluster.wait_until_active();
    assert_eq!(cluster.view.download(&id).unwrap(), b"before");
}
