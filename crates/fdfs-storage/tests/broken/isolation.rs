//! One store path hangs: requests to it wait, all others go on.
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fdfs_proto::FileName;
use fdfs_proto::file_id::{FormattedExt, NewKind, NewName, Source};
use fdfs_storage::commit::{Commit, Durability};
use fdfs_storage::permits::{PathPermits, PermitCounts};
use fdfs_storage::write_path::{FileLocks, History, PathSlot, WritePath};
use fdfs_store::sim_fs::{Fault, SimFs};
use fdfs_store::state_file::StateDir;
use fdfs_store::{Changes, StorePath};

const CONTENT: &[u8] = b"some bytes";
/// Requests to each path: far more than there are workers.
const REQUESTS: u32 = 200;
/// Far longer than anything here takes unless it is stuck.
const PATIENCE: Duration = Duration::from_secs(20);

fn name_of(store_path_index: u8, random: u32) -> FileName {
    NewName {
        store_path_index,
        high: 0,
        low: 0,
        source: Source::Id(1),
        created: 1,
        size: CONTENT.len() as u64,
        crc32: crc32fast::hash(CONTENT),
        kind: NewKind::Regular,
        random,
        ext: FormattedExt::new(&"bin".parse().unwrap(), random),
    }
    .build()
}

fn slot(fs: &SimFs, index: u8, counts: PermitCounts) -> PathSlot<SimFs> {
    let path = StorePath::open(fs.clone(), index, Path::new("/p"), false, 1).unwrap().path;
    path.make_subdirs().unwrap();
    PathSlot { path: Arc::new(path), permits: PathPermits::new(counts), flusher: None }
}

#[test]
fn a_store_path_that_hangs_holds_up_nobody_else() {
    let counts = PermitCounts { readers: 2, writers: 1, is_separated: true }.at_least_for(2);
    let workers = counts.worker_count(2, 0, 2);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap();
    let (hanging, fine, log) = (SimFs::new(Fault::None), SimFs::new(Fault::None), SimFs::new(Fault::None));
    let writer = Arc::new(WritePath {
        slots: vec![slot(&hanging, 0, counts), slot(&fine, 1, counts)],
        changes: Arc::new(Changes::open(StateDir::open(log.clone(), Path::new("/base")).unwrap()).unwrap().0),
        commit: Commit::open(log, Path::new("/sync"), 1 << 30, None).unwrap().0,
        durability: Durability::None,
        sync_every_bytes: 0,
        locks: FileLocks::default(),
        history: History::default(),
    });
    hanging.hang();
    let upload = |index: u8, n: u32| {
        let writer = writer.clone();
        runtime.spawn(async move {
            let slot = &writer.slots[usize::from(index)];
            writer.add_whole(slot, CONTENT, 1, || name_of(index, n)).await.map(|_| ())
        })
    };
    runtime.block_on(async {
        let stuck: Vec<_> = (0..REQUESTS).map(|n| upload(0, n)).collect();
        let all_permits_are_held = async {
            while hanging.hanging_count() < counts.writers {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, all_permits_are_held).await.unwrap();
        for n in 0..REQUESTS {
            let done = tokio::time::timeout(PATIENCE, upload(1, n)).await;
            done.unwrap_or_else(|_| panic!("request {n} to the other path waits for the one that hangs"))
                .unwrap()
                .unwrap();
        }
        assert_eq!(hanging.hanging_count(), counts.writers, "more workers are held than there are permits");
        assert!(stuck.iter().all(|task| !task.is_finished()));
        hanging.answer_again();
        for task in stuck {
            tokio::time::timeout(PATIENCE, task).await.unwrap().unwrap().unwrap();
        }
    });
}
