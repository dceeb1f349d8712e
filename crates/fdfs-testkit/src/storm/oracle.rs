//! The judge: what every storage has after a storm, against all that was done.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use fdfs_client::FileId;
use fdfs_proto::cmd::storage::DownloadFile;
use fdfs_proto::file_id::{self, LogicName};
use fdfs_proto::{Command, Wire};

use super::disk::{self, Entry, Snapshot};
use super::expected::{Expected, Presence};
use super::history::{File, History, Kind};
use crate::daemons::DaemonCluster;
use crate::raw::{RawConn, RawReply};

/// All storages have the same after the last fault, at the latest.
pub const CONVERGENCE: Duration = Duration::from_secs(60);
/// And they still have it so much later.
const CALM: Duration = Duration::from_millis(300);
/// Broken promises that are told in full.
const TOLD_MAX: usize = 12;

/// Waits until all storages of the group have the same, and holds that against what was promised.
///
/// # Errors
/// Each broken promise, with the history of the file concerned.
pub fn judge(cluster: &DaemonCluster, history: &History) -> Result<(), Vec<String>> {
    let healed = Instant::now();
    let snapshots = match converged(cluster, history, healed) {
        Ok(snapshots) => snapshots,
        Err(snapshots) => return Err(differences(cluster, history, &snapshots)),
    };
    println!("{} names are the same everywhere after {:.1} s", snapshots[0].len(), healed.elapsed().as_secs_f64());
    let mut broken = disk::half_files(&snapshots[0]);
    for plan in &cluster.layout.storages {
        let begun = disk::unfinished(plan);
        broken.extend(begun.iter().map(|file| format!("{} was begun and left", file.display())));
    }
    let files = history.files();
    broken.extend(shared_slots(&files));
    println!("{} files are in slots", files.iter().filter(|file| is_in_slot(file)).count());
    for (index, snapshot) in snapshots.iter().enumerate() {
        broken.extend(check_storage(cluster, index, snapshot, &files));
    }
    if broken.is_empty() { Ok(()) } else { Err(shortened(broken)) }
}

/// What all storages have once it is the same, and stays so for a while; else what they had last.
fn converged(cluster: &DaemonCluster, history: &History, healed: Instant) -> Result<Vec<Snapshot>, Vec<Snapshot>> {
    let in_slots: Vec<File> = history.files().into_iter().filter(is_in_slot).collect();
    let look_at = |(index, plan)| {
        let mut snapshot = disk::snapshot(plan);
        add_given(cluster, index, &in_slots, &mut snapshot);
        snapshot
    };
    let look = || -> Vec<Snapshot> { cluster.layout.storages.iter().enumerate().map(look_at).collect() };
    let mut last = look();
    loop {
        std::thread::sleep(CALM);
        let next = look();
        if next == last && next.windows(2).all(|pair| pair[0] == pair[1]) {
            return Ok(next);
        }
        if healed.elapsed() > CONVERGENCE {
            return Err(next);
        }
        last = next;
    }
}

fn is_in_slot(file: &File) -> bool {
    LogicName::parse(&file.id.name).is_ok_and(|name| name.kind() == file_id::Kind::Trunk)
}

/// Adds files in slots to what lies on the disk of a storage: what it gives.
fn add_given(cluster: &DaemonCluster, index: usize, in_slots: &[File], snapshot: &mut Snapshot) {
    if in_slots.is_empty() {
        return;
    }
    let mut conn = cluster.to_storage(index);
    for file in in_slots {
        if let RawReply::Whole { status: 0, body } = download(&mut conn, &file.id) {
            let entry = Entry::File(body.len() as u64, crc32fast::hash(&body));
            snapshot.entry(file.id.name.as_str().to_owned()).or_insert(entry);
        }
    }
}

/// Files that were acknowledged and not deleted share no byte of a trunk file.
fn shared_slots(files: &[File]) -> Vec<String> {
    let place = |file: &File| {
        let name = LogicName::parse(&file.id.name).ok()?;
        let part = name.trunk_part()?;
        let file_number = (name.store_path_index(), part.id);
        Some((file_number, part.offset, part.offset + part.alloc_size, file.id.to_string()))
    };
    let live = files.iter().filter(|file| file.kind == Kind::Plain && Expected::of(file).presence == Presence::Must);
    let mut places: Vec<_> = live.filter_map(place).collect();
    places.sort();
    let shares = |pair: &&[((u8, u32), u32, u32, String)]| pair[0].0 == pair[1].0 && pair[0].2 > pair[1].1;
    places.windows(2).filter(shares).map(|pair| format!("{} and {} share bytes", pair[0].3, pair[1].3)).collect()
}

