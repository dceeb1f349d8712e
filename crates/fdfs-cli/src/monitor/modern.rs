//! `fdfs monitor`: the same knowledge as `fdfs_monitor`, with exit codes and JSON.

use anyhow::Context as _;
use fdfs_client::{Client, ClientError};
use fdfs_proto::ours::{SelfReport, SyncStatus};
use fdfs_proto::{GroupName, Status, StorageId};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{admin, json, self_report, sync_until, text};
use crate::exit::failure;
use crate::files::connect::Connect;
use crate::out;

/// What `fdfs monitor` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs monitor --tracker 10.0.0.1:22122
  fdfs monitor list group1 --json | jq '.groups[0].storages[].status'
  fdfs monitor delete group1 10.0.0.12")]
pub(crate) struct Args {
    /// What to do
    #[arg(value_enum, default_value_t = Operation::List)]
    operation: Operation,
    /// The group; `list` shows all without it
    #[arg(required_if_eq_any([("operation", "delete"), ("operation", "set-trunk-server")]))]
    group: Option<GroupName>,
    /// The storage's id; without it `delete` deletes the group itself, and `set-trunk-server` lets the tracker choose
    id: Option<StorageId>,
    #[command(flatten)]
    connect: Connect,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Operation {
    /// Show groups and their storages
    List,
    /// Delete a stopped storage from its group, or a group without storages
    Delete,
    /// Make a storage the trunk server of its group
    SetTrunkServer,
}

/// Does it.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let client = args.connect.client()?;
    match (args.operation, args.group) {
        (Operation::Delete, Some(group)) => delete(&client, group, args.id, args.json).await,
        (Operation::SetTrunkServer, Some(group)) => set_trunk_server(&client, group, args.id, args.json).await,
        // Without a group, clap lets only this through.
        (_, group) => list(&client, group, args.json).await,
    }
}

async fn list(client: &Client, group: Option<GroupName>, json: bool) -> anyhow::Result<()> {
    let mut last_error = ClientError::NoTrackerGiven;
    let answering = admin::first_that_answers(&client.trackers(), 0, |_, error| last_error = error).await;
    let tracker = answering.ok_or(last_error)?;
    let all = match group {
        Some(name) => {
            let unknown = || failure(Status::ENOENT, format!("the tracker {tracker} knows no group {name}"));
            vec![super::one_group(&tracker, name).await?.ok_or_else(unknown)?]
        }
        None => {
            let mut all = Vec::new();
            for record in tracker.groups().await? {
                all.push((record, tracker.storages(record.group, None).await?));
            }
            all
        }
    };
    let mut reports = Vec::with_capacity(all.len());
    for (_, storages) in &all {
        reports.push(self_report::ask_all(storages).await);
    }
    if json {
        let mut groups = Vec::with_capacity(all.len());
        for ((group, storages), reports) in all.iter().zip(&reports) {
            let until = sync_until::ask_all(&tracker, group.group, storages).await;
            let sync = crate::sync::ask::ask_all(storages).await;
            groups.push(with_what_only_we_know(json::group(group, storages), reports, until, &sync));
        }
        out::line(&json!({ "tracker": tracker.to_string(), "groups": groups }).to_string());
        return Ok(());
    }
    out::line(&format!("tracker server is {tracker}\n"));
    match (&group, all.as_slice()) {
        (Some(_), [(group, storages)]) => out::print(&text::group(group, storages, &TimeZone::system())),
        (_, all) => out::print(&text::groups(all, &TimeZone::system())),
    }
    out::line("\nwhat the storages say of themselves:");
    for ((_, storages), reports) in all.iter().zip(&reports) {
        for (storage, report) in storages.iter().zip(reports) {
            out::line(&format!("\t{}", self_report::line(storage, report.as_ref())));
        }
    }
    Ok(())
}

/// What no record of the reference has: up to when old files come from the source, what storages say of themselves, and
/// how far their peers are.
fn with_what_only_we_know(
    mut group: Value,
    reports: &[Option<SelfReport>],
    until: Vec<Value>,
    sync: &[Result<SyncStatus, String>],
) -> Value {
    if let Some(storages) = group.get_mut("storages").and_then(Value::as_array_mut) {
        for (((storage, report), until), sync) in storages.iter_mut().zip(reports).zip(until).zip(sync) {
            storage["sync_until"] = until;
            storage["sync"] = crate::sync::ask::json(sync);
            storage["self_report"] = self_report::json(report.as_ref());
        }
    }
    group
}

async fn delete(client: &Client, group: GroupName, id: Option<StorageId>, json: bool) -> anyhow::Result<()> {
    let what = match id {
        Some(id) => {
            let what = format!("storage {id} of group {group}");
            admin::delete_storage(client, group, id).await.with_context(|| format!("delete {what}"))?;
            what
        }
        None => {
            let what = format!("group {group}");
            admin::delete_group(client, group).await.with_context(|| format!("delete {what}"))?;
            what
        }
    };
    if json {
        let id = id.map(|id| id.to_string());
        out::line(&json!({ "group": group.as_str(), "id": id, "deleted": true }).to_string());
    } else {
        out::line(&format!("deleted {what}"));
    }
    Ok(())
}

async fn set_trunk_server(client: &Client, group: GroupName, id: Option<StorageId>, json: bool) -> anyhow::Result<()> {
    let chosen = admin::set_trunk_server(client, group, id).await.context("set the trunk server")?;
    if json {
        out::line(&json!({ "group": group.as_str(), "trunk_server": chosen.as_str() }).to_string());
    } else {
        out::line(&format!("trunk server of {group}: {chosen}"));
    }
    Ok(())
}
