//! Requests recorded from the reference V6.16.1, replayed to a tracker of a cluster that is made up like the recorded
//! one. Answers must be the same, but for what is volatile: times, ports, and whose turn it is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]
#![allow(clippy::single_range_in_vec_init, reason = "lists of places in a body, often of one place")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::ops::Range;

use fdfs_conf::{ReservedSpace, TrackerConf};
use fdfs_proto::cmd::tracker::{
    Beat, DiskUsage, Join, PathSpace, ReportStatus, StorageList, StorageRecord, SyncNotify, SyncReport, SyncedUpTo,
};
use fdfs_proto::shared::{StorageBrief, StorageStatus};
use fdfs_proto::{Command, HEADER_LEN, Header};
use serde_json::Value;
use support::{FakeStorage, PATIENCE, Site, line};

macro_rules! recordings {
    ($($name:ident),*) => {
        $(pub(super) const $name: (&str, &str) = (
            concat!("golden/", stringify!($name), ".jsonl"),
            include_str!(concat!("golden/", stringify!($name), ".jsonl")),
        );)*
    };
}

mod recorded {
    #![allow(non_upper_case_globals, reason = "named as their files")]
    recordings!(framing, query, list, admin, storage_info, storage_life, tracker);
    pub(super) const ALL: [(&str, &str); 7] = [framing, query, list, admin, storage_info, storage_life, tracker];
}

/// One recorded exchange, with the addresses of the recorded cluster turned into those of ours.
struct Row {
    name: String,
    place: String,
    request: Vec<u8>,
    response: Vec<u8>,
    stays_open: bool,
    half_close: bool,
}

impl Row {
    fn body_len(&self) -> usize {
        self.response.len().saturating_sub(HEADER_LEN)
    }
}

/// Replaces bytes by others of the same length.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    for at in 0..(bytes.len() + 1).saturating_sub(from.len()) {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len() / 2).map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).unwrap()).collect()
}

fn rows((file, text): (&str, &str), port: u16) -> Vec<Row> {
    assert!(port >= 10_000, "ports of five digits keep the lengths");
    let ours = |mut bytes: Vec<u8>| {
        replace(&mut bytes, b"10.78.1.", b"127.0.0.");
        replace(&mut bytes, b"127.0.0.2:22122", format!("127.0.0.2:{port}").as_bytes());
        replace(&mut bytes, &22122u32.to_be_bytes(), &u32::from(port).to_be_bytes());
        // The sources 10.78.1.11 and 127.0.0.11 in file names.
        replace(&mut bytes, b"Ck4BC2s", b"fwAAC2s");
        bytes
    };
    let row = |(number, text): (usize, &str)| {
        let json: Value = serde_json::from_str(text).unwrap();
        let mut request = unhex(&json["request_hex"]);
        if let Some(len) = json["request_len"].as_u64() {
            request.resize(len as usize, 0);
        }
        Row {
            name: json["name"].as_str().unwrap().to_owned(),
            place: format!("{file}:{}", number + 1),
            request: ours(request),
            response: ours(unhex(&json["response_hex"])),
            stays_open: json["after"] == "open",
            half_close: json["name"].as_str().unwrap().contains("half closed"),
        }
    };
    text.lines().enumerate().map(row).collect()
}

/// What rows expect where the replacement must not do as the reference does.
const DIFFERENT: [(&str, Option<u8>, &str); 3] = [
    ("list the group left behind", Some(2), "a refused join leaves no group behind"),
    ("delete the empty group", Some(2), "a refused join leaves no group behind"),
    ("tracker: body length 0x100000000", None, "a length beyond the limit closes the connection"),
];

/// Rows of the time limits; `fdfs-net` tests those.
fn is_slow(row: &Row) -> bool {
    row.name.contains("then silence") || row.name.contains("idle connection")
}

