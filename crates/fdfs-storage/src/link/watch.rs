//! Watching the group at one tracker (our own command 241), on a connection of its own, so that news need not wait for
//! a beat.
//!
//! A tracker of the reference refuses the command: then nothing is ever seen here, and beats bring the news.

use std::time::Duration;

use fdfs_conf::StorageConf;
use fdfs_conf::address::TrackerServer;
use fdfs_proto::ours::{GroupView, WatchGroup};
use fdfs_proto::{GroupName, StorageId};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::ask::{TrackerDialer, ask, whole};
use super::error::LinkError;

/// How long a tracker may wait for a change before it answers all the same. A dead connection is found out by then.
const PATIENCE: Duration = Duration::from_secs(20);
/// The pause after the connection failed.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    views: watch::Receiver<Option<GroupView>>,
    _task: AbortOnDropHandle<()>,
}

/// What is watched, and where.
#[derive(Debug)]
struct Watch {
    dialer: TrackerDialer,
    tracker: TrackerServer,
    group: GroupName,
    id: StorageId,
    patience: Duration,
}

impl Watcher {
    /// Watches the group of the storage `id` at a tracker.
    #[must_use]
    pub fn start(conf: &StorageConf, tracker: &TrackerServer, group: GroupName, id: StorageId) -> Self {
        let network_timeout = Duration::from_secs(conf.server.network_timeout_secs.max(1));
        let (dialer, tracker) = (TrackerDialer::of(conf), tracker.clone());
        let watch = Watch { dialer, tracker, group, id, patience: PATIENCE.min(network_timeout / 2) };
        let (sender, views) = watch::channel(None);
        Self { views, _task: AbortOnDropHandle::new(tokio::spawn(watch.run(sender))) }
    }

    /// The next view that differs from the last one; for ever none where the tracker cannot be watched.
    ///
    /// Cancel safe: a view that was not given is given by the next call.
    pub async fn next(&mut self) -> GroupView {
        loop {
            if self.views.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if let Some(view) = self.views.borrow_and_update().clone() {
                return view;
            }
        }
    }

    /// Whether nothing is known yet: the tracker has neither answered nor refused.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.works() && self.views.has_changed().is_ok()
    }

    /// Whether the tracker is one of ours and has answered.
    #[must_use]
    pub fn works(&self) -> bool {
        self.views.borrow().is_some()
    }
}

impl Watch {
    async fn run(self, views: watch::Sender<Option<GroupView>>) {
        loop {
            match self.watch(&views).await {
                Err(e) if is_not_ours(&e) => {
                    tracing::debug!("tracker {} cannot be watched: {e}", self.tracker);
                    return;
                }
                // The lasting connection fails as well where there is something to say about it.
                Err(e) => tracing::debug!("watching tracker {}: {e}", self.tracker),
                Ok(never) => match never {},
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn watch(&self, views: &watch::Sender<Option<GroupView>>) -> Result<std::convert::Infallible, LinkError> {
        let mut caller = self.dialer.connect(&self.tracker).await?;
        let patience_ms = u32::try_from(self.patience.as_millis()).unwrap_or(u32::MAX);
        let mut seen = 0;
        loop {
            let request = WatchGroup { group: self.group, id: self.id, seen, patience_ms };
            let view = ask(&mut caller, &request, whole::<GroupView>).await?;
            if view.stamp() != seen {
                seen = view.stamp();
                views.send_replace(Some(view));
            }
        }
    }
}

/// Whether the tracker does not know the command. `ENOENT` is another thing: the group comes with the join.
const fn is_not_ours(error: &LinkError) -> bool {
    matches!(error, LinkError::Refused { status, .. } if status.0 != fdfs_proto::Status::ENOENT.0)
}
