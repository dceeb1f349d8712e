//! `fdfs_monitor`: the arguments, the text and the exit codes of the reference.
//!
//! Source: tools, 6.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use fdfs_client::{Client, HostPort, ResolveError, Tracker};
use fdfs_conf::ClientConf;
use fdfs_proto::limits::TRACKER_PORT;
use fdfs_proto::{GroupName, Status, StorageId};
use jiff::tz::TimeZone;

use super::admin::{self, AdminError};
use super::text;
use crate::classic::called_as;
use crate::conf_loader::{FileLoader, host_env};
use crate::files::classic_client::{check_base_path, first_tracker};
use crate::{classic_log, out};

/// How long the name behind `-h` may take to be looked up.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);

/// The configuration when none is named.
const DEFAULT_CONF: &str = "/etc/fdfs/client.conf";

/// The usage, without its last line feed.
fn usage() -> String {
    let name = called_as();
    format!(
        "
Usage:
  {name} <client_cfg_file> [-h <tracker_server>]
  [list|delete|set_trunk_server <group_name> [storage_id]]

Note:
  the tracker server format: host[:port], the tracker default port is 22122
  {name} without parameter equals: {name} /etc/fdfs/client.conf
"
    )
}

/// The program. `args` come without the program's name.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let args: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let line = match CommandLine::parse(&args) {
        Ok(line) => line,
        Err(Usage { code }) => {
            out::line(&usage());
            return ExitCode::from(code);
        }
    };
    let conf = match ClientConf::parse(&line.conf, &FileLoader, &host_env()) {
        Ok(parsed) => parsed.conf,
        Err(error) => {
            return ExitCode::from(classic_log::conf_error(&line.conf, &error).0);
        }
    };
    if let Err(code) = check_base_path(&conf) {
        return code;
    }
    let client = match Client::from_conf(&conf) {
        Ok(client) => client,
        Err(error) => {
            classic_log::error(&error.to_string());
            return ExitCode::from(error.errno());
        }
    };
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => ExitCode::from(runtime.block_on(run(&line, &client))),
        Err(error) => {
            classic_log::error(&format!("start the runtime: {error}"));
            ExitCode::from(Status::from_io(&error).0)
        }
    }
}

/// What was asked for on the command line.
#[derive(Debug, PartialEq, Eq)]
struct CommandLine {
    conf: String,
    tracker: Option<String>,
    operation: String,
    group: Option<String>,
    id: Option<String>,
}

/// The command line cannot be understood, or asks for the usage.
#[derive(Debug, PartialEq, Eq)]
struct Usage {
    code: u8,
}

impl CommandLine {
    fn parse(args: &[String]) -> Result<Self, Usage> {
        let mut rest = args.iter();
        let conf = match rest.next().map(String::as_str) {
            None => DEFAULT_CONF,
            Some("-h") if args.len() == 1 => return Err(Usage { code: 0 }),
            Some(conf) => conf,
        };
        let mut tracker = None;
        let mut words = Vec::new();
        while let Some(arg) = rest.next() {
            match arg.strip_prefix("-h") {
                Some("") => tracker = Some(rest.next().ok_or(Usage { code: 1 })?.clone()),
                Some(host) => tracker = Some(host.to_owned()),
                None => words.push(arg.clone()),
            }
        }
        let mut words = words.into_iter();
        let operation = words.next().unwrap_or_else(|| "list".to_owned());
        Ok(Self { conf: conf.to_owned(), tracker, operation, group: words.next(), id: words.next() })
    }
}

async fn run(line: &CommandLine, client: &Client) -> u8 {
    let trackers = client.trackers();
    let start_index = match &line.tracker {
        None => fastrand::usize(..trackers.len().max(1)),
        Some(wanted) => match index_of(wanted, &trackers).await {
            Ok(Some(index)) => index,
            Ok(None) => {
                out::line(&format!("tracker server: {wanted} not exists!"));
                return Status::ENOENT.0;
            }
            Err(error) => {
                classic_log::error(&format!("host: {wanted}, {error}"));
                let info = "Host name lookup failure";
                out::line(&format!("resolve ip address of tracker server: {wanted} fail!, error info: {info}"));
                return Status::EINVAL.0;
            }
        },
    };
    out::line(&format!("tracker server count={}, current server index={start_index}", trackers.len()));
    let tracker = match first_tracker(&trackers, start_index).await {
        Ok(tracker) => tracker,
        Err(status) => return status.0,
    };
    // The address that answered comes first.
    let addr = tracker.addrs().await.ok().and_then(|addrs| addrs.first().copied());
    let shown = addr.map_or_else(|| tracker.to_string(), |addr| addr.to_string());
    out::line(&format!("\ntracker server is {shown}\n"));
    match (line.operation.as_str(), line.group.as_deref()) {
        ("list", None) => list_all(&tracker).await,
        ("list", Some(group)) => list_one(&tracker, group).await,
        ("delete", Some(group)) => match line.id.as_deref() {
            Some(id) => delete_storage(client, group, id).await,
            None => delete_group(client, group).await,
        },
        ("set_trunk_server", Some(group)) => set_trunk_server(client, group, line.id.as_deref()).await,
        // Differs from C: `delete` without a group, which crashes the reference (W-49), is a usage error.
        ("delete" | "set_trunk_server", None) => {
            out::line(&usage());
            return 1;
        }
        (other, _) => out::line(&format!("Invalid command {other}\n\n{}", usage())),
    }
    // Whatever an operation came to: scripts know it so (W-38). `fdfs monitor` has exit codes.
    0
}

