//! What the reference V6.16.1 put on the wire between clients, storages and trackers: every row is read and written
//! again by the codec of its command.
//!
//! Texts that the reference leaves with garbage behind their NUL come back with zeros there and nowhere else.

use fdfs_proto::cmd::tracker::*;
use fdfs_proto::shared::{AddrSize, StorageBrief};
use fdfs_proto::{Command, HEADER_LEN, Header, Status, Wire, WireError};

/// Reads a body and writes it again.
type Rewrite = fn(&[u8]) -> Result<Vec<u8>, WireError>;

/// How the bodies of one command are checked.
struct Checker {
    command: Command,
    request: Rewrite,
    answer: Rewrite,
}

fn wire<T: Wire>(body: &[u8]) -> Result<Vec<u8>, WireError> {
    T::from_bytes(body).map(|value| value.to_bytes())
}

/// An answer whose addresses have one of two widths: written in the width that the body has.
macro_rules! sized {
    ($answer:ty) => {
        |body| {
            let value = <$answer>::decode(body)?;
            let written = [AddrSize::V4, AddrSize::V6].map(|size| {
                let mut out = Vec::new();
                value.encode(size, &mut out);
                out
            });
            let [v4, v6] = written;
            Ok(if v4.len() == body.len() { v4 } else { v6 })
        }
    };
}

macro_rules! checkers {
    ($($command:ident: $request:ty => $answer:expr;)*) => {
        &[$(Checker { command: Command::$command, request: wire::<$request>, answer: $answer },)*]
    };
}

const CHECKERS: &[Checker] = checkers! {
    TrackerJoinLeader: JoinLeader => wire::<()>;
    StorageChangeStatus: ChangeStatus => wire::<()>;
    StorageGetMyIp: MyIpRequest => wire::<MyIp>;
    TrackerGetSysFilesStart: SysFilesStart => wire::<()>;
    TrackerGetSysFilesEnd: SysFilesEnd => wire::<()>;
    TrackerGetOneSysFile: SysFileRequest => wire::<SysFilePiece>;
    TrackerGetStatus: TrackerStatusRequest => wire::<TrackerStatus>;
    TrackerPingLeader: PingLeader => wire::<PingAnswer>;
    TrackerNotifyNextLeader: NotifyNextLeader => wire::<()>;
    TrackerCommitNextLeader: CommitNextLeader => wire::<()>;
    TrackerNotifyReselectLeader: ReselectLeader => wire::<()>;
    StorageFetchStorageIds: StorageIdsRequest => wire::<StorageIds>;
    StorageGetServerId: ServerIdRequest => wire::<ServerId>;
    StorageGetStatus: ServerStatusRequest => wire::<StorageBrief>;
    StorageFetchTrunkFid: TrunkFileIdRequest => wire::<TrunkFileId>;
    StorageReportTrunkFid: ReportTrunkFileId => wire::<()>;
    StorageReportTrunkFree: ReportTrunkFree => wire::<()>;
    StorageParameterReq: ParametersRequest => wire::<Parameters>;
    StorageReportStatus: ReportStatus => wire::<()>;
    StorageChangelogReq: ChangelogRequest => wire::<Changelog>;
    StorageReportIpChanged: ReportIpChanged => wire::<()>;
    StorageSyncDestQuery: SyncDestQuery => wire::<SyncSourceAnswer>;
    StorageJoin: Join => wire::<JoinAnswer>;
    Quit: () => wire::<()>;
    StorageBeat: Beat => wire::<BeatAnswer>;
    StorageReportDiskUsage: DiskUsage => wire::<BeatAnswer>;
    StorageReplicaChg: ReplicaChange => wire::<()>;
    StorageSyncSrcReq: SyncSourceRequest => wire::<SyncSourceAnswer>;
    StorageSyncDestReq: SyncDestRequest => wire::<SyncSourceAnswer>;
    StorageSyncNotify: SyncNotify => wire::<()>;
    StorageSyncReport: SyncReport => wire::<BeatAnswer>;
    ServerListOneGroup: ListOneGroup => wire::<GroupRecord>;
    ServerListAllGroups: ListAllGroups => wire::<GroupList>;
    ServerListStorage: ListStorages => sized!(StorageList);
    ServerDeleteStorage: DeleteStorage => wire::<()>;
    ServerSetTrunkServer: SetTrunkServer => wire::<TrunkServerChosen>;
    ServerGetLeader: LeaderRequest => wire::<Leader>;
    ServerTrackerClusterStat: TrackerClusterStatRequest => wire::<TrackerClusterStat>;
    ServerStorageClusterStat: StorageClusterStatRequest => wire::<StorageClusterStat>;
    ServerStorageVolumnStat: VolumeStatRequest => wire::<VolumeStat>;
    QueryStoreWithoutGroupOne: QueryStoreAnyRequest => sized!(StoreTarget);
    QueryFetchOne: FetchRequest => sized!(FetchTarget);
    QueryUpdate: FetchRequest => sized!(FetchTarget);
    QueryStoreWithGroupOne: QueryStoreRequest => sized!(StoreTarget);
    QueryFetchAll: FetchRequest => sized!(FetchTargets);
    QueryStoreWithoutGroupAll: QueryStoreAnyRequest => sized!(StoreTargets);
    QueryStoreWithGroupAll: QueryStoreRequest => sized!(StoreTargets);
    ServerDeleteGroup: DeleteGroup => wire::<()>;
    StorageGetGroupName: GroupNameRequest => wire::<GroupNameAnswer>;
    ActiveTest: () => wire::<()>;
};

