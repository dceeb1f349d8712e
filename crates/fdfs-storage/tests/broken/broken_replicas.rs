//! What replication brings, on disks that stop, fail, write short and forget: at every single call.
//!
//! Oracle: what was acknowledged is there with its record. What was not is there as a whole or as it was before, or does
//! not fit any more, so that the sender, which repeats it, gets it done in the end.

use std::path::Path;

use crate::support::{CALLS_MAX, NOW, killed, power_cuts};
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op, Origin};
use fdfs_proto::file_id::{LogicName, NewKind};
use fdfs_storage::commit::Durability;
use fdfs_storage::error::RequestError;
use fdfs_storage::write_path::{Outcome, Sent, WritePath};
use fdfs_store::FsFile;
use fdfs_store::fs::Fs;
use fdfs_store::reconcile::{OVERLAP_SECS, RecordedTail};
use fdfs_store::replica_file::Incoming;
use fdfs_store::sim_fs::{Fault, SimFs};

const CONTENT: &[u8] = b"the content of a file";
const LONGER: &[u8] = b"the content of a file that has grown";

fn name_of(content: &[u8], kind: NewKind) -> LogicName {
    LogicName::parse(&crate::support::name_of(content, kind, 7)).unwrap()
}

fn open(fs: &SimFs, durability: Durability) -> WritePath<SimFs> {
    crate::support::open(fs, durability, 1 << 30)
}

/// What is sent. Each has a content before and one after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Create,
    CreateSpooled,
    CreateEmpty,
    CreateAppender,
    Repair,
    Update,
    Append,
    AppendSpooled,
    Modify,
    Truncate,
    Delete,
    Rename,
    Link,
}

const STEPS: [Step; 13] = [
    Step::Create,
    Step::CreateSpooled,
    Step::CreateEmpty,
    Step::CreateAppender,
    Step::Repair,
    Step::Update,
    Step::Append,
    Step::AppendSpooled,
    Step::Modify,
    Step::Truncate,
    Step::Delete,
    Step::Rename,
    Step::Link,
];

impl Step {
    fn name(self) -> LogicName {
        match self {
            Self::Create | Self::CreateSpooled | Self::Repair | Self::Rename => name_of(CONTENT, NewKind::Regular),
            Self::CreateEmpty => name_of(b"", NewKind::Regular),
            Self::Link => name_of(LONGER, NewKind::Regular),
            _ => name_of(CONTENT, NewKind::Appender),
        }
    }

    /// The file that is there before.
    fn before(self) -> Option<(LogicName, &'static [u8])> {
        match self {
            Self::Create | Self::CreateSpooled | Self::CreateEmpty | Self::CreateAppender => None,
            Self::Repair => Some((self.name(), b"the CONTENT of a file")),
            Self::Rename => Some((name_of(CONTENT, NewKind::Appender), CONTENT)),
            Self::Link => Some((name_of(CONTENT, NewKind::Regular), CONTENT)),
            Self::Truncate => Some((self.name(), LONGER)),
            _ => Some((self.name(), CONTENT)),
        }
    }

    fn after(self) -> Option<&'static [u8]> {
        match self {
            Self::CreateEmpty => Some(b""),
            Self::Update | Self::Append | Self::AppendSpooled => Some(LONGER),
            Self::Modify => Some(b"the CONTENT of a file"),
            Self::Delete => None,
            _ => Some(CONTENT),
        }
    }

    /// Changes a file where it is.
    fn is_in_place(self) -> bool {
        matches!(self, Self::Append | Self::AppendSpooled | Self::Modify | Self::Truncate)
    }

    fn letter(self) -> u8 {
        match self {
            Self::Update => b'u',
            Self::Append | Self::AppendSpooled => b'a',
            Self::Modify => b'm',
            Self::Truncate => b't',
            Self::Delete => b'd',
            Self::Rename => b'r',
            Self::Link => b'l',
            _ => b'c',
        }
    }
}

const SENT: Sent = Sent { at: NOW + 5, sender: None };

async fn spooled(writer: &WritePath<SimFs>, bytes: &[u8]) -> Result<Incoming<'static, SimFs>, RequestError> {
    let slot = &writer.slots[0];
    let mut file = writer.begin(slot, "00/01").await?;
    for piece in bytes.chunks(8) {
        writer.write_piece(slot, &mut file, piece).await?;
    }
    Ok(Incoming::Spooled(file))
}

