//! A store path that lost its files is refilled from the other storages of the group.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use crate::support::{ENOENT, download, is_stored, stored, upload_head, wait_until_sent};
use fdfs_proto::cmd::storage::{SyncFileHead, SyncTwoNames};
use fdfs_proto::file_id::{FileId, FormattedExt, NewKind, NewName, Source, TrunkPart};
use fdfs_proto::shared::StorageStatus;
use fdfs_proto::{FileName, Wire};
use fdfs_storage::peers::Peer;
use fdfs_storage::recovery::{RecoveryProgress, RecoveryStage};
use fdfs_testkit::raw::{packet, packet_with, padded16};
use fdfs_testkit::{Cluster, PATIENCE, RawReply, wait_for};

const NOW: u32 = 1_795_166_208;

fn name_of(path: u8, content: &[u8], kind: NewKind, random: u32) -> FileName {
    NewName {
        store_path_index: path,
        high: (random % 7) as u8,
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

/// A file on several storages, as if it had been replicated.
fn put(cluster: &Cluster, storages: &[usize], name: FileName, content: &[u8]) {
    let file = FileId { group: "group1".parse().unwrap(), name };
    let head = SyncFileHead { file_size: content.len() as u64, timestamp: NOW, file };
    for &storage in storages {
        let body = [head.to_bytes(), content.to_vec()].concat();
        // Senders may have been there before.
        let status = cluster.to_storage(storage).ask(16, &body).status();
        assert!(matches!(status, Some(0 | 17)), "{name}: {status:?}");
    }
}

fn content(n: u32) -> Vec<u8> {
    (0..100 + n % 900).map(|i| (i * 7 + n) as u8).collect()
}

fn data(cluster: &Cluster, storage: usize, path: usize) -> PathBuf {
    cluster.storages[storage].plan.store_paths[path].join("data")
}

/// The disk of a store path is replaced by an empty one.
fn lose(cluster: &Cluster, storage: usize, path: usize) {
    let is_whole = format!("store path {path}: its sub directories are there");
    assert!(cluster.storages[storage].log.wait_for(&is_whole, PATIENCE), "{is_whole}");
    let data = data(cluster, storage, path);
    fs::remove_dir_all(&data).unwrap();
    cluster.expect_problem("came back empty: it gets a new mark");
}

fn progress(cluster: &Cluster, storage: usize) -> RecoveryProgress {
    let recoveries = cluster.storages[storage].inside().recovery.snapshot();
    recoveries.into_iter().next().unwrap_or_else(|| panic!("nothing is being recovered")).1
}

fn wait_until_recovered(cluster: &Cluster, storage: usize) -> RecoveryProgress {
    wait_for("the recovery to end", || {
        Some(progress(cluster, storage)).filter(|progress| progress.stage == RecoveryStage::Done)
    })
}

fn work_files(data: &Path) -> Vec<String> {
    let names = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains("recovery")).collect()
}

#[test]
fn w19_a_lost_store_path_is_refilled_while_the_other_one_is_served() {
    let mut cluster = Cluster::builder().group("group1", 2).store_paths(2).start();
    let mut files = Vec::new();
    for n in 0..150 {
        let content = content(n);
        files.push((name_of(1, &content, NewKind::Regular, n), content));
    }
    let large: Vec<u8> = (0..3_000_000u32).map(|i| (i % 253) as u8).collect();
    files.push((name_of(1, &large, NewKind::Regular, 1000), large));
    files.push((name_of(1, b"", NewKind::Regular, 1001), Vec::new()));
    files.push((name_of(1, b"grown", NewKind::Appender, 1002), b"grown and grown".to_vec()));
    files.push((name_of(1, b"", NewKind::Appender, 1003), Vec::new()));
    files.push((format!("{}-m", files[0].0).parse().unwrap(), b"w\x02160".to_vec()));
    for (name, content) in &files {
        put(&cluster, &[0, 1], *name, content);
    }
    let other = name_of(0, b"on the good path", NewKind::Regular, 1);
    put(&cluster, &[0, 1], other, b"on the good path");
    let link = name_of(1, b"link", NewKind::Regular, 1004);
    let group = "group1".parse().unwrap();
    let link_request = SyncTwoNames { timestamp: NOW, group, destination: link, source: files[1].0 };
    assert_eq!(cluster.to_storage(0).ask(19, &link_request.to_bytes()).status(), Some(0));
    files.push((link, files[1].1.clone()));

    cluster.storages[1].stop();
    lose(&cluster, 1, 1);
    cluster.storages[1].start();
    assert!(is_stored(&cluster, 1, other.as_str(), b"on the good path"), "the other path is served at once");
    let uploaded = cluster.to_storage(1).ask(11, &[upload_head(1, 3, "txt"), b"new".to_vec()].concat()).ok();
    if cluster.storages[1].inside().recovery.is_under_way(1) {
        assert_eq!(&uploaded[16..20], b"M00/", "uploads keep away from the path");
    }
    let done = wait_until_recovered(&cluster, 1);
    assert_eq!((done.files, done.missing, done.failed), (files.len() as u64, 0, 0), "{done:?}");
    for (name, content) in &files {
        assert!(is_stored(&cluster, 1, name.as_str(), content), "{name}");
        let path = data(&cluster, 1, 1).join(&name.as_str()[4..]);
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        if *name != link {
            assert_eq!(modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(), u64::from(NOW), "{name}");
        }
    }
    assert_eq!(
        fs::read_link(data(&cluster, 1, 1).join(&link.as_str()[4..])).unwrap().file_name().unwrap().to_str(),
        Some(&files[1].0.as_str()[10..])
    );
    assert_eq!(work_files(&data(&cluster, 1, 1)), Vec::<String>::new());
    wait_for("uploads to come to the path again", || {
        let name = cluster.to_storage(1).ask(11, &[upload_head(1, 3, "txt"), b"new".to_vec()].concat()).ok();
        name[16..].starts_with(b"M01/").then_some(())
    });
}

#[test]
fn a_recovery_that_was_stopped_in_the_middle_goes_on_and_another_storage_takes_over() {
    let mut cluster = Cluster::builder().group("group1", 3).storage_key("durability", "none").start();
    let files: Vec<_> = (0..1000).map(|n| (name_of(0, &content(n), NewKind::Regular, n), content(n))).collect();
    for (name, content) in &files {
        put(&cluster, &[0, 1], *name, content);
    }
    cluster.storages[2].stop();
    lose(&cluster, 2, 0);
    cluster.storages[2].start();
    wait_for("some files to be there", || (progress(&cluster, 2).files > 50).then_some(()));
    cluster.storages[2].stop();
    // Stopped or killed: what came in since the last mark comes again.
    cluster.storages[2].start();
    wait_for("more files to be there", || {
        let now = progress(&cluster, 2);
        (now.files > 50 || now.stage == RecoveryStage::Done).then_some(())
    });
    cluster.storages[0].stop();
    let done = wait_until_recovered(&cluster, 2);
    assert_eq!((done.missing, done.failed), (0, 0), "{done:?}");
    for (name, content) in &files {
        assert!(is_stored(&cluster, 2, name.as_str(), content), "{name}");
    }
}

#[test]
fn lists_that_are_there_are_gone_on_with_at_their_marks_and_a_missing_file_is_told() {
    let mut cluster = Cluster::builder().group("group1", 2).start();
    let files: Vec<_> = (0..4).map(|n| (name_of(0, &content(n), NewKind::Regular, n), content(n))).collect();
    for (name, content) in &files {
        put(&cluster, &[0], *name, content);
    }
    let nowhere = name_of(0, b"nowhere", NewKind::Regular, 9);
    cluster.storages[1].stop();
    lose(&cluster, 1, 0);
    // As the reference, or a storage that was killed, has left it.
    let data = data(&cluster, 1, 0);
    fs::create_dir(&data).unwrap();
    let line = |name: FileName| format!("{NOW} c {name}\n");
    let first = [line(files[0].0), line(files[1].0), "half of a li".to_owned()].concat();
    let second = [line(nowhere), format!("{NOW} l \n"), line(files[2].0), line(files[3].0)].concat();
    fs::write(data.join(".binlog.recovery.0"), first).unwrap();
    fs::write(data.join(".binlog.recovery.1"), second).unwrap();
    fs::write(data.join(".recovery.mark.0"), format!("binlog_offset={}\n", line(files[0].0).len())).unwrap();
    let flag = "saved_storage_status=7\nfetch_binlog_done=1\nrecovery_threads=2\n";
    fs::write(data.join(".recovery.flag"), flag).unwrap();
    cluster.storages[1].start();
    let done = wait_until_recovered(&cluster, 1);
    assert_eq!((done.files, done.missing, done.names.clone()), (3, 1, vec![nowhere]), "{done:?}");
    for (name, content) in &files[1..] {
        assert!(is_stored(&cluster, 1, name.as_str(), content), "{name}");
    }
    let before_mark = cluster.to_storage(1).send(&download(0, 0, "group1", files[0].0.as_bytes())).reply();
    assert_eq!(before_mark.status(), Some(ENOENT), "what is before the mark was done");
    assert!(cluster.storages[1].log.contains(&format!("{nowhere} cannot be recovered")));
    assert_eq!(work_files(&data), Vec::<String>::new());
}

#[test]
fn a_path_that_is_new_everywhere_needs_no_recovery() {
    let mut cluster = Cluster::builder().group("group1", 1).start();
    cluster.storages[0].stop();
    lose(&cluster, 0, 0);
    let error = cluster.storages[0].try_start(&fdfs_storage::StartOptions::default()).unwrap_err();
    assert!(error.to_string().contains("no other storage is known that has its files"), "{error}");
    // The operator knows.
    fs::write(data(&cluster, 0, 0).join(".recovery.flag"), b"").unwrap();
    cluster.storages[0].start();
    let done = wait_until_recovered(&cluster, 0);
    assert_eq!(done.files, 0);
    cluster.wait_until_active();
    let name = crate::support::stored(&cluster, 0, b"uploads are welcome");
    assert!(is_stored(&cluster, 0, &name, b"uploads are welcome"));
}

/// A storage of the reference that has two empty files and damaged link records: it refuses to give empty files, and closes.
fn reference_with_empty_files(listener: &TcpListener, names: &[FileName]) {
    let list: String = names.iter().map(|name| format!("{NOW} C {name}\n")).collect();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let names = names.to_vec();
        let list = list.clone();
        std::thread::spawn(move || {
            let mut header = [0; 10];
            while stream.read_exact(&mut header).is_ok() {
                let mut body = vec![0; i64::from_be_bytes(*header.first_chunk().unwrap()) as usize];
                stream.read_exact(&mut body).unwrap();
                let answer = match header[8] {
                    26 => {
                        let text = [list.as_bytes(), b"5 l \n"].concat();
                        let mut answer = packet_with(100, 0, 1 << 58, &text);
                        answer.extend_from_slice(&(text.len() as i64).to_be_bytes());
                        answer
                    }
                    22 if names.iter().any(|name| body.ends_with(name.as_bytes())) => {
                        let numbers = [0i64.to_be_bytes(), i64::from(NOW).to_be_bytes(), [0; 8]].concat();
                        packet(100, &[&numbers[..], &[0; 16]].concat())
                    }
                    _ => packet_with(100, 22, 0, b""),
                };
                stream.write_all(&answer).unwrap();
                if matches!(header[8], 14 | 26) {
                    return;
                }
            }
        });
    }
}

