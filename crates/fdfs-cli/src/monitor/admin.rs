//! Questions and orders to trackers, each to a tracker of one's choice.
//!
//! The client library asks whichever tracker answers; an administrator wants to know which one, and some orders must
//! go to all of them.

use std::net::SocketAddr;
use std::time::Duration;

use fdfs_conf::{ClientConf, TrackerServer};
use fdfs_net::call::CallOptions;
use fdfs_net::resolve::{HostPort, ResolveError};
use fdfs_net::{Caller, NetError};
use fdfs_proto::cmd::tracker::{
    DeleteGroup, DeleteStorage, GroupList, GroupRecord, ListAllGroups, ListOneGroup, ListStorages, SetTrunkServer,
    StorageList, StorageRecord, TrunkServerChosen,
};
use fdfs_proto::limits::{GROUPS, STORAGES_PER_GROUP};
use fdfs_proto::shared::{AddrSize, StorageStatus};
use fdfs_proto::{GroupName, Request, Status, StorageId, Wire as _, WireError};

/// The longest answer to any of these questions, in bytes.
const ANSWER_BYTES_MAX: usize = {
    let (groups, storages) = (GROUPS * GroupRecord::LEN, STORAGES_PER_GROUP * StorageRecord::len(AddrSize::V6));
    if groups > storages { groups } else { storages }
};

/// Why a tracker did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    /// Its name leads nowhere.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The connection failed.
    #[error(transparent)]
    Net(#[from] NetError),
    /// It answered with an error.
    #[error("tracker {tracker} answers {status}")]
    Refused {
        /// Which one.
        tracker: SocketAddr,
        /// Its answer.
        status: Status,
    },
    /// Its answer cannot be read.
    #[error("answer of tracker {tracker}: {source}")]
    BadAnswer {
        /// Which one.
        tracker: SocketAddr,
        /// What is wrong.
        source: WireError,
    },
    /// The order was not sent because the trackers' lists show that it cannot be carried out.
    #[error("storage {id} is {status}: stop it before you delete it")]
    StillAlive {
        /// The storage.
        id: StorageId,
        /// What it does.
        status: StorageStatus,
    },
}

impl AdminError {
    /// The errno for the exit code and for the text `error no: N`.
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Resolve(_) => Status::ENOENT,
            Self::Net(error) => error.status(),
            Self::Refused { status, .. } => *status,
            Self::BadAnswer { .. } => Status::EINVAL,
            Self::StillAlive { .. } => Status::EBUSY,
        }
    }
}

/// All trackers of a configuration.
#[derive(Debug, Clone)]
pub(crate) struct Trackers {
    /// In the order of the configuration.
    pub(crate) servers: Vec<TrackerServer>,
    /// Time limits.
    pub(crate) options: CallOptions,
}

impl Trackers {
    /// The trackers and time limits of a client's configuration.
    pub(crate) fn of_conf(conf: ClientConf) -> Self {
        let options = CallOptions {
            connect_timeout: Duration::from_secs(conf.connect_timeout_secs),
            network_timeout: Duration::from_secs(conf.network_timeout_secs),
            bind: None,
        };
        Self { servers: conf.tracker_servers, options }
    }

    /// Connects to one tracker, by whichever of its addresses works.
    pub(crate) async fn connect(&self, tracker: &TrackerServer) -> Result<Tracker, AdminError> {
        let mut last_error = None;
        for address in &tracker.addresses {
            let host = HostPort { host: address.host.clone(), port: Some(address.port) };
            match self.connect_host(&host).await {
                Ok(tracker) => return Ok(tracker),
                Err(error) => last_error = Some(error),
            }
        }
        Err(last_error.unwrap_or_else(|| ResolveError::NoAddress { host: tracker.to_string() }.into()))
    }

