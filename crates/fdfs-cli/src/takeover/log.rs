//! The replication log and the marks of the peers.

use std::collections::BTreeMap;
use std::path::Path;

use fdfs_proto::disk::binlog_index::BinlogIndex;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Origin};
use fdfs_proto::disk::sync_mark::{MarkName, SyncMark};
use fdfs_proto::disk::{BinlogPosition, StateFile};
use fdfs_store::RealFs;
use fdfs_store::binlog_reader::{BinlogReader, Step, open_sync_dir};

use super::report::Report;
use super::tracker;
use crate::local::log_bounds;
use fdfs_watch::findings::Severity;

/// Lines that cannot be read are shown up to this many.
const SHOWN_MAX: usize = 3;

/// Looks at `<base_path>/data/sync`. `own_port` is the port in the names of marks, where there are no storage ids.
pub(super) fn look(sync_dir: &Path, own_port: u16, is_quick: bool, report: &mut Report) {
    let about = sync_dir.display().to_string();
    let bounds = match log_bounds(sync_dir) {
        Ok(Some(bounds)) => bounds,
        Ok(None) => {
            report.fact(format!("{about}: no replication log"));
            if !names(sync_dir).is_empty() {
                let what = "the replication log is gone, and marks of other storages are there: what was not sent to them \
                            is known to nobody";
                let advice = "restore it from a copy, or start and see what fdfs verify --peers names";
                report.say(Severity::Warning, "no-log", about, what, advice);
            }
            return;
        }
        Err(error) => {
            report.say(
                Severity::Error,
                "unreadable",
                about,
                format!("{error:#}"),
                "look at its owner and mode, and at the disk",
            );
            return;
        }
    };
    if sync_dir.join(BinlogIndex::FILE).exists() {
        tracker::file::<BinlogIndex>(sync_dir, report);
    } else {
        let old = fdfs_proto::disk::binlog_index::OLD_FILE;
        tracker::decoded(&sync_dir.join(old), BinlogIndex::decode_old, report);
    }
    if is_quick {
        report.fact(format!("{about}: the log ends at {}; it was not read", bounds.1));
    } else if let Err(error) = read(sync_dir, bounds, report) {
        report.say(Severity::Error, "unreadable", about, error.to_string(), "look at the disk");
    }
    marks(sync_dir, bounds.1, own_port, report);
}

fn read(
    sync_dir: &Path,
    (start, end): (BinlogPosition, BinlogPosition),
    report: &mut Report,
) -> Result<(), fdfs_store::StoreError> {
    let mut reader = BinlogReader::new(open_sync_dir(RealFs, sync_dir)?, start);
    let (mut own, mut sent, mut bad, mut last) = (0_u64, 0_u64, Vec::new(), 0);
    let mut bad_count = 0_u64;
    let mut is_bad = |text: String| {
        bad_count += 1;
        if bad.len() < SHOWN_MAX {
            bad.push(text);
        }
    };
    while let Some(step) = reader.next(end)? {
        match step {
            Step::Gap(gap) => is_bad(format!("{} to {}: {}", gap.at, gap.next, gap.why)),
            Step::Line(line) => match BinlogRecord::parse(line.text) {
                Ok(record) => {
                    last = record.timestamp;
                    *(if record.origin == Origin::Source { &mut own } else { &mut sent }) += 1;
                }
                Err(error) => is_bad(format!("{}: {error}", line.at)),
            },
        }
    }
    let about = sync_dir.display();
    report.fact(format!("{about}: {own} records of own changes, {sent} of others; the last at {last} (unix seconds)"));
    if bad_count > 0 {
        report.say(
            Severity::Warning,
            "bad-records",
            about.to_string(),
            format!("{bad_count} records cannot be read: {}", bad.join("; ")),
            "each is put into the quarantine and told in the log, and the others go on; the reference stops at them",
        );
    }
    if reader.position() < end {
        report.say(
            Severity::Note,
            "half-record",
            about.to_string(),
            "the last record is half: its change was not confirmed",
            "nothing to do: it is cut off at the start",
        );
    }
    Ok(())
}

/// The marks in a folder, in the order of their names.
fn names(sync_dir: &Path) -> BTreeMap<String, MarkName> {
    let entries = std::fs::read_dir(sync_dir).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| Some((name.clone(), MarkName::from_file_name(&name)?))).collect()
}

fn marks(sync_dir: &Path, end: BinlogPosition, own_port: u16, report: &mut Report) {
    for (file_name, name) in names(sync_dir) {
        let path = sync_dir.join(&file_name);
        let about = path.display().to_string();
        let Some(mark) = tracker::decoded(&path, SyncMark::decode, report) else { continue };
        let at = mark.position();
        let rest = match (end.file.checked_sub(at.file), end.offset.checked_sub(at.offset)) {
            (Some(0), Some(0)) => "has everything".to_owned(),
            (Some(0), Some(bytes)) => format!("{bytes} bytes of the log are still to be sent"),
            (Some(files), _) if files > 0 => format!("{files} files of the log are still to be sent"),
            _ => {
                report.say(
                    Severity::Warning,
                    "mark-behind-end",
                    &about,
                    format!(
                        "stands at {at}, and the log ends at {end}: records were lost, or the mark is of another log"
                    ),
                    "the storage begins at the end of the log; fdfs verify --peers tells what the other one lacks",
                );
                continue;
            }
        };
        let old = if mark.need_sync_old && !mark.sync_old_done { "; it is still being filled from here" } else { "" };
        report.fact(format!("peer {}: {rest}{old}", name.id));
        if name.port.is_some_and(|port| port != own_port) {
            report.say(
                Severity::Warning,
                "other-port",
                about,
                format!("is of the time when this storage had another port than {own_port}"),
                "if the port was changed on purpose, nothing: the mark is taken over",
            );
        }
    }
}
