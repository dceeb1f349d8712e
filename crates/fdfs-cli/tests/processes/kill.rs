//! `kill -9` of a storage in the middle of uploads. What was acknowledged is there afterwards, and what was not finished
//! is not to be seen.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fdfs_client::{Client, FileId, UploadOptions};
use fdfs_proto::file_id::LogicName;
use fdfs_testkit::{Cluster, DaemonCluster, wait_for};

/// Uploads at the same time.
const UPLOADER_COUNT: usize = 12;
/// How often the storage is killed.
const ROUND_COUNT: usize = 3;
/// Acknowledged uploads of a round before the kill.
const UPLOADS_PER_ROUND: usize = 150;

/// The content of upload number `number`: small ones mostly, and some that are longer than a buffer.
fn content(number: usize) -> Vec<u8> {
    let len = match number % 5 {
        0 => 400_000 + number * 97,
        1 => number % 7,
        _ => 500 + number * 13,
    };
    (0..len).map(|i| (i * 31 + number * 7 + i / 253) as u8).collect()
}

/// Acknowledged ids and the numbers of their contents.
type Acknowledged = Arc<Mutex<BTreeMap<FileId, usize>>>;

/// Uploads until an upload fails.
async fn upload_until_it_fails(client: Client, next: Arc<AtomicUsize>, acknowledged: Acknowledged) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let options = UploadOptions::new().ext("bin".parse().unwrap());
        match client.upload(&content(number), &options).await {
            Ok(id) => assert_eq!(acknowledged.lock().unwrap().insert(id, number), None, "an id was given twice"),
            Err(_) => return,
        }
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

/// Every file under a final name is whole, as its name says, and has its record; there is no other file.
fn check_disk(base_path: &Path, store_path: &Path) -> usize {
    let data = store_path.join("data");
    let binlog = fs::read_to_string(base_path.join("data/sync/binlog.000")).unwrap();
    let recorded: Vec<&str> = binlog.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    assert!(binlog.ends_with('\n'), "the binlog ends in the middle of a record");
    let mut count = 0;
    // What was not finished lies aside, where no name leads.
    let aside = data.join(".fdfs-unfinished");
    let is_mark = |file: &Path| file.ends_with("data/.fastdfs_vars") || file.ends_with("data/.fdfs_making_subdirs");
    for file in files_below(&data).iter().filter(|file| !is_mark(file) && !file.starts_with(&aside)) {
        let true_name = file.strip_prefix(&data).unwrap().to_str().unwrap();
        let name: LogicName = format!("M00/{true_name}").parse().unwrap_or_else(|e| panic!("{true_name}: {e}"));
        let fields = name.fields().unwrap_or_else(|| panic!("{true_name} is no final name"));
        let bytes = fs::read(file).unwrap();
        assert_eq!(bytes.len() as u64, fields.size_word.size(), "{true_name} is not whole");
        assert_eq!(crc32fast::hash(&bytes), fields.crc32, "{true_name} is not what was uploaded");
        assert!(recorded.contains(&name.to_string().as_str()), "{true_name} has no record");
        count += 1;
    }
    count
}

fn killed_in_the_middle_of_uploads(durability: &str) {
    let builder = Cluster::builder().group("group1", 1).storage_key("durability", durability);
    let mut cluster = DaemonCluster::start(Path::new(env!("CARGO_BIN_EXE_fdfs")), builder.lay_out());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let client = Client::builder().tracker(&cluster.layout.trackers[0].addr.to_string()).build().unwrap();
    let acknowledged = Acknowledged::default();
    let next = Arc::new(AtomicUsize::new(0));
    for round in 1..=ROUND_COUNT {
        wait_for("the tracker to offer the storage", || runtime.block_on(client.query_store(None)).ok());
        let uploaders: Vec<_> = (0..UPLOADER_COUNT)
            .map(|_| runtime.spawn(upload_until_it_fails(client.clone(), next.clone(), acknowledged.clone())))
            .collect();
        let goal = acknowledged.lock().unwrap().len() + UPLOADS_PER_ROUND;
        wait_for("uploads", || (acknowledged.lock().unwrap().len() >= goal).then_some(()));
        cluster.kill_storage(0);
        for uploader in uploaders {
            runtime.block_on(uploader).unwrap();
        }
        cluster.start_storage(0);
        let plan = &cluster.layout.storages[0];
        let count = check_disk(&plan.base_path, &plan.store_paths[0]);
        wait_for("the tracker to offer the storage", || runtime.block_on(client.query_store(None)).ok());
        let all = acknowledged.lock().unwrap().clone();
        for (id, number) in &all {
            let bytes = runtime.block_on(client.download(id)).unwrap_or_else(|e| panic!("round {round}, {id}: {e}"));
            assert!(bytes == content(*number), "round {round}, {id} has other bytes");
        }
        println!("{durability}, round {round}: {} acknowledged, {count} files", all.len());
        assert!(count >= all.len());
    }
}

#[test]
fn what_was_acknowledged_survives_kill_9_with_durability_none() {
    killed_in_the_middle_of_uploads("none");
}

#[test]
fn what_was_acknowledged_survives_kill_9_with_durability_disk() {
    killed_in_the_middle_of_uploads("disk");
}
