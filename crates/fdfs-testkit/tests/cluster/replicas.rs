//! What a storage does with what other storages send, over the wire.

use crate::support::{EINVAL, ENOENT, download, is_stored, user_files};
use fdfs_proto::cmd::storage::{
    MetaMode, ReportServerId, SetMetadataHead, SyncDeleteFile, SyncFileHead, SyncTruncateFile, SyncTwoNames,
    SyncWriteHead,
};
use fdfs_proto::file_id::{FileId, FormattedExt, LogicName, NewKind, NewName, Source};
use fdfs_proto::{FileName, Wire};
use fdfs_testkit::raw::{packet, packet_with, padded16};
use fdfs_testkit::{Cluster, RawConn, RawReply, wait_for};

const EEXIST: u8 = 17;
const NOW: u32 = 1_795_166_208;
const SOURCE: &str = "10.9.9.9";

fn name_of(content: &[u8], kind: NewKind, random: u32) -> FileName {
    NewName {
        store_path_index: 0,
        high: 3,
        low: 9,
        source: Source::Ip([10, 9, 9, 9].into()),
        created: NOW,
        size: content.len() as u64,
        crc32: crc32fast::hash(content),
        kind,
        random,
        ext: FormattedExt::new(&"txt".parse().unwrap(), random),
    }
    .build()
}

fn id(name: FileName) -> FileId {
    FileId { group: "group1".parse().unwrap(), name }
}

/// Another storage, as the one under test sees it.
struct Peer {
    conn: RawConn,
}

impl Peer {
    /// Of the reference, or one of ours.
    fn connect(cluster: &Cluster, is_ours: bool) -> Self {
        let mut conn = cluster.to_storage(0);
        assert_eq!(conn.ask(9, &ReportServerId(SOURCE.parse().unwrap()).to_bytes()).ok(), b"");
        if is_ours {
            assert_eq!(conn.ask(243, b"").ok(), [2]);
        }
        Self { conn }
    }

    fn ask(&mut self, command: u8, body: &[u8]) -> u8 {
        match self.conn.ask(command, body) {
            RawReply::Whole { status, body } => {
                assert!(body.is_empty(), "command {command}: {body:?}");
                status
            }
            other => panic!("command {command}: {other:?}"),
        }
    }

    fn whole(&mut self, command: u8, name: FileName, timestamp: u32, content: &[u8]) -> u8 {
        let head = SyncFileHead { file_size: content.len() as u64, timestamp, file: id(name) };
        self.ask(command, &[head.to_bytes(), content.to_vec()].concat())
    }

    fn write(&mut self, command: u8, name: FileName, timestamp: u32, offset: u64, content: &[u8]) -> u8 {
        let head = SyncWriteHead { offset, len: content.len() as u64, timestamp, file: id(name) };
        self.ask(command, &[head.to_bytes(), content.to_vec()].concat())
    }

    fn truncate(&mut self, name: FileName, timestamp: u32, old_size: u64, new_size: u64) -> u8 {
        self.ask(37, &SyncTruncateFile { old_size, new_size, timestamp, file: id(name) }.to_bytes())
    }

    fn delete(&mut self, name: FileName, timestamp: u32) -> u8 {
        self.ask(17, &SyncDeleteFile { timestamp, file: id(name) }.to_bytes())
    }

    fn two_names(&mut self, command: u8, destination: FileName, source: FileName, timestamp: u32) -> u8 {
        let group = "group1".parse().unwrap();
        self.ask(command, &SyncTwoNames { timestamp, group, destination, source }.to_bytes())
    }
}

fn binlog(cluster: &Cluster) -> String {
    let path = cluster.storages[0].plan.base_path.join("data/sync/binlog.000");
    std::fs::read_to_string(path).unwrap()
}

fn is_there(cluster: &Cluster, name: FileName, content: &[u8]) -> bool {
    is_stored(cluster, 0, name.as_str(), content)
}

fn is_gone(cluster: &Cluster, name: FileName) -> bool {
    let reply = cluster.to_storage(0).send(&download(0, 0, "group1", name.as_bytes())).reply();
    reply.status() == Some(ENOENT)
}