/// The index of the tracker that `-h` names: as it is written in the configuration, or by its address.
async fn index_of(wanted: &str, trackers: &[Tracker]) -> Result<Option<usize>, ResolveError> {
    let wanted = wanted.parse::<HostPort>()?;
    let name = HostPort { port: wanted.port.or(Some(TRACKER_PORT)), ..wanted.clone() }.to_string();
    let is_named = |tracker: &Tracker| tracker.to_string().split(',').any(|part| part == name);
    if let Some(index) = trackers.iter().position(is_named) {
        return Ok(Some(index));
    }
    let wanted = wanted.resolve(TRACKER_PORT, RESOLVE_TIMEOUT).await?;
    for (index, tracker) in trackers.iter().enumerate() {
        if tracker.addrs().await.is_ok_and(|addrs| addrs.iter().any(|addr| wanted.contains(addr))) {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

async fn list_all(tracker: &Tracker) {
    let groups = match tracker.groups().await {
        Ok(groups) => groups,
        Err(error) => return classic_log::error(&error.to_string()),
    };
    let mut all = Vec::with_capacity(groups.len());
    for group in groups {
        let storages = tracker.storages(group.group, None).await.unwrap_or_else(|error| {
            classic_log::error(&error.to_string());
            Vec::new()
        });
        all.push((group, storages));
    }
    out::print(&text::groups(&all, &TimeZone::system()));
}

async fn list_one(tracker: &Tracker, group: &str) {
    // A text that is no group's name is the name of no group.
    let Ok(name) = group_name(group) else { return };
    match super::one_group(tracker, name).await {
        Ok(None) => {}
        Ok(Some((record, storages))) => out::print(&text::group(&record, &storages, &TimeZone::system())),
        Err(error) => classic_log::error(&error.to_string()),
    }
}

fn group_name(text: &str) -> Result<GroupName, Status> {
    text.parse().map_err(|_| Status::EINVAL)
}

fn storage_id(text: &str) -> Result<StorageId, Status> {
    text.parse().map_err(|_| Status::EINVAL)
}

/// Logs an error and gives what the classic line `error no: N` shows.
fn told(error: &AdminError) -> Status {
    classic_log::error(&error.to_string());
    error.status()
}

fn fails(status: Status) -> String {
    format!("fail, error no: {}, error info: {}", status.0, status.text())
}

async fn delete_storage(client: &Client, group: &str, id: &str) {
    let delete = async {
        let (name, id) = (group_name(group)?, storage_id(id)?);
        admin::delete_storage(client, name, id).await.map_err(|error| told(&error))
    };
    let outcome = delete.await.map_or_else(fails, |()| "success".to_owned());
    out::line(&format!("delete storage server {group}::{id} {outcome}"));
}

async fn delete_group(client: &Client, group: &str) {
    let delete = async { admin::delete_group(client, group_name(group)?).await.map_err(|error| told(&error)) };
    let outcome = delete.await.map_or_else(fails, |()| "success".to_owned());
    out::line(&format!("delete group: {group} {outcome}"));
}

async fn set_trunk_server(client: &Client, group: &str, id: Option<&str>) {
    let set = async {
        let (name, id) = (group_name(group)?, id.map(storage_id).transpose()?);
        admin::set_trunk_server(client, name, id).await.map_err(|error| told(&error))
    };
    let outcome = set.await.map_or_else(fails, |chosen| format!("success, new trunk server: {chosen}"));
    out::line(&format!("set trunk server {group}::{} {outcome}", id.unwrap_or_default()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<CommandLine, Usage> {
        CommandLine::parse(&line.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    fn line(conf: &str, tracker: Option<&str>, operation: &str, words: &[&str]) -> Result<CommandLine, Usage> {
        let word = |n: usize| words.get(n).map(|&word| word.to_owned());
        let (conf, operation) = (conf.to_owned(), operation.to_owned());
        Ok(CommandLine { conf, tracker: tracker.map(str::to_owned), operation, group: word(0), id: word(1) })
    }

    #[test]
    fn command_lines_read_as_the_reference_reads_them() {
        assert_eq!(parse(""), line(DEFAULT_CONF, None, "list", &[]));
        assert_eq!(parse("-h"), Err(Usage { code: 0 }));
        assert_eq!(parse("c -h"), Err(Usage { code: 1 }));
        assert_eq!(parse("c -x"), line("c", None, "-x", &[]));
        assert_eq!(parse("c"), line("c", None, "list", &[]));
        assert_eq!(parse("c -h t:1 list g"), line("c", Some("t:1"), "list", &["g"]));
        assert_eq!(parse("c -ht list"), line("c", Some("t"), "list", &[]));
        assert_eq!(parse("c delete g i -h t"), line("c", Some("t"), "delete", &["g", "i"]));
    }
}
