//! Appender files, slaves and links, as their users see them, and what they leave in the logs.

use std::collections::BTreeMap;
use std::fs;

use crate::support::{ENOENT, download, id, upload_head, user_files};
use fdfs_proto::Wire;
use fdfs_proto::cmd::storage::{AppendHead, MetaMode, SetMetadataHead, UploadSlaveHead};
use fdfs_testkit::raw::packet;
use fdfs_testkit::{Cluster, RawReply};

const EEXIST: u8 = 17;

fn append(name: &str, content: &[u8]) -> Vec<u8> {
    let head = AppendHead { len: content.len() as u64, name: name.parse().unwrap() };
    packet(24, &[head.to_bytes(), content.to_vec()].concat())
}

fn slave(master: &str, prefix: &str, content: &[u8]) -> Vec<u8> {
    let head = UploadSlaveHead {
        file_size: content.len() as u64,
        prefix: prefix.parse().unwrap(),
        ext: "jpg".parse().unwrap(),
        master: master.parse().unwrap(),
    };
    packet(21, &[head.to_bytes(), content.to_vec()].concat())
}

fn upload(cluster: &Cluster, command: u8, content: &[u8]) -> String {
    let body = [upload_head(0, content.len() as i64, "jpg"), content.to_vec()].concat();
    String::from_utf8(cluster.to_storage(0).ask(command, &body).ok()[16..].to_vec()).unwrap()
}

fn content_of(cluster: &Cluster, name: &str) -> Vec<u8> {
    cluster.to_storage(0).send(&download(0, 0, "group1", name.as_bytes())).reply().ok()
}

fn binlog(cluster: &Cluster) -> Vec<String> {
    let path = cluster.storages[0].plan.base_path.join("data/sync/binlog.000");
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn w09_many_appends_at_once_are_all_there_each_in_one_piece_and_recorded_in_order() {
    const WRITERS: usize = 8;
    const APPENDS: usize = 25;
    let cluster = Cluster::small();
    let name = upload(&cluster, 23, b"");
    // Small ones, and some that are larger than a buffer; each is one byte over and over.
    let piece = |writer: usize, number: usize| {
        let len = if number % 9 == 4 { 300_000 + writer } else { 50 + writer * 10 + number };
        vec![(writer * APPENDS + number) as u8; len]
    };
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (cluster, name) = (&cluster, &name);
            scope.spawn(move || {
                let mut conn = cluster.to_storage(0);
                for number in 0..APPENDS {
                    let _ = conn.send(&append(name, &piece(writer, number))).reply().ok();
                }
            });
        }
    });
    let content = content_of(&cluster, &name);
    let mut expected: BTreeMap<u8, usize> = BTreeMap::new();
    for (writer, number) in (0..WRITERS).flat_map(|writer| (0..APPENDS).map(move |number| (writer, number))) {
        let piece = piece(writer, number);
        expected.insert(piece[0], piece.len());
    }
    assert_eq!(content.len(), expected.values().sum::<usize>());
    let mut at = 0;
    for line in binlog(&cluster).iter().filter(|line| line.contains(" A ")) {
        let columns: Vec<_> = line.split(' ').collect();
        assert_eq!((columns[2], columns[3].parse()), (name.as_str(), Ok(at)), "records stand in the order of the file");
        let end = at + columns[4].parse::<usize>().unwrap();
        let piece = &content[at..end];
        assert!(piece.iter().all(|byte| *byte == piece[0]), "an append was torn");
        assert_eq!(expected.remove(&piece[0]), Some(piece.len()));
        at = end;
    }
    assert!(expected.is_empty(), "lost: {expected:?}");
}

#[test]
fn an_append_that_is_cut_off_changes_nothing() {
    let cluster = Cluster::small();
    let name = upload(&cluster, 23, b"before");
    let whole = append(&name, &vec![b'x'; 500_000]);
    let mut conn = cluster.to_storage(0);
    conn.send(&whole[..400_000]).end_sending();
    assert!(matches!(conn.reply(), RawReply::Closed(rest) if rest.is_empty()));
    assert_eq!(content_of(&cluster, &name), b"before");
    let _ = cluster.to_storage(0).send(&append(&name, b" after")).reply().ok();
    assert_eq!(content_of(&cluster, &name), b"before after");
    assert_eq!(user_files(&cluster, 0).len(), 1, "nothing is left of it");
}

#[test]
fn a_slow_client_holds_up_no_other_append_to_its_file() {
    let cluster = Cluster::small();
    let name = upload(&cluster, 23, b"");
    let whole = append(&name, &vec![b'x'; 500_000]);
    let mut slow = cluster.to_storage(0);
    slow.send(&whole[..450_000]);
    let _ = cluster.to_storage(0).send(&append(&name, b"quick ")).reply().ok();
    assert_eq!(content_of(&cluster, &name), b"quick ");
    let _ = slow.send(&whole[450_000..]).reply().ok();
    assert_eq!(content_of(&cluster, &name).len(), 500_006);
}

