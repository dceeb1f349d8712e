//! A thousand storages (STORAGES) in three hundred groups beat on a tracker, and clients ask it: what that costs the tracker.
//!
//! `cargo run -p fdfs-testkit --example thousand_storages -- STORAGES NETWORK SECONDS TRACKER PID [TRACKER PID ...]`
//!
//! The trackers run already, identify storages by their addresses, have `max_connections` of 1100 or more (the sample files
//! say 1024), and are the processes PID of this machine. The storages are connections of this process from addresses of
//! NETWORK.x.y: 127.20 for trackers of ours, but one of the reference takes no loopback addresses, so give it a network
//! that the kernel knows as local (`ip route add local 10.99.0.0/16 dev lo`). It also takes half a second for each join.
//!
//! The storages beat at the default intervals, 30 and 300 seconds, for SECONDS. Then 16 and 64 connections ask where to upload
//! to (101) and where a file is (102), several rounds in which the trackers take turns; the medians are shown.
//!
//! The CPU time of the process comes from `/proc/PID/stat`, its memory from `/proc/PID/status`.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a failure is a panic with a message, as in tests")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fdfs_proto::cmd::tracker::{Beat, DiskUsage, FetchRequest, HostAddrs, Join, PathSpace, SyncNotify, TrackerLine};
use fdfs_proto::shared::StorageStat;
use fdfs_proto::{Command, HEADER_LEN, Header, Wire};
use fdfs_testkit::raw::{connect_from, packet};

const BEAT: Duration = Duration::from_secs(30);
const DISK_REPORT: Duration = Duration::from_secs(300);
/// Questions of one kind in one round, by all connections together.
const QUESTIONS: usize = 100_000;
const ROUNDS: usize = 9;
const USAGE: &str = "thousand_storages STORAGES NETWORK SECONDS TRACKER PID [TRACKER PID ...]";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [storages, network, seconds, trackers @ ..] = &args[..] else { panic!("{USAGE}") };
    let storages: usize = storages.parse().expect("STORAGES");
    let seconds: u64 = seconds.parse().expect("SECONDS");
    let mut trackers: Vec<Tracker> = trackers.chunks(2).map(|of| Tracker::new(of, network, storages)).collect();

    std::thread::scope(|scope| {
        for tracker in &mut trackers {
            scope.spawn(|| tracker.be_joined());
        }
    });
    for tracker in &trackers {
        let groups = groups(storages);
        println!("{}: {storages} storages in {groups} groups, {} MB resident", tracker.addr, memory_mb(tracker.pid));
    }
    beat_on_all(&mut trackers, Duration::from_secs(seconds));

    let file = FetchRequest {
        group: group(0, storages).parse().unwrap(),
        name: "M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt".parse().unwrap(),
    };
    let upload = packet(Command::QueryStoreWithoutGroupOne.number(), &[]);
    let fetch = packet(Command::QueryFetchOne.number(), &file.to_bytes());
    for connections in [16, 64] {
        for (what, question) in [("101", &upload), ("102", &fetch)] {
            let mut costs = vec![Vec::new(); trackers.len()];
            for _ in 0..ROUNDS {
                for (tracker, costs) in trackers.iter_mut().zip(&mut costs) {
                    // All of them stay ACTIVE, however long the questions take.
                    tracker.storages.iter_mut().for_each(|storage| storage.ask(Command::StorageBeat, &[]));
                    ask(tracker.addr, connections, question, QUESTIONS / 10);
                    costs.push(tracker.cost_of(connections, question));
                }
            }
            for (tracker, costs) in trackers.iter().zip(&mut costs) {
                costs.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
                let ((least, _), (micros, rate), (most, _)) = (costs[0], costs[ROUNDS / 2], costs[ROUNDS - 1]);
                let addr = tracker.addr;
                println!(
                    "{addr}: {what}, {connections} connections: {micros:.2} us of CPU ({least:.2} to {most:.2}), {rate:.0}/s"
                );
            }
        }
    }
    for tracker in &trackers {
        println!("{}: in the end {} MB resident", tracker.addr, memory_mb(tracker.pid));
    }
}

/// A tracker that is looked at, and its storages.
struct Tracker {
    addr: SocketAddr,
    pid: u32,
    network: String,
    count: usize,
    storages: Vec<Storage>,
}

impl Tracker {
    fn new(args: &[String], network: &str, count: usize) -> Self {
        let [addr, pid] = args else { panic!("{USAGE}") };
        Self {
            addr: addr.parse().expect("TRACKER as IP:PORT"),
            pid: pid.parse().expect("PID"),
            network: network.to_owned(),
            count,
            storages: Vec::new(),
        }
    }

    fn be_joined(&mut self) {
        let of_index = |index| Storage::join(self.addr, &self.network, index, self.count);
        self.storages = (0..self.count).map(of_index).collect();
    }

