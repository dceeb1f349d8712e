//! A storage without a network of its own, whose peers are what a test says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fdfs_conf::{Env, StorageConf};
use fdfs_net::accept::{Gate, GateOptions};
use fdfs_proto::StorageId;
use fdfs_proto::cmd::tracker::{HostAddrs, Parameters, SyncSource, SyncSourceAnswer};
use fdfs_proto::disk::binlog_record::BinlogRecord;
use fdfs_proto::file_id::{FormattedExt, LogicName, NewKind, NewName, Source};
use fdfs_proto::shared::StorageStatus;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::{Later, Questions, status::PeerSync, supervise};
use super::pulse::{beat, wait_for};
use crate::link::error::LinkError;
use crate::params::{KnownCluster, Learnt};
use crate::peers::Peer;
use crate::start::{open_base, open_storage};
use crate::storage::Storage;

/// The time of the records.
pub(super) const NOW: u32 = 1_795_166_208;

/// Trackers that say what a test wants, and remember what they were told.
#[derive(Debug, Default)]
pub(super) struct FakeTrackers {
    pub(super) source: Mutex<Option<SyncSource>>,
    pub(super) reports: Mutex<Vec<StorageStatus>>,
    pub(super) settling: Mutex<Duration>,
    /// What becomes of a report: the peers of the storage.
    storage: Mutex<Option<Arc<Storage>>>,
}

impl Questions for FakeTrackers {
    fn sync_source_of(&self, _: StorageId) -> Later<'_, Result<SyncSourceAnswer, LinkError>> {
        let source = *self.source.lock().unwrap();
        Box::pin(async move { Ok(SyncSourceAnswer { source }) })
    }

    fn report_status(&self, peer: StorageId, status: StorageStatus) -> Later<'_, Result<(), LinkError>> {
        Box::pin(async move {
            self.reports.lock().unwrap().push(status);
            let storage = self.storage.lock().unwrap().clone().unwrap();
            // A beat makes an OFFLINE one ACTIVE.
            let status = if status == StorageStatus::Offline { StorageStatus::Active } else { status };
            let mut list = storage.peers.watch().borrow().to_vec();
            list.iter_mut().filter(|one| one.id == peer).for_each(|one| one.status = status);
            storage.peers.replace(list);
            beat();
            Ok(())
        })
    }

    fn settling(&self) -> Duration {
        *self.settling.lock().unwrap()
    }
}

/// The bench.
pub(super) struct Bench {
    pub(super) storage: Arc<Storage>,
    pub(super) trackers: Arc<FakeTrackers>,
    temp: tempfile::TempDir,
    keys: String,
    senders: Option<(CancellationToken, JoinHandle<()>)>,
    next_file: u32,
}

async fn open(root: &std::path::Path, keys: &str) -> Arc<Storage> {
    let base = root.join("base");
    let path = root.join("path");
    std::fs::create_dir_all(&path).unwrap();
    let text = format!(
        "base_path={}\nstore_path0={}\ntracker_server=127.0.0.1:1\ngroup_name=group1\nport=23000\ndurability=none\n\
         subdir_count_per_path=1\n{keys}",
        base.display(),
        path.display()
    );
    let load = move |_: &str| Ok(text.clone().into_bytes());
    let parsed = StorageConf::parse("storage.conf", &load, &Env::default()).unwrap();
    let learnt = Learnt {
        group: "group1".parse().unwrap(),
        addrs: HostAddrs::parse(b"127.0.0.1").unwrap(),
        id: None,
        cluster: KnownCluster { params: Parameters::default(), ids: Vec::new() },
    };
    let opened = open_base(&parsed.conf).unwrap();
    let gate = Gate::new(GateOptions::for_all(10));
    let addr = "127.0.0.1:23000".parse().unwrap();
    Arc::new(open_storage(parsed.conf, opened, learnt, gate, addr, 8, None).await.unwrap())
}