/// Commands of a tracker that no row shows.
const NOT_RECORDED: [Command; 1] = [Command::ActiveTest];

/// Requests that were refused with `EINVAL` for what the tracker knew, not for their bytes.
const REFUSED_BY_STATE: &[&str] = &[
    "changelog, not joined, empty body",
    "16 changelog, joined, with body",
    "report ip changed, new ip differs from peer",
    "fetch storage ids from 9999",
    "fetch storage ids from -1",
    "11 disk usage, two paths",
    "19 report trunk fid",
    "20 report trunk free",
    "sys file 0, offset beyond",
    "ping leader without join",
    "commit next leader without notify",
];

/// Requests that cannot be read, but were refused for something else that comes first, or with a status of their own.
const UNREADABLE_WITH_ANOTHER_STATUS: &[&str] =
    &["get group name, 3 byte body", "get group name, 50 byte body", "report ip changed, wrong length"];

/// Commands in whose bodies the reference leaves garbage behind the NUL of a text.
const WITH_GARBAGE: [Command; 5] = [
    Command::ServerListOneGroup,
    Command::QueryStoreWithGroupOne,
    Command::ServerTrackerClusterStat,
    Command::ServerStorageClusterStat,
    Command::ServerStorageVolumnStat,
];

macro_rules! files {
    ($($file:literal,)*) => {
        &[$(($file, include_str!(concat!("../golden/", $file))),)*]
    };
}

const FILES: &[(&str, &str)] = files! {
    "tracker_plain_admin.jsonl",
    "tracker_plain_list.jsonl",
    "tracker_plain_query.jsonl",
    "tracker_plain_storage_info.jsonl",
    "tracker_plain_storage_life.jsonl",
    "tracker_plain_tracker.jsonl",
    "tracker_ids_trunk_admin.jsonl",
    "tracker_ids_trunk_list.jsonl",
    "tracker_ids_trunk_query.jsonl",
    "tracker_ids_trunk_storage_info.jsonl",
    "tracker_captured_storage_to_tracker.jsonl",
    "tracker_captured_tracker_to_tracker.jsonl",
};

/// One recorded exchange.
struct Row {
    place: String,
    name: String,
    request: Message,
    answer: Option<Message>,
}

/// A header and as much of its body as was recorded.
struct Message {
    header: Header,
    body: Vec<u8>,
    /// Whether the row has only the body's beginning.
    is_cut: bool,
}

fn rows() -> Vec<Row> {
    let lines = FILES.iter().flat_map(|(file, text)| text.lines().enumerate().map(move |(at, line)| (file, at, line)));
    lines
        .map(|(file, at, line)| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let name = row["name"].as_str().unwrap().to_owned();
            let place = format!("{file}:{}: {name}", at + 1);
            let answer = message(&row, "response", &place);
            let status = answer.as_ref().map(|answer| u64::from(answer.header.status));
            assert_eq!(row["status"].as_u64(), status, "{place}: status in the header");
            let request = message(&row, "request", &place).unwrap();
            Row { place, name, request, answer }
        })
        .collect()
}

