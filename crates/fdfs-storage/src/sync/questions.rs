//! What a sender asks and tells the trackers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use fdfs_proto::StorageId;
use fdfs_proto::cmd::tracker::SyncSourceAnswer;
use fdfs_proto::shared::StorageStatus;

use crate::link::error::LinkError;
use crate::link::questions::{report_status, sync_source_of};
use crate::storage::Storage;

/// An answer to come.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a sender asks and tells the trackers; a trait, so that tests need none.
pub trait Questions: std::fmt::Debug + Send + Sync {
    /// Who copies the old files to this peer (86).
    fn sync_source_of(&self, peer: StorageId) -> Later<'_, Result<SyncSourceAnswer, LinkError>>;
    /// Tells all trackers what a peer is doing (76).
    fn report_status(&self, peer: StorageId, status: StorageStatus) -> Later<'_, Result<(), LinkError>>;
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
}
