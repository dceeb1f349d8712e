//! Small files that go on their own because no slot of a trunk file can be had: told once, not for each of them.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::trunk::TrunkError;

/// Whether small files go on their own just now.
#[derive(Debug, Default)]
pub struct PlainInstead(AtomicBool);

impl PlainInstead {
    /// One more file goes on its own.
    pub fn because(&self, error: &TrunkError) {
        if self.0.swap(true, Ordering::Relaxed) {
            return;
        }
        match error {
            // As long as the trackers have not chosen one, at the start above all.
            TrunkError::NoServer | TrunkError::NotReady | TrunkError::Off => {
                tracing::info!("{error}: small files go on their own until there is one");
            }
            _ => tracing::warn!("{error}; small files go on their own until this works again"),
        }
    }

    /// A slot was had.
    pub fn no_more(&self) {
        // Read first: a swap by every upload would keep the line of memory moving between processors.
        if self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed) {
            tracing::info!("small files go into trunk files again");
        }
    }
}
