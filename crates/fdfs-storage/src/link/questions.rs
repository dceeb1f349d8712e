//! What senders ask and tell the trackers, each time on a connection of its own: who copies old files to a peer (86),
//! and how far that is (76).

use fdfs_core::roster::{Roster, TrackerIndex};
use fdfs_net::Caller;
use fdfs_proto::cmd::tracker::{ReportStatus, SyncSourceAnswer, SyncSourceRequest};
use fdfs_proto::shared::{StorageBrief, StorageStatus};
use fdfs_proto::{Command, IpText, StorageId};

use super::ask::{TrackerDialer, ask, tell, whole};
use super::error::LinkError;
use crate::storage::Storage;

/// Who copies the old files to a peer: what the leader says, else the first tracker that answers.
///
/// # Errors
/// [`LinkError`] of the tracker asked last, or the leader's refusal: with `ENOENT` the peer is unknown or INIT.
pub async fn sync_source_of(storage: &Storage, peer: StorageId) -> Result<SyncSourceAnswer, LinkError> {
    let request = SyncSourceRequest { group: storage.group, dest_id: peer };
    let dialer = TrackerDialer::of(&storage.conf);
    let leader = storage.link.read(Roster::leader);
    let mut last = LinkError::NoTracker;
    for tracker in leader_first(leader, storage) {
        let asked = async {
            let mut caller = connect(storage, &dialer, tracker).await?;
            let answer = ask(&mut caller, &request, whole::<SyncSourceAnswer>).await?;
            quit(caller).await;
            Ok(answer)
        };
        match asked.await {
            Ok(answer) => return Ok(answer),
            // What others still remember of an earlier life of the peer must not count against the leader.
            Err(e @ LinkError::Refused { .. }) if leader == Some(tracker) => return Err(e),
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// Tells all trackers what a peer is doing: SYNCING while its old files are copied, OFFLINE when all are there.
///
/// # Errors
/// [`LinkError`] of the last tracker, when none took it.
pub async fn report_status(storage: &Storage, peer: StorageId, status: StorageStatus) -> Result<(), LinkError> {
    let ip = if peer == storage.identity.storage_id() {
        storage.identity.addrs.first
    } else {
        let known = storage.peers.find(peer);
        known.map_or(IpText::EMPTY, |peer| peer.addr.ip().to_string().parse().unwrap_or(IpText::EMPTY))
    };
    // The reference says no port here, and no tracker of it was ever told one.
    let report = ReportStatus { group: storage.group, storage: StorageBrief { status, port: 0, id: peer, ip } };
    let dialer = TrackerDialer::of(&storage.conf);
    let mut taken = false;
    let mut last = LinkError::NoTracker;
    for tracker in leader_first(storage.link.read(Roster::leader), storage) {
        let told = async {
            let mut caller = connect(storage, &dialer, tracker).await?;
            tell(&mut caller, &report).await?;
            quit(caller).await;
            Ok(())
        };
        match told.await {
            Ok(()) => taken = true,
            Err(e) => last = e,
        }
    }
    if taken { Ok(()) } else { Err(last) }
}

/// The places of all trackers in the configuration, that of the leader first.
fn leader_first(leader: Option<TrackerIndex>, storage: &Storage) -> impl Iterator<Item = TrackerIndex> + use<> {
    let others = storage.trackers.all().into_iter().map(|(index, _)| index);
    leader.into_iter().chain(others.filter(move |&index| Some(index) != leader))
}

async fn connect(storage: &Storage, dialer: &TrackerDialer, tracker: TrackerIndex) -> Result<Caller, LinkError> {
    let tracker = storage.trackers.find(tracker).ok_or(LinkError::NoTracker)?;
    dialer.connect(&tracker).await
}

/// Says goodbye; whether the tracker hears it does not matter.
async fn quit(mut caller: Caller) {
    let _ = caller.send_request_head(Command::Quit, 0, 0, &[]).await;
}
