//! The clocks of this process.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use fdfs_core::tracker::Now;

/// Reads both clocks. The one that never steps counts from the start of the tracker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        // A clock before 1970 is as good as none.
        let unix_secs = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Now {
            unix_secs: i64::try_from(unix_secs).unwrap_or(i64::MAX),
            mono_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}
