//! Space in trunk files: one storage gives it out, the others ask it; it goes, comes back, and another one takes over.

use std::time::{Duration, Instant};

use fdfs_proto::cmd::storage::TrunkInfo;
use fdfs_proto::ours::{TrunkLogPurpose, TrunkLogRequest};
use fdfs_proto::{Status, Wire};
use fdfs_storage::trunk::TrunkError;
use fdfs_testkit::raw::{packet_with, padded16};
use fdfs_testkit::wait::wait_at_most;
use fdfs_testkit::{Cluster, wait_for};

use crate::support::{EINVAL, trunk_group};

fn start() -> Cluster {
    let cluster = trunk_group(2).start();
    cluster.expect_lost_trackers();
    wait_for_server(&cluster, 0);
    cluster
}

fn wait_for_server(cluster: &Cluster, index: usize) {
    wait_for(&format!("storage {index} to give out space"), || {
        cluster.storages[index].inside().trunk.is_server().then_some(())
    });
}

/// A block from whichever storage `index` asks.
fn lease(cluster: &Cluster, index: usize, bytes: u32) -> Result<TrunkInfo, TrunkError> {
    let trunk = &cluster.storages[index].inside().trunk;
    cluster.block_on(async {
        let lease = trunk.lease(0, bytes).await?;
        trunk.confirm(lease, Status::OK).await?;
        Ok(lease.block)
    })
}

/// The same, once the storage knows its trunk server.
fn lease_soon(cluster: &Cluster, index: usize, bytes: u32) -> TrunkInfo {
    wait_for(&format!("space for storage {index}"), || lease(cluster, index, bytes).ok())
}

fn free(cluster: &Cluster, index: usize, block: TrunkInfo) {
    cluster.block_on(cluster.storages[index].inside().trunk.free(block));
}

fn overlap(a: &TrunkInfo, b: &TrunkInfo) -> bool {
    let end = |block: &TrunkInfo| block.part.offset + block.part.alloc_size;
    (a.store_path_index, a.part.id) == (b.store_path_index, b.part.id)
        && a.part.offset < end(b)
        && b.part.offset < end(a)
}

/// Blocks that are in use: never two that overlap.
#[derive(Default)]
struct InUse(Vec<TrunkInfo>);

impl InUse {
    fn add(&mut self, block: TrunkInfo) {
        if let Some(other) = self.0.iter().find(|other| overlap(other, &block)) {
            panic!("{block:?} is given out, and {other:?} is in use");
        }
        self.0.push(block);
    }
}

fn log(cluster: &Cluster, index: usize) -> Vec<u8> {
    std::fs::read(cluster.storages[index].plan.base_path.join("data/trunk/binlog")).unwrap()
}

fn wait_for_same_logs(cluster: &Cluster) {
    wait_for("both storages to have the same trunk binlog", || {
        (log(cluster, 0) == log(cluster, 1) && !log(cluster, 0).is_empty()).then_some(())
    });
}

#[test]
fn both_storages_are_given_space_by_one_and_have_its_log() {
    let cluster = start();
    let mut used = InUse::default();
    used.add(lease_soon(&cluster, 1, 1000));
    for n in 0..40 {
        used.add(lease(&cluster, n % 2, 100 * n as u32).unwrap());
    }
    // Many at once share their way to the trunk server.
    let trunk = &cluster.storages[1].inside().trunk;
    let many = cluster.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..200 {
            let storage = cluster.storages[1].inside().clone();
            tasks.spawn(async move {
                let lease = storage.trunk.lease(0, 24 + n).await.unwrap();
                storage.trunk.confirm(lease, Status::OK).await.unwrap();
                lease.block
            });
        }
        tasks.join_all().await
    });
    many.into_iter().for_each(|block| used.add(block));
    // A block that was given back is found again; one that is not on hold cannot be confirmed.
    let block = used.0.pop().unwrap();
    free(&cluster, 1, block);
    let held = wait_for("a block that has rested to be given out again", || {
        let held = cluster.block_on(trunk.lease(0, block.part.alloc_size)).unwrap();
        if held.block == block {
            return Some(held);
        }
        cluster.block_on(trunk.confirm(held, Status::EIO)).unwrap();
        None
    });
    cluster.block_on(trunk.confirm(held, Status::EIO)).unwrap();
    assert_eq!(cluster.block_on(trunk.confirm(held, Status::OK)).unwrap_err().status(), Status::ENOENT);
    assert_eq!(cluster.block_on(trunk.lease(0, 256 * 1024 + 1)).unwrap_err().status(), Status::EINVAL);
    wait_for_same_logs(&cluster);
    let report = || cluster.storages[0].inside().trunk.report().unwrap();
    assert_eq!(report().0, 1, "one trunk file of 4 MB is enough");
    let shown = || {
        let groups = cluster.block_on(cluster.client().groups()).unwrap();
        (groups[0].current_trunk_file_id, groups[0].trunk_free_mb)
    };
    wait_for("the tracker to know", || (shown() == (Some(1), report().1)).then_some(()));
}

