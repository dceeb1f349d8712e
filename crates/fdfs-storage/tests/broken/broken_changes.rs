//! Changes of files that are there, slaves and links, on disks that stop, fail, write short and forget: at every single
//! call.
//!
//! Oracle: what was acknowledged is there after the next start; what was not is there as a whole or not at all, but for
//! bytes that were written over; and a replica that follows the binlog comes to the same files, whether it was up to date
//! before or begins now.

use crate::support::replica::{self, Entry, Files};
use crate::support::{CALLS_MAX, NOW, killed, name_of, open, power_cuts, read, used_disk};
use fdfs_proto::FileName;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op, Origin, binlog_lines};
use fdfs_proto::file_id::{LogicName, NewKind, slave_name};
use fdfs_storage::commit::Durability;
use fdfs_storage::write_path::{Content, LogEnd, Sent, WritePath};
use fdfs_store::reconcile::{OVERLAP_SECS, RecordedTail};
use fdfs_store::replica_file::Incoming;
use fdfs_store::sim_fs::{Fault, SimFs};
use fdfs_store::state_file::StateDir;
use fdfs_store::{Changes, NewFile};
use std::path::Path;

const OLD: &[u8] = b"0123456789";
const MORE: &[u8] = b"abcdefgh";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Upload,
    Append,
    AppendLarge,
    SecondAppend,
    Modify,
    ModifyAcrossTheEnd,
    Cut,
    Grow,
    Rename,
    Slave,
    LinkedSlave,
    DeleteLinkedSlave,
    Link,
    SlaveLink,
    DeleteLink,
    Delete,
    SetMeta,
    ReplaceMeta,
    RemoveMeta,
    Duplicate,
}

const STEPS: [Step; 20] = [
    Step::Upload,
    Step::Append,
    Step::AppendLarge,
    Step::SecondAppend,
    Step::Modify,
    Step::ModifyAcrossTheEnd,
    Step::Cut,
    Step::Grow,
    Step::Rename,
    Step::Slave,
    Step::LinkedSlave,
    Step::DeleteLinkedSlave,
    Step::Link,
    Step::SlaveLink,
    Step::DeleteLink,
    Step::Delete,
    Step::SetMeta,
    Step::ReplaceMeta,
    Step::RemoveMeta,
    Step::Duplicate,
];

fn appender() -> LogicName {
    LogicName::parse(&name_of(OLD, NewKind::Appender, 9)).unwrap()
}

fn slave() -> LogicName {
    LogicName::parse(&slave_name(&appender(), &"_thumb".parse().unwrap(), &"jpg".parse().unwrap()).unwrap()).unwrap()
}

fn regular(random: u32) -> FileName {
    name_of(OLD, NewKind::Regular, random)
}

/// A file with metadata, made by the calls that the storage makes.
async fn prepare(writer: &WritePath<SimFs>, step: Step) {
    if step == Step::Upload {
        return;
    }
    let slot = &writer.slots[0];
    let name = appender();
    writer.add_streamed(slot, aside(writer, OLD).await, NOW, || name.text()).await.unwrap();
    writer.set_meta(slot, &name, Some(b"w\x02160"), NOW).await.unwrap();
    match step {
        Step::SecondAppend => {
            writer.truncate(slot, &name, 4, NOW).await.unwrap();
            writer.append(slot, &name, &Content::Here(b"4567"), NOW).await.unwrap();
            writer.append(slot, &name, &Content::Here(b"89"), NOW).await.unwrap();
        }
        Step::DeleteLinkedSlave => {
            writer.add_linked_slave(slot, aside(writer, MORE).await, &slave(), || regular(5)).await.unwrap();
        }
        Step::SetMeta => writer.set_meta(slot, &name, None, NOW).await.unwrap(),
        Step::Duplicate => drop(writer.add_whole(slot, OLD, NOW, || regular(3)).await.unwrap()),
        Step::DeleteLink => {
            writer.add_link(slot, &name, NOW, || regular(6)).await.unwrap();
        }
        _ => {}
    }
}

async fn aside(writer: &WritePath<SimFs>, content: &[u8]) -> NewFile<SimFs> {
    let mut file = writer.begin(&writer.slots[0], "00/01").await.unwrap();
    file.write(content, 0).unwrap();
    file
}

