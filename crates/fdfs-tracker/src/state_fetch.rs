//! A tracker that knows nothing, or was away for long, copies the state of another one (61, 63, 62) before the first storage
//! joins. Source: behaviour, 3.15.
//!
//! Differs from C: trackers that do not answer are not waited for, and do not keep storages from joining: what the
//! storages tell is enough to serve (behaviour, W-27).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fdfs_core::tracker::{HostPort, Join, JoinPeer, Stored, TrackerStatus};
use fdfs_net::{CallOptions, Caller, NetError};
use fdfs_proto::cmd::tracker::{
    self as cmd, SysFile, SysFilePiece, SysFileRequest, SysFilesEnd, SysFilesStart, TrackerStatusRequest,
};
use fdfs_proto::disk::sync_timestamps::SyncTimestamps;
use fdfs_proto::disk::tracker_groups::TrackerGroups;
use fdfs_proto::disk::tracker_servers::TrackerServers;
use fdfs_proto::disk::{DiskError, StateFile as _};
use fdfs_proto::{Request, Status, Wire as _, WireError};
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::stored_rows;
use crate::tracker::Tracker;

/// How long a tracker may take for its answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(1);
/// How long all of it may take; then the storage joins without.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest state file that is copied, in bytes: far more than all storages that there can be need.
const FILE_MAX_BYTES: u64 = 256 << 20;
/// The longest answer, in bytes.
const PIECE_MAX_BYTES: usize = 16 << 10;

/// Why the state of a tracker was not copied.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("it answered {0}")]
    Refused(Status),
    #[error(transparent)]
    Body(#[from] WireError),
    #[error("{0:?} does not end where it should")]
    Length(SysFile),
    #[error(transparent)]
    File(#[from] DiskError),
    #[error("the changelog is no text")]
    Changelog,
    #[error("storages have joined meanwhile")]
    TooLate,
}

/// Copies the state of another tracker if there is one to copy and this one needs it; other joins wait meanwhile.
pub(crate) async fn before_join(tracker: &Tracker, peer: &JoinPeer, join: &Join) {
    if !tracker.read(|cluster| cluster.must_fetch_state(peer, join)) {
        return;
    }
    let _alone = tracker.fetching.lock().await;
    if !tracker.read(|cluster| cluster.must_fetch_state(peer, join)) {
        return;
    }
    let fetched = fetch(tracker, tracker.read(|cluster| cluster.other_trackers(peer, join)));
    if tokio::time::timeout(PATIENCE, fetched).await.is_err() {
        info!("the state of other trackers could not be copied in time; the storages will tell");
    }
    tracker.query(fdfs_core::tracker::Cluster::state_was_fetched);
}

async fn fetch(tracker: &Tracker, others: Vec<HostPort>) {
    let options = CallOptions {
        connect_timeout: tracker.call_options.connect_timeout.min(ANSWER_PATIENCE),
        network_timeout: tracker.call_options.network_timeout.min(PATIENCE),
        bind: tracker.bind_ip,
    };
    let mut asking = JoinSet::new();
    for host in others {
        asking.spawn(async move {
            let asked = tokio::time::timeout(ANSWER_PATIENCE, status_of(&options, host)).await;
            (host, asked.ok().and_then(Result::ok))
        });
    }
    let mut found = Vec::new();
    while let Some(asked) = asking.join_next().await {
        if let Ok((host, Some(status))) = asked {
            found.push((host, status));
        }
    }
    // The best first. One that is no better than this one has nothing to give.
    found.sort_by_key(|(host, status)| std::cmp::Reverse(status.rank(*host)));
    let (now, up_time, last_check) = (tracker.now(), tracker.up_time, tracker.last_check_time);
    let own = tracker.read(|cluster| cluster.tracker_status(now, up_time, last_check)).ok();
    for (host, status) in found {
        // A tracker of the same rank as this one knows nothing better, whatever its address is.
        if own.is_some_and(|own| status.rank(host) <= own.rank(host)) {
            return;
        }
        match copy(tracker, &options, host).await {
            Ok(group_count) => {
                info!("the state of tracker {host} is taken over: {group_count} groups");
                return;
            }
            Err(error @ (FetchError::Refused(_) | FetchError::Net(_) | FetchError::TooLate)) => {
                info!("the state of tracker {host} is not taken over: {error}");
            }
            Err(error) => warn!("the state of tracker {host} cannot be taken over: {error}"),
        }
    }
}

async fn status_of(options: &CallOptions, host: HostPort) -> Result<TrackerStatus, FetchError> {
    let mut caller = connect(options, host).await?;
    let status = cmd::TrackerStatus::from_bytes(&ask(&mut caller, &TrackerStatusRequest).await?)?;
    Ok(TrackerStatus {
        is_leader: status.is_leader,
        running_secs: status.running_secs,
        restart_interval_secs: status.restart_interval_secs,
    })
}

/// Copies all files, and only then takes them over; how many groups there are.
async fn copy(tracker: &Tracker, options: &CallOptions, host: HostPort) -> Result<usize, FetchError> {
    let mut caller = connect(options, host).await?;
    ask(&mut caller, &SysFilesStart).await?;
    let mut files = Vec::new();
    for file in SysFile::ALL {
        files.push(whole_file(&mut caller, file).await?);
    }
    ask(&mut caller, &SysFilesEnd).await?;
    let [groups, servers, timestamps, changelog] = files.as_slice() else { return Err(FetchError::TooLate) };
    let stored = Stored {
        groups: TrackerGroups::decode(groups)?.groups.iter().map(stored_rows::group_row).collect(),
        servers: TrackerServers::decode(servers)?.storages.iter().map(stored_rows::server_row).collect(),
        timestamps: SyncTimestamps::decode(timestamps)?.rows.iter().map(stored_rows::timestamp_row).collect(),
        changelog: String::from_utf8(changelog.clone()).map_err(|_| FetchError::Changelog)?,
        last_check_time: 0,
    };
    let now = tracker.now();
    let taken = tracker.decide(|cluster| cluster.take_over(now, stored).ok_or(FetchError::TooLate))?;
    for loss in &taken.answer {
        warn!("state of tracker {host}: {loss}");
    }
    if let Err(error) = tracker.saver.saved(taken.ticket).await {
        warn!("the state of tracker {host} was {error}");
    }
    Ok(tracker.read(|cluster| cluster.groups().len()))
}

async fn whole_file(caller: &mut Caller, file: SysFile) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    loop {
        let offset = bytes.len() as u64;
        let piece = SysFilePiece::from_bytes(&ask(caller, &SysFileRequest { file, offset }).await?)?;
        bytes.extend_from_slice(&piece.content);
        let len = bytes.len() as u64;
        if len == piece.file_size {
            return Ok(bytes);
        }
        if piece.content.is_empty() || len > piece.file_size || piece.file_size > FILE_MAX_BYTES {
            return Err(FetchError::Length(file));
        }
    }
}

async fn connect(options: &CallOptions, host: HostPort) -> Result<Caller, FetchError> {
    let ip = host.ip.as_str().parse().unwrap_or(IpAddr::from([0, 0, 0, 0]));
    Ok(Caller::connect(SocketAddr::new(ip, host.port), options).await?)
}

async fn ask<R: Request>(caller: &mut Caller, request: &R) -> Result<Vec<u8>, FetchError> {
    let answer = caller.call(R::COMMAND, 0, &request.to_bytes(), PIECE_MAX_BYTES).await?;
    if answer.status.is_ok() { Ok(answer.body) } else { Err(FetchError::Refused(answer.status)) }
}
