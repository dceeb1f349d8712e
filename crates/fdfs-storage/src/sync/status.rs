//! How far each peer is: for `fdfs sync status`, the monitor and metrics.

use std::net::SocketAddr;

use fdfs_proto::StorageId;
use fdfs_proto::disk::BinlogPosition;
use fdfs_proto::shared::StorageStatus;

use crate::names::now_unix_secs;
use crate::storage::Storage;

/// Bytes of a record, where none was read yet.
const USUAL_RECORD_BYTES: u64 = 58;

/// How far a peer is.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerSync {
    /// The peer.
    pub id: StorageId,
    /// Where it is reached, if it is in the list of peers.
    pub addr: Option<SocketAddr>,
    /// Its status.
    pub status: Option<StorageStatus>,
    /// Up to here it has confirmed everything, but for what is set aside.
    pub mark: BinlogPosition,
    /// The end of the log.
    pub end: BinlogPosition,
    /// Bytes of the log that are not confirmed.
    pub bytes_behind: u64,
    /// Records that are not confirmed; estimated from the bytes.
    pub records_behind: u64,
    /// How old the oldest record is that is not confirmed, seconds.
    pub secs_behind: u64,
    /// Records a second.
    pub rate: f64,
    /// Seconds until all is there at this rate.
    pub eta_secs: Option<u64>,
    /// Records that are read and not confirmed.
    pub in_flight: usize,
    /// Records that the peer did not take, to be tried again.
    pub set_aside: usize,
    /// Whether old files are being copied to it.
    pub is_copying: bool,
    /// What went wrong last and is not well again.
    pub last_error: Option<String>,
}

impl Storage {
    /// How far each peer is, in the order of their ids.
    #[must_use]
    pub fn sync_status(&self) -> Vec<PeerSync> {
        let end = *self.write_path.commit.committed().borrow();
        let now_ms = self.sync.now_ms();
        let mut all = Vec::new();
        for peer in self.sync.all_work() {
            let known = self.peers.find(peer.id);
            let mut locked = peer.look();
            let Some(work) = &mut *locked else { continue };
            let mark = work.flight.mark();
            let bytes_behind = self.sync.bytes_between(mark, end);
            let records_behind = bytes_behind.div_ceil(USUAL_RECORD_BYTES).max(work.flight.live_count() as u64);
            let oldest = work.flight.oldest().map_or(work.last_timestamp, |(_, record)| record.timestamp);
            let age = u64::try_from(now_unix_secs() - i64::from(oldest)).unwrap_or(0);
            all.push(PeerSync {
                id: peer.id,
                addr: known.map(|peer| peer.addr),
                status: known.map(|peer| peer.status),
                mark,
                end,
                bytes_behind,
                records_behind,
                secs_behind: if bytes_behind == 0 || oldest == 0 { 0 } else { age },
                rate: work.meter.rate(now_ms),
                eta_secs: work.meter.eta_secs(records_behind, now_ms),
                in_flight: work.flight.live_count(),
                set_aside: work.flight.aside_count(),
                is_copying: work.is_copying(),
                last_error: peer.last_error(work.flight.aside_count() > 0),
            });
        }
        all
    }
}