async fn send(writer: &WritePath<SimFs>, step: Step) -> Result<Outcome, RequestError> {
    let (slot, name, sent) = (&writer.slots[0], step.name(), SENT);
    let after = step.after().unwrap_or_default();
    let grown = &LONGER[CONTENT.len()..];
    let offset = CONTENT.len() as u64;
    match step {
        Step::Create | Step::CreateEmpty | Step::CreateAppender | Step::Repair => {
            writer.take_whole(slot, &name, Op::Create, &sent, Incoming::Whole(after)).await
        }
        Step::CreateSpooled => {
            let incoming = spooled(writer, after).await?;
            writer.take_whole(slot, &name, Op::Create, &sent, incoming).await
        }
        Step::Update => writer.take_whole(slot, &name, Op::Update, &sent, Incoming::Whole(after)).await,
        Step::Append => writer.take_append(slot, &name, &sent, offset, Incoming::Whole(grown)).await,
        Step::AppendSpooled => {
            let incoming = spooled(writer, grown).await?;
            writer.take_append(slot, &name, &sent, offset, incoming).await
        }
        Step::Modify => writer.take_modify(slot, &name, &sent, 4, Incoming::Whole(b"CONTENT")).await,
        Step::Truncate => writer.take_truncate(slot, &name, &sent, LONGER.len() as u64, offset).await,
        Step::Delete => writer.take_delete(slot, &name, &sent).await,
        Step::Rename => writer.take_rename(slot, &name, &name_of(CONTENT, NewKind::Appender), &sent).await,
        Step::Link => writer.take_link(slot, &name, &name_of(CONTENT, NewKind::Regular), &sent).await,
    }
}

/// Sends as a sender of ours does: where a change does not fit, the whole file follows.
async fn send_until_done(writer: &WritePath<SimFs>, step: Step) -> Result<Outcome, RequestError> {
    let outcome = send(writer, step).await?;
    if outcome != Outcome::NeedsWhole || step == Step::Delete {
        return Ok(outcome);
    }
    let (slot, after) = (&writer.slots[0], step.after().unwrap());
    let op = if step == Step::Rename { Op::Create } else { Op::Update };
    writer.take_whole(slot, &step.name(), op, &SENT, Incoming::Whole(after)).await
}

fn read(writer: &WritePath<SimFs>, name: &LogicName) -> Option<Vec<u8>> {
    let opened = writer.slots[0].path.open_file(name.true_name()).ok()?;
    let mut bytes = vec![0; opened.len_bytes as usize];
    assert_eq!(opened.file.read_at(&mut bytes, 0).unwrap_or(0), bytes.len());
    Some(bytes)
}

async fn records(writer: &WritePath<SimFs>, context: &str) -> Vec<BinlogRecord> {
    let (lines, _) = writer.commit.tail(1 << 20).await.unwrap();
    let lines = lines.split(|&b| b == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| BinlogRecord::parse(line).unwrap_or_else(|e| panic!("{context}: {e}"))).collect()
}

async fn check_acked(writer: &WritePath<SimFs>, step: Step, context: &str) {
    assert_eq!(read(writer, &step.name()).as_deref(), step.after(), "{context}");
    if step == Step::Rename {
        assert_eq!(read(writer, &name_of(CONTENT, NewKind::Appender)), None, "{context}");
    }
    let name = step.name().text();
    let seen = records(writer, context).await;
    let is_recorded = |r: &BinlogRecord| r.name == name && r.timestamp == SENT.at && r.origin == Origin::Replica;
    assert!(seen.iter().any(is_recorded), "{context}: acknowledged without a record: {seen:?}");
}

