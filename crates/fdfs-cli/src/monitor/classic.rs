//! `fdfs_monitor`: the arguments, the text and the exit codes of the reference.
//!
//! Source: tools, 6.

use std::ffi::OsString;
use std::process::ExitCode;

use fdfs_conf::{ClientConf, TrackerServer};
use fdfs_net::resolve::resolve;
use fdfs_proto::limits::TRACKER_PORT;
use fdfs_proto::{GroupName, Status, StorageId};
use jiff::tz::TimeZone;

use super::admin::{AdminError, Tracker, Trackers};
use super::text;
use crate::conf_loader::{FileLoader, host_env};
use crate::{classic_log, out};

/// The configuration when none is named.
const DEFAULT_CONF: &str = "/etc/fdfs/client.conf";

/// The exit code of the reference when no tracker takes the connection, whatever the reason: `EINPROGRESS`.
const NO_TRACKER: u8 = Status::EINPROGRESS.0;

const USAGE: &str = "
Usage:
  fdfs_monitor <client_cfg_file> [-h <tracker_server>]
  [list|delete|set_trunk_server <group_name> [storage_id]]

Note:
  the tracker server format: host[:port], the tracker default port is 22122
  fdfs_monitor without parameter equals: fdfs_monitor /etc/fdfs/client.conf
";

/// The program. `args` come without the program's name.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let args: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let line = match CommandLine::parse(&args) {
        Ok(line) => line,
        Err(Usage { code }) => {
            out::line(USAGE);
            return ExitCode::from(code);
        }
    };
    let conf = match ClientConf::parse(&line.conf, &FileLoader, &host_env()) {
        Ok(parsed) => parsed.conf,
        Err(error) => {
            classic_log::conf_error(&line.conf, &error);
            return ExitCode::from(error.status().0);
        }
    };
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => ExitCode::from(runtime.block_on(run(&line, Trackers::of_conf(conf)))),
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
                None if arg.starts_with('-') => return Err(Usage { code: 1 }),
                None => words.push(arg.clone()),
            }
        }
        let mut words = words.into_iter();
        let operation = words.next().unwrap_or_else(|| "list".to_owned());
        Ok(Self { conf: conf.to_owned(), tracker, operation, group: words.next(), id: words.next() })
    }
}

async fn run(line: &CommandLine, trackers: Trackers) -> u8 {
    let count = trackers.servers.len();
    let start_index = match &line.tracker {
        None => fastrand::usize(..count.max(1)),
        Some(wanted) => match index_of(wanted, &trackers).await {
            Some(index) => index,
            None => {
                out::line(&format!("tracker server: {wanted} not exists!"));
                return Status::ENOENT.0;
            }
        },
    };
    out::line(&format!("tracker server count={count}, current server index={start_index}"));
    let Some(tracker) = connect_from(start_index, &trackers).await else { return NO_TRACKER };
    out::line(&format!(
        "\ntracker server is {}\n",
        text::host_port(&tracker.addr().ip().to_string(), tracker.addr().port())
    ));
    match (line.operation.as_str(), line.group.as_deref()) {
        ("list", None) => list_all(tracker).await,
        ("list", Some(group)) => list_one(tracker, group).await,
        ("delete", Some(group)) => match line.id.as_deref() {
            Some(id) => delete_storage(&trackers, group, id).await,
            None => delete_group(&trackers, group).await,
        },
        ("set_trunk_server", Some(group)) => set_trunk_server(&trackers, group, line.id.as_deref()).await,
        // Differs from C: `delete` without a group, which crashes the reference (W-49), is a usage error.
        ("delete" | "set_trunk_server", None) => {
            out::line(USAGE);
            return 1;
        }
        (other, _) => out::line(&format!("Invalid command {other}\n\n{USAGE}")),
    }
    // Whatever an operation came to: scripts know it so (W-38). `fdfs monitor` has exit codes.
    0
}

/// The index of the tracker that `-h` names.
async fn index_of(wanted: &str, trackers: &Trackers) -> Option<usize> {
    let wanted = TrackerServer::parse(wanted, TRACKER_PORT)?;
    let is_same = |server: &TrackerServer| server.addresses.iter().any(|address| wanted.addresses.contains(address));
    if let Some(index) = trackers.servers.iter().position(is_same) {
        return Some(index);
    }
    let wanted = addrs_of(&wanted, trackers).await;
    for (index, server) in trackers.servers.iter().enumerate() {
        if addrs_of(server, trackers).await.iter().any(|addr| wanted.contains(addr)) {
            return Some(index);
        }
    }
    None
}

async fn addrs_of(server: &TrackerServer, trackers: &Trackers) -> Vec<std::net::SocketAddr> {
    let mut addrs = Vec::new();
    for address in &server.addresses {
        let timeout = trackers.options.connect_timeout;
        addrs.extend(resolve(&address.to_string(), TRACKER_PORT, timeout).await.unwrap_or_default());
    }
    addrs
}

/// Connects to the first tracker from `start_index` on, round the list, that takes the connection.
async fn connect_from(start_index: usize, trackers: &Trackers) -> Option<Tracker> {
    let count = trackers.servers.len();
    for server in trackers.servers.iter().cycle().skip(start_index).take(count) {
        match trackers.connect(server).await {
            Ok(tracker) => return Some(tracker),
            Err(error) => {
                let status = error.status();
                let (number, words) = (status.0, status.text());
                classic_log::error(&format!("connect to server {server} fail, errno: {number}, error info: {words}"));
            }
        }
    }
    None
}

async fn list_all(mut tracker: Tracker) {
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

async fn list_one(mut tracker: Tracker, group: &str) {
    let list = async {
        let name = group_name(group).map_err(|status| AdminError::Refused { tracker: tracker.addr(), status })?;
        let record = tracker.group(name).await?;
        Ok::<_, AdminError>((record, tracker.storages(name, None).await?))
    };
    match list.await {
        Ok((record, storages)) => out::print(&text::group(&record, &storages, &TimeZone::system())),
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

async fn delete_storage(trackers: &Trackers, group: &str, id: &str) {
    let delete = async {
        let (name, id) = (group_name(group)?, storage_id(id)?);
        trackers.delete_storage(name, id).await.map_err(|error| told(&error))
    };
    let outcome = delete.await.map_or_else(fails, |()| "success".to_owned());
    out::line(&format!("delete storage server {group}::{id} {outcome}"));
}

async fn delete_group(trackers: &Trackers, group: &str) {
    let delete = async { trackers.delete_group(group_name(group)?).await.map_err(|error| told(&error)) };
    let outcome = delete.await.map_or_else(fails, |()| "success".to_owned());
    out::line(&format!("delete group: {group} {outcome}"));
}

async fn set_trunk_server(trackers: &Trackers, group: &str, id: Option<&str>) {
    let set = async {
        let (name, id) = (group_name(group)?, id.map(storage_id).transpose()?);
        trackers.set_trunk_server(name, id).await.map_err(|error| told(&error))
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
        assert_eq!(parse("c -x"), Err(Usage { code: 1 }));
        assert_eq!(parse("c"), line("c", None, "list", &[]));
        assert_eq!(parse("c -h t:1 list g"), line("c", Some("t:1"), "list", &["g"]));
        assert_eq!(parse("c -ht list"), line("c", Some("t"), "list", &[]));
        assert_eq!(parse("c delete g i -h t"), line("c", Some("t"), "delete", &["g", "i"]));
    }
}
