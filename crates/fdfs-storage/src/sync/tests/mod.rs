//! Senders against a peer on loopback that follows the receiver's rules of the reference, or breaks them.

mod bench;
mod peer;
pub(super) mod pulse;
mod reached;

use std::sync::Arc;
use std::time::Duration;

use bench::{Bench, NOW, files};
use fdfs_proto::cmd::tracker::SyncSource;
use fdfs_proto::disk::StateFile;
use fdfs_proto::disk::sync_mark::SyncMark;
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{Command, Status};
use peer::{FakePeer, Mischief};
use pulse::wait_for;

fn any(host: u8) -> std::net::SocketAddr {
    ([127, 0, 0, host], 0).into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_reach_the_peer_in_their_order() {
    let mut bench = Bench::new("").await;
    let peer = FakePeer::start(any(2), true).await;
    bench.meet(peer.addr, StorageStatus::Active);
    bench.run();
    let small = bench.upload(b"hello").await;
    let empty = bench.upload(b"").await;
    let large_content: Vec<u8> = (0..3_000_000u32).map(|n| (n >> 3) as u8).collect();
    let large = bench.upload(&large_content).await;
    let gone = bench.upload(b"soon gone").await;
    bench.wait_until_done().await;
    assert!(
        peer.files() == files(&[(&small, b"hello"), (&empty, b""), (&large, &large_content), (&gone, b"soon gone")])
    );
    std::fs::remove_file(bench.path_of(&gone)).unwrap();
    let meta = format!("{small}-m");
    bench.write(&meta, b"a\x02b");
    bench.record(&[&format!("D {gone}"), &format!("C {meta}")]).await;
    bench.wait_until_done().await;
    assert!(peer.files() == files(&[(&small, b"hello"), (&empty, b""), (&large, &large_content), (&meta, b"a\x02b")]));
    // Replaced by as many bytes, recorded as made anew: the name says nothing about the content.
    bench.write(&meta, b"a\x02c");
    bench.record(&[&format!("C {meta}")]).await;
    bench.wait_until_done().await;
    assert_eq!(peer.files()[&meta], b"a\x02c");
    bench.stop().await;
    let mark = SyncMark::decode(&std::fs::read(bench.sync_file("127.0.0.2_23000.mark")).unwrap()).unwrap();
    let log_len = std::fs::metadata(bench.sync_file("binlog.000")).unwrap().len();
    assert_eq!((mark.binlog_offset, mark.scan_row_count, mark.need_sync_old), (log_len, 7, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w06_changes_of_an_appender_file_arrive_one_after_the_other() {
    for is_ours in [true, false] {
        let mut bench = Bench::new("sync_min_threads=4\nsync_max_threads=4\n").await;
        let peer = FakePeer::start(any(2), is_ours).await;
        bench.meet(peer.addr, StorageStatus::Active);
        let mut expected = Vec::new();
        for n in 0..60u8 {
            let name = bench.new_name(b"", true);
            bench.write(&name, b"twenty bytes of text");
            bench.record(&[&format!("C {name}")]).await;
            expected.push((name, n));
        }
        bench.run();
        bench.wait_until_done().await;
        for (name, n) in &expected {
            let content = [*n; 10];
            bench.write(name, &content);
            bench.record(&[&format!("T {name} 20 0"), &format!("A {name} 0 10")]).await;
        }
        bench.wait_until_done().await;
        for (name, n) in &expected {
            assert_eq!(peer.files()[name], [*n; 10], "{name}");
        }
        assert!(is_ours || !peer.was_pipelined(), "the reference answers one request at a time");
        bench.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w08_a_cut_of_a_file_that_the_peer_lost_stops_nothing() {
    let mut bench = Bench::new("").await;
    let peer = FakePeer::start(any(2), false).await;
    bench.meet(peer.addr, StorageStatus::Active);
    bench.run();
    let name = bench.new_name(b"", true);
    bench.write(&name, b"left");
    bench.record(&[&format!("T {name} 20 4")]).await;
    let other = bench.upload(b"other").await;
    bench.wait_until_done().await;
    assert_eq!(peer.files(), files(&[(&name, b"left"), (&other, b"other")]));
    // One that differs is made equal.
    peer.put(&name, b"twenty-one bytes here");
    bench.record(&[&format!("T {name} 20 4")]).await;
    bench.wait_until_done().await;
    assert_eq!(peer.files()[&name], b"left");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rename_takes_the_skipped_changes_with_it() {
    let mut bench = Bench::new("").await;
    let peer = FakePeer::start(any(2), false).await;
    bench.meet(peer.addr, StorageStatus::Active);
    bench.run();
    for (has, expected_command) in [
        (Some(&b"whole"[..]), Command::SyncRenameFile),
        (Some(b"who"), Command::SyncCreateFile),
        (None, Command::SyncCreateFile),
    ] {
        let (old, new) = (bench.new_name(b"", true), bench.new_name(b"whole", false));
        if let Some(has) = has {
            peer.put(&old, has);
        }
        bench.write(&new, b"whole");
        bench.record(&[&format!("A {old} 3 2"), &format!("R {new} {old}")]).await;
        bench.wait_until_done().await;
        assert_eq!(peer.files().get(&new).map(Vec::as_slice), Some(&b"whole"[..]));
        assert!(!peer.files().contains_key(&old));
        assert!(peer.seen().iter().any(|seen| seen.name == new && seen.command == expected_command));
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_go_with_the_names_of_both_files() {
    let mut bench = Bench::new("").await;
    let peer = FakePeer::start(any(2), true).await;
    bench.meet(peer.addr, StorageStatus::Active);
    bench.run();
    let target = bench.upload(b"content").await;
    let (named, unnamed) = (bench.new_name(b"content", false), bench.new_name(b"content", false));
    for link in [&named, &unnamed] {
        std::os::unix::fs::symlink(bench.path_of(&target), bench.path_of(link)).unwrap();
    }
    bench.record(&[&format!("L {named} {target}"), &format!("L {unnamed}")]).await;
    bench.wait_until_done().await;
    assert_eq!(peer.links(), [(named, target.clone()), (unnamed, target)].into());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w11_lines_that_nobody_can_read_are_set_aside_and_the_rest_goes_on() {
    let mut bench = Bench::new("").await;
    let peer = FakePeer::start(any(2), true).await;
    bench.meet(peer.addr, StorageStatus::Active);
    let before = bench.upload(b"before").await;
    bench.storage.write_path.commit.sync().await.unwrap();
    let log = bench.sync_file("binlog.000");
    let mut text = std::fs::read(&log).unwrap();
    text.extend_from_slice(
        format!("7 l \n8 L  {before}\nrubbish\n9 C M00/00/00\n9 C M77/00/00/{}\n\n", "x".repeat(34)).as_bytes(),
    );
    std::fs::write(&log, text).unwrap();
    bench.reopen().await;
    bench.run();
    let after = bench.upload(b"after").await;
    bench.wait_until_done().await;
    assert_eq!(peer.files(), files(&[(&before, b"before"), (&after, b"after")]));
    assert_eq!(bench.storage.sync.quarantine_count(), 6);
    let told = std::fs::read_to_string(bench.sync_file(".fdfs_quarantine")).unwrap();
    for why in ["link record without names", "link record without the link's name", "bad timestamp", "9 C M77/00/00/"] {
        assert!(told.contains(why), "{why}: {told}");
    }
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_whose_record_the_reference_has_spoilt_is_found_and_sent() {
    let mut bench = Bench::new("").await;
    let peer = FakePeer::start(any(2), true).await;
    bench.meet(peer.addr, StorageStatus::Active);
    let (master, content) = (bench.upload(b"master").await, bench.upload(b"content of the slave").await);
    let slave = format!("{}_150x150.jpg", master.strip_suffix(".txt").unwrap());
    std::os::unix::fs::symlink(bench.path_of(&content), bench.path_of(&slave)).unwrap();
    bench.storage.write_path.commit.sync().await.unwrap();
    let log = bench.sync_file("binlog.000");
    let mut text = std::fs::read(&log).unwrap();
    text.extend_from_slice(format!("{NOW} L  {content}\n").as_bytes());
    std::fs::write(&log, text).unwrap();
    bench.reopen().await;
    bench.run();
    wait_for("the link", || peer.links().get(&slave) == Some(&content)).await;
    bench.wait_until_done().await;
    assert_eq!(bench.storage.sync.quarantine_count(), 1, "the spoilt record stays there");
    bench.stop().await;
    let text = std::fs::read_to_string(&log).unwrap();
    assert_eq!(text.matches(&format!("{NOW} L {slave} {content}\n")).count(), 1, "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w11_a_file_that_the_peer_refuses_keeps_no_other_back() {
    for mischief in [
        Mischief::Answer(Status::ENOSPC),
        Mischief::Answer(Status::EINVAL),
        Mischief::Answer(Status(200)),
        Mischief::Close,
        Mischief::Rubbish(vec![0xFF; 10]),
        Mischief::Rubbish(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
    ] {
        let mut bench = Bench::new("").await;
        let peer = FakePeer::start(any(2), true).await;
        bench.meet(peer.addr, StorageStatus::Active);
        let refused = bench.upload(b"refused").await;
        let name = refused.clone();
        peer.misbehave(move |seen| (seen.name == name).then(|| mischief.clone()));
        bench.run();
        let other = bench.upload(b"other").await;
        bench.record(&[&format!("U {refused}")]).await;
        wait_for("the other file", || peer.files().contains_key(&other)).await;
        wait_for("the refused ones to be aside", || bench.status().is_some_and(|s| s.set_aside == 2)).await;
        bench.wait_until_done().await;
        assert!(bench.status().unwrap().last_error.is_some());
        bench.stop().await;
        assert!(bench.sync_file(".fdfs_aside.127.0.0.2").exists());
        // Over a restart, and once the peer takes it.
        peer.behave();
        bench.reopen().await;
        bench.run();
        wait_for("the refused file", || peer.files().contains_key(&refused)).await;
        wait_for("nothing to be aside", || bench.status().is_some_and(|s| s.set_aside == 0)).await;
        bench.stop().await;
        assert!(!bench.sync_file(".fdfs_aside.127.0.0.2").exists());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mark_waits_for_the_answer_and_a_killed_process_sends_again() {
    let mut bench = Bench::new("").await;
    let peer = FakePeer::start(any(2), true).await;
    bench.meet(peer.addr, StorageStatus::Active);
    let hold = Arc::new(tokio::sync::Notify::new());
    let first = bench.upload(b"first").await;
    let (name, until) = (first.clone(), hold.clone());
    peer.misbehave(move |seen| (seen.name == name).then(|| Mischief::Hold(until.clone())));
    bench.run();
    let second = bench.upload(b"second").await;
    wait_for("the first file to be on its way", || peer.seen().iter().any(|seen| seen.name == first)).await;
    bench.stop().await;
    let mark = SyncMark::decode(&std::fs::read(bench.sync_file("127.0.0.2_23000.mark")).unwrap()).unwrap();
    assert_eq!(mark.binlog_offset, 0);
    peer.behave();
    bench.kill_and_start().await;
    bench.run();
    bench.wait_until_done().await;
    assert_eq!(peer.files(), files(&[(&first, b"first"), (&second, b"second")]));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_was_away_gets_everything_when_it_is_back() {
    let mut bench = Bench::new("").await;
    let peer = FakePeer::start(any(2), true).await;
    let addr = peer.addr;
    bench.meet(addr, StorageStatus::Active);
    bench.run();
    let first = bench.upload(b"first").await;
    bench.wait_until_done().await;
    let had = peer.stop().await;
    bench.meet(addr, StorageStatus::Offline);
    let second = bench.upload(b"second").await;
    let peer = FakePeer::start(addr, true).await;
    for (name, content) in &had {
        peer.put(name, content);
    }
    bench.meet(addr, StorageStatus::Active);
    bench.wait_until_done().await;
    assert_eq!(peer.files(), files(&[(&first, b"first"), (&second, b"second")]));
    assert!(peer.seen().iter().all(|seen| seen.name == second), "nothing is sent twice after an orderly end");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_member_gets_old_records_from_its_source_and_is_reported_when_all_are_there() {
    let mut bench = Bench::new("").await;
    let peer = FakePeer::start(any(2), true).await;
    let own = bench.upload(b"own").await;
    let (old, new) = (bench.new_name(b"old", false), bench.new_name(b"new", false));
    bench.write(&old, b"old");
    bench.write(&new, b"new");
    bench.record_at(NOW - 10, &format!("c {old}")).await;
    bench.record_at(NOW + 10, &format!("c {new}")).await;
    *bench.trackers.source.lock().unwrap() =
        Some(SyncSource { id: bench.storage.identity.storage_id(), until_secs: i64::from(NOW) });
    let hold = Arc::new(tokio::sync::Notify::new());
    let (name, until) = (old.clone(), hold.clone());
    peer.misbehave(move |seen| (seen.name == name).then(|| Mischief::Hold(until.clone())));
    bench.meet(peer.addr, StorageStatus::WaitSync);
    bench.run();
    wait_for("the old file to be on its way", || peer.seen().iter().any(|seen| seen.name == old)).await;
    assert_eq!(*bench.trackers.reports.lock().unwrap(), [StorageStatus::Syncing], "not before all is confirmed");
    hold.notify_one();
    wait_for("the report", || bench.trackers.reports.lock().unwrap().len() == 2).await;
    assert_eq!(*bench.trackers.reports.lock().unwrap(), [StorageStatus::Syncing, StorageStatus::Offline]);
    peer.behave();
    assert_eq!(peer.files(), files(&[(&own, b"own"), (&old, b"old")]), "what came in later is its source's to send");
    // From here on it is a peer like any other.
    bench.record_at(NOW - 20, &format!("c {new}")).await;
    let later = bench.upload(b"later").await;
    bench.wait_until_done().await;
    assert_eq!(peer.files(), files(&[(&own, b"own"), (&old, b"old"), (&later, b"later")]));
    bench.stop().await;
    let mark = SyncMark::decode(&std::fs::read(bench.sync_file("127.0.0.2_23000.mark")).unwrap()).unwrap();
    assert!(mark.need_sync_old && mark.sync_old_done && mark.until_timestamp == i64::from(NOW));
}

/// A storage of the reference sets a tracker back that hears of it too early, and nobody puts that right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_member_of_the_reference_is_left_alone_until_its_trackers_agree() {
    for (is_ours, settling) in [(false, Duration::from_millis(200)), (true, Duration::from_secs(3600))] {
        let mut bench = Bench::new("").await;
        let peer = FakePeer::start(any(2), is_ours).await;
        bench.upload(b"own").await;
        *bench.trackers.settling.lock().unwrap() = settling;
        *bench.trackers.source.lock().unwrap() =
            Some(SyncSource { id: bench.storage.identity.storage_id(), until_secs: i64::from(NOW) + 9 });
        bench.meet(peer.addr, StorageStatus::WaitSync);
        let begun = std::time::Instant::now();
        bench.run();
        wait_for("the report", || bench.trackers.reports.lock().unwrap().len() == 2).await;
        assert!(is_ours || begun.elapsed() >= settling, "{:?}", begun.elapsed());
        bench.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w11_a_new_member_waits_for_what_may_still_go_through_and_not_for_what_it_refuses_for_good() {
    for (status, waits) in [(Status::ENOSPC, true), (Status::EINVAL, false)] {
        let mut bench = Bench::new("").await;
        let peer = FakePeer::start(any(2), true).await;
        let (refused, other) = (bench.upload(b"refused").await, bench.upload(b"other").await);
        let source = SyncSource { id: bench.storage.identity.storage_id(), until_secs: i64::from(NOW) };
        *bench.trackers.source.lock().unwrap() = Some(source);
        let name = refused.clone();
        peer.misbehave(move |seen| (seen.name == name).then_some(Mischief::Answer(status)));
        bench.meet(peer.addr, StorageStatus::WaitSync);
        bench.run();
        wait_for("the other file", || peer.files().contains_key(&other)).await;
        wait_for("the refused one to be aside", || bench.status().is_some_and(|s| s.set_aside == 1)).await;
        let trackers = bench.trackers.clone();
        let reports = || trackers.reports.lock().unwrap().clone();
        if waits {
            // A further record goes through, and still nothing is reported.
            let later = bench.upload(b"later").await;
            wait_for("a later file", || peer.files().contains_key(&later)).await;
            assert_eq!(reports(), [StorageStatus::Syncing]);
            peer.behave();
        }
        wait_for("the report", || reports() == [StorageStatus::Syncing, StorageStatus::Offline]).await;
        assert_eq!(peer.files().contains_key(&refused), waits);
        bench.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w48_another_peer_begins_with_what_the_source_may_not_have_had() {
    let mut bench = Bench::new("").await;
    let peer = FakePeer::start(any(2), true).await;
    let long_before = bench.new_name(b"long before", false);
    bench.write(&long_before, b"long before");
    bench.record_at(NOW - 5000, &format!("C {long_before}")).await;
    let before = bench.upload(b"before").await;
    // The source had the first record, and nothing more when the link to it broke.
    let len = std::fs::metadata(bench.sync_file("binlog.000")).unwrap().len();
    let source = "127.0.0.9".parse().unwrap();
    let mark = SyncMark { binlog_offset: len / 2, ..SyncMark::default() };
    bench.storage.sync.marks.save(source, &mark).unwrap();
    *bench.trackers.source.lock().unwrap() = Some(SyncSource { id: source, until_secs: i64::from(NOW) + 100_000 });
    let other = crate::peers::Peer { id: source, addr: any(9), status: StorageStatus::Offline };
    let new = |status| crate::peers::Peer { id: "127.0.0.2".parse().unwrap(), addr: peer.addr, status };
    bench.storage.peers.replace(vec![new(StorageStatus::Syncing), other]);
    bench.run();
    wait_for("the sender to be ready", || bench.sync_file("127.0.0.2_23000.mark").exists()).await;
    assert!(peer.seen().is_empty(), "nothing before the copy is complete");
    bench.storage.peers.replace(vec![new(StorageStatus::Active), other]);
    wait_for("the file", || peer.files() == files(&[(&before, b"before")])).await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_peer_leaves_its_mark_under_another_name() {
    let mut bench = Bench::new("").await;
    let peer = FakePeer::start(any(2), true).await;
    bench.meet(peer.addr, StorageStatus::Active);
    bench.run();
    bench.upload(b"file").await;
    bench.wait_until_done().await;
    bench.meet(peer.addr, StorageStatus::Deleted);
    let is_retired = || {
        let names = std::fs::read_dir(bench.sync_file("")).unwrap();
        let is_it = |name: &str| name.starts_with("127.0.0.2_23000.mark.2") && name.len() == 35;
        names.into_iter().any(|entry| is_it(entry.unwrap().file_name().to_str().unwrap()))
    };
    wait_for("the mark to be set aside", is_retired).await;
    bench.stop().await;
    assert!(!bench.sync_file("127.0.0.2_23000.mark").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_of_the_sync_window_nothing_is_sent() {
    let now = jiff::Zoned::now();
    let at = |hours: i8| format!("{:02}:{:02}", (now.hour() + hours) % 24, now.minute());
    let mut bench = Bench::new(&format!("sync_start_time={}\nsync_end_time={}\n", at(3), at(5))).await;
    let peer = FakePeer::start(any(2), true).await;
    bench.meet(peer.addr, StorageStatus::Active);
    bench.run();
    bench.upload(b"file").await;
    wait_for("the sender to be ready", || bench.status().is_some()).await;
    bench.stop().await;
    assert!(peer.seen().is_empty());
    let mut bench = Bench::new(&format!("sync_start_time={}\nsync_end_time={}\n", at(22), at(2))).await;
    bench.meet(peer.addr, StorageStatus::Active);
    bench.run();
    bench.upload(b"file").await;
    bench.wait_until_done().await;
    bench.stop().await;
    assert_eq!(peer.files().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_files_of_the_log_are_compressed_behind_all_readers_and_read_by_new_ones() {
    let mut bench = Bench::new("").await;
    let first = bench.upload(b"first").await;
    let log = bench.sync_file("binlog.000");
    // Two files: as after a gigabyte of records.
    std::fs::write(bench.sync_file("binlog.001"), b"").unwrap();
    bench.reopen().await;
    let second = bench.upload(b"second").await;
    let id = bench.meet(any(2), StorageStatus::Offline);
    bench.storage.sync.marks.save(id, &SyncMark::default()).unwrap();
    assert_eq!(bench.storage.compress_binlog().await.unwrap(), 0, "the peer still needs it");
    std::fs::remove_file(bench.sync_file("127.0.0.2_23000.mark")).unwrap();
    assert_eq!(bench.storage.compress_binlog().await.unwrap(), 1);
    assert!(!log.exists() && bench.sync_file("binlog.000.gz").exists());
    let index = std::fs::read_to_string(bench.sync_file("binlog_index.dat")).unwrap();
    assert_eq!(index, "current_write=1\ncurrent_compress=1\n");
    let peer = FakePeer::start(any(2), true).await;
    bench.meet(peer.addr, StorageStatus::Active);
    bench.run();
    bench.wait_until_done().await;
    assert_eq!(peer.files(), files(&[(&first, b"first"), (&second, b"second")]));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_that_the_peer_has_is_not_sent_again() {
    let mut bench = Bench::new("").await;
    let peer = FakePeer::start(any(2), false).await;
    bench.meet(peer.addr, StorageStatus::Active);
    let content = vec![7; 1 << 20];
    let small = bench.upload(b"small").await;
    peer.put(&small, b"small");
    bench.run();
    // From its answer to this one the sender knows that it had better ask.
    bench.wait_until_done().await;
    let large = bench.new_name(&content, false);
    bench.write(&large, &content);
    peer.put(&large, &content);
    bench.record(&[&format!("C {large}")]).await;
    let missing = bench.upload(&content).await;
    bench.wait_until_done().await;
    assert!(peer.files() == files(&[(&small, b"small"), (&large, &content), (&missing, &content)]));
    let seen = peer.seen();
    let of_large: Vec<_> = seen.iter().filter(|seen| seen.name == large).collect();
    assert_eq!(
        of_large.iter().map(|seen| seen.command).collect::<Vec<_>>(),
        [Command::QueryFileInfo, Command::SyncCreateFile]
    );
    assert_eq!((of_large[1].status, of_large[1].body_len), (Status::EEXIST.0, 36 + large.len()));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_files_go_over_several_connections() {
    let mut bench = Bench::new("sync_max_threads=3\n").await;
    let peer = FakePeer::start(any(2), true).await;
    let mut expected = std::collections::BTreeMap::new();
    for n in 0..1500u32 {
        let content = n.to_string().into_bytes();
        expected.insert(bench.upload(&content).await, content);
    }
    bench.meet(peer.addr, StorageStatus::Active);
    bench.run();
    bench.wait_until_done().await;
    assert!(peer.files() == expected);
    assert_eq!(peer.seen().len(), 1500, "each once");
    assert!(peer.was_pipelined());
    bench.stop().await;
}