    async fn connect_host(&self, host: &HostPort) -> Result<Tracker, AdminError> {
        let addrs = host.resolve(fdfs_proto::limits::TRACKER_PORT, self.options.connect_timeout).await?;
        let mut result = Err(ResolveError::NoAddress { host: host.host.clone() }.into());
        for addr in addrs {
            result =
                Caller::connect(addr, &self.options).await.map(|caller| Tracker { caller }).map_err(AdminError::from);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Deletes a storage on all trackers. One that cannot be reached fails the whole before anything is changed, and
    /// so does a storage that any of them has seen alive.
    ///
    /// Source: behaviour, 3.18.
    pub(crate) async fn delete_storage(&self, group: GroupName, id: StorageId) -> Result<(), AdminError> {
        let mut trackers = Vec::with_capacity(self.servers.len());
        for server in &self.servers {
            let mut tracker = self.connect(server).await?;
            match tracker.storages(group, Some(id)).await {
                Ok(storages) => {
                    let is_alive = |storage: &&StorageRecord| {
                        let alive = [StorageStatus::Online, StorageStatus::Active, StorageStatus::Recovery];
                        storage.id == id && alive.contains(&storage.status)
                    };
                    if let Some(storage) = storages.iter().find(is_alive) {
                        return Err(AdminError::StillAlive { id, status: storage.status });
                    }
                    trackers.push(Ok(tracker));
                }
                Err(error @ AdminError::Refused { status: Status::ENOENT, .. }) => trackers.push(Err(error)),
                Err(error) => return Err(error),
            }
        }
        let mut results = Vec::with_capacity(trackers.len());
        for tracker in trackers {
            results.push(match tracker {
                Ok(mut tracker) => tracker.order(&DeleteStorage { group, id }).await,
                Err(error) => Err(error),
            });
        }
        verdict(results)
    }

    /// Deletes a group without storages on all trackers.
    pub(crate) async fn delete_group(&self, group: GroupName) -> Result<(), AdminError> {
        let mut trackers = Vec::with_capacity(self.servers.len());
        for server in &self.servers {
            trackers.push(self.connect(server).await?);
        }
        let mut results = Vec::with_capacity(trackers.len());
        for tracker in &mut trackers {
            results.push(tracker.order(&DeleteGroup { group }).await);
        }
        verdict(results)
    }

    /// Makes a storage the trunk server of its group, or lets the leader choose one. Only the leader obeys, so all
    /// are asked in turn; gives the one that it is now.
    pub(crate) async fn set_trunk_server(
        &self,
        group: GroupName,
        id: Option<StorageId>,
    ) -> Result<StorageId, AdminError> {
        let mut last_error = None;
        for server in &self.servers {
            let answer = match self.connect(server).await {
                Ok(mut tracker) => tracker.set_trunk_server(&SetTrunkServer { group, id }).await,
                Err(error) => Err(error),
            };
            match answer {
                // EOPNOTSUPP says "not the leader" and "no trunk files" alike; what a dead tracker would say is unknown.
                Err(error @ (AdminError::Refused { status: Status::EOPNOTSUPP, .. } | AdminError::Net(_))) => {
                    last_error = Some(error);
                }
                decided => return decided,
            }
        }
        Err(last_error.unwrap_or_else(|| ResolveError::NoAddress { host: "tracker_server".to_owned() }.into()))
    }
}

/// What several trackers' answers to one order mean together: an order that one of them carried out is done, also when
/// others had heard of it already or never knew its object.
fn verdict(results: Vec<Result<(), AdminError>>) -> Result<(), AdminError> {
    let is_harmless =
        |error: &AdminError| matches!(error, AdminError::Refused { status: Status::ENOENT | Status::EALREADY, .. });
    let is_done = results.iter().any(Result::is_ok);
    let mut errors: Vec<AdminError> = results.into_iter().filter_map(Result::err).collect();
    if is_done {
        errors.retain(|error| !is_harmless(error));
    }
    // That it is deleted already tells more than that another tracker never knew it.
    errors.sort_by_key(|error| match error {
        AdminError::Refused { status: Status::ENOENT, .. } => 2,
        error if is_harmless(error) => 1,
        _ => 0,
    });
    errors.into_iter().next().map_or(Ok(()), Err)
}

/// A connection to one tracker.
#[derive(Debug)]
pub(crate) struct Tracker {
    caller: Caller,
}

impl Tracker {
    /// Its address.
    pub(crate) const fn addr(&self) -> SocketAddr {
        self.caller.peer_addr()
    }

    /// All groups, sorted by name.
    pub(crate) async fn groups(&mut self) -> Result<Vec<GroupRecord>, AdminError> {
        let body = self.ask(&ListAllGroups).await?;
        Ok(self.read(GroupList::from_bytes(&body))?.groups)
    }

    /// One group.
    pub(crate) async fn group(&mut self, group: GroupName) -> Result<GroupRecord, AdminError> {
        let body = self.ask(&ListOneGroup { group }).await?;
        self.read(GroupRecord::from_bytes(&body))
    }

    /// The storages of a group, or one of them.
    pub(crate) async fn storages(
        &mut self,
        group: GroupName,
        id: Option<StorageId>,
    ) -> Result<Vec<StorageRecord>, AdminError> {
        let body = self.ask(&ListStorages { group, id }).await?;
        Ok(self.read(StorageList::decode(&body))?.storages)
    }

    async fn set_trunk_server(&mut self, request: &SetTrunkServer) -> Result<StorageId, AdminError> {
        let body = self.ask(request).await?;
        Ok(self.read(TrunkServerChosen::from_bytes(&body))?.id)
    }

    /// Asks for something to be done.
    async fn order<R: Request>(&mut self, request: &R) -> Result<(), AdminError> {
        self.ask(request).await.map(|_| ())
    }

    async fn ask<R: Request>(&mut self, request: &R) -> Result<Vec<u8>, AdminError> {
        let answer = self.caller.call(R::COMMAND, 0, &request.to_bytes(), ANSWER_BYTES_MAX).await?;
        if answer.status.is_ok() {
            Ok(answer.body)
        } else {
            Err(AdminError::Refused { tracker: self.addr(), status: answer.status })
        }
    }

    fn read<T>(&self, answer: Result<T, WireError>) -> Result<T, AdminError> {
        answer.map_err(|source| AdminError::BadAnswer { tracker: self.addr(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: Status) -> Result<(), AdminError> {
        Err(AdminError::Refused { tracker: ([127, 0, 0, 1], 1).into(), status })
    }

    #[test]
    fn an_order_is_done_when_one_tracker_did_it_and_none_objects() {
        for (answers, want) in [
            (vec![Status::OK], Status::OK),
            (vec![Status::OK, Status::EALREADY], Status::OK),
            (vec![Status::ENOENT, Status::OK], Status::OK),
            (vec![Status::OK, Status::EBUSY], Status::EBUSY),
            (vec![Status::EALREADY, Status::EALREADY], Status::EALREADY),
            (vec![Status::ENOENT, Status::EALREADY], Status::EALREADY),
            (vec![Status::ENOENT, Status::ENOENT], Status::ENOENT),
            (vec![Status::ENOENT, Status::EINVAL], Status::EINVAL),
        ] {
            let results = answers.iter().map(|&s| if s.is_ok() { Ok(()) } else { refused(s) }).collect();
            assert_eq!(verdict(results).map_or_else(|e| e.status(), |()| Status::OK), want, "{answers:?}");
        }
    }
}