/// Runs the step; whether it was acknowledged.
async fn run(writer: &WritePath<SimFs>, step: Step) -> bool {
    let (slot, name, slave) = (&writer.slots[0], appender(), slave());
    let larger = async |content: &[u8]| {
        let mut file = writer.begin(slot, "00/01").await.ok()?;
        for piece in content.chunks(3) {
            writer.write_piece(slot, &mut file, piece).await.ok()?;
        }
        Some(file)
    };
    match step {
        Step::Upload => match larger(OLD).await {
            Some(file) => writer.add_streamed(slot, file, NOW, || name.text()).await.is_ok(),
            None => false,
        },
        Step::Append | Step::SecondAppend => writer.append(slot, &name, &Content::Here(MORE), NOW).await.is_ok(),
        Step::AppendLarge => match larger(MORE).await {
            Some(file) => writer.append(slot, &name, &Content::Aside(&file), NOW).await.is_ok(),
            None => false,
        },
        Step::Modify => writer.modify(slot, &name, 1, &Content::Here(MORE), NOW).await.is_ok(),
        Step::ModifyAcrossTheEnd => writer.modify(slot, &name, 7, &Content::Here(MORE), NOW).await.is_ok(),
        Step::Cut => writer.truncate(slot, &name, 3, NOW).await.is_ok(),
        Step::Grow => writer.truncate(slot, &name, 13, NOW).await.is_ok(),
        Step::Rename => writer.rename(slot, &name, NOW, || regular(1)).await.is_ok(),
        Step::Slave => match larger(MORE).await {
            Some(file) => writer.add_slave(slot, file, &slave).await.is_ok(),
            None => false,
        },
        Step::LinkedSlave => match larger(MORE).await {
            Some(file) => {
                writer.add_linked_slave(slot, file, &slave, || name_of(MORE, NewKind::Regular, 5)).await.is_ok()
            }
            None => false,
        },
        Step::DeleteLinkedSlave => {
            writer.remove_linked_slave(slot, &slave, &LogicName::parse(&regular(5)).unwrap(), NOW).await.is_ok()
        }
        Step::Link => writer.add_link(slot, &name, NOW, || regular(6)).await.is_ok(),
        Step::SlaveLink => writer.add_slave_link(slot, &name, NOW, &slave).await.is_ok(),
        Step::DeleteLink => writer.remove(slot, &LogicName::parse(&regular(6)).unwrap(), NOW).await.is_ok(),
        Step::Delete => writer.remove(slot, &name, NOW).await.is_ok(),
        Step::SetMeta | Step::ReplaceMeta => writer.set_meta(slot, &name, Some(MORE), NOW).await.is_ok(),
        Step::RemoveMeta => writer.set_meta(slot, &name, None, NOW).await.is_ok(),
        Step::Duplicate => {
            let (source, content) = (LogicName::parse(&regular(3)).unwrap(), Content::Here(OLD));
            let added = writer.add_duplicate(slot, &source, &content, NOW, || regular(4)).await;
            added.is_ok_and(|name| name.is_some())
        }
    }
}

/// What a step makes of the files, done as a whole.
fn done(step: Step, before: &Files) -> Files {
    let mut files = before.clone();
    let (name, slave) = (appender().true_name().to_owned(), slave().true_name().to_owned());
    let file = |bytes: &[&[u8]]| Entry::File(bytes.concat());
    let true_name = |name: FileName| name.as_str()[4..].to_owned();
    match step {
        Step::Upload => drop(files.insert(name, file(&[OLD]))),
        Step::Append | Step::AppendLarge | Step::SecondAppend => drop(files.insert(name, file(&[OLD, MORE]))),
        Step::Modify => drop(files.insert(name, file(&[b"0", MORE, b"9"]))),
        Step::ModifyAcrossTheEnd => drop(files.insert(name, file(&[b"0123456", MORE]))),
        Step::Cut => drop(files.insert(name, file(&[b"012"]))),
        Step::Grow => drop(files.insert(name, file(&[OLD, b"\0\0\0"]))),
        Step::Rename => {
            let (bytes, meta) = (files.remove(&name).unwrap(), files.remove(&format!("{name}-m")).unwrap());
            files.insert(format!("{}-m", true_name(regular(1))), meta);
            files.insert(true_name(regular(1)), bytes);
        }
        Step::Slave => drop(files.insert(slave, file(&[MORE]))),
        Step::LinkedSlave => {
            let target = true_name(name_of(MORE, NewKind::Regular, 5));
            files.insert(slave, Entry::Link(target.clone()));
            files.insert(target, file(&[MORE]));
        }
        Step::DeleteLinkedSlave => {
            files.remove(&slave);
            files.remove(&true_name(regular(5)));
        }
        Step::Link => drop(files.insert(true_name(regular(6)), Entry::Link(name))),
        Step::SlaveLink => drop(files.insert(slave, Entry::Link(name))),
        Step::DeleteLink => drop(files.remove(&true_name(regular(6)))),
        Step::Delete => {
            files.remove(&format!("{name}-m"));
            files.remove(&name);
        }
        Step::SetMeta | Step::ReplaceMeta => drop(files.insert(format!("{name}-m"), file(&[MORE]))),
        Step::RemoveMeta => drop(files.remove(&format!("{name}-m"))),
        Step::Duplicate => drop(files.insert(true_name(regular(4)), file(&[OLD]))),
    }
    files
}

