//! What the leader of the trackers knows of trackers, storages and space, in short (96 to 98).

use std::net::SocketAddr;

use fdfs_proto::cmd::tracker::{
    Leader, StorageClusterRow, StorageClusterStat, StorageClusterStatRequest, TrackerClusterRow, TrackerClusterStat,
    TrackerClusterStatRequest, VolumeRow, VolumeStat, VolumeStatRequest,
};
use fdfs_proto::limits::{GROUPS, HOST_PORT_MAX, STORAGES_PER_GROUP, TRACKERS};
use fdfs_proto::{Command, Request, Wire};

use crate::calls::Ask;
use crate::query::read;
use crate::trackers::Told;
use crate::{Client, ClientError, TrackerFailure};

/// The longest answers, in bytes.
const TRACKERS_ANSWER_MAX: usize = 1 + TRACKERS * TrackerClusterRow::LEN;
const STORAGES_ANSWER_MAX: usize = 6 + GROUPS * STORAGES_PER_GROUP * StorageClusterRow::LEN;
const VOLUMES_ANSWER_MAX: usize = 5 + GROUPS * VolumeRow::LEN;

impl Client {
    /// All trackers, or some of them, as their leader sees them (96).
    ///
    /// # Errors
    /// [`ClientError::TrackerRefused`] with `ENOENT` while there is no leader; and what asking a tracker can give.
    pub async fn tracker_cluster(&self, which: &TrackerClusterStatRequest) -> Result<TrackerClusterStat, ClientError> {
        self.ask_leader("look at the trackers", which, TRACKERS_ANSWER_MAX).await
    }

    /// The storages of all groups, or some of them (97).
    ///
    /// # Errors
    /// As [`Client::tracker_cluster`].
    pub async fn storage_cluster(&self, which: &StorageClusterStatRequest) -> Result<StorageClusterStat, ClientError> {
        self.ask_leader("look at the storages", which, STORAGES_ANSWER_MAX).await
    }

    /// The space of all groups, or some of them (98).
    ///
    /// # Errors
    /// As [`Client::tracker_cluster`].
    pub async fn volumes(&self, which: &VolumeStatRequest) -> Result<VolumeStat, ClientError> {
        self.ask_leader("look at the space", which, VOLUMES_ANSWER_MAX).await
    }

    /// Asks the leader, wherever it is.
    async fn ask_leader<R: Request, A: Wire>(
        &self,
        doing: &'static str,
        request: &R,
        max_answer: usize,
    ) -> Result<A, ClientError> {
        let command = Command::ServerGetLeader;
        let told = self.ask(&Ask { doing, command, status: 0, body: &[], max_answer: HOST_PORT_MAX }).await?;
        let host = read(doing, &told, Leader::from_bytes)?.host;
        // An address that is none is what the leader's word amounts to.
        let Ok(ip) = host.ip.as_str().parse() else {
            return Err(ClientError::BadStorageAddress { doing, tracker: told.tracker, ip: host.to_string() });
        };
        let leader = SocketAddr::new(ip, host.port);
        let ask = Ask { doing, command: R::COMMAND, status: 0, body: &request.to_bytes(), max_answer };
        let answer =
            self.inner.calls.call(leader, &ask).await.map_err(|reason| ClientError::NoTrackerAnswers {
                doing,
                failures: vec![TrackerFailure::Net(reason)],
            })?;
        if !answer.status.is_ok() {
            return Err(ClientError::TrackerRefused { doing, tracker: leader, status: answer.status });
        }
        read(doing, &Told { tracker: leader, body: answer.body }, A::from_bytes)
    }
}
