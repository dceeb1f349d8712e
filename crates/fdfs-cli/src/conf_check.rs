//! `fdfs conf check FILE`: everything that is wrong with a configuration file, at once.

use std::process::ExitCode;

use fdfs_conf::{FileKind, Finding, Place, Report, Severity, StorageConf, TrackerConf, check};
use fdfs_http::configure::Configured;
use serde_json::{Value, json};

use crate::conf_loader::{FileLoader, host_env};
use crate::out;

/// What `fdfs conf check` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs conf check /etc/fdfs/storage.conf
  fdfs conf check my-settings --kind tracker
  fdfs conf check /etc/fdfs/tracker.conf --json | jq .findings

Exit code: 0 when the server would start (there may be warnings), 1 when it would not.")]
pub(crate) struct Args {
    /// The file; what it includes is checked along with it
    file: String,
    /// What the file is; without it, its keys and its name tell
    #[arg(long, value_name = "KIND", value_parser = kind_of_word)]
    kind: Option<FileKind>,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

/// Reads `tracker`, `storage.conf` and the like.
fn kind_of_word(word: &str) -> Result<FileKind, String> {
    FileKind::from_word(word).ok_or_else(|| {
        let words = FileKind::ALL.map(|kind| {
            let name = kind.file_name();
            name.strip_suffix(".conf").unwrap_or(name)
        });
        format!("one of {}", words.join(", "))
    })
}

/// Prints what was found.
pub(crate) fn run(args: &Args) -> ExitCode {
    let mut report = check(args.kind, &args.file, &FileLoader, &host_env());
    check_http(&mut report);
    if args.json {
        out::line(&to_json(&report).to_string());
    } else {
        out::line(&report.to_string());
    }
    ExitCode::from(u8::from(report.has_errors()))
}

/// Adds what keeps HTTP from being served though every value is allowed: keys that do not go together, and files that they
/// name. For a server that is the file of `http.config`.
fn check_http(report: &mut Report) {
    if report.has_errors() {
        return;
    }
    let (path, env) = (report.path.clone(), host_env());
    let http = match report.kind {
        FileKind::Storage => StorageConf::parse(&path, &FileLoader, &env).map(|parsed| parsed.conf.http).ok(),
        FileKind::Tracker => TrackerConf::parse(&path, &FileLoader, &env).map(|parsed| parsed.conf.http).ok(),
        _ => None,
    };
    let of_server = http.filter(|http| http.port.is_some()).and_then(|http| http.config);
    let path = match (report.kind, of_server) {
        (FileKind::ModFastdfs, _) => path,
        (_, Some(of_server)) => {
            report.findings.extend(check(Some(FileKind::ModFastdfs), &of_server, &FileLoader, &env).findings);
            of_server
        }
        _ => return,
    };
    if report.has_errors() {
        return;
    }
    if let Err(error) = Configured::check(&path, &FileLoader, &env) {
        let what = error.without_path().to_string();
        report.findings.push(Finding::new(&Place::whole(&path), "", Severity::Error, what, ""));
    }
}

fn to_json(report: &Report) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "file": &*finding.file,
            "line": (finding.line > 0).then_some(finding.line),
            "key": (!finding.key.is_empty()).then_some(finding.key.as_str()),
            "severity": finding.severity.to_string(),
            "what": finding.what,
            "allowed": (!finding.allowed.is_empty()).then_some(finding.allowed.as_str()),
        })
    };
    json!({
        "path": report.path,
        "kind": report.kind.file_name(),
        "ok": !report.has_errors(),
        "errors": report.count(Severity::Error),
        "warnings": report.count(Severity::Warning),
        "notes": report.count(Severity::Note),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}
