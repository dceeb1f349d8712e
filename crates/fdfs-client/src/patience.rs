//! Pauses before a storage that refuses connections is tried once more.

use std::time::Duration;

use fdfs_net::Backoff;
use fdfs_proto::Status;

use crate::ClientError;

/// How often storages that refuse connections are tried again: a restart takes less than the pauses in sum.
const RETRY_COUNT: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// Pauses before a storage that refuses connections is tried once more.
///
/// Differs from C: the pauses are not the same for all clients, another storage is tried before there is a pause at
/// all, and a storage that does not answer connects (`ETIMEDOUT`) is not tried four times.
///
/// Source: wire specification, 5.4.
#[derive(Debug)]
pub(crate) struct Patience {
    backoff: Backoff,
    left: u32,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self { backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, fastrand::u64(..)), left: RETRY_COUNT }
    }

    /// Waits, if `error` is worth another try; says whether it is.
    pub(crate) async fn waits_after(&mut self, error: &ClientError) -> bool {
        let passes = match error {
            ClientError::StorageUnreachable { reason, .. } => {
                matches!(reason.status(), Status::ECONNREFUSED | Status::EAGAIN | Status::EADDRINUSE)
            }
            _ => false,
        };
        if !passes || self.left == 0 {
            return false;
        }
        self.left -= 1;
        tokio::time::sleep(self.backoff.next_pause()).await;
        true
    }
}
