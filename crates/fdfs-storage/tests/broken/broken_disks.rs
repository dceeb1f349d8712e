//! The write path on disks that stop, fail, write short and forget: at every single call.
//!
//! Oracle: what was acknowledged under `durability = disk` is there with its record after the power cut; no record without
//! its file; no file under a final name that is not whole.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{CALLS_MAX, NOW, STORE, SYNC, open, power_cuts, used_disk};
use fdfs_proto::FileName;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op, Origin};
use fdfs_proto::file_id::{BlockType, LogicName, NewKind, TrunkPart};
use fdfs_storage::commit::Durability;
use fdfs_storage::write_path::WritePath;
use fdfs_store::fs::Fs;
use fdfs_store::reconcile::{OVERLAP_SECS, RecordedTail};
use fdfs_store::sim_fs::{Fault, SimFs};
use fdfs_store::state_file::StateDir;
use fdfs_store::{FsFile, Slot, StorePath};

/// A trunk file, and its size.
const TRUNK_FILE: &str = "000001";
const TRUNK_FILE_BYTES: u64 = 4096;

fn name_of(content: &[u8], random: u32) -> FileName {
    crate::support::name_of(content, NewKind::Regular, random)
}

/// The name of a file with this content in a slot.
fn name_in_slot(content: &[u8]) -> LogicName {
    let part = TrunkPart { id: 1, offset: 256, alloc_size: 256 };
    LogicName::parse(&crate::support::name_of(content, NewKind::Trunk(part), 1)).unwrap()
}

/// The steps that are run against each fault; each returns what was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Whole,
    Streamed,
    WholeWithRotation,
    Delete,
    SetMeta,
    ReplaceMeta,
    InSlot,
    InSlotStreamed,
    DeleteInSlot,
}

const STEPS: [Step; 9] = [
    Step::Whole,
    Step::Streamed,
    Step::WholeWithRotation,
    Step::Delete,
    Step::SetMeta,
    Step::ReplaceMeta,
    Step::InSlot,
    Step::InSlotStreamed,
    Step::DeleteInSlot,
];
const CONTENT: &[u8] = b"the content of a file";
const OLD_META: &[u8] = b"w\x02160";
const NEW_META: &[u8] = b"w\x02161\x01x\x021";

/// What must be true of the file after the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acked {
    Nothing,
    File(FileName),
    Gone(FileName),
    Meta(FileName),
}

async fn prepare(fs: &SimFs, step: Step) -> Option<FileName> {
    let writer = open(fs, Durability::Disk, 1 << 30);
    match step {
        Step::Whole | Step::Streamed | Step::WholeWithRotation | Step::InSlot | Step::InSlotStreamed => return None,
        Step::DeleteInSlot => {
            let name = name_in_slot(CONTENT);
            let slot = &writer.slots[0];
            writer.fill_slot(slot, &name, BlockType::Regular, CONTENT, TRUNK_FILE_BYTES).await.unwrap();
            writer.commit_slot(slot, &name, NOW).await.unwrap();
            return Some(name.text());
        }
        Step::Delete | Step::SetMeta | Step::ReplaceMeta => {}
    }
    let name = name_of(CONTENT, 9);
    writer.add_whole(&writer.slots[0], CONTENT, NOW, || name).await.unwrap();
    if step == Step::ReplaceMeta {
        let logic = LogicName::parse(&name).unwrap();
        writer.set_meta(&writer.slots[0], &logic, Some(OLD_META), NOW).await.unwrap();
    }
    Some(name)
}