/// A connection that hangs delivers later what the trunk server has sent again over another one.
#[test]
fn w21_lines_that_come_late_over_an_old_connection_are_not_taken_twice() {
    let cluster = start();
    lease_soon(&cluster, 1, 1000);
    wait_for_same_logs(&cluster);
    let before = log(&cluster, 1);
    let (generation, ..) = cluster.storages[0].inside().trunk.log_state().unwrap();
    let (group, purpose) = ("group1".parse().unwrap(), TrunkLogPurpose::Log);
    let announce = TrunkLogRequest { group, purpose, generation, offset: 0, max: 0, doubtful_below: 0 }.to_bytes();
    let (mut old, mut new) = (cluster.to_storage(1), cluster.to_storage(1));
    assert_eq!(old.ask(246, &announce).status(), Some(0));
    assert_eq!(new.ask(246, &announce).status(), Some(0));
    assert_eq!(old.ask(30, &before).status(), Some(EINVAL));
    assert_eq!(log(&cluster, 1), before);
    assert_eq!(new.ask(30, b"1 A 0 0 0 9 0 256\n").status(), Some(0));
    // One that begins the log anew has to announce it once more.
    assert_eq!(new.ask(33, b"").status(), Some(0));
    assert_eq!(new.ask(30, &before).status(), Some(EINVAL));
    // The trunk server finds out when it has more to send, and sends all of it.
    lease(&cluster, 0, 1000).unwrap();
    wait_for_same_logs(&cluster);
}

/// Of two that two leaders named, the one whose leader gave way lays the role down again: the other need not wait.
#[test]
fn a_role_that_was_lost_to_one_who_has_laid_it_down_is_taken_back_soon() {
    let cluster = start();
    let (generation, ..) = cluster.storages[0].inside().trunk.log_state().unwrap();
    let (group, purpose, generation) = ("group1".parse().unwrap(), TrunkLogPurpose::TakeOver, generation + 1_000_000);
    let takes_over = TrunkLogRequest { group, purpose, generation, offset: 0, max: 0, doubtful_below: 0 }.to_bytes();
    assert_eq!(cluster.to_storage(0).ask(246, &takes_over).status(), Some(0));
    // Longer than it takes to look around, shorter than the time for which one that may have the role is left alone.
    wait_at_most(Duration::from_secs(20), "the role to be taken back", || {
        let trunk = &cluster.storages[0].inside().trunk;
        let (now, ..) = trunk.log_state().unwrap();
        (trunk.is_server() && now > generation - 1_000_000).then_some(())
    });
    lease_soon(&cluster, 1, 1000);
    wait_for_same_logs(&cluster);
}

/// The exchanges that were recorded with the reference, on the wire.
#[test]
fn a_trunk_server_answers_as_recorded() {
    let cluster = start();
    let mut server = cluster.to_storage(0);
    let alloc = |size: u32, path: u8| [&padded16("group1")[..], &size.to_be_bytes(), &[path]].concat();
    let block = server.ask(27, &alloc(1000, 0)).ok();
    let info = TrunkInfo::from_bytes(&block).unwrap();
    assert_eq!((info.part.id, info.part.offset, info.part.alloc_size), (1, 0, 1024));
    let of_block = [&padded16("group1")[..], &block].concat();
    let mut told = |command: u8, status: u8, body: &[u8]| {
        server.send(&packet_with(command, status, body.len() as i64, body)).reply().status()
    };
    assert_eq!(told(28, 0, &of_block), Some(0));
    assert_eq!(told(28, 0, &of_block), Some(2), "no longer on hold");
    assert_eq!(told(29, 0, &of_block), Some(0));
    assert_eq!(told(29, 0, &of_block), Some(17), "free already");
    let again = server.ask(27, &alloc(0, 0)).ok();
    assert_eq!(TrunkInfo::from_bytes(&again).unwrap().part.alloc_size, 256);
    let failed = [&padded16("group1")[..], &again].concat();
    assert_eq!(server.send(&packet_with(28, 5, 31, &failed)).reply().status(), Some(0));
    let size = server.ask(31, &[]).ok();
    wait_for("the size of the log", || {
        (u64::from_be_bytes(size[..].try_into().unwrap()) <= log(&cluster, 0).len() as u64).then_some(())
    });
    let line = b"1795166445 A 0 0 0 99 0 67108864\n";
    for (command, body) in [
        (27, alloc(u32::MAX, 0)),
        (27, alloc(1 << 22, 0)),
        (27, alloc(9, 9)),
        (30, line.to_vec()),
        (32, vec![]),
        (33, vec![]),
    ] {
        assert_eq!(cluster.to_storage(0).ask(command, &body).status(), Some(22), "{command}");
    }
    let other = |command: u8, body: &[u8]| cluster.to_storage(1).ask(command, body).status();
    assert_eq!(
        (other(27, &alloc(1000, 0)), other(28, &of_block), other(29, &of_block)),
        (Some(22), Some(22), Some(22))
    );
    assert_eq!(
        (other(30, line), other(30, b"1 A 0 0"), other(33, &[]), other(32, &[])),
        (Some(0), Some(22), Some(0), Some(0))
    );
}