/// Where the body of an answer is volatile.
fn volatile(row: &Row) -> Vec<Range<usize>> {
    let body_len = row.body_len();
    if body_len == 0 {
        return vec![];
    }
    let name = row.name.as_str();
    let per_record = |len, fields: &[Range<usize>], first| per_record(body_len, len, fields, first);
    let whose_turn = name.starts_with("query store") && name.contains(", one")
        || name.contains("unknown file") && body_len == 39
        || name.contains("outside the alphabet") && body_len == 39;
    match name {
        _ if whose_turn => vec![16..31],
        // Whose turn it is.
        "list one group" | "list all groups" => per_record(113, &[81..89], 0),
        // The last beat.
        "list storages of a group" | "list one storage" | "08 list storages shows them" => {
            per_record(487, &[478..486], 0)
        }
        _ if name.starts_with("storage cluster stat") => per_record(106, &[98..106], 6),
        "sync source query" => vec![16..24],
        "36 changelog of a deleted server" => vec![0..10],
        // Its length depends on counters; the recorder kept the beginning, which ends with free space.
        "sys file 1 from 0" => {
            let free = row.response.windows(8).position(|text| text == b"free_mb=").unwrap() - HEADER_LEN;
            vec![0..8, free..body_len]
        }
        "sys file 2 from 0" => vec![29..39, 60..70],
        "sys file 3 from 0" => vec![8..18],
        _ => vec![],
    }
}

/// Texts of fixed fields in the body of an answer: the reference leaves garbage behind their ends.
fn texts(row: &Row) -> Vec<Range<usize>> {
    match row.request.get(8).copied().and_then(Command::from_number) {
        Some(Command::ServerListOneGroup | Command::ServerListAllGroups) => {
            per_record(row.body_len(), 113, &[0..17], 0)
        }
        Some(Command::ServerStorageVolumnStat) => per_record(row.body_len(), 59, &[0..17], 5),
        Some(Command::ServerStorageClusterStat) => per_record(row.body_len(), 106, &[16..68, 82..90], 6),
        Some(Command::QueryStoreWithGroupOne) if row.body_len() == 40 => vec![0..16, 16..31],
        _ => vec![],
    }
}

/// The same fields in every record of a list that begins at `first`.
fn per_record(body_len: usize, len: usize, fields: &[Range<usize>], first: usize) -> Vec<Range<usize>> {
    let starts = (first..body_len).step_by(len);
    starts.flat_map(|start| fields.iter().map(move |f| start + f.start..start + f.end)).collect()
}

/// A connection as the recorder had it.
struct Link(TcpStream);

impl Link {
    fn new(site: &Site) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connect = async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.100:0".parse().unwrap()).unwrap();
            socket.connect(site.addr()).await.unwrap().into_std().unwrap()
        };
        let stream = runtime.block_on(connect);
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    fn replay(&mut self, row: &Row) {
        let different = DIFFERENT.iter().find(|(name, ..)| *name == row.name);
        // The peer may have closed before the whole of an absurd request was written.
        let _ = self.0.write_all(&row.request);
        if row.half_close {
            self.0.shutdown(Shutdown::Write).unwrap();
        }
        let expected_len = match different {
            Some((_, status, _)) => status.map_or(0, |_| HEADER_LEN),
            None => row.response.len(),
        };
        let mut answer = vec![0; expected_len];
        let place = format!("{} {:?}", row.place, row.name);
        if let Err(e) = self.0.read_exact(&mut answer) {
            panic!("{place}: no answer of {expected_len} bytes: {e}; got {:02x?}", &answer[..answer.len().min(10)]);
        }
        if row.name == "sys file 1 from 0" {
            let body_len = Header::from_bytes(answer[..HEADER_LEN].try_into().unwrap()).body_len as usize;
            let mut rest = vec![0; body_len - row.body_len()];
            self.0.read_exact(&mut rest).unwrap();
        }
        match different {
            Some((_, Some(status), why)) => assert_eq!(answer[9], *status, "{place}: {why}"),
            Some((_, None, _)) => {}
            None => compare(row, &answer, &place),
        }
        let stays_open = row.stays_open && !matches!(different, Some((_, None, _)));
        if stays_open {
            self.0.write_all(&Header::request(Command::ActiveTest, 0).to_bytes()).unwrap();
            let mut header = [0; HEADER_LEN];
            self.0.read_exact(&mut header).unwrap_or_else(|e| panic!("{place}: must stay open: {e}"));
            assert_eq!(Header::from_bytes(header), Header::answer(fdfs_proto::Status::OK, 0), "{place}: out of step");
        } else {
            let closed = self.0.read(&mut [0; 16]);
            assert!(matches!(closed, Ok(0) | Err(_)), "{place}: must be closed, but there is more: {closed:?}");
        }
    }
}