#[test]
fn files_of_all_sizes_arrive_with_the_time_of_their_record() {
    let cluster = Cluster::small();
    let mut peer = Peer::connect(&cluster, false);
    for (n, len) in [1, 4096, 70_000, 262_145, 3_000_000].into_iter().enumerate() {
        let content: Vec<u8> = (0..len).map(|i| (i * 7 + i / 251) as u8).collect();
        for kind in [NewKind::Regular, NewKind::Appender] {
            let name = name_of(&content, kind, n as u32);
            let at = NOW + n as u32;
            assert_eq!(peer.whole(16, name, at, &content), 0);
            assert!(is_there(&cluster, name, &content), "{len} bytes");
            assert_eq!(peer.whole(16, name, at, &content), EEXIST, "sent again");
            assert_eq!(peer.whole(18, name, at, &content), 0, "sent again as an update");
            assert!(binlog(&cluster).contains(&format!("{at} c {name}\n")));
            let true_name = LogicName::parse(&name).unwrap().true_name().to_owned();
            let path = cluster.storages[0].plan.store_paths[0].join("data").join(true_name);
            let modified = path.metadata().unwrap().modified().unwrap();
            let secs = modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
            assert_eq!(secs, u64::from(at));
        }
    }
    let storage = cluster.storages[0].inside().clone();
    assert_eq!(storage.received.snapshot(), [(SOURCE.parse().unwrap(), NOW + 4)]);
    let stat = storage.stats.snapshot(fdfs_proto::shared::ConnectionCounts::default());
    assert_eq!(stat.sync_in_bytes.total, stat.sync_in_bytes.success);
    assert!(stat.sync_in_bytes.total > 6_000_000 && stat.last_sync_update > 0);
}

#[test]
fn w16_an_empty_file_arrives_and_is_downloaded() {
    let cluster = Cluster::small();
    let mut peer = Peer::connect(&cluster, false);
    let name = name_of(b"", NewKind::Regular, 1);
    assert_eq!(peer.whole(16, name, NOW, b""), 0);
    assert_eq!(peer.whole(16, name, NOW, b""), EEXIST);
    assert!(is_there(&cluster, name, b""));
    let beyond = cluster.to_storage(0).send(&download(1, 0, "group1", name.as_bytes())).reply();
    assert_eq!(beyond.status(), Some(EINVAL));
}

#[test]
fn w14_a_damaged_copy_is_replaced_when_it_is_sent_again_and_a_good_one_is_not() {
    let cluster = Cluster::small();
    let mut peer = Peer::connect(&cluster, false);
    for (n, len) in [5000usize, 400_000].into_iter().enumerate() {
        let content: Vec<u8> = (0..len).map(|i| (i % 249) as u8).collect();
        let mut damaged = content.clone();
        damaged[len / 2] ^= 1;
        let name = name_of(&content, NewKind::Regular, n as u32);
        assert_eq!(peer.whole(16, name, NOW, &content), 0);
        let path = cluster.storages[0].plan.store_paths[0].join("data").join(&name.as_str()[4..]);
        std::fs::write(&path, &damaged).unwrap();
        assert_eq!(peer.whole(16, name, NOW, &content), 0, "same size, other bytes");
        assert!(is_there(&cluster, name, &content));
        assert_eq!(peer.whole(16, name, NOW + 9, &damaged), EEXIST, "the sender's copy is damaged");
        assert_eq!(peer.whole(18, name, NOW + 9, &damaged), 0);
        assert!(is_there(&cluster, name, &content));
        // Of a large one that is here as its name promises nothing is received, so nobody sees that it was damaged.
        let is_sent_again = binlog(&cluster).contains(&format!(" U {name}\n"));
        assert_eq!(is_sent_again, len < 100_000, "to the storage with the damaged one");
    }
}

