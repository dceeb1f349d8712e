//! A storage of ours with a tracker of the reference: it knows none of our commands, and tells news with beats alone. The
//! tracker is played by the test, from the wire specification.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fdfs_proto::cmd::tracker::{BeatAnswer, JoinAnswer, MyIp, Parameters, SyncNotify, SyncSource, SyncSourceAnswer};
use fdfs_proto::shared::{StorageBrief, StorageStatus};
use fdfs_proto::{Command, HEADER_LEN, Header, StorageId, Wire};
use fdfs_testkit::{Cluster, wait_for};

const EINVAL: u8 = 22;
const ENOENT: u8 = 2;
const EACCES: u8 = 13;

/// What the tracker was asked, and what it answers.
#[derive(Debug)]
struct Script {
    /// Commands and bodies, in their order.
    asked: Vec<(Command, Vec<u8>)>,
    /// The storage's status.
    status: StorageStatus,
    /// Other storages of the group.
    peers: Vec<StorageBrief>,
    /// What the next beat tells of the group.
    has_news: bool,
    /// Who copies old files: the answer of 87; `None` refuses.
    source: Option<SyncSourceAnswer>,
    /// The answer of 88.
    notify_status: u8,
    /// The answer of beats.
    beat_status: u8,
    /// What the next question for the changelog is answered with.
    changelog: String,
    storage: SocketAddr,
    own: SocketAddr,
}

#[derive(Debug, Clone)]
struct CTracker(Arc<Mutex<Script>>);

impl CTracker {
    /// Listens in the place of the cluster's only tracker.
    fn start(cluster: &Cluster) -> Self {
        let own = cluster.tracker_addr();
        let script = Script {
            asked: Vec::new(),
            status: StorageStatus::Init,
            peers: Vec::new(),
            has_news: true,
            source: Some(SyncSourceAnswer::default()),
            notify_status: 0,
            beat_status: 0,
            changelog: String::new(),
            storage: cluster.storages[0].addr(),
            own,
        };
        let tracker = Self(Arc::new(Mutex::new(script)));
        let listener = TcpListener::bind(own).unwrap();
        let serving = tracker.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (serving, stream) = (serving.clone(), stream.unwrap());
                std::thread::spawn(move || serving.serve(stream));
            }
        });
        tracker
    }

    fn with<T>(&self, f: impl FnOnce(&mut Script) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    fn count(&self, command: Command) -> usize {
        self.with(|script| script.asked.iter().filter(|(asked, _)| *asked == command).count())
    }

    fn wait_for_count(&self, command: Command, count: usize) {
        wait_for(&format!("{count} times {command:?}"), || (self.count(command) >= count).then_some(()));
    }

    /// Tells another status with the next beat.
    fn set_status(&self, status: StorageStatus) {
        self.with(|script| (script.status, script.has_news) = (status, true));
    }

    fn serve(&self, mut stream: TcpStream) {
        loop {
            let mut head = [0; HEADER_LEN];
            if stream.read_exact(&mut head).is_err() {
                return;
            }
            let header = Header::from_bytes(head);
            let mut body = vec![0; usize::try_from(header.body_len).unwrap()];
            stream.read_exact(&mut body).unwrap();
            let Some(command) = Command::from_number(header.command) else { panic!("command {}", header.command) };
            if command == Command::Quit {
                return;
            }
            let (status, answer) = self.with(|script| {
                script.asked.push((command, body));
                script.answer(command)
            });
            let header = Header { body_len: answer.len() as i64, command: 100, status };
            if stream.write_all(&[&header.to_bytes()[..], &answer].concat()).is_err() {
                return;
            }
        }
    }
}

impl Script {
    fn answer(&mut self, command: Command) -> (u8, Vec<u8>) {
        let ip = self.storage.ip().to_string();
        match command {
            Command::StorageGetMyIp => (0, MyIp::from_bytes(ip.as_bytes()).unwrap().to_bytes()),
            Command::StorageParameterReq => (0, Parameters::default().to_bytes()),
            Command::StorageJoin => (0, JoinAnswer { status: self.status, source_id: None }.to_bytes()),
            Command::StorageSyncDestReq => match self.source {
                None => (ENOENT, Vec::new()),
                Some(source) => {
                    let waits = source.source.is_some();
                    self.status = if waits { StorageStatus::WaitSync } else { StorageStatus::Online };
                    self.has_news = true;
                    (0, source.to_bytes())
                }
            },
            Command::StorageSyncDestQuery => (0, Vec::new()),
            Command::StorageSyncNotify => (self.notify_status, Vec::new()),
            Command::StorageBeat | Command::StorageReportDiskUsage | Command::StorageSyncReport => self.beat(command),
            Command::StorageReplicaChg | Command::StorageChangeStatus | Command::StorageReportStatus => (0, Vec::new()),
            Command::StorageChangelogReq => (0, std::mem::take(&mut self.changelog).into_bytes()),
            Command::StorageSyncSrcReq => (0, Vec::new()),
            _ => (EINVAL, Vec::new()),
        }
    }