/// One storage lags behind, and the disk of another has rotted: each file comes from where it is right.
#[test]
fn what_one_storage_lacks_or_has_spoilt_comes_from_another() {
    let mut cluster = Cluster::builder().group("group1", 3).storage_key("durability", "none").start();
    let names: Vec<String> = (0..2).map(|n| stored(&cluster, 2, &content(n))).collect();
    for (n, name) in (0..).zip(&names) {
        for storage in 0..2 {
            wait_for("the copies", || is_stored(&cluster, storage, name, &content(n)).then_some(()));
        }
    }
    // What is sent once more would be there before the recovery comes to it.
    wait_until_sent(&cluster, 2, 2);
    cluster.storages[0].stop();
    lose(&cluster, 0, 0);
    let at_first = |name: &str| data(&cluster, 1, 0).join(&name[4..]);
    fs::remove_file(at_first(&names[0])).unwrap();
    let mut spoilt = content(1);
    spoilt[5] ^= 1;
    fs::write(at_first(&names[1]), spoilt).unwrap();
    cluster.storages[0].start();
    let done = wait_until_recovered(&cluster, 0);
    assert_eq!((done.files, done.missing, done.failed), (2, 0, 0), "{done:?}");
    for (n, name) in (0..).zip(&names) {
        assert!(is_stored(&cluster, 0, name, &content(n)), "{name}");
    }
}

