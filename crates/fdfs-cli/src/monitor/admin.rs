//! Orders that must go to all trackers, or to the one of them that obeys.

use fdfs_client::{Client, ClientError, Tracker};
use fdfs_proto::cmd::tracker::StorageRecord;
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{GroupName, Status, StorageId};

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    /// A tracker refused it, or could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The order was not sent because a tracker sees the storage alive.
    #[error("tracker {tracker} sees storage {id} as {status}: stop it before you delete it")]
    StillAlive {
        /// The tracker.
        tracker: String,
        /// The storage.
        id: StorageId,
        /// Its status.
        status: StorageStatus,
    },
}

impl AdminError {
    /// The errno for the exit code and for the text `error no: N`.
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Client(error) => error.status(),
            Self::StillAlive { .. } => Status::EBUSY,
        }
    }
}

/// The first tracker that answers, from `start_index` on and round the list; `on_failure` hears of those that do not.
pub(crate) async fn first_that_answers(
    trackers: &[Tracker],
    start_index: usize,
    mut on_failure: impl FnMut(&Tracker, ClientError),
) -> Option<Tracker> {
    for tracker in trackers.iter().cycle().skip(start_index).take(trackers.len()) {
        match tracker.ping().await {
            Ok(()) => return Some(tracker.clone()),
            Err(error) => on_failure(tracker, error),
        }
    }
    None
}

/// Deletes a storage on all trackers. One that cannot be asked fails the whole before anything is changed, and so does
/// a storage that any of them sees alive.
///
/// Source: behaviour, 3.18.
pub(crate) async fn delete_storage(client: &Client, group: GroupName, id: StorageId) -> Result<(), AdminError> {
    let mut results = Vec::new();
    let mut knowing = Vec::new();
    for tracker in client.trackers() {
        match tracker.storages(group, Some(id)).await {
            Ok(storages) => {
                refuse_alive(&tracker, id, &storages)?;
                knowing.push(tracker);
            }
            Err(error) if is_refused_with(&error, Status::ENOENT) => results.push(Err(error)),
            Err(error) => return Err(error.into()),
        }
    }
    for tracker in knowing {
        results.push(tracker.delete_storage(group, id).await);
    }
    verdict(results)
}

fn refuse_alive(tracker: &Tracker, id: StorageId, storages: &[StorageRecord]) -> Result<(), AdminError> {
    const ALIVE: [StorageStatus; 3] = [StorageStatus::Online, StorageStatus::Active, StorageStatus::Recovery];
    match storages.iter().find(|storage| storage.id == id && ALIVE.contains(&storage.status)) {
        Some(storage) => Err(AdminError::StillAlive { tracker: tracker.to_string(), id, status: storage.status }),
        None => Ok(()),
    }
}

/// Deletes a group without storages on all trackers. One that does not answer fails the whole before anything is
/// changed.
pub(crate) async fn delete_group(client: &Client, group: GroupName) -> Result<(), AdminError> {
    let trackers = client.trackers();
    for tracker in &trackers {
        tracker.ping().await?;
    }
    let mut results = Vec::with_capacity(trackers.len());
    for tracker in &trackers {
        results.push(tracker.delete_group(group).await);
    }
    verdict(results)
}

/// As [`delete_group`], but a tracker of ours need not be restarted before it forgets the slots of deleted storages.
pub(crate) async fn drop_group(client: &Client, group: GroupName) -> Result<(), AdminError> {
    let trackers = client.trackers();
    for tracker in &trackers {
        tracker.ping().await?;
    }
    let mut results = Vec::with_capacity(trackers.len());
    for tracker in &trackers {
        results.push(match tracker.drop_group(group).await {
            // A tracker of the reference does not know the command.
            Err(error) if is_refused_with(&error, Status::EINVAL) => tracker.delete_group(group).await,
            result => result,
        });
    }
    verdict(results)
}

/// Makes a storage the trunk server of its group, or lets the leader choose one. Only the leader obeys, so all are
/// asked in turn; gives the one that it is now.
pub(crate) async fn set_trunk_server(
    client: &Client,
    group: GroupName,
    id: Option<StorageId>,
) -> Result<StorageId, AdminError> {
    let mut last_error = ClientError::NoTrackerGiven;
    for tracker in client.trackers() {
        match tracker.set_trunk_server(group, id).await {
            Ok(chosen) => return Ok(chosen),
            // EOPNOTSUPP says "not the leader" and "no trunk files" alike; what a dead tracker would say is unknown.
            Err(error @ ClientError::NoTrackerAnswers { .. }) => last_error = error,
            Err(error) if is_refused_with(&error, Status::EOPNOTSUPP) => last_error = error,
            Err(error) => return Err(error.into()),
        }
    }
    Err(last_error.into())
}

fn is_refused_with(error: &ClientError, wanted: Status) -> bool {
    matches!(error, ClientError::TrackerRefused { status, .. } if *status == wanted)
}

/// What several trackers' answers to one order mean together: an order that one of them carried out is done, also when
/// others had heard of it already or never knew its object.
fn verdict(results: Vec<Result<(), ClientError>>) -> Result<(), AdminError> {
    // How much an error tells: that something is deleted already, more than that another tracker never knew it.
    let weight = |error: &ClientError| match error {
        error if is_refused_with(error, Status::ENOENT) => 0,
        error if is_refused_with(error, Status::EALREADY) => 1,
        _ => 2,
    };
    let is_done = results.iter().any(Result::is_ok);
    let gravest = results.into_iter().filter_map(Result::err).max_by_key(weight);
    match gravest {
        Some(error) if !is_done || weight(&error) == 2 => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_done_when_one_tracker_did_it_and_none_objects() {
        let refused =
            |status| Err(ClientError::TrackerRefused { doing: "delete", tracker: ([127, 0, 0, 1], 1).into(), status });
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
