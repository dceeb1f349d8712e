//! A tracker in this process, and storages and clients that talk to it.

#![allow(dead_code, reason = "each test program uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fdfs_conf::TrackerConf;
use fdfs_log::{CapturedLog, Level, ServerLog};
use fdfs_net::{CallOptions, Caller};
use fdfs_proto::cmd::tracker::{
    BeatAnswer, DiskUsage, GroupRecord, Join, JoinAnswer, ListOneGroup, ListStorages, PathSpace, StorageList,
    StorageRecord, SyncNotify, TrackerClusterStat, TrackerClusterStatRequest, TrackerStatus,
};
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{Command, GroupName, HEADER_LEN, Header, Status, Wire};
use fdfs_tracker::TrackerServer;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Nothing here takes longer unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const ANSWER_MAX: usize = 1 << 20;

/// A tracker, its folder and its log.
pub(crate) struct Site {
    pub(crate) log: CapturedLog,
    pub(crate) dir: TempDir,
    pub(crate) conf: TrackerConf,
    server: Option<TrackerServer>,
}

impl Site {
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {})
    }

    pub(crate) fn start_with(change: impl FnOnce(&mut TrackerConf)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), change)
    }

    /// On 127.0.0.1, any port.
    pub(crate) fn start_in(dir: TempDir, change: impl FnOnce(&mut TrackerConf)) -> Self {
        let mut conf = TrackerConf::default();
        conf.server.base_path = dir.path().to_owned();
        conf.server.inner_port = 0;
        conf.server.inner_bind_addrs = vec!["127.0.0.1".into()];
        change(&mut conf);
        let mut site = Self { log: CapturedLog::new(), dir, conf, server: None };
        site.start_again();
        site
    }

    pub(crate) fn start_again(&mut self) {
        assert!(self.server.is_none());
        let log = ServerLog::new(self.log.clone(), Level::Debug);
        self.server = Some(TrackerServer::start(self.conf.clone(), log).unwrap());
    }

    pub(crate) fn stop(&mut self) {
        let started = Instant::now();
        self.server.take().unwrap().stop();
        assert!(started.elapsed() < Duration::from_secs(2), "stopping took {:?}", started.elapsed());
    }

    /// As the signal HUP does, with what `conf` is now.
    pub(crate) fn reload(&self) {
        self.try_reload().unwrap();
    }

    pub(crate) fn try_reload(&self) -> Result<(), fdfs_tracker::StartError> {
        self.server.as_ref().unwrap().reload(&self.conf)
    }

    pub(crate) fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.as_ref().unwrap().addr()
    }

    pub(crate) fn file(&self, name: &str) -> String {
        let path = self.dir.path().join("data").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    pub(crate) fn client(&self) -> Client {
        self.client_from("127.0.0.1")
    }

    /// A connection from one of this machine's addresses.
    pub(crate) fn client_from(&self, ip: &str) -> Client {
        Client::connect(self.addr(), ip)
    }

    /// A storage of a group, not yet joined; its address is its id.
    pub(crate) fn storage(&self, group: &str, ip: &str) -> FakeStorage {
        FakeStorage { client: self.client_from(ip), group: group.parse().unwrap(), path_count: 1, join: None }
    }

    /// A storage that is ACTIVE, with `free_mb` of 10000 MB.
    pub(crate) fn active(&self, group: &str, ip: &str, free_mb: u64) -> FakeStorage {
        let mut storage = self.storage(group, ip);
        storage.become_active(free_mb);
        storage
    }

    pub(crate) fn status_of(&self, group: &str, id: &str) -> Option<StorageStatus> {
        self.client().list(group).iter().find(|s| s.id.as_str() == id).map(|s| s.status)
    }

    pub(crate) fn wait_for_status(&self, group: &str, id: &str, wanted: StorageStatus) {
        let mut client = self.client();
        wait_for(&format!("storage {id} to be {wanted}"), || {
            client.list(group).iter().any(|s| s.id.as_str() == id && s.status == wanted)
        });
    }

    /// No line of the log is a warning or worse but for those with one of these texts.
    pub(crate) fn assert_quiet_but(&self, expected: &[&str]) {
        let is_expected = |line: &String| expected.iter().any(|text| line.contains(text));
        let others: Vec<String> = self.log.problems().into_iter().filter(|line| !is_expected(line)).collect();
        assert!(others.is_empty(), "unexpected in the log: {others:#?}");
    }

    pub(crate) fn assert_quiet(&self) {
        self.assert_quiet_but(&[]);
    }
}

/// Another tracker, which says that it leads and answers every other question with 0; it lends no files.
pub(crate) struct FakeLeader {
    stop: Arc<AtomicBool>,
    addr: SocketAddr,
}

impl FakeLeader {
    pub(crate) fn start(ip: &str, port: u16) -> Self {
        let addr = SocketAddr::new(ip.parse().unwrap(), port);
        let listener = TcpListener::bind(addr).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::spawn(move || answer_as_leader(stream));
            }
        });
        Self { stop, addr }
    }
}

/// Stops listening; connections that are open go on until the other side closes them.
impl Drop for FakeLeader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.addr));
    }
}

fn answer_as_leader(mut stream: TcpStream) -> Option<()> {
    loop {
        let mut head = [0; HEADER_LEN];
        stream.read_exact(&mut head).ok()?;
        let header = Header::from_bytes(head);
        let mut body = vec![0; usize::try_from(header.body_len).ok()?];
        stream.read_exact(&mut body).ok()?;
        let leads = TrackerStatus { is_leader: true, running_secs: 600, restart_interval_secs: 0 };
        let (status, answer) = match Command::from_number(header.command) {
            Some(Command::TrackerGetStatus) => (Status::OK, leads.to_bytes()),
            // Its state is not lent.
            Some(Command::TrackerGetSysFilesStart) => (Status::EBUSY, Vec::new()),
            _ => (Status::OK, Vec::new()),
        };
        let header = Header::answer(status, answer.len() as u64).to_bytes();
        stream.write_all(&[header.as_slice(), &answer].concat()).ok()?;
    }
}

pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::yield_now();
    }
}

/// A blocking connection.
pub(crate) struct Client {
    runtime: Runtime,
    caller: Caller,
}

impl Client {
    pub(crate) fn connect(addr: SocketAddr, from: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bind: Option<IpAddr> = Some(from.parse().unwrap());
        let options = CallOptions { connect_timeout: PATIENCE, network_timeout: PATIENCE, bind };
        let caller = runtime.block_on(Caller::connect(addr, &options)).unwrap();
        Self { runtime, caller }
    }

    pub(crate) fn ask_bytes(&mut self, command: Command, body: &[u8]) -> (Status, Vec<u8>) {
        let answer = self.runtime.block_on(self.caller.call(command, 0, body, ANSWER_MAX));
        let answer = answer.unwrap_or_else(|e| panic!("{}: {e}", command.label()));
        assert!(answer.status.is_ok() || answer.body.is_empty(), "{}: a refusal with a body", command.label());
        (answer.status, answer.body)
    }

    pub(crate) fn ask(&mut self, command: Command, body: &impl Wire) -> (Status, Vec<u8>) {
        self.ask_bytes(command, &body.to_bytes())
    }

    /// The body of an answer that must be a success.
    pub(crate) fn get(&mut self, command: Command, body: &impl Wire) -> Vec<u8> {
        let (status, answer) = self.ask(command, body);
        assert_eq!(status, Status::OK, "{}", command.label());
        answer
    }

    pub(crate) fn status(&mut self, command: Command, body: &impl Wire) -> Status {
        self.ask(command, body).0
    }

    pub(crate) fn list(&mut self, group: &str) -> Vec<StorageRecord> {
        let request = ListStorages { group: group.parse().unwrap(), id: None };
        match self.ask(Command::ServerListStorage, &request) {
            (Status::OK, body) => StorageList::decode(&body).unwrap().storages,
            _ => Vec::new(),
        }
    }

    /// Connections that the tracker serves now, this one included; it must lead.
    pub(crate) fn connection_count(&mut self) -> u32 {
        let all = TrackerClusterStatRequest::default();
        let stat = TrackerClusterStat::from_bytes(&self.get(Command::ServerTrackerClusterStat, &all)).unwrap();
        stat.trackers[0].connections.current
    }

    pub(crate) fn group(&mut self, group: &str) -> Option<GroupRecord> {
        let (status, body) = self.ask(Command::ServerListOneGroup, &ListOneGroup { group: group.parse().unwrap() });
        status.is_ok().then(|| GroupRecord::from_bytes(&body).unwrap())
    }
}

/// What a storage does on its connection.
pub(crate) struct FakeStorage {
    pub(crate) client: Client,
    pub(crate) group: GroupName,
    pub(crate) path_count: u16,
    /// What the next join says, where it differs from [`FakeStorage::usual_join`].
    pub(crate) join: Option<Join>,
}

impl FakeStorage {
    pub(crate) fn usual_join(&self) -> Join {
        let tracker = self.client.caller.peer_addr();
        Join {
            group: self.group,
            port: 23000,
            store_path_count: self.path_count,
            subdir_count: 256,
            upload_priority: 10,
            join_time_secs: 1_795_000_000,
            up_time_secs: 1_795_000_500,
            version: "6.16.1".parse().unwrap(),
            is_first_start: true,
            status: None,
            id: None,
            tracker_ip: tracker.ip().to_string().parse().unwrap(),
            trackers: vec![line(&tracker.to_string())],
        }
    }

    pub(crate) fn try_join(&mut self) -> Result<JoinAnswer, Status> {
        let join = self.join.clone().unwrap_or_else(|| self.usual_join());
        match self.client.ask(Command::StorageJoin, &join) {
            (Status::OK, body) => Ok(JoinAnswer::from_bytes(&body).unwrap()),
            (status, _) => Err(status),
        }
    }

    pub(crate) fn join(&mut self) -> JoinAnswer {
        self.try_join().unwrap()
    }

    pub(crate) fn beat(&mut self) -> BeatAnswer {
        BeatAnswer::from_bytes(&self.client.get(Command::StorageBeat, &())).unwrap()
    }

    pub(crate) fn report(&mut self, free_mb: u64) -> Result<BeatAnswer, Status> {
        let paths = vec![PathSpace { total_mb: 10_000, free_mb }; usize::from(self.path_count)];
        match self.client.ask(Command::StorageReportDiskUsage, &DiskUsage { paths }) {
            (Status::OK, body) => Ok(BeatAnswer::from_bytes(&body).unwrap()),
            (status, _) => Err(status),
        }
    }

    /// Joins and becomes ACTIVE without a full copy of anybody's files.
    pub(crate) fn become_active(&mut self, free_mb: u64) {
        self.join();
        self.client.get(Command::StorageSyncNotify, &SyncNotify { source_id: None, until_secs: 0 });
        self.beat();
        self.report(free_mb).unwrap();
    }
}

pub(crate) fn line(text: &str) -> fdfs_proto::cmd::tracker::TrackerLine {
    fdfs_proto::cmd::tracker::TrackerLine::parse(text.as_bytes()).unwrap()
}

/// Copies a folder as it is at this moment: what a crash would leave, as far as names and renames go.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