/// Starts again as a storage does after a crash.
async fn restart(fs: &SimFs) -> WritePath<SimFs> {
    let dir = StateDir::open(fs.clone(), Path::new(crate::support::BASE)).unwrap();
    let (_, left) = Changes::open(dir).unwrap();
    let writer = open(fs, Durability::None, 1 << 30);
    let (lines, is_whole) = writer.commit.tail(1 << 20).await.unwrap();
    let log = LogEnd { lines: &lines, is_whole: true, knows_since: is_whole.then_some(0) };
    writer.recover(&left, log).await.unwrap();
    let (lines, _) = writer.commit.tail(1 << 20).await.unwrap();
    let found = writer.slots[0].path.reconcile(&RecordedTail::new(&lines, is_whole, OVERLAP_SECS)).unwrap();
    writer.commit.record(&[found.records, found.links].concat()).await.unwrap();
    writer
}

async fn records(writer: &WritePath<SimFs>) -> Vec<BinlogRecord> {
    let (lines, is_whole) = writer.commit.tail(1 << 20).await.unwrap();
    assert!(is_whole);
    binlog_lines(&lines).map(|line| line.record.unwrap_or_else(|e| panic!("{e}: {:?}", line.text))).collect()
}

/// What may be there of a step that was not acknowledged.
fn is_between(step: Step, before: &Files, after: &Files, found: &Files) -> bool {
    if found == before || found == after {
        return true;
    }
    match step {
        // Bytes that are written over are neither the old nor the new ones for a moment.
        Step::Modify | Step::ModifyAcrossTheEnd => {
            let name = appender().true_name().to_owned();
            let rest = |files: &Files| {
                files.iter().filter(|(n, _)| **n != name).map(|(n, e)| (n.clone(), e.clone())).collect::<Files>()
            };
            rest(found) == rest(before)
        }
        // A hidden file without its slave takes space, and is seen by nobody.
        Step::LinkedSlave | Step::DeleteLinkedSlave => {
            let target = |name: &String| name.as_str() != slave().true_name();
            let slaves = |files: &Files| files.get(slave().true_name()).cloned();
            let others =
                |files: &Files| files.iter().all(|(n, e)| !target(n) || before.get(n).or(after.get(n)) == Some(e));
            others(found) && (slaves(found) == slaves(before) || slaves(found) == slaves(after))
        }
        // Metadata without their file are seen by nobody, and can never be another file's.
        Step::Delete => {
            let name = appender().true_name().to_owned();
            !found.contains_key(&name) && found.keys().all(|n| before.contains_key(n))
        }
        _ => false,
    }
}

