//! `fdfs sync status`: how far each storage of a group has what the others have.

use std::fmt::Write as _;

use fdfs_client::ClientError;
use fdfs_proto::GroupName;
use fdfs_proto::cmd::tracker::StorageRecord;
use fdfs_proto::ours::{PeerStatus, SyncStatus};
use serde_json::{Value, json};

use super::ask;
use crate::files::connect::Connect;
use crate::monitor::admin;
use crate::out;

/// What `fdfs sync status` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fdfs sync status --tracker 10.0.0.1:22122
  fdfs sync status group1 --json | jq '.storages[].peers[] | select(.records_behind > 0)'

Records behind are estimated from the bytes of the log behind.")]
pub(crate) struct Args {
    /// The group; all without it
    group: Option<GroupName>,
    #[command(flatten)]
    connect: Connect,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let client = args.connect.client()?;
    let mut last_error = ClientError::NoTrackerGiven;
    let answering = admin::first_that_answers(&client.trackers(), 0, |_, error| last_error = error).await;
    let tracker = answering.ok_or(last_error)?;
    let groups = match args.group {
        Some(group) => vec![group],
        None => tracker.groups().await?.into_iter().map(|record| record.group).collect(),
    };
    let mut all = Vec::new();
    for group in groups {
        let storages = tracker.storages(group, None).await?;
        let answers = ask::ask_all(&storages).await;
        all.extend(storages.into_iter().zip(answers).map(|(storage, answer)| (group, storage, answer)));
    }
    if args.json {
        let storages: Vec<Value> = all.iter().map(|(group, storage, answer)| object(*group, storage, answer)).collect();
        out::line(&json!({ "tracker": tracker.to_string(), "storages": storages }).to_string());
        return Ok(());
    }
    for (group, storage, answer) in &all {
        out::print(&text(*group, storage, answer));
    }
    Ok(())
}

fn object(group: GroupName, storage: &StorageRecord, answer: &Result<SyncStatus, String>) -> Value {
    let mut value = match answer {
        Ok(_) => ask::json(answer),
        Err(why) => json!({ "error": why }),
    };
    value["group"] = json!(group.as_str());
    value["storage"] = json!(storage.id.as_str());
    value["status"] = json!(storage.status.to_string());
    value
}

fn text(group: GroupName, storage: &StorageRecord, answer: &Result<SyncStatus, String>) -> String {
    let mut text = format!("{group} {} ({}):", storage.id, storage.status);
    let status = match answer {
        Ok(status) => status,
        Err(why) => return format!("{text} {why}\n"),
    };
    text.push('\n');
    if status.quarantined > 0 {
        // A string takes everything.
        let _ = writeln!(text, "  {} records in quarantine, see data/sync/.fdfs_quarantine there", status.quarantined);
    }
    if status.peers.is_empty() {
        text.push_str("  no peers\n");
    }
    for peer in &status.peers {
        text.push_str(&line(peer));
    }
    text
}

/// `  -> 10.0.0.2 (ACTIVE): ...`
fn line(peer: &PeerStatus) -> String {
    let mut line = format!("  -> {} ({}): ", peer.id, peer.status);
    if peer.bytes_behind == 0 && peer.in_flight == 0 {
        let _ = write!(line, "has everything, {}", peer.mark);
    } else {
        let (records, secs) = (peer.records_behind, peer.secs_behind);
        let _ = write!(line, "{records} records and {secs} s behind, {} of {}", peer.mark, peer.end);
        let _ = write!(line, ", {:.1} records/s", peer.rate_milli as f64 / 1000.0);
        match peer.eta_secs {
            Some(secs) => drop(write!(line, ", done in {secs} s")),
            None => line.push_str(", no end in sight"),
        }
    }
    if peer.is_copying {
        line.push_str(", copying old files");
    }
    if peer.set_aside > 0 {
        let _ = write!(line, ", {} records set aside", peer.set_aside);
    }
    line.push('\n');
    if let Some(error) = &peer.error {
        let _ = writeln!(line, "     {error}");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_one_line_and_its_trouble_another() {
        let done = PeerStatus {
            id: "10.0.0.2".into(),
            status: "ACTIVE".into(),
            mark: "binlog.000:57".into(),
            end: "binlog.000:57".into(),
            ..PeerStatus::default()
        };
        assert_eq!(line(&done), "  -> 10.0.0.2 (ACTIVE): has everything, binlog.000:57\n");
        let behind = PeerStatus {
            end: "binlog.000:580".into(),
            bytes_behind: 523,
            records_behind: 10,
            secs_behind: 7,
            rate_milli: 2500,
            eta_secs: Some(4),
            set_aside: 1,
            is_copying: true,
            error: Some("no space".into()),
            ..done
        };
        assert_eq!(
            line(&behind),
            "  -> 10.0.0.2 (ACTIVE): 10 records and 7 s behind, binlog.000:57 of binlog.000:580, 2.5 records/s, done in \
             4 s, copying old files, 1 records set aside\n     no space\n"
        );
    }
}
