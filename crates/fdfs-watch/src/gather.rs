//! Asks all servers, at once where it can be at once.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fdfs_client::{Client, ClientError, StorageRecord, Tracker};
use fdfs_net::{CallOptions, Caller};
use fdfs_proto::ours::{SelfReport, SyncStatus};
use fdfs_proto::{Command, Status};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::picture::host_port;
use crate::snapshot::{
    Answer, GroupSeen, Member, PeerSeen, Report, Snapshot, StorageSeen, SyncSeen, Told, TrackerSeen,
};

/// How long a server may take for each question.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between the two looks at marks.
const MARK_PAUSE: Duration = Duration::from_secs(1);
/// The longest answer.
const ANSWER_MAX_BYTES: usize = 1 << 20;
/// The most storages that are asked at the same time.
const AT_ONCE_MAX: usize = 64;

/// Asks everybody.
pub async fn snapshot(client: &Client) -> Snapshot {
    let mut trackers = Vec::new();
    let mut storages: Vec<(StorageSeen, Option<SocketAddr>)> = Vec::new();
    let mut asking = JoinSet::new();
    for (index, tracker) in client.trackers().into_iter().enumerate() {
        asking.spawn(async move { (index, look_at_tracker(&tracker).await) });
    }
    let mut answers = asking.join_all().await;
    answers.sort_by_key(|(index, _)| *index);
    for (_, (seen, records)) in answers {
        for (group, record) in records {
            add_storage(&mut storages, &seen, &group, &record);
        }
        trackers.push(seen);
    }
    storages.sort_by(|(a, _), (b, _)| (&a.group, &a.id).cmp(&(&b.group, &b.id)));
    let mut looked = Vec::with_capacity(storages.len());
    while !storages.is_empty() {
        let mut asking = JoinSet::new();
        for (index, (storage, addr)) in storages.drain(..storages.len().min(AT_ONCE_MAX)).enumerate() {
            asking.spawn(async move { (index, look_at_storage(storage, addr).await) });
        }
        let mut answers = asking.join_all().await;
        answers.sort_by_key(|(index, _)| *index);
        looked.extend(answers.into_iter().map(|(_, storage)| storage));
    }
    Snapshot { trackers, storages: looked }
}

async fn look_at_tracker(tracker: &Tracker) -> (TrackerSeen, Vec<(String, StorageRecord)>) {
    let mut seen = TrackerSeen { name: tracker.to_string(), ..TrackerSeen::default() };
    let mut records = Vec::new();
    match ask_tracker(tracker, &mut seen, &mut records).await {
        Ok(()) => {}
        Err(error) => seen.failure = Some(error),
    }
    (seen, records)
}

/// Waits for an answer of a tracker, but not as long as clients do: who asks here wants to know that it is silent.
async fn soon<T>(answer: impl Future<Output = Result<T, ClientError>>) -> Result<T, String> {
    match timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("it accepts connections, but did not answer within {} s", PATIENCE.as_secs())),
    }
}

async fn ask_tracker(
    tracker: &Tracker,
    seen: &mut TrackerSeen,
    records: &mut Vec<(String, StorageRecord)>,
) -> Result<(), String> {
    let addr = tracker.addrs().await.map_err(|error| error.to_string())?.first().copied();
    for group in soon(tracker.groups()).await? {
        let storages = soon(tracker.storages(group.group, None)).await?;
        seen.groups.push(GroupSeen {
            name: group.group.to_string(),
            free_mb: group.free_mb,
            reserved_mb: group.reserved_mb,
            writable_count: group.writable_count,
            members: storages.iter().map(member).collect(),
        });
        records.extend(storages.into_iter().map(|storage| (group.group.to_string(), storage)));
    }
    seen.leader = soon(tracker.leader()).await?;
    if let Some(addr) = addr {
        seen.report = ask_report(addr).await.ok();
        seen.parameters = ask_parameters(addr).await.unwrap_or_default();
    }
    Ok(())
}

fn member(storage: &StorageRecord) -> Member {
    Member {
        id: storage.id.to_string(),
        status: storage.status.to_string(),
        told: host_port(storage.ip.as_str(), storage.port),
        version: storage.version.to_string(),
        total_mb: storage.total_mb,
        free_mb: storage.free_mb,
        reserved_mb: storage.reserved_mb,
    }
}

