//! A thousand storages in three hundred groups beat on one tracker, and clients ask it: what that costs the tracker.
//!
//! `cargo run -p fdfs-testkit --example thousand_storages -- TRACKER PID [NETWORK [SECONDS]]`
//!
//! The tracker runs already, identifies storages by their addresses, and is the process PID of this machine. The storages are
//! connections of this process from addresses of `NETWORK`.x.y, by default 127.20 (which a tracker of the reference does not
//! take: give it a network that the kernel knows as local, `ip route add local 10.79.0.0/16 dev lo`). They beat at the
//! default intervals, 30 and 300 seconds, for SECONDS (60). Then 16 and 64 connections ask where to upload to (101) and where
//! a file is (102).
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

const STORAGES: usize = 1000;
const GROUPS: usize = 300;
const BEAT: Duration = Duration::from_secs(30);
const DISK_REPORT: Duration = Duration::from_secs(300);
/// Questions of one kind, by all connections together.
const QUESTIONS: usize = 200_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let tracker: SocketAddr = args.first().expect("TRACKER").parse().expect("TRACKER as IP:PORT");
    let pid: u32 = args.get(1).expect("PID").parse().expect("PID");
    let network = args.get(2).map_or("127.20", String::as_str);
    let seconds = args.get(3).map_or(60, |text| text.parse().expect("SECONDS"));

    let mut storages: Vec<Storage> = (0..STORAGES).map(|index| Storage::join(tracker, network, index)).collect();
    println!("{STORAGES} storages in {GROUPS} groups: {} MB resident", memory_mb(pid));
    let (begun, cpu) = (Instant::now(), cpu_time(pid));
    beat(&mut storages, Duration::from_secs(seconds));
    let used = cpu_time(pid).saturating_sub(cpu);
    let percent = 100.0 * used.as_secs_f64() / begun.elapsed().as_secs_f64();
    println!("beats: {percent:.2} % of a core, {} MB resident", memory_mb(pid));

    let file = FetchRequest {
        group: group(0).parse().unwrap(),
        name: "M00/00/00/Ck4BC2sAEACAOnlIAAAACw1KEYU319.txt".parse().unwrap(),
    };
    let (upload, fetch) = (packet(Command::QueryStoreWithoutGroupOne.number(), &[]), file.to_bytes());
    let fetch = packet(Command::QueryFetchOne.number(), &fetch);
    for connections in [16, 64] {
        for (what, question) in [("101", &upload), ("102", &fetch)] {
            ask(tracker, connections, question, QUESTIONS / 10);
            let (begun, cpu) = (Instant::now(), cpu_time(pid));
            ask(tracker, connections, question, QUESTIONS);
            let used = cpu_time(pid).saturating_sub(cpu);
            let micros = used.as_secs_f64() * 1e6 / QUESTIONS as f64;
            let rate = QUESTIONS as f64 / begun.elapsed().as_secs_f64();
            println!("{what}, {connections} connections: {micros:.2} us of CPU, {rate:.0} a second");
        }
    }
    println!("in the end: {} MB resident", memory_mb(pid));
}

fn group(index: usize) -> String {
    format!("group{}", index % GROUPS)
}

/// A storage: its connection.
struct Storage {
    stream: TcpStream,
    beat_at: Instant,
    report_at: Instant,
}

impl Storage {
    fn join(tracker: SocketAddr, network: &str, index: usize) -> Self {
        let local: Ipv4Addr = format!("{network}.{}.{}", index / 250 + 1, index % 250 + 1).parse().expect("NETWORK");
        let mut storage = Self {
            stream: connect_from(local, tracker).unwrap(),
            beat_at: Instant::now() + BEAT.mul_f64(index as f64 / STORAGES as f64),
            report_at: Instant::now() + DISK_REPORT.mul_f64(index as f64 / STORAGES as f64),
        };
        let tracker_ip = tracker.ip().to_string().parse().unwrap();
        let join = Join {
            group: group(index).parse().unwrap(),
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
    stream.read_exact(&mut head).unwrap();
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