fn compare(row: &Row, answer: &[u8], place: &str) {
    let (mut answer, mut expected) = (answer.to_vec(), row.response.clone());
    if row.name == "sys file 1 from 0" {
        answer[..8].copy_from_slice(&expected[..8]);
    }
    for text in texts(row) {
        let text = &mut expected[HEADER_LEN..][text];
        let end = text.iter().position(|&b| b == 0).unwrap_or(text.len());
        text[end..].fill(0);
    }
    for range in volatile(row) {
        answer[HEADER_LEN..][range.clone()].fill(0);
        expected[HEADER_LEN..][range].fill(0);
    }
    let differs = answer.iter().zip(&expected).position(|(a, b)| a != b);
    if let Some(at) = differs {
        let around = at.saturating_sub(4)..(at + 24).min(answer.len());
        panic!(
            "{place}: byte {} of the body differs:\n  got      {:02x?}\n  recorded {:02x?}",
            at as i64 - HEADER_LEN as i64,
            &answer[around.clone()],
            &expected[around]
        );
    }
}

/// The configuration of the recorded cluster.
fn recorded_conf(conf: &mut TrackerConf) {
    conf.reserved_storage_space = ReservedSpace::Percent(1.0);
    conf.slot_max_size_bytes = 1 << 20;
    conf.trunk_alloc_alignment_size_bytes = 256;
    conf.trunk_create_file_space_threshold_bytes = 20 << 30;
    conf.trunk_free_space_merge = true;
    conf.trunk_compress_binlog_min_interval_secs = 86400;
    conf.trunk_compress_binlog_interval_secs = 86400;
    conf.trunk_binlog_max_backups = 7;
}

/// The recorded records of the storages of group1.
fn recorded_storages() -> Vec<StorageRecord> {
    let rows = rows(recorded::list, 22122);
    let row = rows.iter().find(|row| row.name == "list storages of a group").unwrap();
    StorageList::decode(&row.response[HEADER_LEN..]).unwrap().storages
}

/// A tracker and the three storages of the recorded cluster.
struct Recorded {
    site: Site,
    storages: Vec<FakeStorage>,
}

impl Recorded {
    /// `leader_ip` is another tracker in the lists of the storages, at the same port.
    fn start(ip: &str, leader_ip: Option<&str>, change: impl FnOnce(&mut TrackerConf)) -> Self {
        let site = Site::start_with(|conf| {
            recorded_conf(conf);
            conf.server.inner_bind_addrs = vec![ip.to_owned()];
            change(conf);
        });
        let records = recorded_storages();
        let [first, second] = records.as_slice() else { panic!("group1 has two storages") };
        // The one without a source was there first. The storage of group2 has no recorded counters.
        let third = StorageRecord { id: "127.0.0.13".parse().unwrap(), stat: Default::default(), ..*second };
        let mut this = Self { site, storages: Vec::new() };
        for (group, record) in [("group1", second), ("group1", first), ("group2", &third)] {
            this.add(group, record, leader_ip);
        }
        this
    }

    fn add(&mut self, group: &str, record: &StorageRecord, leader_ip: Option<&str>) {
        let mut storage = self.site.storage(group, record.id.as_str());
        let usual = storage.usual_join();
        let others = leader_ip.map(|ip| line(&format!("{ip}:{}", self.site.addr().port())));
        storage.join = Some(Join {
            subdir_count: record.subdir_count as u16,
            join_time_secs: record.join_time_secs,
            up_time_secs: record.up_time_secs,
            trackers: usual.trackers.iter().copied().chain(others).collect(),
            ..usual
        });
        storage.join();
        let client = &mut storage.client;
        match record.source_id {
            None => drop(client.get(Command::StorageSyncNotify, &SyncNotify { source_id: None, until_secs: 0 })),
            Some(_) => {
                client.get(Command::StorageSyncDestReq, &());
                let done = StorageBrief { status: StorageStatus::Offline, port: 0, id: record.id, ip: record.ip };
                client.get(Command::StorageReportStatus, &ReportStatus { group: storage.group, storage: done });
            }
        }
        client.get(Command::StorageBeat, &Beat { stat: Some(record.stat) });
        let paths = vec![PathSpace { total_mb: record.total_mb, free_mb: record.free_mb }];
        client.get(Command::StorageReportDiskUsage, &DiskUsage { paths });
        self.storages.push(storage);
    }

