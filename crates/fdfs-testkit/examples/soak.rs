//! Many uploads by many connections, a restart of everything, and every file again.
//!
//! `cargo run --release -p fdfs-testkit --example soak [UPLOADS [CONNECTIONS [BYTES [DURABILITY]]]]`, by default 100,000
//! uploads of 4096 bytes by 64 connections with durability `none`. Ends with an error when a file is not as it was.

#![allow(clippy::panic, reason = "a failure is a panic with a message, as in tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fdfs_client::{Client, FileId, UploadOptions};
use fdfs_testkit::Cluster;
use tokio::task::JoinSet;

/// What is done, and how much of it.
#[derive(Debug, Clone, Copy)]
struct Plan {
    uploads: usize,
    connections: usize,
    bytes: usize,
}

/// The content of upload number `number`: no two are the same.
fn content(number: usize, len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(number as u64);
    std::iter::repeat_with(|| random.u8(..)).take(len).collect()
}

/// Runs `call` for every number below `plan.uploads`, `plan.connections` at a time; what it gave, by number.
async fn for_all<T, F>(plan: Plan, call: impl Fn(usize) -> F + Clone + Send + Sync + 'static) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..plan.connections {
        let (next, call) = (next.clone(), call.clone());
        tasks.spawn(async move {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= plan.uploads {
                    return done;
                }
                done.push((number, call(number).await));
            }
        });
    }
    let mut all: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    all.sort_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, given)| given).collect()
}

fn report(what: &str, plan: Plan, took: Duration) {
    let per_sec = plan.uploads as f64 / took.as_secs_f64();
    println!("{what}: {} in {:.1} s, {per_sec:.0} a second", plan.uploads, took.as_secs_f64());
}

fn check_all(cluster: &Cluster, plan: Plan, ids: &Arc<Vec<FileId>>) {
    let (client, ids, started) = (cluster.client().clone(), ids.clone(), Instant::now());
    let wrong = cluster.block_on(for_all(plan, move |number| {
        let (client, id): (Client, FileId) = (client.clone(), ids[number]);
        async move {
            match client.download(&id).await {
                Ok(bytes) if bytes == content(number, plan.bytes) => None,
                Ok(bytes) => Some(format!("{id}: {} other bytes", bytes.len())),
                Err(error) => Some(format!("{id}: {error}")),
            }
        }
    }));
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} files are wrong, the first: {}", wrong.len(), wrong[0]);
    report("downloads", plan, started.elapsed());
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |index: usize, otherwise: usize| args.get(index).map_or(otherwise, |arg| arg.parse().expect("a number"));
    let plan = Plan { uploads: number(0, 100_000), connections: number(1, 64), bytes: number(2, 4096) };
    let durability = args.get(3).map_or("none", String::as_str);
    let builder = Cluster::builder().storage_key("durability", durability).storage_key("subdir_count_per_path", 256);
    let mut cluster = builder.group("group1", 2).start();
    println!("{plan:?}, durability {durability}");

    let started = Instant::now();
    let client = cluster.client().clone();
    let ids = cluster.block_on(for_all(plan, move |number| {
        let client = client.clone();
        async move {
            let upload = client.upload(&content(number, plan.bytes), &UploadOptions::new()).await;
            upload.unwrap_or_else(|error| panic!("upload {number}: {error}"))
        }
    }));
    report("uploads", plan, started.elapsed());
    let unique: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), plan.uploads, "some ids were given twice");

    let ids = Arc::new(ids);
    check_all(&cluster, plan, &ids);
    cluster.restart_all();
    println!("everything was restarted");
    check_all(&cluster, plan, &ids);
    println!("every file is what was stored");
}
