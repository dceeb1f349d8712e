//! `fdfs monitor`: the same knowledge as `fdfs_monitor`, with exit codes and JSON.

use std::time::Duration;

use anyhow::Context as _;
use fdfs_conf::{ClientConf, TrackerServer};
use fdfs_net::call::CallOptions;
use fdfs_proto::cmd::tracker::{GroupRecord, StorageRecord};
use fdfs_proto::limits::TRACKER_PORT;
use fdfs_proto::{GroupName, Status, StorageId};
use jiff::tz::TimeZone;
use serde_json::json;

use super::admin::{AdminError, Tracker, Trackers};
use super::{json, text};
use crate::conf_loader::{FileLoader, host_env};
use crate::exit::Failure;
use crate::out;

/// What `fdfs monitor` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs monitor --tracker 10.0.0.1:22122
  fdfs monitor list group1 --json | jq '.groups[0].storages[].status'
  fdfs monitor delete group1 10.0.0.12

Without --tracker and --conf the variable FDFS_TRACKER is asked (several trackers separated by blanks or semicolons),
then /etc/fdfs/client.conf.")]
pub(crate) struct Args {
    /// A tracker, HOST[:PORT]; may be given several times
    #[arg(long, value_name = "HOST:PORT", global = true)]
    tracker: Vec<String>,
    /// A client.conf to take the trackers from
    #[arg(long, value_name = "FILE", global = true)]
    conf: Option<String>,
    /// Print one JSON object instead of lines
    #[arg(long, global = true)]
    json: bool,
    /// What to do; without it: list
    #[command(subcommand)]
    operation: Option<Operation>,
}

#[derive(Debug, clap::Subcommand)]
enum Operation {
    /// Show all groups and their storages, or one group
    List {
        /// The group
        group: Option<GroupName>,
    },
    /// Delete a stopped storage from a group, or a group without storages
    Delete {
        /// The group
        group: GroupName,
        /// The storage's id; without it the group itself
        id: Option<StorageId>,
    },
    /// Make a storage the trunk server of its group
    SetTrunkServer {
        /// The group
        group: GroupName,
        /// The storage's id; without it the tracker chooses
        id: Option<StorageId>,
    },
}

/// Does it.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let trackers = trackers_of(&args)?;
    match args.operation.unwrap_or(Operation::List { group: None }) {
        Operation::List { group } => list(&trackers, group, args.json).await,
        Operation::Delete { group, id } => delete(&trackers, group, id, args.json).await,
        Operation::SetTrunkServer { group, id } => {
            let chosen = trackers.set_trunk_server(group, id).await.context("set the trunk server")?;
            if args.json {
                out::line(&json!({ "group": group.as_str(), "trunk_server": chosen.as_str() }).to_string());
            } else {
                out::line(&format!("trunk server of {group}: {chosen}"));
            }
            Ok(())
        }
    }
}

/// The trackers of the command line, of the environment, or of a configuration.
fn trackers_of(args: &Args) -> anyhow::Result<Trackers> {
    let named = std::env::var("FDFS_TRACKER").unwrap_or_default();
    let texts: Vec<&str> = match (&args.tracker, &args.conf) {
        (trackers, _) if !trackers.is_empty() => trackers.iter().map(String::as_str).collect(),
        (_, None) => named.split([' ', ';']).filter(|text| !text.is_empty()).collect(),
        (_, Some(_)) => Vec::new(),
    };
    if texts.is_empty() {
        let path = args.conf.as_deref().unwrap_or("/etc/fdfs/client.conf");
        let parsed = ClientConf::parse(path, &FileLoader, &host_env()).with_context(|| match args.conf {
            Some(_) => "read the configuration".to_owned(),
            None => "no --tracker, no FDFS_TRACKER and no --conf".to_owned(),
        })?;
        return Ok(Trackers::of_conf(parsed.conf));
    }
    let parse = |text: &str| {
        TrackerServer::parse(text, TRACKER_PORT)
            .ok_or_else(|| Failure::new(Status::EINVAL, format!("{text}: not a tracker; write HOST:PORT")))
    };
    let servers = texts.into_iter().map(parse).collect::<Result<_, _>>()?;
    // Nobody who looks at a terminal waits longer.
    let options = CallOptions { network_timeout: Duration::from_secs(30), ..CallOptions::default() };
    Ok(Trackers { servers, options })
}

/// A connection to the first tracker that answers.
async fn connect_any(trackers: &Trackers) -> anyhow::Result<Tracker> {
    let mut last_error = None;
    for server in &trackers.servers {
        match trackers.connect(server).await {
            Ok(tracker) => return Ok(tracker),
            Err(error) => last_error = Some(error),
        }
    }
    Err(last_error.map_or_else(|| Failure::new(Status::EINVAL, "no tracker is known"), anyhow::Error::from))
}

async fn list(trackers: &Trackers, group: Option<GroupName>, json: bool) -> anyhow::Result<()> {
    let mut tracker = connect_any(trackers).await?;
    let all = read(&mut tracker, group).await.map_err(|error| match (error, group) {
        (AdminError::Refused { status: Status::ENOENT, .. }, Some(group)) => {
            Failure::new(Status::ENOENT, format!("the tracker {} knows no group {group}", tracker.addr()))
        }
        (error, _) => error.into(),
    })?;
    if json {
        let groups: Vec<_> = all.iter().map(|(group, storages)| json::group(group, storages)).collect();
        out::line(&json!({ "tracker": tracker.addr().to_string(), "groups": groups }).to_string());
        return Ok(());
    }
    out::line(&format!("tracker server is {}\n", tracker.addr()));
    match (&group, all.as_slice()) {
        (Some(_), [(group, storages)]) => out::print(&text::group(group, storages, &TimeZone::system())),
        (_, all) => out::print(&text::groups(all, &TimeZone::system())),
    }
    Ok(())
}

async fn read(
    tracker: &mut Tracker,
    group: Option<GroupName>,
) -> Result<Vec<(GroupRecord, Vec<StorageRecord>)>, AdminError> {
    let groups = match group {
        Some(group) => vec![tracker.group(group).await?],
        None => tracker.groups().await?,
    };
    let mut all = Vec::with_capacity(groups.len());
    for group in groups {
        let storages = tracker.storages(group.group, None).await?;
        all.push((group, storages));
    }
    Ok(all)
}

async fn delete(trackers: &Trackers, group: GroupName, id: Option<StorageId>, json: bool) -> anyhow::Result<()> {
    let what = match id {
        Some(id) => {
            let what = format!("storage {id} of group {group}");
            trackers.delete_storage(group, id).await.with_context(|| format!("delete {what}"))?;
            what
        }
        None => {
            let what = format!("group {group}");
            trackers.delete_group(group).await.with_context(|| format!("delete {what}"))?;
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