async fn run(writer: &WritePath<SimFs>, step: Step, old: Option<FileName>) -> Acked {
    let slot = &writer.slots[0];
    let mut random = 0;
    let draw = || {
        random += 1;
        name_of(CONTENT, random)
    };
    let old_logic = old.map(|name| LogicName::parse(&name).unwrap());
    match (step, old, old_logic) {
        (Step::Whole | Step::WholeWithRotation, ..) => {
            writer.add_whole(slot, CONTENT, NOW, draw).await.map_or(Acked::Nothing, Acked::File)
        }
        (Step::Streamed, ..) => {
            let Ok(mut file) = writer.begin(slot, "00/01").await else { return Acked::Nothing };
            for piece in CONTENT.chunks(8) {
                if writer.write_piece(slot, &mut file, piece).await.is_err() {
                    return Acked::Nothing;
                }
            }
            writer.add_streamed(slot, file, NOW, draw).await.map_or(Acked::Nothing, Acked::File)
        }
        (Step::InSlot, ..) => {
            let name = name_in_slot(CONTENT);
            let filled = writer.fill_slot(slot, &name, BlockType::Regular, CONTENT, TRUNK_FILE_BYTES).await;
            in_slot(writer, name, filled.is_ok()).await
        }
        (Step::InSlotStreamed, ..) => {
            let name = name_in_slot(CONTENT);
            let at = Slot::of(&name).unwrap();
            let Ok(mut file) = writer.begin_slot(slot, at, TRUNK_FILE_BYTES).await else { return Acked::Nothing };
            for piece in CONTENT.chunks(8) {
                if writer.write_slot_piece(slot, &mut file, piece).await.is_err() {
                    return Acked::Nothing;
                }
            }
            let is_filled = writer.finish_slot(slot, file, &name).await.is_ok();
            in_slot(writer, name, is_filled).await
        }
        (Step::Delete | Step::DeleteInSlot, Some(name), Some(logic)) => {
            writer.remove(slot, &logic, NOW).await.map_or(Acked::Nothing, |_| Acked::Gone(name))
        }
        (Step::SetMeta | Step::ReplaceMeta, Some(name), Some(logic)) => {
            let set = writer.set_meta(slot, &logic, Some(NEW_META), NOW).await;
            set.map_or(Acked::Nothing, |()| Acked::Meta(name))
        }
        _ => panic!("{step:?} needs a file"),
    }
}

async fn in_slot(writer: &WritePath<SimFs>, name: LogicName, is_filled: bool) -> Acked {
    if is_filled && writer.commit_slot(&writer.slots[0], &name, NOW).await.is_ok() {
        return Acked::File(name.text());
    }
    Acked::Nothing
}

/// The content of a file by its true name, plain or in a slot.
fn read(fs: &SimFs, true_name: &str) -> Option<Vec<u8>> {
    let path = StorePath::open(fs.clone(), 0, Path::new(STORE), false, 2).unwrap().path;
    let file = path.open_content(&format!("M00/{true_name}").parse().unwrap()).ok()?;
    let mut bytes = vec![0; file.len_bytes as usize];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
    Some(bytes)
}

