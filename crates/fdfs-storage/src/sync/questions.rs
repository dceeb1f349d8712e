//! What a sender asks and tells the trackers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fdfs_proto::StorageId;
use fdfs_proto::cmd::tracker::SyncSourceAnswer;
use fdfs_proto::shared::StorageStatus;

use crate::link::error::LinkError;
use crate::link::questions::{report_status, sync_source_of};
use crate::storage::Storage;

/// How long a new member of the reference is busy with its trackers. Each time that it joins one that does not lead, it
/// compares what that one has of it with what the leader told at its own join, and sets it back to that (59); then it joins
/// anew, a second later. What it is told meanwhile would be lost there for ever, as no beat of the leader makes it look again.
const SETTLING: Duration = Duration::from_secs(5);

/// An answer to come.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a sender asks and tells the trackers; a trait, so that tests need none.
pub trait Questions: std::fmt::Debug + Send + Sync {
    /// Who copies the old files to this peer (86).
    fn sync_source_of(&self, peer: StorageId) -> Later<'_, Result<SyncSourceAnswer, LinkError>>;
    /// Tells all trackers what a peer is doing (76).
    fn report_status(&self, peer: StorageId, status: StorageStatus) -> Later<'_, Result<(), LinkError>>;
    /// How long a new member of the reference is left alone before the first report of it.
    fn settling(&self) -> Duration;
}

/// The trackers of the configuration.
#[derive(Debug)]
pub struct TrackerQuestions(pub Arc<Storage>);

impl Questions for TrackerQuestions {
    fn sync_source_of(&self, peer: StorageId) -> Later<'_, Result<SyncSourceAnswer, LinkError>> {
        Box::pin(sync_source_of(&self.0, peer))
    }

    fn report_status(&self, peer: StorageId, status: StorageStatus) -> Later<'_, Result<(), LinkError>> {
        Box::pin(report_status(&self.0, peer, status))
    }

    fn settling(&self) -> Duration {
        if self.0.trackers.all().len() > 1 { SETTLING } else { Duration::ZERO }
    }
}
