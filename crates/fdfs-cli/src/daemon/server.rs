//! Either server, started, hung up and stopped the same way.

use std::net::SocketAddr;

use fdfs_log::ServerLog;
use fdfs_proto::Status;
use fdfs_storage::{StartOptions, StartStage, StorageServer};
use fdfs_tracker::TrackerServer;
use tokio_util::sync::CancellationToken;

use super::conf::DaemonConf;
use crate::exit::failure;

/// A running server.
pub(crate) enum Server {
    /// A tracker.
    Tracker(TrackerServer),
    /// A storage.
    Storage(StorageServer),
}

impl Server {
    /// Starts it. A storage that has to wait for a tracker calls `on_waiting`, and gives up when `cancel` is cancelled.
    ///
    /// # Errors
    /// Why it does not start, with the errno.
    pub(crate) fn start(
        conf: DaemonConf,
        log: ServerLog,
        cancel: CancellationToken,
        on_waiting: impl Fn() + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        match conf {
            DaemonConf::Tracker(conf) => TrackerServer::start(*conf, log)
                .map(Self::Tracker)
                .map_err(|error| failure(Status(error.errno()), error.to_string())),
            DaemonConf::Storage(conf) => {
                let on_stage = move |stage: StartStage| {
                    if stage == StartStage::WaitingForTracker {
                        on_waiting();
                    }
                };
                let options = StartOptions { cancel, on_stage: Some(Box::new(on_stage)) };
                StorageServer::start(*conf, log, &options)
                    .map(Self::Storage)
                    .map_err(|error| failure(Status(error.errno()), error.to_string()))
            }
        }
    }

    /// Where it serves.
    pub(crate) fn addr(&self) -> SocketAddr {
        match self {
            Self::Tracker(server) => server.addr(),
            Self::Storage(server) => server.addr(),
        }
    }

    /// The signal HUP.
    pub(crate) fn hang_up(&self) {
        match self {
            Self::Tracker(server) => server.hang_up(),
            Self::Storage(server) => server.hang_up(),
        }
    }

    /// The configuration was read again: what can change while it runs is taken over.
    ///
    /// # Errors
    /// Why nothing of it is.
    pub(crate) fn reload(&self, conf: &DaemonConf) -> anyhow::Result<()> {
        match (self, conf) {
            (Self::Tracker(server), DaemonConf::Tracker(conf)) => server.reload(conf)?,
            (Self::Storage(server), DaemonConf::Storage(conf)) => server.reload(conf),
            _ => {}
        }
        Ok(())
    }

    /// The orderly end.
    pub(crate) fn stop(self) {
        match self {
            Self::Tracker(server) => server.stop(),
            Self::Storage(server) => server.stop(),
        }
    }
}