/// Starts again on what is left, as a storage does after a crash, and checks the oracle.
async fn check(fs: &SimFs, step: Step, acked: Acked, context: &str) {
    let writer = open(fs, Durability::None, 1 << 30);
    let (lines, is_whole) = writer.commit.tail(1 << 20).await.unwrap();
    let found = writer.slots[0].path.reconcile(&RecordedTail::new(&lines, is_whole, OVERLAP_SECS)).unwrap();
    let mut live = BTreeSet::new();
    let mut seen = Vec::new();
    for line in lines.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
        let record = BinlogRecord::parse(line).unwrap_or_else(|e| panic!("{context}: {e}"));
        assert_eq!(record.origin, Origin::Source);
        seen.push(record);
        match record.op {
            Op::Create | Op::Update => live.insert(record.name),
            Op::Delete => live.remove(&record.name),
            other => panic!("{context}: {other:?}"),
        };
    }
    // A delete that was under way may be recorded or not; the file itself may be gone already without its record.
    for name in &live {
        let is_there = read(fs, &name.as_str()[4..]).is_some();
        assert!(
            is_there || matches!(step, Step::Delete | Step::DeleteInSlot),
            "{context}: {name} has a record, no file"
        );
        if let Some(content) = read(fs, &name.as_str()[4..])
            && !name.as_str().ends_with("-m")
        {
            assert_eq!(content, CONTENT, "{context}: {name} has a record but not its content");
        }
    }
    for name in fs.list(writer.slots[0].path.data(), "00/01").unwrap() {
        if name == TRUNK_FILE {
            check_slot(fs, context);
            continue;
        }
        let content = read(fs, &format!("00/01/{name}")).unwrap();
        if name.ends_with("-m") {
            assert!(content == OLD_META || content == NEW_META, "{context}: torn metadata {content:?}");
        } else {
            assert_eq!(content, CONTENT, "{context}: {name} has its final name but not its content");
        }
    }
    let recorded = |name: FileName, op| seen.iter().any(|r| r.name == name && r.op == op);
    match acked {
        Acked::Nothing => {}
        Acked::File(name) => {
            assert_eq!(read(fs, &name.as_str()[4..]).as_deref(), Some(CONTENT), "{context}: lost");
            assert!(recorded(name, Op::Create), "{context}: acknowledged without a record");
        }
        Acked::Gone(name) => {
            assert_eq!(read(fs, &name.as_str()[4..]), None, "{context}: back from the dead");
            assert!(recorded(name, Op::Delete), "{context}: deleted without a record");
        }
        Acked::Meta(name) => {
            assert_eq!(read(fs, &format!("{}-m", &name.as_str()[4..])).as_deref(), Some(NEW_META), "{context}: lost");
        }
    }
    drop(found);
}

/// What is in the slot is the whole file, or none: but after one write that was cut in the middle a name that nobody was
/// told of may be there.
fn check_slot(fs: &SimFs, context: &str) {
    let name = name_in_slot(CONTENT);
    let path = StorePath::open(fs.clone(), 0, Path::new(STORE), false, 2).unwrap().path;
    let Ok(file) = path.open_content(&name) else { return };
    assert!(file.is_in_slot(), "{context}");
    let is_known = path_has_record(fs, &name);
    assert!(!is_known || path.is_slot_content_right(&name).unwrap(), "{context}: wrong content behind a header");
}

fn path_has_record(fs: &SimFs, name: &LogicName) -> bool {
    let Ok(dir) = fs.open_dir(Path::new(SYNC)) else { return false };
    let Ok(file) = fs.open_read(&dir, "binlog.000") else { return false };
    let mut lines = vec![0; file.stat().unwrap().len_bytes as usize];
    file.read_full_at(&mut lines, 0).unwrap();
    String::from_utf8(lines).unwrap().contains(name.as_str())
}

/// Runs every step with a fault at every call, until a run is long enough not to meet it.
async fn at_every_call(
    durability: Durability,
    fault_at: impl Fn(u64) -> Fault,
    aftermaths: impl Fn(&SimFs) -> Vec<(String, SimFs)>,
) -> usize {
    let mut checked = 0;
    for step in STEPS {
        let mut is_through = false;
        for n in 0..CALLS_MAX {
            let fs = used_disk();
            let old = prepare(&fs, step).await;
            let rotate_bytes = if step == Step::WholeWithRotation { 1 } else { 1 << 30 };
            let writer = open(&fs, durability, rotate_bytes);
            fs.set_fault(fault_at(n));
            let acked = run(&writer, step, old).await;
            is_through = fs.calls() < n;
            for (what, left) in aftermaths(&fs) {
                check(&left, step, acked, &format!("{step:?}, {:?}, {what}, {acked:?}", fault_at(n))).await;
                checked += 1;
            }
            drop(writer);
            if is_through {
                assert_ne!(acked, Acked::Nothing, "{step:?} without a fault");
                break;
            }
        }
        assert!(is_through, "{step:?} makes more calls than expected");
    }
    checked
}

#[tokio::test]
async fn w01_what_was_acknowledged_survives_a_power_cut_at_every_call() {
    let checked = at_every_call(Durability::Disk, Fault::StopsAfter, power_cuts).await;
    assert!(checked > 300, "{checked}");
}