/// A storage is asked once, however many trackers know it; what they tell of it is put together.
fn add_storage(
    storages: &mut Vec<(StorageSeen, Option<SocketAddr>)>,
    tracker: &TrackerSeen,
    group: &str,
    record: &StorageRecord,
) {
    let id = record.id.to_string();
    let known = storages.iter().position(|(seen, _)| seen.group == group && seen.id == id);
    let index = known.unwrap_or_else(|| {
        let new = StorageSeen { group: group.to_owned(), id: id.clone(), ..StorageSeen::default() };
        storages.push((new, None));
        storages.len() - 1
    });
    let Some((seen, addr)) = storages.get_mut(index) else { return };
    let is_active = record.status.to_string() == "ACTIVE";
    let told = host_port(record.ip.as_str(), record.port);
    if is_active && addr.is_none() {
        *addr = told.parse().ok();
    }
    if is_active {
        let you = tracker.report.as_ref().and_then(|report| report.get("you_are"));
        let who =
            you.map_or_else(|| "clients like this machine".to_owned(), |ip| format!("clients like this one ({ip})"));
        add_told(seen, who, told);
    }
    let name = format!("{group}/{id}");
    let lines = tracker.report.iter().flat_map(|report| report.all("told"));
    for line in lines.filter_map(|line| line.strip_prefix(&name)?.strip_prefix(' ')) {
        let mut words = line.split(' ');
        if let (Some(network), Some(ip), Some(port)) = (words.next(), words.next(), words.next()) {
            let who = match network {
                "else" => "all others".to_owned(),
                "*" => "clients from everywhere".to_owned(),
                "public" => "clients with public addresses".to_owned(),
                network => format!("clients from {network}"),
            };
            let port = port.parse().unwrap_or_default();
            add_told(seen, who, host_port(ip, port));
        }
    }
}

fn add_told(seen: &mut StorageSeen, who: String, address: String) {
    if !seen.told.iter().any(|told| told.who == who && told.address == address) {
        seen.told.push(Told { who, address, answer: Answer::NotTried });
    }
}

async fn look_at_storage(mut seen: StorageSeen, addr: Option<SocketAddr>) -> StorageSeen {
    let Some(addr) = addr else { return seen };
    let mut tried: Vec<(String, Answer)> = Vec::new();
    for told in &mut seen.told {
        if let Some((_, answer)) = tried.iter().find(|(address, _)| *address == told.address) {
            told.answer = answer.clone();
            continue;
        }
        told.answer = match told.address.parse() {
            Ok(address) => try_address(address).await,
            Err(_) => Answer::No("it is no address".to_owned()),
        };
        tried.push((told.address.clone(), told.answer.clone()));
    }
    seen.report = ask_report(addr).await.ok();
    if seen.report.is_some()
        && let Ok(before) = ask_sync(addr).await
    {
        tokio::time::sleep(MARK_PAUSE).await;
        seen.sync = ask_sync(addr).await.ok().map(|now| (before, now));
    }
    seen
}

/// Whether a storage answers at an address, and which.
async fn try_address(addr: SocketAddr) -> Answer {
    if let Ok(report) = ask_report(addr).await {
        let who = report.get("group").zip(report.get("id")).map(|(group, id)| format!("{group}/{id}"));
        return Answer::Yes { who };
    }
    // A storage of the reference closes the connection after a command that it does not know.
    match call(addr, Command::ActiveTest).await {
        Ok(_) => Answer::Yes { who: None },
        Err(why) => Answer::No(why),
    }
}

pub(crate) async fn call(addr: SocketAddr, command: Command) -> Result<(Vec<u8>, Duration), String> {
    let options = CallOptions { connect_timeout: PATIENCE, network_timeout: PATIENCE, bind: None };
    let mut caller = Caller::connect(addr, &options).await.map_err(|error| error.to_string())?;
    let begun = Instant::now();
    let answer = caller.call(command, 0, &[], ANSWER_MAX_BYTES).await.map_err(|error| error.to_string())?;
    match answer.status {
        Status::OK => Ok((answer.body, begun.elapsed())),
        status => Err(format!("it answers {status}")),
    }
}

async fn ask_report(addr: SocketAddr) -> Result<Report, String> {
    let (body, took) = call(addr, Command::SelfReport).await?;
    let report = SelfReport::decode(&body).map_err(|error| error.to_string())?;
    let own = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(took / 2);
    let own_ms = i64::try_from(own.as_millis()).unwrap_or(i64::MAX);
    let clock_off_ms = report.get("clock_ms").and_then(|text| text.parse::<i64>().ok()).map(|ms| ms - own_ms);
    Ok(Report { entries: report.entries, clock_off_ms, took })
}

async fn ask_parameters(addr: SocketAddr) -> Result<Vec<(String, String)>, String> {
    let (body, _) = call(addr, Command::StorageParameterReq).await?;
    let text = String::from_utf8_lossy(&body).into_owned();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    Ok(pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect())
}

async fn ask_sync(addr: SocketAddr) -> Result<SyncSeen, String> {
    let (body, _) = call(addr, Command::SyncStatus).await?;
    let status = SyncStatus::decode(&body).map_err(|error| error.to_string())?;
    let peer = |peer: fdfs_proto::ours::PeerStatus| PeerSeen {
        id: peer.id,
        status: peer.status,
        mark: peer.mark,
        records_behind: peer.records_behind,
        secs_behind: peer.secs_behind,
        set_aside: peer.set_aside,
        error: peer.error,
    };
    Ok(SyncSeen { quarantined: status.quarantined, peers: status.peers.into_iter().map(peer).collect() })
}
