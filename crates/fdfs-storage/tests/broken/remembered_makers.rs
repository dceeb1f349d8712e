//! A storage that was started anew still knows who made what it has, and what comes in from others is judged by that.

use crate::support::NOW;
use fdfs_proto::disk::binlog_record::{BinlogRecord, Op, Origin};
use fdfs_proto::file_id::{LogicName, NewKind};
use fdfs_storage::commit::Durability;
use fdfs_storage::write_path::{Outcome, Sent, TAIL_BYTES, WritePath};
use fdfs_store::FsFile;
use fdfs_store::replica_file::Incoming;
use fdfs_store::sim_fs::{Fault, SimFs};

const OLDER: &[u8] = b"as it was made";
const NEWER: &[u8] = b"as it was changed";
const NEWEST: &[u8] = b"as it was changed once more";

fn name() -> LogicName {
    LogicName::parse(&crate::support::name_of(OLDER, NewKind::Appender, 7)).unwrap()
}

fn from(sender: &str, at: u32) -> Sent {
    Sent { at, sender: Some(sender.parse().unwrap()) }
}

async fn start(fs: &SimFs) -> WritePath<SimFs> {
    let writer = crate::support::open(fs, Durability::None, 1 << 30);
    let (lines, _) = writer.commit.tail(TAIL_BYTES).await.unwrap();
    writer.history.load(&lines);
    writer
}

async fn take(writer: &WritePath<SimFs>, op: Op, sent: Sent, bytes: &'static [u8]) -> Outcome {
    writer.take_whole(&writer.slots[0], &name(), op, &sent, Incoming::Whole(bytes)).await.unwrap()
}

fn content(writer: &WritePath<SimFs>) -> Vec<u8> {
    let opened = writer.slots[0].path.open_file(name().true_name()).unwrap();
    let mut bytes = vec![0; opened.len_bytes as usize];
    assert_eq!(opened.file.read_at(&mut bytes, 0).unwrap(), bytes.len());
    bytes
}

/// Made by `a`, changed by `b`; then this storage is started anew.
async fn restarted() -> WritePath<SimFs> {
    let fs = SimFs::new(Fault::None);
    let writer = start(&fs).await;
    assert_eq!(take(&writer, Op::Create, from("a", NOW), OLDER).await, Outcome::Applied);
    assert_eq!(take(&writer, Op::Update, from("b", NOW + 5), NEWER).await, Outcome::Applied);
    drop(writer);
    start(&fs).await
}

#[tokio::test]
async fn w07_an_older_state_of_another_storage_does_not_undo_a_change_whose_maker_was_before_a_restart() {
    let writer = restarted().await;
    assert_eq!(take(&writer, Op::Update, from("a", NOW + 3), OLDER).await, Outcome::Kept);
    assert_eq!(content(&writer), NEWER);
    // And all get it from here, as `a` may never get it otherwise.
    let (lines, _) = writer.commit.tail(1 << 20).await.unwrap();
    let last = lines.split(|&b| b == b'\n').rfind(|line| !line.is_empty()).unwrap();
    let repair = BinlogRecord { timestamp: NOW + 5, origin: Origin::Source, name: name().text(), op: Op::Update };
    assert_eq!(BinlogRecord::parse(last), Ok(repair));
}

#[tokio::test]
async fn what_its_maker_sends_next_is_taken_after_a_restart_whatever_its_clock_says() {
    let writer = restarted().await;
    assert_eq!(take(&writer, Op::Update, from("b", NOW + 2), NEWEST).await, Outcome::Applied);
    assert_eq!(content(&writer), NEWEST);
}

#[tokio::test]
async fn the_same_bytes_with_a_later_time_are_remembered_over_a_restart() {
    let fs = SimFs::new(Fault::None);
    let writer = start(&fs).await;
    assert_eq!(take(&writer, Op::Create, from("a", NOW), NEWER).await, Outcome::Applied);
    assert_eq!(take(&writer, Op::Update, from("b", NOW + 5), NEWER).await, Outcome::IsHere);
    drop(writer);
    let writer = start(&fs).await;
    assert_eq!(take(&writer, Op::Update, from("a", NOW + 3), OLDER).await, Outcome::Kept);
    assert_eq!(content(&writer), NEWER);
}