async fn check(fs: &SimFs, step: Step, acked: bool, before: (&Files, usize), context: &str) {
    let writer = restart(fs).await;
    let found = replica::files(fs, &writer.slots[0].path);
    let (before, before_count) = before;
    let after = done(step, before);
    if acked {
        assert_eq!(found, after, "{context}: acknowledged and lost");
    } else {
        assert!(is_between(step, before, &after, &found), "{context}: {found:#?}");
    }
    let records = records(&writer).await;
    let mut late = Files::new();
    records.iter().for_each(|record| replica::send(record, &found, &mut late));
    assert_eq!(late, found, "{context}: a replica that begins now, by {records:#?}");
    let mut prompt = before.clone();
    records[before_count..].iter().for_each(|record| replica::send(record, &found, &mut prompt));
    assert_eq!(prompt, found, "{context}: a replica that was up to date, by {records:#?}");
    // Whatever was found at the start is dealt with: the next one finds nothing to do.
    let again = restart(fs).await;
    assert_eq!(replica::files(fs, &again.slots[0].path), found, "{context}: the second start");
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
            prepare(&open(&fs, Durability::Disk, 1 << 30), step).await;
            let writer = open(&fs, durability, 1 << 30);
            let before = (&replica::files(&fs, &writer.slots[0].path), records(&writer).await.len());
            fs.set_fault(fault_at(n));
            let acked = run(&writer, step).await;
            is_through = fs.calls() < n;
            for (what, left) in aftermaths(&fs) {
                check(&left, step, acked, before, &format!("{step:?}, {:?}, {what}, {acked}", fault_at(n))).await;
                checked += 1;
            }
            drop(writer);
            if is_through {
                assert!(acked, "{step:?} without a fault");
                break;
            }
        }
        assert!(is_through, "{step:?} makes more calls than expected");
    }
    checked
}

#[tokio::test]
async fn a_killed_process_leaves_whole_changes_or_none() {
    for durability in [Durability::None, Durability::Disk] {
        let checked = at_every_call(durability, Fault::StopsAfter, killed).await;
        assert!(checked > 80, "{checked}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_power_cut_at_every_call() {
    let checked = at_every_call(Durability::Disk, Fault::StopsAfter, power_cuts).await;
    assert!(checked > 600, "{checked}");
}

#[tokio::test]
async fn a_call_that_fails_fails_the_request_and_nothing_else() {
    for durability in [Durability::None, Durability::Disk] {
        at_every_call(durability, |n| Fault::FailsAt(n, 28), killed).await;
    }
    at_every_call(Durability::Disk, |n| Fault::FailsAt(n, 5), power_cuts).await;
}

#[tokio::test]
async fn short_writes_are_finished() {
    at_every_call(Durability::None, Fault::WritesShortAt, killed).await;
    at_every_call(Durability::Disk, Fault::WritesShortAt, power_cuts).await;
}

#[tokio::test]
async fn w42_the_record_of_a_linked_slave_has_both_names() {
    let fs = used_disk();
    let writer = open(&fs, Durability::None, 1 << 30);
    prepare(&writer, Step::LinkedSlave).await;
    assert!(run(&writer, Step::LinkedSlave).await);
    let (lines, _) = writer.commit.tail(1 << 20).await.unwrap();
    let target = name_of(MORE, NewKind::Regular, 5);
    let expected = format!("{NOW} C {target}\n{NOW} L {} {target}\n", slave());
    assert!(String::from_utf8(lines).unwrap().ends_with(&expected));
    assert_eq!(read(&fs, &target.as_str()[4..]).as_deref(), Some(MORE));
}

/// The note of an append that was struck out, but not on the disk when the power went, and what came after it.
#[tokio::test]
async fn a_note_that_came_back_takes_nothing_from_a_file_that_was_replaced() {
    let fs = used_disk();
    let writer = open(&fs, Durability::None, 1 << 30);
    prepare(&writer, Step::Append).await;
    assert!(run(&writer, Step::Append).await);
    let (slot, name) = (&writer.slots[0], appender());
    let whole = b"a longer file that another storage has sent";
    let sent = Sent { at: NOW + 5, sender: None };
    writer.take_whole(slot, &name, Op::Update, &sent, Incoming::Whole(whole)).await.unwrap();
    let op = Op::Append { offset: OLD.len() as u64, length: MORE.len() as u64 };
    let note = BinlogRecord { timestamp: NOW, origin: Origin::Source, name: name.text(), op };
    let (lines, _) = writer.commit.tail(1 << 20).await.unwrap();
    let log = LogEnd { lines: &lines, is_whole: true, knows_since: Some(0) };
    writer.recover(&[note], log).await.unwrap();
    assert_eq!(read(&fs, name.true_name()).as_deref(), Some(&whole[..]));
    // Should it be that of another append, the others get what is there.
    assert_eq!(records(&writer).await.last().unwrap().letter(), b'U');
}