/// What another process finds: nothing half under a final name but changes in place, and the sender gets it done.
async fn check_after(fs: &SimFs, step: Step, was_acked: bool, context: &str) {
    let writer = open(fs, Durability::None);
    let (lines, is_whole) = writer.commit.tail(1 << 20).await.unwrap();
    let tail = RecordedTail::new(&lines, is_whole, OVERLAP_SECS);
    writer.slots[0].path.reconcile(&tail).unwrap();
    let found = read(&writer, &step.name());
    let before = step.before().filter(|(name, _)| *name == step.name()).map(|(_, bytes)| bytes);
    let is_old_or_new = found.as_deref() == step.after() || found.as_deref() == before;
    assert!(is_old_or_new || step.is_in_place(), "{context}: {found:?}");
    for record in records(&writer, context).await {
        let name = LogicName::parse(&record.name).unwrap();
        let is_gone = matches!(step, Step::Delete | Step::Rename) || record.op == Op::Delete;
        assert!(is_gone || read(&writer, &name).is_some(), "{context}: {record:?} without a file");
    }
    if was_acked {
        check_acked(&writer, step, context).await;
    }
    send_until_done(&writer, step).await.unwrap_or_else(|e| panic!("{context}: sent again: {e}"));
    assert_eq!(read(&writer, &step.name()).as_deref(), step.after(), "{context}, sent again");
    let left = fs.list(writer.slots[0].path.data(), "").unwrap();
    assert!(!left.iter().any(|name| name.starts_with(".fdfs-tmp")), "{context}: {left:?}");
}

async fn disk_before(step: Step) -> SimFs {
    let fs = SimFs::new(Fault::None);
    let writer = open(&fs, Durability::Disk);
    if let Some((name, bytes)) = step.before() {
        let sent = Sent { at: NOW, sender: None };
        writer.take_whole(&writer.slots[0], &name, Op::Create, &sent, Incoming::Whole(bytes)).await.unwrap();
    }
    drop(writer);
    fs.sync_all(&fs.open_dir(Path::new("/")).unwrap()).unwrap();
    fs
}

async fn at_every_call(
    durability: Durability,
    fault_at: impl Fn(u64) -> Fault,
    aftermaths: impl Fn(&SimFs) -> Vec<(String, SimFs)>,
) -> usize {
    let mut checked = 0;
    for step in STEPS {
        let mut is_through = false;
        for n in 0..CALLS_MAX {
            let fs = disk_before(step).await;
            let writer = open(&fs, durability);
            fs.set_fault(fault_at(n));
            let acked = send(&writer, step).await;
            is_through = fs.calls() < n;
            let was_acked = acked.as_ref().is_ok_and(|outcome| *outcome != Outcome::NeedsWhole);
            for (what, left) in aftermaths(&fs) {
                check_after(&left, step, was_acked, &format!("{step:?}, {:?}, {what}, {acked:?}", fault_at(n))).await;
                checked += 1;
            }
            if is_through {
                assert_eq!(acked.unwrap(), Outcome::Applied, "{step:?} without a fault");
                let record = *records(&writer, "").await.last().unwrap();
                assert_eq!(record.letter(), step.letter(), "{step:?}: {record:?}");
                break;
            }
        }
        assert!(is_through, "{step:?} makes more calls than expected");
    }
    checked
}

#[tokio::test]
async fn w01_what_a_receiver_acknowledged_survives_a_power_cut_at_every_call() {
    let checked = at_every_call(Durability::Disk, Fault::StopsAfter, power_cuts).await;
    assert!(checked > 300, "{checked}");
}

#[tokio::test]
async fn w02_what_a_receiver_acknowledged_survives_a_killed_process_at_every_call() {
    for durability in [Durability::None, Durability::Disk] {
        at_every_call(durability, Fault::StopsAfter, killed).await;
    }
}

/// Who knows a file's id from another storage may ask for it here at any moment.
#[tokio::test]
async fn a_reader_finds_a_whole_file_or_none_at_every_call() {
    for durability in [Durability::None, Durability::Disk] {
        for step in STEPS.into_iter().filter(|step| !step.is_in_place()) {
            let mut seen = 0;
            for n in 0..CALLS_MAX {
                let fs = disk_before(step).await;
                let writer = open(&fs, durability);
                fs.set_fault(Fault::StopsAfter(n));
                let _ = send(&writer, step).await;
                let is_through = fs.calls() < n;
                fs.set_fault(Fault::None);
                let found = read(&writer, &step.name());
                let before = step.before().filter(|(name, _)| *name == step.name()).map(|(_, bytes)| bytes);
                let context = format!("{durability:?}, {step:?}, stopped after {n} calls");
                assert!(found.as_deref() == step.after() || found.as_deref() == before, "{context}: {found:?}");
                seen += 1;
                if is_through {
                    break;
                }
            }
            assert!(seen > 3 && seen < CALLS_MAX, "{step:?}: {seen}");
        }
    }
}

