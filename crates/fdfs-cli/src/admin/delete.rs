//! `fdfs admin delete-storage` and `delete-group`.

use anyhow::Context as _;
use fdfs_client::{Client, ClientError, StorageRecord, Tracker};
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{GroupName, Status, StorageId};
use serde_json::json;

use super::{DeleteGroupArgs, DeleteStorageArgs};
use crate::exit::failure;
use crate::monitor::admin;
use crate::out;

/// What one tracker says of a storage.
struct Seen {
    tracker: String,
    record: Option<StorageRecord>,
    others: Vec<StorageRecord>,
}

pub(super) async fn storage(args: DeleteStorageArgs) -> anyhow::Result<()> {
    let DeleteStorageArgs { group, id, how } = args;
    let client = how.connect.client()?;
    let what = format!("storage {id} of group {group}");
    let mut seen = Vec::new();
    for tracker in client.trackers() {
        let looked = look(&tracker, group, id).await;
        seen.push(looked.with_context(|| {
            format!(
                "ask {tracker} for {what} (if that tracker is gone, name the others alone with --tracker, and repeat the \
                 order when it is back)"
            )
        })?);
    }
    let remarks = remarks(&seen, group, id);
    for remark in &remarks {
        eprintln!("fdfs: {remark}");
    }
    if let Some(error) = objection(&seen, id) {
        return Err(error.context(format!("delete {what}")));
    }
    if !how.dry_run {
        admin::delete_storage(&client, group, id).await.with_context(|| format!("delete {what}"))?;
    }
    if how.json {
        let answer = json!({
            "group": group.as_str(), "id": id.as_str(), "deleted": !how.dry_run, "dry_run": how.dry_run, "remarks": remarks,
        });
        out::line(&answer.to_string());
    } else if how.dry_run {
        let trackers: Vec<_> = seen.iter().filter(|seen| seen.record.is_some()).map(|seen| &*seen.tracker).collect();
        out::line(&format!("would delete {what} on {}", trackers.join(", ")));
    } else {
        out::line(&format!("deleted {what}"));
    }
    Ok(())
}

async fn look(tracker: &Tracker, group: GroupName, id: StorageId) -> Result<Seen, ClientError> {
    let all = match tracker.storages(group, None).await {
        Err(ClientError::TrackerRefused { status: Status::ENOENT, .. }) => Vec::new(),
        all => all?,
    };
    let (mut of_id, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|storage| storage.id == id);
    Ok(Seen { tracker: tracker.to_string(), record: of_id.pop(), others })
}

/// Why the order would be refused.
fn objection(seen: &[Seen], id: StorageId) -> Option<anyhow::Error> {
    let records = || seen.iter().filter_map(|seen| Some((&seen.tracker, seen.record.as_ref()?)));
    if records().next().is_none() {
        return Some(failure(Status::ENOENT, "no tracker knows it: see fdfs monitor"));
    }
    let alive = |status| matches!(status, StorageStatus::Online | StorageStatus::Active | StorageStatus::Recovery);
    if let Some((tracker, record)) = records().find(|(_, record)| alive(record.status)) {
        let what =
            format!("tracker {tracker} sees storage {id} as {}: drain it, stop it, then delete it", record.status);
        return Some(failure(Status::EBUSY, what));
    }
    records().all(|(_, record)| record.status == StorageStatus::Deleted).then(|| {
        failure(Status::EALREADY, "it is deleted already; its slot is forgotten when another storage needs it")
    })
}

/// What an administrator should know before files are gone.
fn remarks(seen: &[Seen], group: GroupName, id: StorageId) -> Vec<String> {
    let mut remarks = Vec::new();
    let Some(Seen { record: Some(record), others, .. }) = seen.iter().find(|seen| seen.record.is_some()) else {
        return remarks;
    };
    let serving: Vec<_> = others.iter().filter(|other| other.status == StorageStatus::Active).collect();
    if serving.is_empty() {
        remarks.push(format!("no other storage of {group} serves: its files will be nowhere but on the disks of {id}"));
    }
    // What it took last must have arrived at the others.
    let newest = record.stat.last_source_update;
    for other in &serving {
        if newest > other.stat.last_synced_timestamp && newest > 0 {
            remarks.push(format!(
                "storage {} has not reported that everything of {id} arrived there: look at fdfs sync status {group} \
                 before you throw its disks away",
                other.id
            ));
        }
    }
    remarks
}

pub(super) async fn group(args: DeleteGroupArgs) -> anyhow::Result<()> {
    let DeleteGroupArgs { group, how } = args;
    let client = how.connect.client()?;
    let left = left_in(&client, group).await?;
    if !left.is_empty() {
        let what = format!("group {group} has storages: {}; delete them first", left.join(", "));
        return Err(failure(Status::EBUSY, what));
    }
    if !how.dry_run {
        admin::drop_group(&client, group).await.with_context(|| format!("delete group {group}"))?;
    }
    if how.json {
        let answer = json!({ "group": group.as_str(), "deleted": !how.dry_run, "dry_run": how.dry_run });
        out::line(&answer.to_string());
    } else {
        out::line(&format!("{} group {group}", if how.dry_run { "would delete" } else { "deleted" }));
    }
    Ok(())
}

/// The storages that keep a group, as any tracker knows them.
async fn left_in(client: &Client, group: GroupName) -> anyhow::Result<Vec<String>> {
    let (mut left, mut is_known) = (Vec::new(), false);
    for tracker in client.trackers() {
        match tracker.storages(group, None).await {
            Ok(storages) => {
                is_known = true;
                let stays = |s: &&StorageRecord| !matches!(s.status, StorageStatus::Deleted | StorageStatus::IpChanged);
                left.extend(storages.iter().filter(stays).map(|storage| format!("{} {}", storage.id, storage.status)));
            }
            Err(ClientError::TrackerRefused { status: Status::ENOENT, .. }) => {}
            Err(error) => return Err(error).context(format!("ask {tracker}")),
        }
    }
    if !is_known {
        return Err(failure(Status::ENOENT, format!("no tracker knows a group {group}")));
    }
    left.sort();
    left.dedup();
    Ok(left)
}
