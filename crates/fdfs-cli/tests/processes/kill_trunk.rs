//! `kill -9` of storages in the middle of uploads and deletes of small files, in a group with trunk files. What was
//! acknowledged is there afterwards, byte for byte; what was deleted is not; no two files share a byte of a trunk file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fdfs_client::{Client, FileId, UploadOptions};
use fdfs_proto::file_id::LogicName;
use fdfs_testkit::{Cluster, DaemonCluster, wait_for};

/// Clients at the same time.
const WORKER_COUNT: usize = 8;
/// Which storage is killed in each round: the first one is the trunk server at the beginning.
const KILLED: [usize; 4] = [0, 1, 0, 0];
/// Requests that are answered before the kill.
const REQUESTS_PER_ROUND: usize = 200;
/// Characters of the name of a file in a slot.
const IN_SLOT_LEN: usize = 60;

/// No two are the same: of equal files that get the same slot within a second the names may tell the same header.
fn content(number: usize) -> Vec<u8> {
    let len = match number % 9 {
        // Larger than a buffer, larger than any slot, hardly anything.
        0 => 100_000 + number * 17,
        1 => 300_000,
        2 => 0,
        _ => 200 + number * 13 % 6000,
    };
    let rest = (0..len).map(|i| (i * 31 + number * 7 + i / 253) as u8);
    (number as u32).to_be_bytes().into_iter().chain(rest).collect()
}

/// What one client knows.
#[derive(Debug, Default)]
struct Known {
    /// Files that were acknowledged, and the numbers of their contents.
    live: BTreeMap<FileId, usize>,
    deleted: Vec<FileId>,
}

/// Uploads, and deletes every third time, until a request fails. What becomes of that one nobody knows.
async fn work(client: Client, mut known: Known, next: Arc<AtomicUsize>, seed: usize) -> Known {
    let mut random = fastrand::Rng::with_seed(seed as u64);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(3) && !known.live.is_empty() {
            let id = *known.live.keys().nth(random.usize(..known.live.len())).unwrap();
            known.live.remove(&id);
            if client.delete(&id).await.is_err() {
                return known;
            }
            known.deleted.push(id);
        } else {
            let options = UploadOptions::new().ext("bin".parse().unwrap());
            match client.upload(&content(number), &options).await {
                Ok(id) => assert_eq!(known.live.insert(id, number), None, "an id was given twice"),
                Err(_) => return known,
            }
        }
    }
}

/// Where in which trunk file a file is.
fn place(id: &FileId) -> Option<((u8, u32), Range<u32>)> {
    let name = LogicName::parse(&id.name).unwrap();
    let part = name.trunk_part()?;
    Some(((name.store_path_index(), part.id), part.offset..part.offset + part.alloc_size))
}

fn check_places<'a>(ids: impl Iterator<Item = &'a FileId>) -> usize {
    let mut places: Vec<_> = ids.filter_map(|id| Some((place(id)?, *id))).collect();
    places.sort_by_key(|((file, range), _)| (*file, range.start));
    for pair in places.windows(2) {
        let [((file, range), id), ((next_file, next_range), next_id)] = pair else { panic!("windows of two") };
        assert!(file != next_file || range.end <= next_range.start, "{id} and {next_id} share bytes");
    }
    places.len()
}

async fn check_contents(client: &Client, known: &Known, round: usize) {
    for (id, number) in &known.live {
        let bytes = client.download(id).await.unwrap_or_else(|e| panic!("round {round}, {id}: {e}"));
        assert!(bytes == content(*number), "round {round}, {id} has other bytes");
    }
}

fn killed_in_the_middle(durability: &str, storages: usize) {
    let builder = Cluster::builder()
        .group("group1", storages)
        .storage_key("durability", durability)
        .tracker_key("use_trunk_file", true)
        .tracker_key("slot_max_size", "256KB")
        .tracker_key("trunk_alloc_alignment_size", 256)
        .tracker_key("trunk_file_size", "4MB")
        .tracker_key("trunk_free_space_merge", true)
        .tracker_key("check_active_interval", 2);
    let mut cluster = DaemonCluster::start(Path::new(env!("CARGO_BIN_EXE_fdfs")), builder.lay_out());
    // While the trunk server is dead.
    cluster.expect_problem("small files go on their own");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let client = Client::builder().tracker(&cluster.layout.trackers[0].addr.to_string()).build().unwrap();
    let next = Arc::new(AtomicUsize::new(0));
    let mut all: Vec<Known> = (0..WORKER_COUNT).map(|_| Known::default()).collect();
    for (round, &killed) in KILLED.iter().enumerate() {
        let killed = killed.min(storages - 1);
        wait_for("small files to go into slots", || {
            let id = runtime.block_on(client.upload(b"is there a slot?", &UploadOptions::new())).ok()?;
            (id.name.as_str().len() == IN_SLOT_LEN).then_some(())
        });
        let before = next.load(Ordering::Relaxed);
        let workers: Vec<_> = all
            .drain(..)
            .enumerate()
            .map(|(n, known)| runtime.spawn(work(client.clone(), known, next.clone(), round * WORKER_COUNT + n)))
            .collect();
        wait_for("requests", || (next.load(Ordering::Relaxed) >= before + REQUESTS_PER_ROUND).then_some(()));
        cluster.kill_storage(killed);
        // With a second storage some go on there: they end with it.
        for other in (0..storages).filter(|&other| other != killed) {
            cluster.kill_storage(other);
        }
        all.extend(workers.into_iter().map(|worker| runtime.block_on(worker).unwrap()));
        (0..storages).for_each(|index| cluster.start_storage(index));
        wait_for("the tracker to offer the storage", || runtime.block_on(client.query_store(None)).ok());
        let in_slots = check_places(all.iter().flat_map(|known| known.live.keys()));
        let files: usize = all.iter().map(|known| known.live.len()).sum();
        assert!(in_slots > files / 2, "round {round}: {in_slots} of {files} files are in slots");
        for known in &all {
            runtime.block_on(check_contents(&client, known, round));
            for id in &known.deleted {
                wait_for("a deletion to be everywhere", || {
                    runtime.block_on(client.download(id)).is_err_and(|e| e.is_not_found()).then_some(())
                });
            }
        }
        println!("{durability}, round {round}: {files} files, {in_slots} of them in slots");
    }
}

#[test]
fn files_in_slots_survive_kill_9_with_durability_none() {
    killed_in_the_middle("none", 1);
}

#[test]
fn files_in_slots_survive_kill_9_with_durability_disk() {
    killed_in_the_middle("disk", 1);
}

#[test]
fn files_in_slots_of_two_storages_survive_kill_9() {
    killed_in_the_middle("none", 2);
}