#[test]
fn w06_changes_are_made_only_where_they_fit() {
    let cluster = Cluster::small();
    for is_ours in [false, true] {
        let mut peer = Peer::connect(&cluster, is_ours);
        let name = name_of(b"0123456789", NewKind::Appender, u32::from(is_ours));
        assert_eq!(peer.whole(16, name, NOW, b"0123456789"), 0);
        assert_eq!(peer.write(25, name, NOW, 10, b"abcde"), 0);
        assert_eq!(peer.write(25, name, NOW, 10, b"abcde"), EEXIST, "it is there");
        assert_eq!(peer.write(25, name, NOW, 10, b"ABCDE"), ENOENT, "something else is there");
        assert_eq!(peer.write(25, name, NOW, 12, b"cdefg"), ENOENT, "half of it is there");
        assert_eq!(peer.write(25, name, NOW, 20, b"z"), ENOENT, "a gap");
        assert_eq!(peer.write(35, name, NOW, 2, b"ZZ"), 0);
        assert_eq!(peer.write(35, name, NOW, 16, b"ZZ"), ENOENT, "beyond the end");
        assert_eq!(peer.truncate(name, NOW, 15, 4), 0);
        assert_eq!(peer.truncate(name, NOW, 15, 4), EEXIST, "done");
        assert!(is_there(&cluster, name, b"01ZZ"));
        let large: Vec<u8> = (0..500_000).map(|i| (i % 253) as u8).collect();
        assert_eq!(peer.write(25, name, NOW, 4, &large), 0);
        assert!(is_there(&cluster, name, &[b"01ZZ", &large[..]].concat()));
        assert_eq!(peer.truncate(name, NOW, 500_004, 0), 0);
        assert!(is_there(&cluster, name, b""));
        for letter in ['a', 'm', 't'] {
            assert!(binlog(&cluster).contains(&format!("{NOW} {letter} {name} ")), "{letter}");
        }
    }
}

#[test]
fn w08_nobody_waits_for_ever_for_a_file_that_is_not_here() {
    let cluster = Cluster::small();
    cluster.expect_problem("it is not so here");
    let name = name_of(b"lost", NewKind::Appender, 1);
    let mut reference = Peer::connect(&cluster, false);
    assert_eq!(reference.truncate(name, NOW, 4, 0), EEXIST, "the reference must go on");
    assert_eq!(reference.write(25, name, NOW, 4, b"x"), ENOENT);
    assert_eq!(reference.write(35, name, NOW, 0, b"x"), ENOENT);
    let doubts = &cluster.storages[0].inside().doubts;
    assert_eq!(doubts.names(), [name]);
    let mut ours = Peer::connect(&cluster, true);
    assert_eq!(ours.truncate(name, NOW, 4, 0), ENOENT, "ours sends the whole file");
    assert_eq!(ours.whole(18, name, NOW, b"whole"), 0);
    assert!(is_there(&cluster, name, b"whole"));
    assert_eq!(doubts.count(), 0);
}

#[test]
fn w07_an_older_state_replaces_no_newer_one_and_a_deleted_file_stays_deleted() {
    let mut cluster = Cluster::small();
    let meta = |name: FileName| -> FileName { format!("{name}-m").parse().unwrap() };
    let set_metadata = |cluster: &Cluster, name: FileName, text: &[u8]| {
        let sizes = [44i64.to_be_bytes(), (text.len() as i64).to_be_bytes()].concat();
        let body = [&sizes[..], b"O", &padded16("group1"), name.as_bytes(), text].concat();
        assert_eq!(cluster.to_storage(0).ask(13, &body).ok(), b"");
    };
    let mut peer = Peer::connect(&cluster, true);
    let (kept, deleted) = (name_of(b"kept", NewKind::Regular, 1), name_of(b"deleted", NewKind::Regular, 2));
    for (name, content) in [(kept, &b"kept"[..]), (deleted, b"deleted")] {
        assert_eq!(peer.whole(16, name, NOW, content), 0);
    }
    // A client changes metadata and deletes a file here; what others did before that arrives late.
    set_metadata(&cluster, kept, b"a\x022");
    assert_eq!(cluster.to_storage(0).ask(12, &crate::support::id("group1", deleted.as_bytes())).ok(), b"");
    for round in ["before", "after a restart"] {
        let mut peer = Peer::connect(&cluster, true);
        assert_eq!(peer.whole(18, meta(kept), NOW + 1, b"a\x021"), 0, "{round}");
        assert!(is_there(&cluster, meta(kept), b"a\x022"), "{round}");
        assert_eq!(peer.whole(16, deleted, NOW, b"deleted"), EEXIST, "{round}");
        assert_eq!(peer.whole(18, deleted, NOW, b"deleted"), 0, "{round}");
        assert_eq!(peer.whole(18, meta(deleted), NOW, b"a\x021"), 0, "{round}");
        assert_eq!(peer.write(25, deleted, NOW, 0, b"x"), EEXIST, "{round}");
        assert!(is_gone(&cluster, deleted) && is_gone(&cluster, meta(deleted)), "{round}");
        cluster.storages[0].stop();
        cluster.storages[0].start();
        cluster.wait_until_active();
    }
    // Newer is newer, whoever sends it.
    let later = u32::MAX - 9;
    assert_eq!(Peer::connect(&cluster, false).whole(18, meta(kept), later, b"a\x023"), 0);
    assert!(is_there(&cluster, meta(kept), b"a\x023"));
    assert!(
        binlog(&cluster).contains(&format!(" U {}\n", meta(kept))),
        "ours was sent again to those who had the older"
    );
}