    fn beat(&mut self, command: Command) -> (u8, Vec<u8>) {
        if self.beat_status != 0 {
            return (std::mem::take(&mut self.beat_status), Vec::new());
        }
        let is_alive = command != Command::StorageSyncReport;
        if is_alive && matches!(self.status, StorageStatus::Offline | StorageStatus::Online) {
            (self.status, self.has_news) = (StorageStatus::Active, true);
        }
        let brief = |addr: SocketAddr, status| {
            let ip = addr.ip().to_string();
            StorageBrief { status, port: addr.port().into(), id: ip.parse().unwrap(), ip: ip.parse().unwrap() }
        };
        let mut answer = BeatAnswer::default();
        if std::mem::take(&mut self.has_news) {
            answer.leader = Some(brief(self.own, StorageStatus::Init));
            answer.storages = Some([&[brief(self.storage, self.status)], self.peers.as_slice()].concat());
        }
        (0, answer.to_bytes())
    }
}

fn cluster() -> (Cluster, CTracker) {
    let cluster = Cluster::builder().group("group1", 1).build();
    let tracker = CTracker::start(&cluster);
    (cluster, tracker)
}

fn source() -> SyncSource {
    SyncSource { id: "127.0.0.77".parse().unwrap(), until_secs: 1_700_000_000 }
}

fn peer(status: StorageStatus) -> StorageBrief {
    let ip = "127.0.0.77".parse().unwrap();
    StorageBrief { status, port: 23000, id: source().id, ip }
}

fn notified(tracker: &CTracker) -> Vec<SyncNotify> {
    let all = tracker.with(|script| script.asked.clone());
    let of = all.iter().filter(|(command, _)| *command == Command::StorageSyncNotify);
    of.map(|(_, body)| SyncNotify::from_bytes(body).unwrap()).collect()
}

#[test]
fn beats_alone_bring_the_news_and_our_command_is_tried_once() {
    let (mut cluster, tracker) = cluster();
    cluster.storages[0].start();
    wait_for("the storage to be ACTIVE", || {
        tracker.with(|script| script.status == StorageStatus::Active).then_some(())
    });
    assert_eq!(notified(&tracker), [SyncNotify { source_id: None, until_secs: 0 }]);
    // A disk report is enough to be ACTIVE; the beat comes behind it.
    tracker.wait_for_count(Command::StorageBeat, 1);
    let order = tracker.with(|script| script.asked.iter().map(|(command, _)| *command).collect::<Vec<_>>());
    let place = |command| order.iter().position(|&asked| asked == command).unwrap();
    assert!(place(Command::StorageJoin) < place(Command::StorageSyncDestReq), "{order:?}");
    assert!(place(Command::StorageSyncDestReq) < place(Command::StorageSyncNotify), "{order:?}");
    assert!(place(Command::StorageSyncNotify) < place(Command::StorageBeat), "{order:?}");

    // OFFLINE is told by a beat, and ended by another one at once.
    let beats = tracker.count(Command::StorageBeat);
    tracker.set_status(StorageStatus::Offline);
    tracker.wait_for_count(Command::StorageBeat, beats + 2);
    assert_eq!(tracker.with(|script| script.status), StorageStatus::Active);
    assert_eq!(tracker.count(Command::WatchGroup), 1, "refused once, and not tried again");
}

#[test]
fn w46_without_a_writable_member_the_storage_stays_init_and_asks_again_and_again() {
    let (mut cluster, tracker) = cluster();
    tracker.with(|script| script.source = None);
    cluster.storages[0].start();
    tracker.wait_for_count(Command::StorageSyncDestReq, 3);
    assert!(notified(&tracker).is_empty(), "nothing is decided");
    assert_eq!(tracker.count(Command::StorageJoin), 1, "it need not join again for that");
    assert_eq!(tracker.with(|script| script.status), StorageStatus::Init);
    tracker.with(|script| {
        script.peers = vec![peer(StorageStatus::Active)];
        script.source = Some(SyncSourceAnswer { source: Some(source()) });
    });
    let told = SyncNotify { source_id: Some(source().id), until_secs: source().until_secs };
    wait_for("the source to be told back", || (notified(&tracker).last() == Some(&told)).then_some(()));
}

