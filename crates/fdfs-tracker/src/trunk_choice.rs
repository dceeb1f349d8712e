//! Choosing the trunk server of a group: storages are asked, the core decides. And the log of such changes.
//!
//! Differs from C: nothing is locked while a storage is asked, so that one that hangs delays the choice for its group
//! and nothing else (behaviour, W-30).

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fdfs_core::tracker::{Cluster, ClusterError, Endpoint};
use fdfs_log::{TimeZone, Timestamp};
use fdfs_net::{CallOptions, Caller, NetError};
use fdfs_proto::disk::local_time::LocalTime;
use fdfs_proto::disk::trunk_change_log::{TrunkServer, TrunkServerChange};
use fdfs_proto::{Command, GroupName, IpText, Status, StorageId};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use crate::error::RequestError;
use crate::tracker::Tracker;

/// Groups that wait for a choice; more are asked for again each second.
pub(crate) const QUEUE_LEN: usize = 64;
/// After a choice that found nobody the group waits for this long.
const RETRY_PAUSE: Duration = Duration::from_secs(10);

/// Serves the requests for a choice, one group after the other, until the tracker stops.
pub(crate) async fn run(tracker: Arc<Tracker>, mut groups: mpsc::Receiver<GroupName>) {
    let mut failed: BTreeMap<GroupName, Instant> = BTreeMap::new();
    loop {
        let group = tokio::select! {
            () = tracker.shutdown.cancelled() => return,
            group = groups.recv() => match group { Some(group) => group, None => return },
        };
        failed.retain(|_, at| at.elapsed() < RETRY_PAUSE);
        let has_one = tracker.read(|cluster| live_trunk_server(cluster, &group));
        if has_one || failed.contains_key(&group) {
            continue;
        }
        let chosen = tokio::select! {
            () = tracker.shutdown.cancelled() => return,
            chosen = choose(&tracker, &group) => chosen,
        };
        if let Err(error) = chosen {
            warn!("group {group}: no trunk server: {error}");
            failed.insert(group, Instant::now());
        }
    }
}

/// Whether a choice that was asked for is no longer needed.
fn live_trunk_server(cluster: &Cluster, group: &GroupName) -> bool {
    let Some(id) = cluster.trunk_servers().find(|(name, _)| name == group).and_then(|(_, id)| id) else { return false };
    let storages = cluster.list_storages(group, Some(&id), &IpText::EMPTY);
    storages.is_ok_and(|storages| storages.iter().any(|s| s.status == fdfs_proto::shared::StorageStatus::Active))
}

/// Asks the storages of a group how much each knows, and appoints the one that knows most.
///
/// # Errors
/// [`RequestError::NoTrunkServer`], and those of [`appoint`].
pub(crate) async fn choose(tracker: &Tracker, group: &GroupName) -> Result<StorageId, RequestError> {
    let candidates = tracker.read(|cluster| cluster.trunk_candidates(group, &IpText::EMPTY));
    let Some(candidates) = candidates else { return Err(RequestError::NoTrunkServer) };
    // Differs from C: one that does not answer is left out, also the preferred one. A storage of ours asks the others
    // before it gives out anything, so that the choice need not be the best.
    let mut asking = tokio::task::JoinSet::new();
    for (rank, storage) in std::iter::once(&candidates.preferred).chain(&candidates.others).enumerate() {
        let (options, storage) = (tracker.call_options, *storage);
        asking.spawn(async move { (rank, storage.id, binlog_size(&options, &storage).await) });
    }
    let mut answers = Vec::new();
    while let Some(asked) = asking.join_next().await {
        match asked {
            Ok((rank, id, Ok(size))) => answers.push((rank, id, size)),
            Ok((_, id, Err(error))) => info!("storage {id} did not tell the size of its trunk binlog: {error}"),
            Err(_) => {}
        }
    }
    answers.sort_unstable_by_key(|(rank, ..)| *rank);
    let sizes: Vec<_> = answers.into_iter().map(|(_, id, size)| (id, size)).collect();
    let chosen = Cluster::choose_trunk_server(&sizes).ok_or(RequestError::NoTrunkServer)?;
    let endpoint = std::iter::once(&candidates.preferred).chain(&candidates.others).find(|e| e.id == chosen);
    appoint(tracker, group, endpoint.ok_or(RequestError::NoTrunkServer)?, candidates.last).await
}