/// W-20: the trunk server goes; nobody waits for it, and another one has the role in seconds.
#[test]
fn w20_another_storage_takes_over_in_seconds_and_gives_nothing_out_twice() {
    let mut cluster = start();
    let mut used = InUse::default();
    for n in 0..20 {
        used.add(lease_soon(&cluster, n % 2, 500));
    }
    let held = cluster.block_on(cluster.storages[1].inside().trunk.lease(0, 500)).unwrap();
    cluster.storages[0].stop();
    let asked = Instant::now();
    assert!(lease(&cluster, 1, 500).is_err(), "nobody gives out space");
    assert!(asked.elapsed() < Duration::from_secs(2), "an upload waits for nobody");
    let late = cluster.block_on(cluster.storages[1].inside().trunk.confirm(held, Status::OK));
    assert!(late.is_err(), "nobody knows of the block, so that it is not the file's");
    // W-21: what is deleted meanwhile is given back later.
    let deleted = used.0.pop().unwrap();
    free(&cluster, 1, deleted);
    wait_for_server(&cluster, 1);
    assert!(!cluster.storages[1].inside().trunk.log_state().unwrap().2, "it was told that its log is complete");
    for _ in 0..20 {
        used.add(lease(&cluster, 1, 500).unwrap());
    }
    cluster.storages[0].start();
    for _ in 0..20 {
        used.add(lease_soon(&cluster, 0, 500));
    }
    wait_for_same_logs(&cluster);
    wait_for("the deleted file's block to be given out again", || {
        used.add(lease(&cluster, 1, 500).unwrap());
        used.0.contains(&deleted).then_some(())
    });
}

/// Decision 0008: the new trunk server has an older log, and the old one cannot be asked.
#[test]
fn w21_what_the_old_trunk_server_gave_out_unheard_stays_in_use() {
    let mut cluster = start();
    let mut used = InUse::default();
    for n in 0..10 {
        used.add(lease_soon(&cluster, n % 2, 500));
    }
    let known = used.0[3];
    wait_for_same_logs(&cluster);
    cluster.storages[1].stop();
    for _ in 0..30 {
        used.add(lease(&cluster, 0, 500).unwrap());
    }
    free(&cluster, 0, used.0.pop().unwrap());
    cluster.storages[0].stop();
    cluster.storages[1].start();
    wait_for_server(&cluster, 1);
    assert!(cluster.storages[1].inside().trunk.log_state().unwrap().2, "it knows that it may not know all");
    for _ in 0..10 {
        let block = lease(&cluster, 1, 500).unwrap();
        assert!(block.part.id > 64_000, "a trunk file that nobody else can have made");
        used.add(block);
    }
    // It may restart meanwhile.
    cluster.storages[1].restart();
    wait_for_server(&cluster, 1);
    used.0.retain(|block| *block != known);
    free(&cluster, 1, known);
    cluster.storages[0].start();
    wait_for("the old files to be used again", || {
        (!cluster.storages[1].inside().trunk.log_state().unwrap().2).then_some(())
    });
    wait_for("its space to be found again", || {
        used.add(lease(&cluster, 1, 500).unwrap());
        used.0.contains(&known).then_some(())
    });
    for n in 0..60 {
        used.add(lease_soon(&cluster, n % 2, 500));
    }
    wait_for_same_logs(&cluster);
}