/// Names that are not the same everywhere, and what was done to them.
fn differences(cluster: &DaemonCluster, history: &History, snapshots: &[Snapshot]) -> Vec<String> {
    let names: BTreeSet<&String> = snapshots.iter().flat_map(Snapshot::keys).collect();
    let files = history.files();
    let mut told = Vec::new();
    for name in names {
        let entries: Vec<Option<&Entry>> = snapshots.iter().map(|snapshot| snapshot.get(name)).collect();
        if entries.windows(2).all(|pair| pair[0] == pair[1]) {
            continue;
        }
        let mut text = format!("{name} differs {CONVERGENCE:?} after the last fault");
        for (index, entry) in entries.iter().enumerate() {
            let _ = write!(text, "\n  storage {index} has {entry:?}");
        }
        let owner = files.iter().find(|file| name.starts_with(file.id.name.as_str()));
        if told.len() < TOLD_MAX {
            text += &owner.map_or_else(|| "\n  nobody was told of it".to_owned(), |file| format!("\n{file}"));
            text += &traces(cluster, name.trim_end_matches("-m"));
        }
        told.push(text);
    }
    shortened(told)
}

/// Holds every file against what one storage has and gives.
fn check_storage(cluster: &DaemonCluster, index: usize, snapshot: &Snapshot, files: &[File]) -> Vec<String> {
    let mut conn = cluster.to_storage(index);
    let mut broken = Vec::new();
    for file in files {
        let expected = Expected::of(file);
        let name = file.id.name.as_str();
        let mut found = Vec::new();
        let is_there = snapshot.contains_key(name);
        match expected.presence {
            Presence::Must if !is_there => found.push("is lost".to_owned()),
            Presence::MustNot if is_there => found.push("was deleted and is there".to_owned()),
            Presence::Must | Presence::MustNot | Presence::Either => {}
        }
        let metadata_name = format!("{name}-m");
        match (snapshot.get(&metadata_name), &expected.metadata) {
            (Some(_), _) if !is_there => found.push("has metadata and is not there".to_owned()),
            (entry, Some(want)) if is_there && !is_content(entry, want) => {
                found.push(format!("has metadata {entry:?}, not \"{}\"", want.escape_ascii()));
            }
            _ => {}
        }
        if let Some(want) = expected.content.as_ref().filter(|want| is_there && !is_content(snapshot.get(name), want)) {
            found.push(format!("is {:?}, not {} bytes as acknowledged", snapshot.get(name), want.len()));
        }
        if let Err(what) = given(&mut conn, &file.id, snapshot.get(name), expected.content.as_deref()) {
            conn = cluster.to_storage(index);
            found.push(what);
        }
        for what in found {
            let traces = if broken.len() < TOLD_MAX { traces(cluster, name) } else { String::new() };
            broken.push(format!("storage {index}: {name} {what}\n{file}{traces}"));
        }
    }
    broken
}

fn is_content(entry: Option<&Entry>, want: &[u8]) -> bool {
    match entry {
        None => want.is_empty(),
        Some(Entry::File(len, crc)) => (*len, *crc) == (want.len() as u64, crc32fast::hash(want)),
        // What it leads to is seen when it is read.
        Some(Entry::Link(_)) => true,
    }
}

/// A storage gives what lies on its disk, and nothing else.
fn given(conn: &mut RawConn, id: &FileId, entry: Option<&Entry>, want: Option<&[u8]>) -> Result<(), String> {
    let reply = download(conn, id);
    match (&reply, entry) {
        (RawReply::Whole { status: 0, body }, Some(Entry::File(len, crc)))
            if (body.len() as u64, crc32fast::hash(body)) == (*len, *crc) =>
        {
            Ok(())
        }
        (RawReply::Whole { status: 0, body }, Some(Entry::Link(_))) if want.is_none_or(|want| want == body) => Ok(()),
        (RawReply::Whole { status: 2, .. }, None) => Ok(()),
        _ => Err(format!("is given as {reply:?}, and its disk has {entry:?}")),
    }
}

fn download(conn: &mut RawConn, id: &FileId) -> RawReply {
    let request = DownloadFile { offset: 0, wanted: 0, file: *id };
    conn.ask(Command::DownloadFile as u8, &request.to_bytes())
}

/// The records and the lines of logs that tell of a name.
fn traces(cluster: &DaemonCluster, name: &str) -> String {
    let mut text = String::new();
    let short = name.rsplit('/').next().unwrap_or(name).split('.').next().unwrap_or(name);
    for (index, plan) in cluster.layout.storages.iter().enumerate() {
        let binlogs = fs::read_dir(plan.base_path.join("data/sync")).into_iter().flatten().flatten();
        let mut paths: Vec<_> = binlogs.map(|entry| entry.path()).collect();
        paths.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("binlog.")));
        paths.sort();
        let records = paths.iter().flat_map(|path| {
            let bytes = fs::read(path).unwrap_or_default();
            String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect::<Vec<_>>()
        });
        for record in records.filter(|record| record.contains(short)) {
            let _ = write!(text, "\n    record of storage {index}: {record}");
        }
    }
    for (node, log) in cluster.logs() {
        for line in log.lines().filter(|line| line.contains(short)) {
            let _ = write!(text, "\n    log of {node}: {line}");
        }
    }
    text
}

fn shortened(mut broken: Vec<String>) -> Vec<String> {
    let more = broken.len().saturating_sub(TOLD_MAX);
    broken.truncate(TOLD_MAX);
    if more > 0 {
        broken.push(format!("and {more} more"));
    }
    broken
}