#[test]
fn w16_empty_files_are_recovered_from_a_storage_of_the_reference() {
    let mut cluster = Cluster::builder().group("group1", 2).start();
    let names = [name_of(0, b"", NewKind::Regular, 1), name_of(0, b"", NewKind::Appender, 2)];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || reference_with_empty_files(&listener, &names));
    for storage in &mut cluster.storages {
        storage.stop();
    }
    lose(&cluster, 1, 0);
    cluster.storages[1].start();
    let peers = &cluster.storages[1].inside().peers;
    let done = wait_for("the recovery to end", || {
        // The tracker tells of another storage, which does not run.
        peers.replace(vec![Peer { id: "10.9.9.9".parse().unwrap(), addr, status: StorageStatus::Active }]);
        Some(progress(&cluster, 1)).filter(|progress| progress.stage == RecoveryStage::Done)
    });
    assert_eq!((done.files, done.missing, done.failed), (2, 0, 0), "{done:?}");
    for name in names {
        assert!(is_stored(&cluster, 1, name.as_str(), b""), "{name}");
    }
}

#[test]
fn the_list_has_the_files_that_are_there_and_damaged_records_do_no_harm() {
    let mut cluster = Cluster::builder().group("group1", 1).store_paths(2).build();
    cluster.trackers[0].start();
    let sync_dir = cluster.storages[0].plan.base_path.join("data/sync");
    fs::create_dir_all(&sync_dir).unwrap();
    let (kept, gone) = (name_of(0, b"kept", NewKind::Regular, 1), name_of(0, b"gone", NewKind::Regular, 2));
    fs::write(sync_dir.join("binlog.000"), format!("5 l \n6 L  {kept}\nrubbish\n7 c {gone}\n")).unwrap();
    cluster.expect_problem("binlog_index.dat is missing");
    cluster.storages[0].start();
    cluster.wait_until_active();
    put(&cluster, &[0], kept, b"kept");
    put(&cluster, &[0], name_of(1, b"other path", NewKind::Regular, 3), b"other path");
    let reply = cluster.to_storage(0).ask(26, &[&padded16("group1")[..], &[0]].concat());
    let RawReply::Closed(answer) = reply else { panic!("{reply:?}") };
    let text = format!("{NOW} c {kept}\n");
    assert_eq!(&answer[..10], &packet_with(100, 0, 1 << 58, b""));
    assert_eq!(&answer[10..10 + text.len()], text.as_bytes());
    assert_eq!(&answer[10 + text.len()..], &(text.len() as i64).to_be_bytes());
    assert_eq!(cluster.to_storage(0).ask(26, &[&padded16("group1")[..], &[2]].concat()).status(), Some(22));
}

