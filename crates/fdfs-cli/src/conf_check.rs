//! `fdfs conf check FILE`: everything that is wrong with a configuration file, at once.

use std::process::ExitCode;

use fdfs_conf::{FileKind, Finding, Report, Severity, check};
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
    let report = check(args.kind, &args.file, &FileLoader, &host_env());
    if args.json {
        out::line(&to_json(&report).to_string());
    } else {
        out::line(&report.to_string());
    }
    ExitCode::from(u8::from(report.has_errors()))
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
