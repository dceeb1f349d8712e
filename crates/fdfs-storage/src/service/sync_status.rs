//! Our own command: how far each peer is, for `fdfs sync status` and `fdfs monitor`.

use std::sync::Arc;

use fdfs_proto::ours::{PeerStatus, SyncStatus, SyncStatusRequest};

use crate::error::RequestError;
use crate::exchange::{Exchange, Reply};
use crate::storage::Storage;
use crate::sync::status::PeerSync;

/// Serves the command.
pub(super) async fn sync_status(storage: &Arc<Storage>, exchange: &mut Exchange<'_>) -> Result<Reply, RequestError> {
    exchange.decode::<SyncStatusRequest>().await?;
    let peers = storage.sync_status().into_iter().map(told).collect();
    let quarantined = storage.sync.quarantine_count() as u64;
    SyncStatus { quarantined, peers }.encode(exchange.answer);
    Ok(Reply::Body)
}

fn told(peer: PeerSync) -> PeerStatus {
    PeerStatus {
        id: peer.id.to_string(),
        addr: peer.addr.map(|addr| addr.to_string()),
        status: peer.status.map_or_else(|| "-".to_owned(), |status| status.to_string()),
        mark: peer.mark.to_string(),
        end: peer.end.to_string(),
        bytes_behind: peer.bytes_behind,
        records_behind: peer.records_behind,
        secs_behind: peer.secs_behind,
        rate_milli: (peer.rate * 1000.0) as u64,
        eta_secs: peer.eta_secs,
        in_flight: peer.in_flight as u64,
        set_aside: peer.set_aside as u64,
        is_copying: peer.is_copying,
        error: peer.last_error,
    }
}