/// Characters of the name of a file in a slot.
const IN_SLOT_LEN: usize = 60;

/// Of files in slots whole trunk files come; then new files find their slots, and deletions theirs.
#[test]
fn w19_trunk_files_come_back_with_all_that_is_in_them() {
    let builder = Cluster::builder().group("group1", 2).tracker_key("use_trunk_file", true);
    let builder = builder.tracker_key("trunk_file_size", "4MB").tracker_key("slot_max_size", "64KB");
    let mut cluster = builder.start();
    cluster.expect_problem("small files go on their own");
    // What is deleted while the trunk file comes waits for it.
    cluster.expect_problem("the peer answers 11 EAGAIN");
    (0..2).for_each(|storage| cluster.wait_for_slots(storage));
    let missing = |cluster: &Cluster, storage: usize, name: &str| {
        cluster.to_storage(storage).send(&download(0, 0, "group1", name.as_bytes())).reply().status() == Some(ENOENT)
    };
    let everywhere = |cluster: &Cluster, (name, content): &(String, Vec<u8>)| {
        wait_for(name, || (0..2).all(|storage| is_stored(cluster, storage, name, content)).then_some(()));
    };
    let new_file = |cluster: &Cluster, n: u32| {
        let content = content(n);
        let file = (stored(cluster, n as usize % 2, &content), content);
        assert_eq!(file.0.len(), IN_SLOT_LEN, "{}", file.0);
        file
    };
    let delete = |cluster: &Cluster, storage: usize, (name, _): &(String, Vec<u8>)| {
        let body = [&padded16("group1")[..], name.as_bytes()].concat();
        assert_eq!(cluster.to_storage(storage).ask(12, &body).status(), Some(0), "{name}");
    };
    let mut files: Vec<_> = (0..60).map(|n| new_file(&cluster, n)).collect();
    files.iter().for_each(|file| everywhere(&cluster, file));
    let deleted = files.split_off(50);
    deleted.iter().for_each(|file| delete(&cluster, 0, file));

    cluster.storages[1].stop();
    lose(&cluster, 1, 0);
    cluster.storages[1].start();
    let late = files.pop().unwrap();
    delete(&cluster, 0, &late);
    wait_until_recovered(&cluster, 1);
    (0..2).for_each(|storage| cluster.wait_for_slots(storage));
    files.extend((100..110).map(|n| new_file(&cluster, n)));
    files.iter().for_each(|file| everywhere(&cluster, file));
    for (name, _) in deleted.iter().chain([&late]) {
        wait_for("the deletion to be here", || missing(&cluster, 1, name).then_some(()));
    }
}

