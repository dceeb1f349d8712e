//! What a test waits for, and who tells it to look again: senders, peers and trackers beat whenever something has changed.
//! One pulse for all tests of the process: a beat of another one costs a look.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// Nothing takes longer unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

static PULSE: LazyLock<watch::Sender<()>> = LazyLock::new(|| watch::channel(()).0);

/// Something has changed: whoever waits looks again.
pub(in crate::sync) fn beat() {
    PULSE.send_replace(());
}

/// Looks until it is so, after each beat.
pub(super) async fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let mut beats = PULSE.subscribe();
    let seen = async {
        // What beats during the look makes for another one.
        while !condition() {
            beats.changed().await.unwrap();
        }
    };
    assert!(timeout(PATIENCE, seen).await.is_ok(), "waited in vain for {what}");
}
