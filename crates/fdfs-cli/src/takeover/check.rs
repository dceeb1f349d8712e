//! `fdfs takeover check CONF`: what a server of the reference has left, and whether ours can go on with it.

use std::process::ExitCode;

use fdfs_conf::{FileKind, Loader as _, StorageConf, TrackerConf, check};
use fdfs_proto::Status;

use super::report::Report;
use super::{conf, storage, tracker};
use crate::conf_loader::{FileLoader, host_env};
use crate::exit::{self, failure};
use crate::out;

/// What `fdfs takeover check` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs takeover check /etc/fdfs/storage.conf
  fdfs takeover check /etc/fdfs/tracker.conf --json | jq -r '.findings[] | \"\\(.severity) \\(.about): \\(.what)\"'

It only reads, and may be run while the server runs: then what is written in this moment can show as half. Run it as the
user that the server will run as.

Exit code: 0 nothing but notes, 3 warnings, 1 errors: it should not be taken over like this; else the errno of what kept it
from looking.")]
pub(crate) struct Args {
    /// The server's configuration file: tracker.conf or storage.conf
    conf: String,
    /// What the file is; without it, its keys and its name tell
    #[arg(long, value_name = "KIND", value_parser = role_of_word)]
    kind: Option<FileKind>,
    /// Do not read the replication log, which may be long
    #[arg(long)]
    quick: bool,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

fn role_of_word(word: &str) -> Result<FileKind, String> {
    match word {
        "tracker" => Ok(FileKind::Tracker),
        "storage" => Ok(FileKind::Storage),
        _ => Err("tracker or storage".to_owned()),
    }
}

/// Looks, and says what it found.
pub(super) fn run(args: &Args) -> ExitCode {
    match look(args) {
        Err(error) => exit::report(&error),
        Ok(report) => {
            if args.json {
                out::line(&report.json().to_string());
            } else {
                out::print(&report.text());
            }
            ExitCode::from(report.exit_code())
        }
    }
}

fn look(args: &Args) -> anyhow::Result<Report> {
    let env = host_env();
    if let Err(error) = FileLoader.load(&args.conf) {
        return Err(failure(error.status, format!("{}: {}", args.conf, error.what)));
    }
    let checked = check(args.kind, &args.conf, &FileLoader, &env);
    let mut report = Report::default();
    conf::look(&checked, &mut report);
    match checked.kind {
        FileKind::Storage => match StorageConf::parse(&args.conf, &FileLoader, &env) {
            Ok(parsed) => storage::look(&parsed.conf, args.quick, &mut report),
            Err(error) if report.worst().is_none() => return Err(error.into()),
            Err(_) => {}
        },
        FileKind::Tracker => match TrackerConf::parse(&args.conf, &FileLoader, &env) {
            Ok(parsed) => tracker::look(&parsed.conf, &mut report),
            Err(error) if report.worst().is_none() => return Err(error.into()),
            Err(_) => {}
        },
        other => {
            let what = format!("{} is a {}: give tracker.conf or storage.conf", args.conf, other.file_name());
            return Err(failure(Status::EINVAL, what));
        }
    }
    Ok(report)
}