#[test]
fn w15_of_uploads_of_one_slave_at_the_same_time_one_wins() {
    let cluster = Cluster::small();
    let master = upload(&cluster, 11, b"master");
    for round in 0..10 {
        let prefix = format!("_{round}");
        let statuses: Vec<_> = std::thread::scope(|scope| {
            let tasks: Vec<_> = (0..4u8)
                .map(|who| {
                    let (cluster, request) = (&cluster, slave(&master, &prefix, &vec![who; 300_000]));
                    scope.spawn(move || (who, cluster.to_storage(0).send(&request).reply()))
                })
                .collect();
            tasks.into_iter().map(|task| task.join().unwrap()).collect()
        });
        let (won, lost): (Vec<_>, Vec<_>) = statuses.iter().partition(|(_, reply)| reply.status() == Some(0));
        assert_eq!(won.len(), 1, "{statuses:?}");
        assert!(lost.iter().all(|(_, reply)| reply.status() == Some(EEXIST)), "{statuses:?}");
        let RawReply::Whole { body, .. } = &won[0].1 else { panic!("{statuses:?}") };
        let name = String::from_utf8(body[16..].to_vec()).unwrap();
        assert!(content_of(&cluster, &name).iter().all(|byte| *byte == won[0].0));
        assert_eq!(binlog(&cluster).iter().filter(|line| line.ends_with(&name)).count(), 1);
    }
    assert_eq!(user_files(&cluster, 0).len(), 11);
}

#[test]
fn w42_slaves_that_are_links_have_whole_records_and_go_with_their_content() {
    let cluster = Cluster::builder().group("group1", 1).tracker_key("store_slave_file_use_link", 1).start();
    let master = upload(&cluster, 11, b"master");
    let reply = cluster.to_storage(0).send(&slave(&master, "_thumb", b"thumb")).reply().ok();
    let name = String::from_utf8(reply[16..].to_vec()).unwrap();
    assert_eq!(content_of(&cluster, &name), b"thumb");
    let data = cluster.storages[0].plan.store_paths[0].join("data");
    let target = fs::read_link(data.join(&name[4..])).unwrap();
    let target = format!("M00/{}", target.strip_prefix(&data).unwrap().display());
    let lines = binlog(&cluster);
    assert!(
        lines[1].ends_with(&format!(" C {target}")) && lines[2].ends_with(&format!(" L {name} {target}")),
        "{lines:?}"
    );
    let _ = cluster.to_storage(0).ask(12, &id("group1", name.as_bytes())).ok();
    let lines = binlog(&cluster);
    assert!(lines[3].ends_with(&format!(" D {target}")) && lines[4].ends_with(&format!(" D {name}")), "{lines:?}");
    assert_eq!(user_files(&cluster, 0).len(), 1, "only the master is left");
}

#[test]
fn w13_metadata_follow_a_file_that_gets_a_regular_name() {
    let cluster = Cluster::small();
    let old = upload(&cluster, 23, b"content");
    let file = fdfs_proto::file_id::FileId { group: "group1".parse().unwrap(), name: old.parse().unwrap() };
    let head = SetMetadataHead { metadata_len: 3, mode: MetaMode::Overwrite, file };
    let _ = cluster.to_storage(0).ask(13, &[&head.to_bytes()[..], b"k\x02v"].concat()).ok();
    let reply = cluster.to_storage(0).ask(38, old.as_bytes()).ok();
    let new = String::from_utf8(reply[16..].to_vec()).unwrap();
    assert_eq!(cluster.to_storage(0).ask(15, &id("group1", new.as_bytes())).ok(), b"k\x02v");
    assert_eq!(cluster.to_storage(0).ask(15, &id("group1", old.as_bytes())).status(), Some(ENOENT));
    let lines = binlog(&cluster);
    let last: Vec<_> = lines[2..].iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    assert_eq!(last, [format!("R {new} {old}"), format!("C {new}-m"), format!("D {old}-m")]);
}

#[test]
fn every_kind_of_request_is_counted_and_stands_in_the_access_log() {
    let mut cluster = Cluster::builder().group("group1", 1).storage_key("access-log.enabled", true).start();
    let master = upload(&cluster, 11, b"master");
    let name = upload(&cluster, 23, b"0123");
    let mut conn = cluster.to_storage(0);
    let reply = conn.send(&slave(&master, "_s", b"slave")).reply().ok();
    let slave_name = String::from_utf8(reply[16..].to_vec()).unwrap();
    let length = (name.len() as u64).to_be_bytes();
    let _ = conn.send(&append(&name, b"4567")).reply().ok();
    let modify = [&length[..], &2u64.to_be_bytes(), &2u64.to_be_bytes(), name.as_bytes(), b"xx"].concat();
    let _ = conn.ask(34, &modify).ok();
    let _ = conn.ask(36, &[&length[..], &3u64.to_be_bytes(), name.as_bytes()].concat()).ok();
    let reply = conn.ask(38, name.as_bytes()).ok();
    let new = String::from_utf8(reply[16..].to_vec()).unwrap();
    let storage = cluster.storages[0].server().storage();
    let stat = storage.stats.snapshot(fdfs_proto::shared::ConnectionCounts::default());
    let counts = [stat.upload_count, stat.append_count, stat.modify_count, stat.truncate_count];
    assert_eq!(counts.map(|count| (count.total, count.success)), [(3, 3), (1, 1), (1, 1), (1, 1)]);
    assert_eq!((stat.upload_bytes.success, stat.append_bytes.success, stat.modify_bytes.success), (15, 4, 2));
    cluster.storages[0].stop();
    let log = fs::read_to_string(cluster.storages[0].plan.base_path.join("logs/storage_access.log")).unwrap();
    let actions: Vec<_> = log.lines().skip(1).map(|line| line.split(' ').collect::<Vec<_>>()[3..6].join(" ")).collect();
    assert_eq!(
        actions,
        [
            format!("upload {master} 0"),
            format!("upload {name} 0"),
            format!("upload {slave_name} 0"),
            format!("append {name} 0"),
            format!("modify {name} 0"),
            format!("truncate {name} 0"),
            format!("rename {name}=>{new} 0"),
        ]
    );
}