/// The request or response of a row; none when it is empty.
fn message(row: &serde_json::Value, which: &str, place: &str) -> Option<Message> {
    let bytes = unhex(row[format!("{which}_hex")].as_str().unwrap());
    let header = Header::from_bytes(*bytes.first_chunk::<HEADER_LEN>()?);
    let whole_len = row[format!("{which}_len")].as_u64();
    let body = bytes[HEADER_LEN..].to_vec();
    let announced = usize::try_from(header.body_len).unwrap();
    assert_eq!(whole_len.map_or(body.len(), |len| len as usize - HEADER_LEN), announced, "{place}: length");
    Some(Message { header, body, is_cut: whole_len.is_some() })
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The body comes back as it was, but for zeros where the reference left garbage; true when there was garbage.
fn check_rewrite(rewrite: Rewrite, body: &[u8], what: &str) -> bool {
    let written = rewrite(body).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(written.len(), body.len(), "{what}: length");
    for (at, (&ours, &theirs)) in written.iter().zip(body).enumerate() {
        assert!(ours == theirs || ours == 0, "{what}: byte {at} is {ours:#04x}, recorded {theirs:#04x}");
    }
    // What was cleared meant nothing: the body without it says the same.
    assert_eq!(rewrite(&written).as_ref(), Ok(&written), "{what}: written again");
    written != body
}

#[test]
fn every_recorded_row_agrees_with_its_codec() {
    let rows = rows();
    let (mut refused, mut garbage) = (0, Vec::new());
    for Row { place, name, request, answer } in &rows {
        let number = request.header.command;
        let checker = CHECKERS.iter().find(|checker| checker.command.number() == number);
        let checker = checker.unwrap_or_else(|| panic!("{place}: command {number} has no checker"));
        let Checker { request: read_request, answer: read_answer, .. } = checker;
        assert!(!request.is_cut, "{place}: a request that is cut cannot be judged");

        let status = answer.as_ref().map(|answer| Status(answer.header.status));
        let unreadable = status == Some(Status::EINVAL) && !REFUSED_BY_STATE.contains(&name.as_str())
            || UNREADABLE_WITH_ANOTHER_STATUS.contains(&name.as_str());
        if unreadable {
            assert!(read_request(&request.body).is_err(), "{place}: the reference refused this request");
            refused += 1;
        } else if check_rewrite(*read_request, &request.body, &format!("{place}: request")) {
            garbage.push((checker, place));
        }

        let Some(answer) = answer else {
            assert_eq!(number, Command::Quit.number(), "{place}: only QUIT has no answer");
            continue;
        };
        assert_eq!(answer.header.command, Command::Resp.number(), "{place}");
        if status != Some(Status::OK) {
            // The reference sends the request back in one case; a receiver does not look at the body then.
            let is_echo = number == Command::StorageReportIpChanged.number() && answer.body == request.body;
            assert!(answer.body.is_empty() || is_echo, "{place}: a body with an error");
        } else if answer.is_cut {
            // The beginning of a file: as good a piece as the whole.
            assert_eq!(number, Command::TrackerGetOneSysFile.number(), "{place}: an answer that is cut");
            check_rewrite(*read_answer, &answer.body, &format!("{place}: answer"));
        } else if check_rewrite(*read_answer, &answer.body, &format!("{place}: answer")) {
            garbage.push((checker, place));
        }
    }
    for (checker, place) in &garbage {
        assert!(WITH_GARBAGE.contains(&checker.command), "{place}: unexpected garbage");
    }
    println!("{} of {} rows ({refused} refused requests, {} with garbage)", rows.len(), rows.len(), garbage.len());
    assert_eq!(rows.len(), 462, "rows in the files");
}

#[test]
fn every_exception_names_a_row() {
    let rows = rows();
    for name in REFUSED_BY_STATE.iter().chain(UNREADABLE_WITH_ANOTHER_STATUS) {
        assert!(rows.iter().any(|row| row.name == *name), "no row is called {name:?}");
    }
    for checker in CHECKERS {
        let is_recorded = rows.iter().any(|row| row.request.header.command == checker.command.number());
        assert_eq!(is_recorded, !NOT_RECORDED.contains(&checker.command), "{:?}", checker.command);
    }
}

#[test]
fn every_command_of_a_tracker_has_a_checker() {
    use fdfs_proto::Direction;
    // Those of our own were never recorded.
    for &command in Command::ALL.iter().filter(|command| command.number() < 240) {
        let is_trackers = matches!(
            command.direction(),
            Direction::ClientToTracker | Direction::StorageToTracker | Direction::TrackerToTracker | Direction::Any
        );
        let checkers = CHECKERS.iter().filter(|checker| checker.command == command).count();
        assert_eq!(checkers, usize::from(is_trackers), "{command:?}");
    }
}

#[test]
fn every_cut_of_every_recorded_body_is_judged_without_a_panic() {
    for row in rows() {
        let Some(checker) = CHECKERS.iter().find(|checker| checker.command.number() == row.request.header.command)
        else {
            continue;
        };
        for (rewrite, body) in [
            (checker.request, row.request.body),
            (checker.answer, row.answer.map(|answer| answer.body).unwrap_or_default()),
        ] {
            for len in 0..body.len() {
                if let Ok(written) = rewrite(&body[..len]) {
                    assert_eq!(rewrite(&written).as_ref(), Ok(&written), "{}: cut at {len}", row.place);
                }
            }
        }
    }
}