#[test]
fn a_restart_goes_on_from_the_snapshot_and_from_the_log() {
    let mut cluster = start();
    let mut used = InUse::default();
    let snapshot = cluster.storages[0].plan.base_path.join("data/storage_trunk.dat");
    for round in 0..3 {
        for n in 0..10 {
            used.add(lease_soon(&cluster, n % 2, 300 * (n as u32 + 1)));
        }
        free(&cluster, 0, used.0.swap_remove(round * 3));
        free(&cluster, 1, used.0.swap_remove(round * 3));
        let before = cluster.storages[0].inside().trunk.report();
        cluster.storages[0].stop();
        assert!(snapshot.exists());
        if round == 1 {
            std::fs::remove_file(&snapshot).unwrap();
        }
        cluster.storages[0].start();
        wait_for_server(&cluster, 0);
        assert_eq!(cluster.storages[0].inside().trunk.report(), before, "round {round}");
    }
    wait_for_same_logs(&cluster);
}

#[test]
fn the_log_is_compacted_while_space_is_given_out() {
    let mut cluster = start();
    let mut used = InUse::default();
    for n in 0..100 {
        used.add(lease_soon(&cluster, n % 2, 500));
        if n % 3 == 0 {
            free(&cluster, 1, used.0.swap_remove(n / 5));
        }
    }
    wait_for_same_logs(&cluster);
    let before = log(&cluster, 0).len();
    std::thread::scope(|scope| {
        let storage = cluster.storages[0].inside().clone();
        let compacting = scope.spawn(move || storage.trunk.compact());
        for n in 0..50 {
            used.add(lease_soon(&cluster, n % 2, 500));
        }
        compacting.join().unwrap().unwrap();
    });
    assert!(log(&cluster, 0).len() < before);
    wait_for_same_logs(&cluster);
    let free_before = cluster.storages[0].inside().trunk.report();
    std::fs::remove_file(cluster.storages[0].plan.base_path.join("data/storage_trunk.dat")).unwrap_or(());
    cluster.storages[0].restart();
    wait_for_server(&cluster, 0);
    assert_eq!(cluster.storages[0].inside().trunk.report(), free_before);
    for n in 0..50 {
        used.add(lease_soon(&cluster, n % 2, 500));
    }
}

/// Whatever stops and starts in whatever order: no block that is in use is given out.
#[test]
fn nothing_is_given_out_twice_whoever_comes_and_goes() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut cluster = start();
    let mut used = InUse::default();
    let mut is_up = [true, true];
    let mut events = Vec::<String>::new();
    for _ in 0..6 {
        for _ in 0..40 {
            let index = usize::from(random.bool());
            if !is_up[index] {
                continue;
            }
            if random.u8(..) < 60 && !used.0.is_empty() {
                let block = used.0.swap_remove(random.usize(..used.0.len()));
                events.push(format!("free by {index}: {block:?}"));
                free(&cluster, index, block);
            } else if let Ok(block) = lease(&cluster, index, random.u32(24..5000)) {
                events.push(format!("lease by {index}: {block:?}"));
                check(&cluster, &used, &block, &events);
                used.add(block);
            }
        }
        let index = usize::from(random.bool());
        if !is_up[index] {
            events.push(format!("start {index}"));
            cluster.storages[index].start();
            is_up[index] = true;
        } else if is_up[1 - index] || random.bool() {
            events.push(format!("stop {index}"));
            cluster.storages[index].stop();
            is_up[index] = false;
        }
        let up: Vec<_> = (0..2).filter(|&index| is_up[index]).collect();
        if let Some(&index) = up.first() {
            wait_for("somebody to give out space", || {
                up.iter().any(|&index| cluster.storages[index].inside().trunk.is_server()).then_some(())
            });
            let block = lease_soon(&cluster, index, 100);
            events.push(format!("lease soon by {index}: {block:?}"));
            check(&cluster, &used, &block, &events);
            used.add(block);
        }
    }
    for (storage, _) in cluster.storages.iter_mut().zip(is_up).filter(|(_, is_up)| !is_up) {
        storage.start();
    }
    for n in 0..100 {
        let block = lease_soon(&cluster, n % 2, random.u32(24..5000));
        events.push(format!("end lease by {}: {block:?}", n % 2));
        check(&cluster, &used, &block, &events);
        used.add(block);
    }
    wait_for_same_logs(&cluster);
}

/// Tells the whole story when a block is given out twice.
fn check(cluster: &Cluster, used: &InUse, block: &TrunkInfo, events: &[String]) {
    if used.0.iter().any(|other| overlap(other, block)) {
        events.iter().for_each(|event| eprintln!("{event}"));
        for (index, storage) in cluster.storages.iter().enumerate() {
            let lines: Vec<_> = storage.log.lines().into_iter().map(|line| line.text).collect();
            eprintln!("log of {index}:\n{}", lines.join("\n"));
            eprintln!("trunk binlog of {index}:\n{}", String::from_utf8_lossy(&log(cluster, index)));
        }
    }
}