#[test]
fn a_deletion_that_comes_before_its_file_keeps_it_away() {
    let cluster = Cluster::small();
    let mut peer = Peer::connect(&cluster, false);
    let name = name_of(b"late", NewKind::Regular, 1);
    assert_eq!(peer.delete(name, NOW + 3), ENOENT);
    assert_eq!(peer.whole(16, name, NOW, b"late"), EEXIST);
    assert!(is_gone(&cluster, name));
    let other = name_of(b"other", NewKind::Regular, 2);
    assert_eq!(peer.whole(16, other, NOW, b"other"), 0);
    assert_eq!((peer.delete(other, NOW + 3), peer.delete(other, NOW + 3)), (0, ENOENT));
    assert_eq!(binlog(&cluster).matches(&format!(" d {other}\n")).count(), 1);
}

#[test]
fn links_and_renames_are_recorded_whole() {
    let cluster = Cluster::small();
    let mut peer = Peer::connect(&cluster, false);
    let (target, link) = (name_of(b"target", NewKind::Regular, 1), name_of(b"target", NewKind::Regular, 2));
    assert_eq!(peer.two_names(19, link, target, NOW), 0, "the target comes later");
    assert!(is_gone(&cluster, link));
    assert_eq!(peer.whole(16, target, NOW, b"target"), 0);
    for _ in 0..2 {
        assert_eq!(peer.two_names(19, link, target, NOW), 0);
    }
    assert!(is_there(&cluster, link, b"target"));
    assert_eq!(binlog(&cluster).matches(&format!("{NOW} l {link} {target}\n")).count(), 1);

    let (appender, regular) = (name_of(b"abc", NewKind::Appender, 3), name_of(b"abc", NewKind::Regular, 3));
    assert_eq!(peer.two_names(40, regular, appender, NOW), ENOENT);
    assert_eq!(peer.whole(16, appender, NOW, b"abc"), 0);
    assert_eq!(peer.two_names(40, regular, appender, NOW), 0);
    assert_eq!(peer.two_names(40, regular, appender, NOW), EEXIST);
    assert!(is_there(&cluster, regular, b"abc") && is_gone(&cluster, appender));
    assert_eq!(binlog(&cluster).matches(&format!("{NOW} r {regular} {appender}\n")).count(), 1);

    // It was appended to here, which the storage that renamed it has not seen: the file comes whole by its new name.
    let (changed, renamed) = (name_of(b"xyz", NewKind::Appender, 4), name_of(b"xyz", NewKind::Regular, 4));
    assert_eq!(peer.whole(16, changed, NOW, b"xyz and more"), 0);
    assert_eq!(peer.two_names(40, renamed, changed, NOW), ENOENT);
    assert_eq!(peer.whole(16, renamed, NOW, b"xyz"), 0);
    assert!(is_gone(&cluster, changed) && is_there(&cluster, renamed, b"xyz"));

    // Metadata that were set here meanwhile have nothing left to belong to.
    let (old, new) = (name_of(b"met", NewKind::Appender, 5), name_of(b"met", NewKind::Regular, 5));
    let head = SetMetadataHead { metadata_len: 3, mode: MetaMode::Overwrite, file: id(old) };
    assert_eq!(peer.whole(16, old, NOW, b"met"), 0);
    assert_eq!(peer.ask(13, &[head.to_bytes(), b"a\x02c".to_vec()].concat()), 0);
    assert_eq!(peer.two_names(40, new, old, NOW), 0);
    assert!(user_files(&cluster, 0).iter().all(|file| !file.to_string_lossy().ends_with("-m")));
    assert!(binlog(&cluster).contains(&format!(" D {old}-m\n")));
}