    /// The first two storages tell up to when they have the files of each other.
    fn report_sync(&mut self, times: [u32; 2]) {
        for (storage, (source, timestamp_secs)) in
            self.storages.iter_mut().zip([("127.0.0.11", times[0]), ("127.0.0.12", times[1])])
        {
            let sources = vec![SyncedUpTo { source_id: source.parse().unwrap(), timestamp_secs }];
            storage.client.get(Command::StorageSyncReport, &SyncReport { sources });
        }
    }

    /// Replays rows; those that `kept` names share one connection.
    fn replay(&self, recording: (&str, &str), kept: impl Fn(&str) -> bool) -> usize {
        let mut link = None;
        let mut replayed = 0;
        let rows = rows(recording, self.site.addr().port());
        for row in rows.iter().filter(|row| !is_slow(row)) {
            if row.name.starts_with("27 after quit") {
                // The recorder sent QUIT here.
                drop(link.take());
                self.site.wait_for_status("fakegrp", "127.0.0.100", StorageStatus::Offline);
            }
            if kept(&row.name) {
                link.get_or_insert_with(|| Link::new(&self.site)).replay(row);
            } else {
                Link::new(&self.site).replay(row);
            }
            replayed += 1;
        }
        let slow = rows.iter().filter(|row| is_slow(row)).count();
        println!("{}: {replayed} of {} rows agree, {slow} are about time limits", recording.0, rows.len());
        assert_eq!(replayed + slow, rows.len());
        replayed
    }
}

fn leading() -> Recorded {
    Recorded::start("127.0.0.2", None, |_| {})
}

fn following() -> Recorded {
    Recorded::start("127.0.0.3", Some("127.0.0.2"), |_| {})
}

#[test]
fn framing_agrees() {
    let recorded = leading();
    assert_eq!(recorded.replay(recorded::framing, |_| false), 19);
    recorded.site.assert_quiet();
}

#[test]
fn queries_agree() {
    // The recorded files were new then, and shall still be.
    let mut recorded = Recorded::start("127.0.0.2", None, |conf| {
        conf.storage_sync_file_max_delay_secs = 100 * 365 * 86400;
        conf.storage_sync_file_max_time_secs = 100 * 365 * 86400;
    });
    // Between the file that nobody knows and the others.
    recorded.report_sync([1_780_000_000; 2]);
    assert_eq!(recorded.replay(recorded::query, |_| false), 47);
    recorded.site.assert_quiet();
}

#[test]
fn lists_agree() {
    let mut recorded = following();
    let synced = |index: usize| recorded_storages()[index].stat.last_synced_timestamp as u32;
    recorded.report_sync([synced(1), synced(0)]);
    assert_eq!(recorded.replay(recorded::list, |_| false), 33);
    recorded.site.assert_quiet();
}

#[test]
fn administration_agrees() {
    let recorded = following();
    assert_eq!(recorded.replay(recorded::admin, |_| false), 13);
    recorded.site.assert_quiet();
}

#[test]
fn questions_of_storages_agree() {
    let recorded = leading();
    assert_eq!(recorded.replay(recorded::storage_info, |_| false), 45);
    recorded.site.assert_quiet();
}

/// Rows of the fake storage that played on one connection.
fn of_the_fake_storage(name: &str) -> bool {
    let others = ["08", "12", "23", "26"];
    name.get(..2).and_then(|n| n.parse::<u8>().ok()).is_some_and(|n| n <= 25) && !others.contains(&&name[..2])
}

#[test]
fn the_life_of_a_storage_and_what_trackers_ask_each_other_agree() {
    let mut recorded = leading();
    recorded.report_sync([1_795_166_251, 1_795_166_227]);
    assert_eq!(recorded.replay(recorded::storage_life, of_the_fake_storage), 45);
    // The deleted storage of these rows is in the files of those.
    let kept = |name: &str| name.starts_with("sys file") && !name.contains("second peer");
    assert_eq!(recorded.replay(recorded::tracker, kept), 21);
    recorded.site.assert_quiet_but(&["cannot join group emptygrp"]);
}

#[test]
fn every_row_is_replayed_by_some_test() {
    let count: usize = recorded::ALL.iter().map(|recording| rows(*recording, 22122).len()).sum();
    assert_eq!(count, 227);
}
