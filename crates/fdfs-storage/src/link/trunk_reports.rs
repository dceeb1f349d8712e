//! What the trunk server tells each tracker beside its beats (73, 74).

use std::time::Duration;

use fdfs_net::Caller;
use fdfs_proto::cmd::tracker::{ReportTrunkFileId, ReportTrunkFree};
use tokio::time::Instant;

use super::ask::tell;
use super::error::LinkError;
use crate::storage::Storage;

/// How often news are looked for, as in the reference.
const INTERVAL: Duration = Duration::from_secs(1);
/// What a storage sleeps that has nothing to tell.
const LONG: Duration = Duration::from_secs(3600);

/// What one tracker was told of the trunk files.
#[derive(Debug, Default)]
pub(super) struct TrunkReports {
    file_id: Option<u32>,
    free_mb: Option<u64>,
    sent_at: Option<Instant>,
}

impl TrunkReports {
    /// When to look again.
    pub(super) fn next_at(&self, storage: &Storage) -> Instant {
        let now = Instant::now();
        if !storage.trunk.is_used() {
            return now + LONG;
        }
        self.sent_at.map_or(now, |at| at + INTERVAL)
    }

    /// Tells what has changed; a tracker that sees another trunk server refuses, and is told again later.
    pub(super) async fn send(&mut self, storage: &Storage, caller: &mut Caller) -> Result<(), LinkError> {
        if self.next_at(storage) > Instant::now() {
            return Ok(());
        }
        self.sent_at = Some(Instant::now());
        let Some((file_id, free_mb)) = storage.trunk.report() else {
            (self.file_id, self.free_mb) = (None, None);
            return Ok(());
        };
        if self.file_id != Some(file_id) && is_taken(tell(caller, &ReportTrunkFileId { id: file_id }).await)? {
            self.file_id = Some(file_id);
        }
        if self.free_mb != Some(free_mb) && is_taken(tell(caller, &ReportTrunkFree { free_mb }).await)? {
            self.free_mb = Some(free_mb);
        }
        Ok(())
    }
}

/// Only the connection's failures are failures.
fn is_taken(told: Result<(), LinkError>) -> Result<bool, LinkError> {
    match told {
        Ok(()) => Ok(true),
        Err(LinkError::Refused { .. }) => Ok(false),
        Err(e) => Err(e),
    }
}