#[test]
fn a_link_takes_the_place_of_what_had_its_name_before() {
    let cluster = Cluster::small();
    let mut peer = Peer::connect(&cluster, true);
    let (first, second) = (name_of(b"first", NewKind::Regular, 1), name_of(b"second", NewKind::Regular, 2));
    for (name, content) in [(first, &b"first"[..]), (second, b"second")] {
        assert_eq!(peer.whole(16, name, NOW, content), 0);
    }
    let slave: FileName = format!("{}_link.jpg", first.as_str().trim_end_matches(".txt")).parse().unwrap();
    // Each was deleted in between, which is not sent when the name is there again by then.
    assert_eq!(peer.two_names(19, slave, first, NOW), 0);
    assert_eq!(peer.two_names(19, slave, second, NOW), 0);
    assert!(is_there(&cluster, slave, b"second"));
    assert_eq!((peer.whole(16, slave, NOW + 1, b"second"), peer.delete(second, NOW + 1)), (0, 0));
    assert!(is_there(&cluster, slave, b"second"), "a file of its own with the same bytes");
    assert_eq!(peer.two_names(19, slave, first, NOW + 2), 0);
    assert!(is_there(&cluster, slave, b"first"));
    assert_eq!(peer.two_names(19, slave, second, NOW + 3), 0);
    assert!(is_gone(&cluster, slave), "what it leads to is gone");
    assert_eq!(peer.two_names(19, slave, first, NOW + 4), 0);
    assert_eq!(peer.delete(slave, NOW + 4), 0, "though it was made here a moment ago");
    assert!(is_gone(&cluster, slave));
}

#[test]
fn w07_metadata_go_with_a_file_that_was_deleted_by_somebody_who_had_none() {
    let cluster = Cluster::small();
    let mut peer = Peer::connect(&cluster, true);
    let (sent, set_here) = (name_of(b"one", NewKind::Regular, 1), name_of(b"two", NewKind::Regular, 2));
    let metadata = |name: FileName| FileName::new(format!("{name}-m").as_bytes()).unwrap();
    for (name, content) in [(sent, b"one"), (set_here, b"two")] {
        assert_eq!(peer.whole(16, name, NOW, content), 0);
    }
    assert_eq!(peer.whole(16, metadata(sent), NOW, b"a\x02b"), 0);
    let head = SetMetadataHead { metadata_len: 3, mode: MetaMode::Overwrite, file: id(set_here) };
    assert_eq!(peer.ask(13, &[head.to_bytes(), b"a\x02c".to_vec()].concat()), 0);
    assert_eq!(user_files(&cluster, 0).len(), 4);
    for name in [sent, set_here] {
        assert_eq!(peer.delete(name, NOW), 0);
        assert_eq!(peer.delete(metadata(name), NOW), ENOENT, "gone already");
        assert_eq!(peer.whole(18, metadata(name), NOW + 9, b"a\x02d"), 0, "and it stays so");
    }
    assert_eq!(user_files(&cluster, 0), Vec::<std::path::PathBuf>::new());
    let log = binlog(&cluster);
    assert!(log.contains(&format!("{NOW} d {}\n", metadata(sent))), "{log}");
    // Others may have got what was set here, or get it yet.
    let to_all = format!(" D {}\n", metadata(set_here));
    assert!(log.contains(&to_all), "{log}");
}

#[test]
fn a_body_that_is_cut_off_leaves_nothing() {
    let cluster = Cluster::small();
    let mut peer = Peer::connect(&cluster, false);
    let appender = name_of(b"base", NewKind::Appender, 1);
    assert_eq!(peer.whole(16, appender, NOW, b"base"), 0);
    let content = vec![7; 700_000];
    let name = name_of(&content, NewKind::Regular, 2);
    let before = user_files(&cluster, 0);
    let create = SyncFileHead { file_size: 700_000, timestamp: NOW, file: id(name) }.to_bytes();
    let append = SyncWriteHead { offset: 4, len: 700_000, timestamp: NOW, file: id(appender) }.to_bytes();
    for (command, head) in [(16, create), (25, append)] {
        let mut conn = cluster.to_storage(0);
        let bytes = packet(command, &[head, content.clone()].concat());
        conn.send(&bytes[..500_000]);
        drop(conn);
    }
    wait_for("the broken connections to end", || (cluster.storages[0].inside().busy_count() == 0).then_some(()));
    assert_eq!(user_files(&cluster, 0), before);
    assert!(is_there(&cluster, appender, b"base"));
    // "You have it already" of a file that is not here makes no record.
    cluster.expect_problem("says that it is here, and it is not");
    let head = SyncFileHead { file_size: 700_000, timestamp: NOW, file: id(name) }.to_bytes();
    let reply = cluster.to_storage(0).send(&packet_with(16, EEXIST, head.len() as i64, &head)).reply();
    assert_eq!(reply.status(), Some(EEXIST));
    assert!(!binlog(&cluster).contains(name.as_str()));
}