#[tokio::test]
async fn a_call_that_fails_fails_the_change_and_a_full_disk_leaves_nothing_half() {
    for durability in [Durability::None, Durability::Disk] {
        for errno in [5, 28] {
            at_every_call(durability, |n| Fault::FailsAt(n, errno), killed).await;
        }
    }
    at_every_call(Durability::Disk, |n| Fault::FailsAt(n, 5), power_cuts).await;
}

#[tokio::test]
async fn short_writes_are_finished_at_every_call() {
    at_every_call(Durability::None, Fault::WritesShortAt, killed).await;
    at_every_call(Durability::Disk, Fault::WritesShortAt, power_cuts).await;
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_is_left() {
    for step in [Step::Create, Step::CreateAppender] {
        let fs = disk_before(step).await;
        let writer = open(&fs, Durability::None);
        // Create, write.
        fs.set_fault(Fault::FailsAt(2, 28));
        let refused = send(&writer, step).await.unwrap_err();
        assert_eq!(refused.status().0, 28, "{refused}");
        assert_eq!(read(&writer, &step.name()), None);
        assert_eq!(records(&writer, "").await, []);
    }
}

#[tokio::test]
async fn a_file_whole_in_the_buffer_takes_one_flush_and_a_large_one_two_and_one_for_the_record() {
    for (step, flushes) in [(Step::Create, 1), (Step::CreateSpooled, 2), (Step::Append, 1), (Step::Delete, 1)] {
        let fs = disk_before(step).await;
        let writer = open(&fs, Durability::Disk);
        let before = writer.slots[0].flusher.as_ref().unwrap().counts().0;
        send(&writer, step).await.unwrap();
        assert_eq!(writer.slots[0].flusher.as_ref().unwrap().counts().0 - before, flushes, "{step:?}");
    }
}

/// What a killed process left with the kernel is in nobody's flush: the start makes it durable before anybody is told that
/// it is here.
#[tokio::test]
async fn what_is_sent_again_after_a_kill_survives_a_power_cut() {
    for step in STEPS {
        for n in 0..CALLS_MAX {
            let fs = disk_before(step).await;
            let writer = open(&fs, Durability::Disk);
            fs.set_fault(Fault::StopsAfter(n));
            let _ = send(&writer, step).await;
            let is_through = fs.calls() < n;
            let left = fs.after_crash();
            let writer = open(&left, Durability::Disk);
            writer.flush_all().await.unwrap();
            send_until_done(&writer, step).await.unwrap();
            for (what, cut) in power_cuts(&left) {
                let found = read(&open(&cut, Durability::None), &step.name());
                assert_eq!(found.as_deref(), step.after(), "{step:?} killed after {n} calls, sent again, {what}");
            }
            if is_through {
                break;
            }
        }
    }
}

/// Lists of files are made from the log: a file whose record could not be written gets one when it is sent again.
#[tokio::test]
async fn what_is_sent_again_after_an_error_has_a_record_of_its_beginning() {
    for step in STEPS.into_iter().filter(|step| *step != Step::Delete) {
        for n in 0..CALLS_MAX {
            let fs = disk_before(step).await;
            let writer = open(&fs, Durability::None);
            fs.set_fault(Fault::FailsAt(n, 28));
            let _ = send(&writer, step).await;
            let is_through = fs.calls() < n;
            fs.set_fault(Fault::None);
            send_until_done(&writer, step).await.unwrap();
            let seen = records(&writer, "").await;
            let is_beginning = |r: &BinlogRecord| matches!(r.op, Op::Create | Op::Link { .. } | Op::Rename { .. });
            let has_begun = seen.iter().any(|r| r.name == step.name().text() && is_beginning(r));
            assert!(has_begun, "{step:?}, call {n} failed: {seen:?}");
            if is_through {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_file_that_comes_as_a_change_and_was_not_here_has_a_record_of_its_beginning() {
    let fs = disk_before(Step::CreateAppender).await;
    let writer = open(&fs, Durability::None);
    let name = Step::CreateAppender.name();
    let taken = writer.take_whole(&writer.slots[0], &name, Op::Update, &SENT, Incoming::Whole(CONTENT)).await.unwrap();
    assert_eq!(taken, Outcome::Applied);
    assert_eq!(records(&writer, "").await.last().unwrap().letter(), b'c');
}
