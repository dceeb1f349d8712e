//! The state files of a tracker.

use std::collections::BTreeMap;
use std::path::Path;

use fdfs_conf::{ResponseIpAddrSize, TrackerConf};
use fdfs_proto::disk::changelog::{self, changelog_lines};
use fdfs_proto::disk::sync_timestamps::SyncTimestamps;
use fdfs_proto::disk::tracker_groups::TrackerGroups;
use fdfs_proto::disk::tracker_servers::{StoredStorage, TrackerServers};
use fdfs_proto::disk::tracker_status::TrackerStatus;
use fdfs_proto::disk::{DiskError, StateFile, tracker_old};

use super::report::Report;
use super::running;
use crate::daemon::program::Program;
use fdfs_watch::findings::Severity;

/// Looks at all of them.
pub(super) fn look(conf: &TrackerConf, report: &mut Report) {
    let base_path = &conf.server.base_path;
    let data = base_path.join("data");
    if !data.is_dir() {
        let what = "is not there: a tracker that starts here knows nothing until storages join";
        report.say(Severity::Note, "empty", data.display().to_string(), what, "look whether base_path is right");
        return;
    }
    running::look(Program::Tracker, base_path, report);
    running::may_write(&data, report);
    let groups = file::<TrackerGroups>(&data, report).map(|file| file.groups);
    let groups = groups.or_else(|| old_form(&data, tracker_old::GROUPS_FILE, tracker_old::decode_groups, report));
    let storages = file::<TrackerServers>(&data, report).map(|file| file.storages);
    let storages = storages.or_else(|| old_form(&data, tracker_old::SERVERS_FILE, tracker_old::decode_servers, report));
    let groups = groups.unwrap_or_default();
    let storages = storages.unwrap_or_default();
    for group in &groups {
        let members = storages.iter().filter(|storage| storage.group_name == group.name);
        report.fact(format!("group {}: {}", group.name, statuses(members)));
    }
    if groups.is_empty() {
        let what = "knows no group: it learns them from storages that join";
        report.say(Severity::Note, "empty", data.display().to_string(), what, "look whether base_path is right");
    }
    if let Some(timestamps) = file::<SyncTimestamps>(&data, report) {
        report.fact(format!("{}: {} rows", SyncTimestamps::FILE, timestamps.rows.len()));
    }
    file::<TrackerStatus>(&data, report);
    read_changelog(&data, report);
    if conf.response_ip_addr_size == ResponseIpAddrSize::V4 {
        report.say(
            Severity::Note,
            "narrow-addresses",
            "response_ip_addr_size",
            "IPv4 means 16 bytes for each address; the reference takes every word but auto for 46",
            "nothing to do where no storage has IPv6; IPv6 is what the reference did",
        );
    }
    if conf.use_trunk_file {
        report.fact("use_trunk_file: small files are merged; trunk servers are chosen as before");
        if conf.trunk_free_space_merge {
            report.say(
                Severity::Warning,
                "joined-blocks",
                "trunk_free_space_merge",
                "the reference joins free blocks without a record, so that the next trunk server of its kind gives out slots that are \
                 taken",
                "set it to false on all trackers and restart all servers before the first one is exchanged; true is safe again when no \
                 storage of the reference is left",
            );
        }
    }
}

/// How many storages have which status.
fn statuses<'a>(members: impl Iterator<Item = &'a StoredStorage>) -> String {
    let mut counts = BTreeMap::<_, (_, usize)>::new();
    for member in members {
        counts.entry(member.status.number()).or_insert((member.status, 0)).1 += 1;
    }
    let words: Vec<_> = counts.into_values().map(|(status, count)| format!("{count} {status}")).collect();
    if words.is_empty() { "no storages".to_owned() } else { format!("storages: {}", words.join(", ")) }
}

/// Reads a state file. One that cannot be what it should be is a finding.
pub(super) fn file<T: StateFile>(data: &Path, report: &mut Report) -> Option<T> {
    let path = data.join(T::FILE);
    decoded(&path, T::decode, report)
}

fn old_form<T>(data: &Path, name: &str, decode: fn(&[u8]) -> Result<T, DiskError>, report: &mut Report) -> Option<T> {
    let found = decoded(&data.join(name), decode, report)?;
    let what = "is of a version before 5: it is read, and written anew in the form of today";
    report.say(
        Severity::Warning,
        "old-form",
        data.join(name).display().to_string(),
        what,
        "keep a copy if you want to go back to that version",
    );
    Some(found)
}

/// Reads a file with its decoder. One that cannot be what it should be is a finding.
pub(super) fn decoded<T>(
    path: &Path,
    decode: impl FnOnce(&[u8]) -> Result<T, DiskError>,
    report: &mut Report,
) -> Option<T> {
    let bytes = running::read(path, report)?;
    decode(&bytes)
        .inspect_err(|error| {
            report.say(
                Severity::Warning,
                "corrupt",
                path.display().to_string(),
                error.to_string(),
                "it would be moved aside and made anew; restore it from a copy if there is one",
            );
        })
        .ok()
}

fn read_changelog(data: &Path, report: &mut Report) {
    let path = data.join(changelog::FILE);
    let Some(bytes) = running::read(&path, report) else { return };
    let (good, bad) = changelog_lines(&bytes).fold((0, 0), |(good, bad), line| match line.entry {
        Ok(_) => (good + 1, bad),
        Err(_) => (good, bad + 1),
    });
    report.fact(format!("{}: {good} changes of storages", changelog::FILE));
    if bad > 0 {
        let what = format!("{bad} lines cannot be read, and are passed over");
        report.say(Severity::Note, "bad-lines", path.display().to_string(), what, "nothing to do");
    }
}
