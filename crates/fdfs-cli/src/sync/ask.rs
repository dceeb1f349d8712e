//! How far the peers of a storage are: a question of our own (244) that only a storage of ours answers.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fdfs_net::{CallOptions, Caller};
use fdfs_proto::cmd::tracker::StorageRecord;
use fdfs_proto::ours::{PeerStatus, SyncStatus};
use fdfs_proto::{Command, Status};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// How long a storage may take; the slowest is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest answer.
const STATUS_MAX_BYTES: usize = 256 << 10;

/// Why a storage of the reference gives no answer.
pub(crate) const NO_FDFS: &str = "it is not an fdfs storage, and does not know the question";

/// Asks all storages at once; why one gave no answer stands in words.
pub(crate) async fn ask_all(storages: &[StorageRecord]) -> Vec<Result<SyncStatus, String>> {
    let mut answers = vec![Err("its address cannot be read".to_owned()); storages.len()];
    let mut asking = JoinSet::new();
    for (index, storage) in storages.iter().enumerate() {
        if let Ok(ip) = storage.ip.as_str().parse::<IpAddr>() {
            let addr = SocketAddr::new(ip, storage.port);
            asking.spawn(async move { (index, ask(addr).await) });
        }
    }
    while let Some(answer) = asking.join_next().await {
        if let Ok((index, answer)) = answer
            && let Some(place) = answers.get_mut(index)
        {
            *place = answer;
        }
    }
    answers
}

async fn ask(addr: SocketAddr) -> Result<SyncStatus, String> {
    let options = CallOptions { connect_timeout: PATIENCE, network_timeout: PATIENCE, bind: None };
    let mut caller = Caller::connect(addr, &options).await.map_err(|e| e.to_string())?;
    let answer = caller.call(Command::SyncStatus, 0, &[], STATUS_MAX_BYTES).await.map_err(|e| e.to_string())?;
    match answer.status {
        Status::OK => SyncStatus::decode(&answer.body).map_err(|e| e.to_string()),
        Status::EINVAL => Err(NO_FDFS.to_owned()),
        status => Err(format!("it answers {status}")),
    }
}

/// A peer as an object.
pub(crate) fn peer_json(peer: &PeerStatus) -> Value {
    json!({
        "peer": peer.id,
        "addr": peer.addr,
        "status": peer.status,
        "mark": peer.mark,
        "end": peer.end,
        "bytes_behind": peer.bytes_behind,
        "records_behind": peer.records_behind,
        "secs_behind": peer.secs_behind,
        "records_per_sec": peer.rate_milli as f64 / 1000.0,
        "eta_secs": peer.eta_secs,
        "in_flight": peer.in_flight,
        "set_aside": peer.set_aside,
        "is_copying_old_files": peer.is_copying,
        "last_error": peer.error,
    })
}

/// The answer of a storage as an object; null when there is none.
pub(crate) fn json(answer: &Result<SyncStatus, String>) -> Value {
    match answer {
        Ok(status) => json!({
            "quarantined": status.quarantined,
            "peers": status.peers.iter().map(peer_json).collect::<Vec<_>>(),
        }),
        Err(_) => Value::Null,
    }
}