/// A trunk file that comes as a whole brings only what is in its slots.
#[test]
fn files_whose_slots_were_taken_come_back_as_the_plain_ones_that_they_are() {
    let builder = Cluster::builder().group("group1", 2).tracker_key("use_trunk_file", true);
    let mut cluster = builder.tracker_key("trunk_file_size", "4MB").tracker_key("slot_max_size", "64KB").start();
    let file = |n: u32, offset: u32| {
        let content = content(n);
        let alloc_size = (content.len() as u32 + 24).next_multiple_of(256);
        let kind = NewKind::Trunk(TrunkPart { id: 7, offset, alloc_size });
        (name_of(0, &content, kind, 7 * n), content)
    };
    // The second one found the slot of the first one taken, and the third one a part of it.
    let files = [file(700, 4096), file(600, 4096), file(20, 4096 + 256), file(500, 8192)];
    for (name, content) in &files {
        put(&cluster, &[0, 1], *name, content);
    }
    cluster.storages[1].stop();
    lose(&cluster, 1, 0);
    cluster.storages[1].start();
    let done = wait_until_recovered(&cluster, 1);
    for storage in 0..2 {
        for (name, content) in &files {
            assert!(is_stored(&cluster, storage, name.as_str(), content), "{name} on {storage}");
        }
        let plain = files.iter().filter(|(name, _)| data(&cluster, storage, 0).join(&name.as_str()[4..]).exists());
        assert_eq!(plain.count(), 2, "each is in one place");
    }
    // The trunk file, once, and two plain ones.
    assert_eq!((done.files, done.missing, done.failed), (3, 0, 0));
}
