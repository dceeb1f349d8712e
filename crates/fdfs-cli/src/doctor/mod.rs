//! `fdfs doctor`: asks every server, and says in words what is wrong and what to do about it.

use std::process::ExitCode;

use fdfs_proto::Status;
use fdfs_watch::findings::{Finding, NEARLY_FULL_PERCENT, Severity, findings};
use fdfs_watch::gather;
use fdfs_watch::snapshot::{Answer, Snapshot, StorageSeen, Told, TrackerSeen};
use serde_json::{Value, json};

use crate::exit::failure;
use crate::files::connect::Connect;
use crate::out;

/// The exit code when something fails for somebody.
const ERRORS: u8 = 1;
/// The exit code when nothing fails yet.
const WARNINGS: u8 = 3;

/// What `fdfs doctor` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs doctor --tracker 10.0.0.1,10.0.0.2
  fdfs doctor --json | jq -r '.findings[] | \"\\(.severity) \\(.about): \\(.what)\"'

It must run where the clients run: what it says of addresses holds for that machine.

Exit code: 0 nothing but notes, 3 warnings, 1 errors, else the errno of what kept it from looking.")]
pub(crate) struct Args {
    #[command(flatten)]
    connect: Connect,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
    /// Warn of a group that has less than so many percent of its space left for uploads; 0: never
    #[arg(long, value_name = "PERCENT", default_value_t = NEARLY_FULL_PERCENT, value_parser = clap::value_parser!(u8).range(0..=100))]
    nearly_full: u8,
    /// Do not print who is told which address
    #[arg(long)]
    quiet: bool,
}

/// Looks, and says what it found.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = args.connect.client()?;
    let snapshot = gather::snapshot(&client).await;
    if let Some(reason) = nobody_answers(&snapshot) {
        return Err(failure(Status::ECONNREFUSED, format!("no tracker answers: {reason}")));
    }
    let found = findings(&snapshot, args.nearly_full);
    if args.json {
        out::line(&json(&snapshot, &found).to_string());
    } else {
        if !args.quiet {
            out::print(&told(&snapshot));
        }
        out::print(&text(&snapshot, &found));
    }
    Ok(ExitCode::from(match found.iter().map(|finding| finding.severity).max() {
        Some(Severity::Error) => ERRORS,
        Some(Severity::Warning) => WARNINGS,
        Some(Severity::Note) | None => 0,
    }))
}

fn nobody_answers(snapshot: &Snapshot) -> Option<String> {
    let failures: Option<Vec<_>> = snapshot.trackers.iter().map(|tracker| tracker.failure.clone()).collect();
    failures.map(|failures| failures.join("; "))
}

/// Who is told what, and whether that answers.
fn told(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for tracker in &snapshot.trackers {
        if let Some(ip) = tracker.report.as_ref().and_then(|report| report.get("you_are")) {
            text.push_str(&format!("tracker {} sees this machine as {ip}\n", tracker.name));
        }
    }
    for storage in &snapshot.storages {
        for told in &storage.told {
            let answer = match &told.answer {
                Answer::NotTried => "not tried",
                Answer::Yes { .. } => "answers",
                Answer::No(_) => "does not answer from here",
            };
            let (group, id) = (&storage.group, &storage.id);
            text.push_str(&format!("storage {group}/{id}: {} are told {} ({answer})\n", told.who, told.address));
        }
    }
    text
}

/// One line for each finding.
fn text(snapshot: &Snapshot, found: &[Finding]) -> String {
    let mut text: String = found.iter().map(|finding| format!("{}\n", finding.line())).collect();
    let (trackers, storages) = (snapshot.trackers.len(), snapshot.storages.len());
    let count = |severity| found.iter().filter(|finding| finding.severity == severity).count();
    text.push_str(&format!(
        "{trackers} trackers and {storages} storages looked at: {} errors, {} warnings, {} notes\n",
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Note)
    ));
    text
}

/// A finding for programs.
pub(crate) fn finding_json(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.word(),
        "code": finding.code,
        "about": finding.about,
        "what": finding.what,
        "advice": finding.advice,
    })
}

fn json(snapshot: &Snapshot, found: &[Finding]) -> Value {
    let storage = |storage: &StorageSeen| {
        let told = |told: &Told| {
            let (answers, why) = match &told.answer {
                Answer::NotTried => (Value::Null, None),
                Answer::Yes { .. } => (Value::Bool(true), None),
                Answer::No(why) => (Value::Bool(false), Some(why)),
            };
            json!({ "who": told.who, "address": told.address, "answers": answers, "why": why })
        };
        json!({
            "group": storage.group,
            "id": storage.id,
            "told": storage.told.iter().map(told).collect::<Vec<_>>(),
            "clock_off_ms": storage.report.as_ref().and_then(|report| report.clock_off_ms),
        })
    };
    let tracker = |tracker: &TrackerSeen| {
        json!({
            "name": tracker.name,
            "failure": tracker.failure,
            "leader": tracker.leader,
            "you_are": tracker.report.as_ref().and_then(|report| report.get("you_are")),
            "clock_off_ms": tracker.report.as_ref().and_then(|report| report.clock_off_ms),
        })
    };
    json!({
        "trackers": snapshot.trackers.iter().map(tracker).collect::<Vec<_>>(),
        "storages": snapshot.storages.iter().map(storage).collect::<Vec<_>>(),
        "findings": found.iter().map(finding_json).collect::<Vec<_>>(),
    })
}