#[tokio::test]
async fn w02_what_was_acknowledged_survives_a_killed_process_at_every_call() {
    for durability in [Durability::None, Durability::Disk] {
        let killed = |fs: &SimFs| vec![("killed".to_owned(), fs.after_crash())];
        at_every_call(durability, Fault::StopsAfter, killed).await;
    }
}

#[tokio::test]
async fn w04_a_call_that_fails_fails_the_request_and_nothing_else() {
    for durability in [Durability::None, Durability::Disk] {
        for errno in [5, 28] {
            let after = |fs: &SimFs| vec![("killed".to_owned(), fs.after_crash())];
            at_every_call(durability, |n| Fault::FailsAt(n, errno), after).await;
        }
    }
    at_every_call(Durability::Disk, |n| Fault::FailsAt(n, 5), power_cuts).await;
}

#[tokio::test]
async fn short_writes_are_finished_at_every_call() {
    let after = |fs: &SimFs| vec![("killed".to_owned(), fs.after_crash())];
    at_every_call(Durability::None, Fault::WritesShortAt, after).await;
    at_every_call(Durability::Disk, Fault::WritesShortAt, power_cuts).await;
}

#[tokio::test]
async fn after_a_failed_sync_the_path_takes_no_more_writes() {
    let fs = used_disk();
    let writer = open(&fs, Durability::Disk, 1 << 30);
    // Create, write, then the first flush.
    fs.set_fault(Fault::FailsAt(3, 5));
    let slot = &writer.slots[0];
    let failed = writer.add_whole(slot, CONTENT, NOW, || name_of(CONTENT, 1)).await.unwrap_err();
    assert_eq!(failed.status().0, 5, "{failed}");
    fs.set_fault(Fault::None);
    let refused = writer.add_whole(slot, CONTENT, NOW, || name_of(CONTENT, 2)).await.unwrap_err();
    assert!(refused.to_string().contains("takes no writes"), "{refused}");
    assert_eq!(fs.calls(), 0, "a path that is out of service is not touched");
}

#[tokio::test]
async fn a_failed_log_write_fails_one_request_and_the_next_is_fine() {
    let fs = used_disk();
    let writer = open(&fs, Durability::None, 1 << 30);
    let slot = &writer.slots[0];
    // Create, write, then the record.
    fs.set_fault(Fault::FailsAt(3, 28));
    let failed = writer.add_whole(slot, CONTENT, NOW, || name_of(CONTENT, 1)).await.unwrap_err();
    assert_eq!(failed.status().0, 28, "{failed}");
    assert_eq!(read(&fs, &name_of(CONTENT, 1).as_str()[4..]), None, "the client was told that it failed");
    writer.add_whole(slot, CONTENT, NOW, || name_of(CONTENT, 2)).await.unwrap();
    let (lines, _) = writer.commit.tail(1 << 20).await.unwrap();
    assert_eq!(lines, format!("{NOW} C {}\n", name_of(CONTENT, 2)).as_bytes());
}

#[test]
fn state_files_are_old_or_new_at_every_call() {
    for n in 0..20 {
        let fs = SimFs::new(Fault::None);
        let dir = StateDir::open(fs.clone(), Path::new("/base/data")).unwrap();
        dir.write("state.dat", b"the old state").unwrap();
        fs.sync_all(dir.dir()).unwrap();
        fs.set_fault(Fault::StopsAfter(n));
        let written = dir.write("state.dat", b"the new state!");
        for (what, left) in power_cuts(&fs).into_iter().chain([("killed".to_owned(), fs.after_crash())]) {
            let dir = StateDir::open(left, Path::new("/base/data")).unwrap();
            let state = dir.read("state.dat").unwrap().unwrap();
            assert!(state == b"the old state" || state == b"the new state!", "{n}, {what}: {state:?}");
            assert!(written.is_err() || state == b"the new state!", "{n}, {what}: acknowledged and lost");
        }
    }
}
