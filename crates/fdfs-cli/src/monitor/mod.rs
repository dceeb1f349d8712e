//! `fdfs monitor` and `fdfs_monitor`: what the trackers know of groups and storages.

pub(crate) mod admin;
pub(crate) mod classic;
pub(crate) mod json;
pub(crate) mod modern;
pub(crate) mod self_report;
mod sync_until;
pub(crate) mod text;

use fdfs_client::{ClientError, Tracker};
use fdfs_proto::GroupName;
use fdfs_proto::cmd::tracker::{GroupRecord, StorageRecord};

/// A group and its storages, as one tracker knows them; `None` when it does not know the group.
pub(crate) async fn one_group(
    tracker: &Tracker,
    name: GroupName,
) -> Result<Option<(GroupRecord, Vec<StorageRecord>)>, ClientError> {
    match tracker.groups().await?.into_iter().find(|record| record.group == name) {
        Some(record) => Ok(Some((record, tracker.storages(name, None).await?))),
        None => Ok(None),
    }
}