/// One whole file as a request.
fn whole_request(name: FileName, timestamp: u32, content: &[u8]) -> Vec<u8> {
    let head = SyncFileHead { file_size: content.len() as u64, timestamp, file: id(name) };
    packet(16, &[head.to_bytes(), content.to_vec()].concat())
}

/// A sender of ours has many requests under way: those that come in together are served together, and answered as if each
/// had come alone, wherever the stream is cut.
#[test]
fn requests_that_come_in_together_are_answered_one_by_one_and_in_order() {
    let cluster = Cluster::small();
    for (round, cut) in [0, 1, 9, 10, 11, 300, 4500, 9001, 20_000].into_iter().enumerate() {
        let mut peer = Peer::connect(&cluster, true);
        let content = |n: usize| vec![(n * 31 + round) as u8; [20, 4096, 0, 700][n % 4] + n];
        let name = |n: usize| name_of(&content(n), NewKind::Regular, (round * 1000 + n) as u32);
        let request = |n: usize| whole_request(name(n), NOW + n as u32, &content(n));
        let mut stream: Vec<u8> = (0..12).flat_map(request).collect();
        stream.extend(request(3));
        stream.extend(packet(17, &SyncDeleteFile { timestamp: NOW + 100, file: id(name(5)) }.to_bytes()));
        // It was deleted since.
        stream.extend(request(5));
        stream.extend((12..50).flat_map(request));
        // Its content is not what its name promises: it is stored all the same, for it may have been changed.
        let other = name_of(b"promised", NewKind::Regular, (round * 1000 + 77) as u32);
        stream.extend(whole_request(other, NOW, b"sent"));
        let cut = if cut == 0 { stream.len() } else { cut };
        for piece in stream.chunks(cut) {
            peer.conn.send(piece);
        }
        let mut expected = vec![0; 12];
        expected.extend([EEXIST, 0, EEXIST]);
        expected.extend([0; 39]);
        let statuses: Vec<_> = expected.iter().map(|_| peer.conn.reply().status().unwrap()).collect();
        assert_eq!(statuses, expected, "cut {cut}");
        for n in (0..50).filter(|n| *n != 5) {
            assert!(is_there(&cluster, name(n), &content(n)), "cut {cut}, file {n}");
        }
        assert!(is_gone(&cluster, name(5)) && is_there(&cluster, other, b"sent"));
        let log = binlog(&cluster);
        let records: Vec<_> = log.lines().filter(|line| line.contains(name(7).as_str())).collect();
        assert_eq!(records, [format!("{} c {}", NOW + 7, name(7))]);
    }
}

#[test]
fn after_a_request_that_breaks_the_rules_nothing_of_a_run_is_answered() {
    let cluster = Cluster::small();
    let mut peer = Peer::connect(&cluster, true);
    let name = |n: u32| name_of(b"content", NewKind::Regular, n);
    let mut stream = [whole_request(name(1), NOW, b"content"), whole_request(name(2), NOW, b"content")].concat();
    let foreign = FileId { group: "group2".parse().unwrap(), name: name(3) };
    let head = SyncFileHead { file_size: 7, timestamp: NOW, file: foreign };
    stream.extend(packet(16, &[head.to_bytes(), b"content".to_vec()].concat()));
    stream.extend(whole_request(name(4), NOW, b"content"));
    peer.conn.send(&stream);
    let statuses: Vec<_> = (0..3).map(|_| peer.conn.reply().status()).collect();
    assert_eq!(statuses, [Some(0), Some(0), Some(EINVAL)]);
    assert_eq!(peer.conn.reply().status(), None);
    assert!(is_there(&cluster, name(2), b"content") && is_gone(&cluster, name(4)));
}