#[test]
fn w47_a_source_that_no_tracker_knows_any_more_is_replaced() {
    let (mut cluster, tracker) = cluster();
    tracker.with(|script| {
        script.peers = vec![peer(StorageStatus::Active)];
        script.source = Some(SyncSourceAnswer { source: Some(source()) });
    });
    cluster.storages[0].start();
    wait_for("WAIT_SYNC", || tracker.with(|script| script.status == StorageStatus::WaitSync).then_some(()));
    tracker.wait_for_count(Command::StorageSyncNotify, 1);
    // The source is deleted: 88 is refused from now on, until another one is chosen.
    let other: StorageId = "127.0.0.78".parse().unwrap();
    tracker.with(|script| {
        script.peers = vec![peer(StorageStatus::Deleted)];
        script.source = Some(SyncSourceAnswer { source: Some(SyncSource { id: other, until_secs: 1_800_000_000 }) });
        (script.notify_status, script.has_news) = (ENOENT, true);
    });
    tracker.wait_for_count(Command::StorageSyncDestQuery, 1);
    tracker.wait_for_count(Command::StorageSyncDestReq, 2);
    tracker.with(|script| script.notify_status = 0);
    wait_for("the other source to be told", || (notified(&tracker).last()?.source_id == Some(other)).then_some(()));
    cluster.expect_problem("another is asked for");
}

#[test]
fn a_refused_beat_makes_it_join_again_and_report_all_sync_times() {
    let (mut cluster, tracker) = cluster();
    cluster.storages[0].start();
    wait_for("the storage to be ACTIVE", || {
        tracker.with(|script| script.status == StorageStatus::Active).then_some(())
    });
    assert_eq!(tracker.count(Command::StorageSyncReport), 0, "there is nothing to report");
    cluster.storages[0].inside().received.note(source().id, 77);
    tracker.wait_for_count(Command::StorageSyncReport, 1);
    for status in [EACCES, ENOENT] {
        let (joins, reports) = (tracker.count(Command::StorageJoin), tracker.count(Command::StorageSyncReport));
        tracker.with(|script| script.beat_status = status);
        tracker.wait_for_count(Command::StorageJoin, joins + 1);
        tracker.wait_for_count(Command::StorageSyncReport, reports + 1);
    }
    let last = tracker.with(|script| script.asked.iter().rfind(|(c, _)| *c == Command::StorageSyncReport).cloned());
    assert_eq!(last.unwrap().1, [&b"127.0.0.77\0\0\0\0\0\0"[..], &[0, 0, 0, 77]].concat());
    cluster.expect_problem("tried again until it works");
}

#[test]
fn the_mark_of_a_peer_goes_with_its_address() {
    let (mut cluster, tracker) = cluster();
    let port = cluster.storages[0].addr().port();
    let sync_dir = cluster.storages[0].plan.base_path.join("data/sync");
    let mark = |ip: &str| sync_dir.join(format!("{ip}_{port}.mark"));
    std::fs::create_dir_all(&sync_dir).unwrap();
    let written = fdfs_proto::disk::sync_mark::SyncMark { sync_row_count: 5, ..Default::default() };
    std::fs::write(mark("127.0.0.77"), fdfs_proto::disk::StateFile::to_bytes(&written)).unwrap();
    tracker.with(|script| script.peers = vec![peer(StorageStatus::Offline)]);
    cluster.storages[0].start();
    wait_for("the storage to be ACTIVE", || {
        tracker.with(|script| script.status == StorageStatus::Active).then_some(())
    });
    let moved = StorageBrief {
        id: "127.0.0.78".parse().unwrap(),
        ip: "127.0.0.78".parse().unwrap(),
        ..peer(StorageStatus::Offline)
    };
    tracker.with(|script| {
        script.peers = vec![peer(StorageStatus::IpChanged), moved];
        script.changelog = "5 group2 127.0.0.77 3 127.0.0.79\n6 group1 127.0.0.77 3 127.0.0.78\n".into();
        script.has_news = true;
    });
    wait_for("the mark to have its new name", || mark("127.0.0.78").exists().then_some(()));
    assert!(!mark("127.0.0.77").exists() && !mark("127.0.0.79").exists(), "the other group's line is not ours");
}

#[test]
fn a_tracker_that_comes_back_is_found_soon() {
    let mut cluster = Cluster::builder().group("group1", 1).storage_key("heart_beat_interval", 30).start();
    cluster.expect_lost_trackers();
    cluster.trackers[0].stop();
    cluster.trackers[0].start();
    // Far less than a beat.
    fdfs_testkit::wait::wait_at_most(Duration::from_secs(10), "the storage to be ACTIVE again", || {
        (cluster.record(&cluster.storages[0])?.status == StorageStatus::Active).then_some(())
    });
}