    /// CPU time of one question in microseconds, and questions per second.
    fn cost_of(&self, connections: usize, question: &[u8]) -> (f64, f64) {
        let (begun, cpu) = (Instant::now(), cpu_time(self.pid));
        ask(self.addr, connections, question, QUESTIONS);
        let used = cpu_time(self.pid).saturating_sub(cpu);
        (used.as_secs_f64() * 1e6 / QUESTIONS as f64, QUESTIONS as f64 / begun.elapsed().as_secs_f64())
    }
}

fn beat_on_all(trackers: &mut [Tracker], time: Duration) {
    let before: Vec<Duration> = trackers.iter().map(|tracker| cpu_time(tracker.pid)).collect();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for tracker in &mut *trackers {
            scope.spawn(|| beat(&mut tracker.storages, time));
        }
    });
    for (tracker, before) in trackers.iter().zip(before) {
        let used = cpu_time(tracker.pid).saturating_sub(before);
        let percent = 100.0 * used.as_secs_f64() / begun.elapsed().as_secs_f64();
        println!("{}: beats take {percent:.2} % of a core, {} MB resident", tracker.addr, memory_mb(tracker.pid));
    }
}

/// Three groups for ten storages.
fn groups(storages: usize) -> usize {
    (storages * 3 / 10).max(1)
}

fn group(index: usize, storages: usize) -> String {
    format!("group{}", index % groups(storages))
}

/// A storage: its connection.
struct Storage {
    stream: TcpStream,
    beat_at: Instant,
    report_at: Instant,
}

impl Storage {
    fn join(tracker: SocketAddr, network: &str, index: usize, storages: usize) -> Self {
        let local: Ipv4Addr = format!("{network}.{}.{}", index / 250 + 1, index % 250 + 1).parse().expect("NETWORK");
        let mut storage =
            Self { stream: connect_from(local, tracker).unwrap(), beat_at: Instant::now(), report_at: Instant::now() };
        let tracker_ip = tracker.ip().to_string().parse().unwrap();
        let join = Join {
            group: group(index, storages).parse().unwrap(),
            port: 23000,
            store_path_count: 1,
            subdir_count: 256,
            upload_priority: 10,
            join_time_secs: 1_795_000_000,
            up_time_secs: 1_795_000_500,
            version: "6.16.1".parse().unwrap(),
            is_first_start: true,
            status: None,
            id: None,
            tracker_ip,
            trackers: vec![TrackerLine { addrs: HostAddrs { first: tracker_ip, second: None }, port: tracker.port() }],
        };
        storage.ask(Command::StorageJoin, &join.to_bytes());
        storage.ask(Command::StorageSyncNotify, &SyncNotify { source_id: None, until_secs: 0 }.to_bytes());
        storage.report();
        storage.ask(Command::StorageBeat, &[]);
        storage
    }

    fn ask(&mut self, command: Command, body: &[u8]) {
        self.stream.write_all(&packet(command.number(), body)).unwrap();
        let status = read_answer(&mut self.stream);
        assert_eq!(status, 0, "{} is answered {status}", command.label());
    }

    fn report(&mut self) {
        let paths = vec![PathSpace { total_mb: 1_000_000, free_mb: 500_000 }];
        self.ask(Command::StorageReportDiskUsage, &DiskUsage { paths }.to_bytes());
    }
}

/// All that storages do at their intervals.
fn beat(storages: &mut [Storage], time: Duration) {
    let end = Instant::now() + time;
    let count = storages.len();
    for (index, storage) in storages.iter_mut().enumerate() {
        let part = index as f64 / count as f64;
        (storage.beat_at, storage.report_at) =
            (Instant::now() + BEAT.mul_f64(part), Instant::now() + DISK_REPORT.mul_f64(part));
    }
    let stat = Beat { stat: Some(StorageStat::default()) }.to_bytes();
    while Instant::now() < end {
        for storage in &mut *storages {
            let now = Instant::now();
            if storage.beat_at <= now {
                storage.ask(Command::StorageBeat, &stat);
                storage.beat_at += BEAT;
            }
            if storage.report_at <= now {
                storage.report();
                storage.report_at += DISK_REPORT;
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// So many questions on so many connections.
fn ask(tracker: SocketAddr, connections: usize, question: &[u8], count: usize) {
    let left = AtomicUsize::new(count);
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(tracker).unwrap();
                stream.set_nodelay(true).unwrap();
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    stream.write_all(question).unwrap();
                    let status = read_answer(&mut stream);
                    assert_eq!(status, 0, "a question is answered {status}");
                }
            });
        }
    });
}

fn read_answer(stream: &mut TcpStream) -> u8 {
    let mut head = [0; HEADER_LEN];
    stream.read_exact(&mut head).expect("an answer; a tracker with more than max_connections hangs up");
    let header = Header::from_bytes(head);
    let mut body = vec![0; usize::try_from(header.body_len).unwrap()];
    stream.read_exact(&mut body).unwrap();
    header.status
}

/// User and system time of a process.
fn cpu_time(pid: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the tracker's process");
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().map(|&field| fields[field].parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

fn memory_mb(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("the tracker's process");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.split_whitespace().next().and_then(|kb| kb.parse::<u64>().ok()).expect("kB") / 1024
}