impl Bench {
    pub(super) async fn new(keys: &str) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let storage = open(temp.path(), keys).await;
        let trackers = Arc::new(FakeTrackers::default());
        *trackers.storage.lock().unwrap() = Some(storage.clone());
        Self { storage, trackers, temp, keys: keys.to_owned(), senders: None, next_file: 0 }
    }

    /// The only peer is there, in this status.
    pub(super) fn meet(&self, addr: SocketAddr, status: StorageStatus) -> StorageId {
        let id = addr.ip().to_string().parse().unwrap();
        self.storage.peers.replace(vec![Peer { id, addr, status }]);
        id
    }

    pub(super) fn run(&mut self) {
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(supervise(self.storage.clone(), self.trackers.clone(), shutdown.clone()));
        self.senders = Some((shutdown, task));
    }

    /// An orderly stop of the senders.
    pub(super) async fn stop(&mut self) {
        if let Some((shutdown, task)) = self.senders.take() {
            shutdown.cancel();
            task.await.unwrap();
        }
    }

    /// A killed process: whatever the senders were at, they do no more. Then a new one on the same directories.
    pub(super) async fn kill_and_start(&mut self) {
        if let Some((_, task)) = self.senders.take() {
            task.abort();
            let _ = task.await;
        }
        self.reopen().await;
    }

    pub(super) async fn reopen(&mut self) {
        let peers = self.storage.peers.watch().borrow().to_vec();
        self.storage = open(self.temp.path(), &self.keys).await;
        *self.trackers.storage.lock().unwrap() = Some(self.storage.clone());
        self.storage.peers.replace(peers);
    }

    /// A new name; appenders have the bit for it.
    pub(super) fn new_name(&mut self, content: &[u8], is_appender: bool) -> String {
        self.next_file += 1;
        NewName {
            store_path_index: 0,
            high: 0,
            low: 0,
            source: Source::Ip([127, 0, 0, 1].into()),
            created: NOW,
            size: if is_appender { 0 } else { content.len() as u64 },
            crc32: crc32fast::hash(content),
            kind: if is_appender { NewKind::Appender } else { NewKind::Regular },
            random: self.next_file,
            ext: FormattedExt::new(&"txt".parse().unwrap(), self.next_file),
        }
        .build()
        .to_string()
    }

    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        let name: LogicName = name.parse().unwrap();
        self.temp.path().join("path/data").join(name.true_name())
    }

    /// Writes a file that has no record yet.
    pub(super) fn write(&self, name: &str, content: &[u8]) {
        std::fs::create_dir_all(self.path_of(name).parent().unwrap()).unwrap();
        std::fs::write(self.path_of(name), content).unwrap();
    }

    /// Writes records, given without their time.
    pub(super) async fn record(&self, lines: &[&str]) {
        for line in lines {
            self.record_at(NOW, line).await;
        }
    }

    pub(super) async fn record_at(&self, unix_secs: u32, line: &str) {
        let record = BinlogRecord::parse(format!("{unix_secs} {line}").as_bytes()).unwrap();
        self.storage.write_path.commit.record(&[record]).await.unwrap();
    }

    /// A new file with its record.
    pub(super) async fn upload(&mut self, content: &[u8]) -> String {
        let name = self.new_name(content, false);
        self.write(&name, content);
        self.record(&[&format!("C {name}")]).await;
        name
    }

    pub(super) fn sync_file(&self, name: &str) -> PathBuf {
        self.temp.path().join("base/data/sync").join(name)
    }

    /// The only peer's state.
    pub(super) fn status(&self) -> Option<PeerSync> {
        self.storage.sync_status().pop()
    }

    /// Waits until everything is confirmed.
    pub(super) async fn wait_until_done(&self) {
        wait_for("all to be confirmed", || {
            self.status().is_some_and(|status| status.bytes_behind == 0 && status.in_flight == 0)
        })
        .await;
    }
}

/// Names and contents.
pub(super) fn files(list: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    list.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())).collect()
}