/// Makes a storage the trunk server. One that was not the last one must first forget its trunk marks.
///
/// # Errors
/// [`RequestError::NoTrunkServer`] when it does not; [`RequestError::Cluster`].
pub(crate) async fn appoint(
    tracker: &Tracker,
    group: &GroupName,
    storage: &Endpoint,
    last: Option<StorageId>,
) -> Result<StorageId, RequestError> {
    if last.is_some_and(|last| last != storage.id) {
        let status = call(&tracker.call_options, storage, Command::TrunkDeleteBinlogMarks, 0).await;
        let status = status.map_err(|error| not_asked(storage, &error))?.0;
        if !status.is_ok() {
            warn!("storage {} did not delete its trunk marks: {status}", storage.id);
            return Err(RequestError::NoTrunkServer);
        }
    }
    // Another tracker may have become the leader while storages were asked.
    let ticket = tracker.change(|cluster| match cluster.trackers().is_leader() {
        true => cluster.set_trunk_server(group, Some(storage.id)),
        false => Err(ClusterError::NotLeader),
    })?;
    tracker.saver.saved(ticket).await?;
    Ok(storage.id)
}

fn not_asked(storage: &Endpoint, error: &NetError) -> RequestError {
    warn!("storage {} cannot be asked: {error}", storage.id);
    RequestError::NoTrunkServer
}

/// Bytes of a storage's trunk binlog (31). A storage without one, or with trunk files off, knows nothing.
async fn binlog_size(options: &CallOptions, storage: &Endpoint) -> Result<u64, NetError> {
    let (status, body) = call(options, storage, Command::TrunkGetBinlogSize, 8).await?;
    let size = body.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    Ok(size.filter(|_| status.is_ok()).unwrap_or(0))
}

async fn call(
    options: &CallOptions,
    storage: &Endpoint,
    command: Command,
    max_answer: usize,
) -> Result<(Status, Vec<u8>), NetError> {
    // An id table without resolved addresses cannot be: the tracker would not have started.
    let ip = storage.ip.as_str().parse().unwrap_or(IpAddr::from([0, 0, 0, 0]));
    let mut caller = Caller::connect(SocketAddr::new(ip, storage.port), options).await?;
    let answer = caller.call(command, 0, &[], max_answer).await?;
    Ok((answer.status, answer.body))
}

/// A change on its way to `trunk_server_change.log`.
#[derive(Debug)]
pub(crate) struct TrunkChange {
    at: Timestamp,
    group: GroupName,
    old: Option<TrunkServer>,
    new: Option<TrunkServer>,
    use_storage_id: bool,
}

impl TrunkChange {
    /// With the addresses that the storages have now.
    pub(crate) fn of(cluster: &Cluster, group: &GroupName, old: Option<StorageId>, new: Option<StorageId>) -> Self {
        let server = |id: StorageId| {
            let storages = cluster.list_storages(group, Some(&id), &IpText::EMPTY).unwrap_or_default();
            TrunkServer { id, address: storages.first().map(|storage| (storage.ip, storage.port)) }
        };
        let use_storage_id = cluster.settings().ids.is_some();
        Self { at: Timestamp::now(), group: *group, old: old.map(server), new: new.map(server), use_storage_id }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let Self { group, old, new, use_storage_id, .. } = *self;
        TrunkServerChange { time: local_time(self.at), group, old, new, use_storage_id }.encode(out);
    }
}

fn local_time(at: Timestamp) -> LocalTime {
    let local = TimeZone::system().to_datetime(at);
    LocalTime {
        year: local.year().unsigned_abs(),
        month: local.month().unsigned_abs(),
        day: local.day().unsigned_abs(),
        hour: local.hour().unsigned_abs(),
        minute: local.minute().unsigned_abs(),
        second: local.second().unsigned_abs(),
    }
}

/// `logs/trunk_server_change.log`.
#[derive(Debug)]
pub(crate) struct TrunkLog {
    folder: PathBuf,
}

impl TrunkLog {
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Appends lines. A log that cannot be written stops nothing.
    pub(crate) fn append(&self, changes: &[TrunkChange]) {
        if changes.is_empty() {
            return;
        }
        let mut lines = Vec::new();
        changes.iter().for_each(|change| change.encode(&mut lines));
        let path = self.folder.join("trunk_server_change.log");
        let write = || -> io::Result<()> {
            std::fs::create_dir_all(&self.folder)?;
            OpenOptions::new().append(true).create(true).open(&path)?.write_all(&lines)
        };
        if let Err(error) = write() {
            error!("write {}: {error}", path.display());
        }
    }
}
